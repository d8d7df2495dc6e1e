//! Looking at ledgers through each of their bookies, for who looks after a cluster. Nobody is fenced, nothing is changed.

mod copies;
mod outlook;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::BookKeeper;
use crate::codec::EntryCodec;
use crate::error::{ErrorKind, Result};
use crate::metadata::LedgerMetadata;
use crate::protocol::{Priority, ReadMode, ReadRequest, Request, Response};
use crate::types::{BookieId, EntryId, LedgerId};

pub use copies::{Copies, CopyFault, CopyProblem, EntryRun, EntryState, Fragment};
pub use outlook::{Obstacle, Outlook};

impl BookKeeper {
    /// What a recovery of a ledger would find now.
    ///
    /// # Errors
    /// `no-such-ledger`, and those of the metadata store. Bookies that do not answer are part of the answer.
    pub async fn outlook(&self, id: LedgerId) -> Result<Outlook> {
        let metadata = self.metadata(id).await?.metadata;
        Ok(outlook::Look { cluster: &self.0, ledger: id, metadata: &metadata }.outlook().await)
    }

    /// Which copies of a fragment are as they were written: of each bookie that is in `registered` its first and its last
    /// entry there, or every one.
    pub async fn copies(
        &self,
        id: LedgerId,
        metadata: &LedgerMetadata,
        fragment: &Fragment,
        registered: &BTreeSet<BookieId>,
        every_entry: bool,
    ) -> Copies {
        copies::look(&self.0, id, metadata, fragment, registered, every_entry).await
    }
}

/// What one bookie says of an entry.
enum Copy {
    /// With a payload of so many bytes.
    Good(usize),
    Missing,
    Damaged,
}

/// Asks a bookie for an entry.
fn request(ledger: LedgerId, entry: EntryId) -> Request {
    let (mode, priority) = (ReadMode::Plain, Priority::Normal);
    Request::Read(ReadRequest { ledger, entry: Some(entry), mode, priority })
}

/// What the answer says of the entry.
///
/// # Errors
/// Why it says nothing.
fn judge(
    codec: &EntryCodec,
    ledger: LedgerId,
    entry: EntryId,
    answer: Result<Response>,
) -> std::result::Result<Copy, String> {
    match answer {
        Ok(Response::Read(found)) => {
            let opened = codec.open(ledger, Some(entry), &found.body.unwrap_or_default());
            Ok(opened.map_or(Copy::Damaged, |entry| Copy::Good(entry.payload.len())))
        }
        Ok(_) => Err("it answers something else".to_owned()),
        Err(error) if matches!(error.kind(), ErrorKind::NoSuchEntry | ErrorKind::NoSuchLedger) => {
            Ok(Copy::Missing)
        }
        Err(error) => Err(error.message().to_owned()),
    }
}
