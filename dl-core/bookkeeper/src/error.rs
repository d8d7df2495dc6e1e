//! The one error type of this crate: what happened, at which bookie, and what the caller may do next.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::types::{BookieId, EntryId, LedgerId};

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument cannot be right, whatever the state of the cluster.
    InvalidArgument,
    /// The ledger does not exist, or this bookie never heard of it.
    NoSuchLedger,
    /// The ledger has no such entry, or this bookie does not have it.
    NoSuchEntry,
    /// A ledger with this id exists already.
    LedgerExists,
    /// Another client fenced the ledger: its writer is cut off for good.
    LedgerFenced,
    /// The ledger is closed and takes no more entries.
    LedgerClosed,
    /// The ledger's password or the credentials are not what the other side expects.
    Unauthorized,
    /// The bookie takes no new entries.
    ReadOnlyBookie,
    /// The bookie has more to do than it accepts.
    BookieOverloaded,
    /// The bookie may have lost entries of this ledger and says neither yes nor no.
    UnknownLedgerState,
    /// The bookie could not read or write its disks, or refused without saying more.
    BookieFailed,
    /// The bookie did not understand the request.
    BadRequest,
    /// The bookie does not speak this version of the protocol.
    UnsupportedVersion,
    /// The protocol in use, or this build, cannot do it.
    Unsupported,
    /// An entry, frame or metadata is over its limit.
    TooLarge,
    /// Bytes of an entry or a LAC are not what their digest says.
    DigestMismatch,
    /// Stored metadata or a bookie's answer cannot be understood.
    Corrupt,
    /// No answer came in time.
    Timeout,
    /// The bookie cannot be reached, or the connection broke.
    Unavailable,
    /// The budget for requests in flight is used up; the request was not sent.
    Busy,
    /// The handle was closed.
    Closed,
    /// There are too few bookies for the quorums asked for.
    NotEnoughBookies,
    /// The ledger's metadata was changed by another client meanwhile.
    MetadataConflict,
    /// The metadata store failed.
    MetadataStore,
    /// A ledger could not be recovered; it stays in recovery and may be tried again.
    RecoveryFailed,
    /// TLS could not be agreed on, or the bookie's certificate is not to be trusted.
    Security,
    /// A bug of ours.
    Internal,
}

impl ErrorKind {
    /// The code that BookKeeper's Java client uses for it (`BKException.Code`), for those who compare or report codes.
    #[must_use]
    pub const fn java_code(self) -> i32 {
        match self {
            Self::NotEnoughBookies => -6,
            Self::NoSuchLedger => -7,
            Self::Unavailable => -8,
            Self::RecoveryFailed => -10,
            Self::LedgerClosed => -11,
            Self::NoSuchEntry => -13,
            Self::InvalidArgument | Self::TooLarge => -14,
            Self::UnsupportedVersion => -16,
            Self::MetadataConflict => -17,
            Self::MetadataStore => -18,
            Self::Closed => -19,
            Self::LedgerExists => -20,
            Self::Timeout => -23,
            Self::Security => -24,
            Self::DigestMismatch => -5,
            Self::BookieFailed | Self::BadRequest => -12,
            Self::Unsupported => -100,
            Self::LedgerFenced => -101,
            Self::Unauthorized => -102,
            Self::ReadOnlyBookie => -104,
            Self::BookieOverloaded | Self::Busy => -105,
            Self::Corrupt => -107,
            Self::UnknownLedgerState => -108,
            Self::Internal => -999,
        }
    }

