//! Reading a ledger: its entries, how far it is confirmed, and what comes next.

mod entry;
mod last;
mod pieces;
mod range;
mod replicas;
mod tail;
#[cfg(test)]
mod tests;

pub use last::{LastConfirmed, LastOutput, LastToken};
pub use range::{Reading, ReadingOutput, ReadingToken};
pub use replicas::Replicas;
pub use tail::{Tail, TailOutput, TailToken};

/// How ledgers are read.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions {
    /// After how long without an answer the next replica is asked too. Default 200 ms; 0: only after an error.
    pub speculate_ms: u64,
    /// Ask all replicas at once and take the first good answer. Default no.
    pub parallel: bool,
    /// How many entries are asked for ahead of the one that is next. Default 64.
    pub entries_ahead: usize,
    /// Ask for many entries with one request where every bookie has every entry. Default yes; it needs version 2 of the
    /// protocol and bookies from 4.17 on; where it fails entries are read one by one, and after three times for good.
    pub batches: bool,
    /// Keep to one bookie while it is well, where every bookie has every entry: its read-ahead then helps. Default yes.
    pub sticky: bool,
    /// For how long a bookie that was slow or failed is asked last. Default 10 s.
    pub avoid_ms: u64,
    /// How long a bookie holds a question for what comes next. Default 5 s.
    pub poll_ms: u64,
    /// For how long bookies are asked again where too few answered well: one may be starting anew, or may have died just
    /// now. Default 3 s. They are asked twice at least: another may have been silent for longer than that.
    pub retry_ms: u64,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            speculate_ms: 200,
            parallel: false,
            entries_ahead: 64,
            batches: true,
            sticky: true,
            avoid_ms: 10_000,
            poll_ms: 5_000,
            retry_ms: 3_000,
        }
    }
}
