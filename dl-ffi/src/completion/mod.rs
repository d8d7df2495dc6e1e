//! Calls in flight, and the ways to hear that they are done.

pub(crate) mod begin;
pub(crate) mod call;
pub(crate) mod callback;
pub(crate) mod queue;
mod running;
pub(crate) mod take;
#[cfg(test)]
mod tests;
pub(crate) mod turns;