    /// A stable name, lower case with hyphens: `ledger-fenced`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid-argument",
            Self::NoSuchLedger => "no-such-ledger",
            Self::NoSuchEntry => "no-such-entry",
            Self::LedgerExists => "ledger-exists",
            Self::LedgerFenced => "ledger-fenced",
            Self::LedgerClosed => "ledger-closed",
            Self::Unauthorized => "unauthorized",
            Self::ReadOnlyBookie => "read-only-bookie",
            Self::BookieOverloaded => "bookie-overloaded",
            Self::UnknownLedgerState => "unknown-ledger-state",
            Self::BookieFailed => "bookie-failed",
            Self::BadRequest => "bad-request",
            Self::UnsupportedVersion => "unsupported-version",
            Self::Unsupported => "unsupported",
            Self::TooLarge => "too-large",
            Self::DigestMismatch => "digest-mismatch",
            Self::Corrupt => "corrupt",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::Busy => "busy",
            Self::Closed => "closed",
            Self::NotEnoughBookies => "not-enough-bookies",
            Self::MetadataConflict => "metadata-conflict",
            Self::MetadataStore => "metadata-store",
            Self::RecoveryFailed => "recovery-failed",
            Self::Security => "security",
            Self::Internal => "internal",
        }
    }

    /// Whether the same call may succeed later without anyone changing it.
    const fn retryable(self) -> bool {
        matches!(
            self,
            Self::BookieOverloaded
                | Self::BookieFailed
                | Self::ReadOnlyBookie
                | Self::UnknownLedgerState
                | Self::Timeout
                | Self::Unavailable
                | Self::Busy
                | Self::NotEnoughBookies
                | Self::MetadataConflict
                | Self::MetadataStore
                | Self::RecoveryFailed
        )
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What went wrong, to what, and what to do next. Cheap to clone.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    bookie: Option<BookieId>,
    ledger: Option<LedgerId>,
    entry: Option<EntryId>,
    retryable: bool,
    may_have_taken_effect: bool,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind. The message says what happened and what to do next, without the kind's name.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            bookie: None,
            ledger: None,
            entry: None,
            retryable: kind.retryable(),
            may_have_taken_effect: false,
            source: None,
        }))
    }

    /// Names the bookie; the first name stays.
    #[must_use]
    pub fn at_bookie(self, bookie: &BookieId) -> Self {
        self.edit(|inner| {
            inner.bookie.get_or_insert_with(|| bookie.clone());
        })
    }

    /// Names the ledger; the first name stays.
    #[must_use]
    pub fn of_ledger(self, ledger: LedgerId) -> Self {
        self.edit(|inner| {
            inner.ledger.get_or_insert(ledger);
        })
    }

    /// Names the entry; the first name stays.
    #[must_use]
    pub fn of_entry(self, entry: EntryId) -> Self {
        self.edit(|inner| {
            inner.entry.get_or_insert(entry);
        })
    }

    /// Attaches the cause.
    #[must_use]
    pub fn caused_by(self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.edit(|inner| inner.source = Some(Arc::new(source)))
    }

    /// States that the request could have taken effect although it failed: it was sent, at least in part.
    #[must_use]
    pub fn maybe_effective(self) -> Self {
        self.edit(|inner| inner.may_have_taken_effect = true)
    }

    /// Overrides whether a retry of the same call may succeed.
    #[must_use]
    pub fn retry(self, retryable: bool) -> Self {
        self.edit(|inner| inner.retryable = retryable)
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What happened and what to do next.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The bookie it happened at, if any.
    #[must_use]
    pub fn bookie(&self) -> Option<&BookieId> {
        self.0.bookie.as_ref()
    }

    /// The ledger it happened to, if any.
    #[must_use]
    pub fn ledger(&self) -> Option<LedgerId> {
        self.0.ledger
    }

    /// The entry it happened to, if any.
    #[must_use]
    pub fn entry(&self) -> Option<EntryId> {
        self.0.entry
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Whether the request could have taken effect although it failed.
    #[must_use]
    pub fn may_have_taken_effect(&self) -> bool {
        self.0.may_have_taken_effect
    }

    fn edit(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, message, bookie, ledger, entry, .. } = &*self.0;
        write!(f, "{kind}: {message}")?;
        let places = [
            bookie.as_ref().map(|bookie| format!("bookie: {bookie}")),
            ledger.map(|ledger| format!("ledger: {ledger}")),
            entry.map(|entry| format!("entry: {entry}")),
        ];
        let places: Vec<String> = places.into_iter().flatten().collect();
        if places.is_empty() { Ok(()) } else { write!(f, " [{}]", places.join(", ")) }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            write!(f, "; caused by: {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

/// Shorthand constructors for the kinds that this crate raises.
macro_rules! constructors {
    ($($name:ident => $kind:ident;)*) => {
        impl Error {
            $(pub(crate) fn $name(message: impl Into<Cow<'static, str>>) -> Self {
                Self::new(ErrorKind::$kind, message)
            })*
        }
    };
}

constructors! {
    invalid_argument => InvalidArgument;
    corrupt => Corrupt;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_kind_and_place() {
        let bookie = BookieId::new("bk1:3181").unwrap();
        let error = Error::new(ErrorKind::LedgerFenced, "another client owns the ledger")
            .at_bookie(&bookie)
            .of_ledger(LedgerId::new(7).unwrap())
            .of_entry(EntryId::new(3).unwrap())
            .of_entry(EntryId::new(4).unwrap());
        let text = "ledger-fenced: another client owns the ledger [bookie: bk1:3181, ledger: 7, entry: 3]";
        assert_eq!(error.to_string(), text);
        assert!(!error.is_retryable() && !error.may_have_taken_effect());
        assert_eq!(error.kind().java_code(), -101);
    }
}
