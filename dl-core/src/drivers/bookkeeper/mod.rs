//! Namespaces on a BookKeeper cluster, shared with Java's DistributedLog: metadata in ZooKeeper.

mod metadata;
#[cfg(test)]
mod tests;
