//! Errors of the cluster, with the kinds and exit codes of every command.

use dl_bookkeeper::{Error as ClusterError, ErrorKind as ClusterErrorKind};
use dl_core::{Error, ErrorKind};

use crate::cli::failure::Failure;

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        Self::Error(same(error))
    }
}

/// The error that says the same.
fn same(error: ClusterError) -> Error {
    let mut same = Error::new(kind(error.kind()), error.message().to_owned()).retry(error.is_retryable());
    if error.may_have_taken_effect() {
        same = same.maybe_effective();
    }
    if let Some(ledger) = error.ledger() {
        same = same.with("ledger", ledger);
    }
    if let Some(entry) = error.entry() {
        same = same.with("entry", entry);
    }
    if let Some(bookie) = error.bookie() {
        same = same.with("bookie", bookie);
    }
    same.caused_by(error)
}

fn kind(kind: ClusterErrorKind) -> ErrorKind {
    match kind {
        ClusterErrorKind::InvalidArgument => ErrorKind::InvalidArgument,
        ClusterErrorKind::NoSuchLedger | ClusterErrorKind::NoSuchEntry => ErrorKind::NotFound,
        ClusterErrorKind::LedgerExists => ErrorKind::AlreadyExists,
        ClusterErrorKind::LedgerFenced => ErrorKind::Fenced,
        ClusterErrorKind::Unauthorized => ErrorKind::PermissionDenied,
        ClusterErrorKind::Security => ErrorKind::Unauthenticated,
        ClusterErrorKind::Unsupported | ClusterErrorKind::UnsupportedVersion => ErrorKind::Unsupported,
        ClusterErrorKind::TooLarge => ErrorKind::TooLarge,
        ClusterErrorKind::DigestMismatch | ClusterErrorKind::Corrupt => ErrorKind::Corrupt,
        ClusterErrorKind::Timeout => ErrorKind::Timeout,
        ClusterErrorKind::Busy => ErrorKind::Busy,
        ClusterErrorKind::LedgerClosed | ClusterErrorKind::Closed => ErrorKind::Closed,
        ClusterErrorKind::ReadOnlyBookie
        | ClusterErrorKind::BookieOverloaded
        | ClusterErrorKind::UnknownLedgerState
        | ClusterErrorKind::BookieFailed
        | ClusterErrorKind::Unavailable
        | ClusterErrorKind::NotEnoughBookies
        | ClusterErrorKind::MetadataConflict
        | ClusterErrorKind::MetadataStore
        | ClusterErrorKind::RecoveryFailed => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    }
}
