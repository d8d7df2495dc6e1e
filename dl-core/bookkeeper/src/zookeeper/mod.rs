//! ZooKeeper, where a cluster keeps what its clients share.
//!
//! [`ZooKeeper`] is a session that is kept: it goes on over lost connections, and when the servers ended it another takes
//! its place. What is built on it are [`ZooKeeperLedgers`] and [`ZooKeeperBookies`].
#![allow(
    clippy::disallowed_methods,
    reason = "the client of ZooKeeper runs on tokio's tasks and timers by itself: no simulator reaches below this"
)]

mod bookies;
mod calls;
mod errors;
mod ledgers;
mod nodes;
mod session;
#[cfg(test)]
mod tests;
mod watches;

pub use bookies::ZooKeeperBookies;
pub use ledgers::ZooKeeperLedgers;
pub use nodes::{Applied, NodeChange, NodeMode, NodeRefusal, NodeState};
pub use session::{ZooKeeper, ZooKeeperOptions};
