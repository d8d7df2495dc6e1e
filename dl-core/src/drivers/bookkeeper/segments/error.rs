//! Errors of the cluster's client, as the callers of a namespace know them.

use dl_bookkeeper::{Error as ClusterError, ErrorKind as ClusterErrorKind};

use crate::error::{Error, ErrorKind};
use crate::types::SegmentId;

/// The error that says the same of a segment.
pub(super) fn of_segment(error: ClusterError, id: SegmentId) -> Error {
    from_bookies(error).with("segment_id", id)
}

/// The same, before there is a segment.
pub(super) fn from_bookies(error: ClusterError) -> Error {
    let kind = kind(error.kind());
    let message = match kind {
        ErrorKind::NotFound => "the segment does not exist; it may have been deleted",
        ErrorKind::Fenced => "another writer owns the log; open a new writer to go on",
        _ => "",
    };
    let message = if message.is_empty() { error.message().to_owned() } else { message.to_owned() };
    let mut same = Error::new(kind, message).retry(error.is_retryable());
    if let Some(entry) = error.entry() {
        same = same.with("entry", entry);
    }
    if let Some(bookie) = error.bookie() {
        same = same.with("bookie", bookie);
    }
    if error.may_have_taken_effect() {
        same = same.maybe_effective();
    }
    same.caused_by(error)
}

/// The error of whoever is no longer the writer of a log.
pub(super) fn overtaken() -> Error {
    Error::fenced("another writer owns the log; open a new writer to go on")
}

fn kind(kind: ClusterErrorKind) -> ErrorKind {
    match kind {
        ClusterErrorKind::NoSuchLedger => ErrorKind::NotFound,
        ClusterErrorKind::LedgerFenced | ClusterErrorKind::LedgerClosed => ErrorKind::Fenced,
        ClusterErrorKind::LedgerExists => ErrorKind::AlreadyExists,
        ClusterErrorKind::Unauthorized => ErrorKind::PermissionDenied,
        ClusterErrorKind::Security => ErrorKind::Unauthenticated,
        // An entry that is committed and that no bookie has is as lost as one whose bytes are wrong.
        ClusterErrorKind::DigestMismatch | ClusterErrorKind::Corrupt | ClusterErrorKind::NoSuchEntry => {
            ErrorKind::Corrupt
        }
        ClusterErrorKind::TooLarge => ErrorKind::TooLarge,
        ClusterErrorKind::InvalidArgument => ErrorKind::InvalidArgument,
        ClusterErrorKind::Unsupported | ClusterErrorKind::UnsupportedVersion => ErrorKind::Unsupported,
        ClusterErrorKind::Closed => ErrorKind::Closed,
        ClusterErrorKind::ReadOnlyBookie
        | ClusterErrorKind::BookieOverloaded
        | ClusterErrorKind::BookieFailed
        | ClusterErrorKind::UnknownLedgerState
        | ClusterErrorKind::Timeout
        | ClusterErrorKind::Unavailable
        | ClusterErrorKind::Busy
        | ClusterErrorKind::NotEnoughBookies
        | ClusterErrorKind::MetadataConflict
        | ClusterErrorKind::MetadataStore
        | ClusterErrorKind::RecoveryFailed => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    }
}
