//! Changes of a ledger's metadata.

use super::quorum::{entry_id, last_of};
use crate::error::{Error, ErrorKind, Result};
use crate::metadata::{LedgerMetadata, LedgerState};
use crate::types::BookieId;

/// The metadata with entries from `first` on at these bookies.
///
/// # Errors
/// `internal` if older entries would move too: those before the last ensemble's first are acknowledged.
pub(super) fn with_ensemble(
    metadata: &LedgerMetadata,
    first: u64,
    bookies: Vec<BookieId>,
) -> Result<LedgerMetadata> {
    let first = entry_id(first);
    if first < metadata.last_ensemble().0 {
        let message = format!("an ensemble from entry {first} on would lie before the last one");
        return Err(Error::new(ErrorKind::Internal, message));
    }
    let mut changed = changed(metadata);
    changed.set_ensemble(first, bookies)?;
    Ok(changed)
}

/// The metadata of the ledger while it is being recovered.
pub(super) fn in_recovery(metadata: &LedgerMetadata) -> LedgerMetadata {
    in_state(metadata, LedgerState::InRecovery)
}

/// The metadata of the ledger closed after so many entries with so many bytes of payload.
pub(super) fn closed(metadata: &LedgerMetadata, entries: u64, length: u64) -> LedgerMetadata {
    in_state(metadata, end(entries, length))
}

/// Whether the ledger is closed after exactly so many entries.
pub(super) fn ends_at(metadata: &LedgerMetadata, entries: u64, length: u64) -> bool {
    metadata.state == end(entries, length)
}

fn end(entries: u64, length: u64) -> LedgerState {
    LedgerState::Closed { last_entry: last_of(entries), length }
}

fn in_state(metadata: &LedgerMetadata, state: LedgerState) -> LedgerMetadata {
    let mut changed = changed(metadata);
    changed.state = state;
    changed
}

/// The creation token names what was created, not what became of it.
fn changed(metadata: &LedgerMetadata) -> LedgerMetadata {
    let mut changed = metadata.clone();
    changed.creation_token = 0;
    changed
}
