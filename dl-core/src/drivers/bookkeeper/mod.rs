//! Namespaces on a BookKeeper cluster, shared with Java's DistributedLog: metadata in ZooKeeper, segments in ledgers.

mod metadata;
mod segments;
#[cfg(test)]
mod tests;
