//! Ledgers: writing, recovering and reading them.

mod access;
mod adds;
mod plans;
mod quorum;
mod reading;
mod recovery;
mod ring;
#[cfg(test)]
pub(crate) mod sim;
#[cfg(test)]
pub(crate) mod testing;
mod update;
mod writer;

pub use access::Access;
pub use adds::AddTarget;
pub(crate) use quorum::{PlaceSet, covered, entries_to, entry_id, last_of};
pub use reading::{
    LastConfirmed, LastOutput, LastToken, ReadOptions, Reading, ReadingOutput, ReadingToken, Replicas, Tail,
    TailOutput, TailToken,
};
pub use recovery::{Recovery, RecoveryOptions, RecoveryOutput, RecoveryToken};
pub use update::{MetadataAnswer, MetadataCall};
pub use writer::{Writer, WriterOptions, WriterOutput, WriterToken};
