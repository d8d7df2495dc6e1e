//! What the clients of a cluster share: the metadata of its ledgers, and which bookies there are.

mod bookies;
mod ledgers;
mod memory;

pub use bookies::{BookieRegistry, RegisteredBookie};
pub use ledgers::{LedgerStore, Version, Versioned, Watch, Written};
pub use memory::MemoryCluster;
