//! The write path: from an append to its receipt.
//!
//! A record goes through these, in order: [`core`] finds room for it ([`room`]) and puts it into the [`pipeline`], which
//! encodes it into the newest entry of its [`queue`]. The segment store takes entries when it is ready for them; the pipeline
//! gives each its place in the [`current`] segment, and when the store says how the entry ended, it completes the
//! [`ticket`]s. Beside that path, a task called the [`keeper`] starts, rolls and completes segments, and watches that the
//! writer still owns its log.

mod core;
mod current;
mod hooks;
mod keeper;
mod pipeline;
mod places;
mod queue;
mod room;
mod sweeper;
#[cfg(test)]
mod tests;
mod ticket;

pub(crate) use core::WriterCore;
#[cfg(test)]
pub(crate) use hooks::{Hooks, NextEntry};
pub(crate) use keeper::open;
pub(crate) use places::{Places, Run};
pub(crate) use queue::Appended;
pub use queue::Condition;
pub(crate) use room::{Budget, Usage};
pub(crate) use ticket::{EntryCompletion, Placed, WaiterSlot};
