//! The one error type: what happened to what, and what the caller may do next.

mod kind;
mod text;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::types::Dlsn;
pub use kind::ErrorKind;
use text::shortened;
pub(crate) use text::{plain, quoted};

/// A message has no more bytes than this. Options are told by name in one, all of them.
const MESSAGE_BYTES: usize = 2_048;

/// Nor has a value of the context: a path fits.
pub(crate) const CONTEXT_BYTES: usize = 4_096;

/// The bytes of a value of the context in the text of an error. Whoever needs all of it asks for the value.
const SHOWN_BYTES: usize = 256;

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, to what, and what to do next.
///
/// Cheap to clone: the error that poisons a writer is the one every later call returns.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    number: u16,
    message: Cow<'static, str>,
    operation: Option<&'static str>,
    context: Vec<(&'static str, String)>,
    dlsn: Option<Dlsn>,
    retryable: bool,
    may_have_taken_effect: bool,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind. The message says what happened to what and what to do next, without the kind's name; of one over
    /// 2 KiB the middle is left out. Control characters in it, and what turns the direction of text around, are written out, such as
    /// `\n` and `\u{1b}`: it may repeat what others chose.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner {
            kind,
            number: kind.number(),
            message: plain(message.into(), MESSAGE_BYTES),
            operation: None,
            context: Vec::new(),
            dlsn: None,
            retryable: kind.retryable(),
            may_have_taken_effect: false,
            source: None,
        }))
    }

    /// An error received by number, from a peer that may be newer: an unknown number reads as
    /// [`ErrorKind::Internal`] with [`Error::number`] kept.
    pub fn from_number(number: u16, message: impl Into<Cow<'static, str>>) -> Self {
        let kind = ErrorKind::from_number(number).unwrap_or(ErrorKind::Internal);
        Self::new(kind, message).edit(|inner| inner.number = number)
    }

    /// Adds a pair to the context, such as `("log", name)`; the first value of a key stays. Of a value over 4 KiB the middle is
    /// left out; control characters are written out as in the message. The text of the error shows up to 256 bytes of it.
    #[must_use]
    pub fn with(self, key: &'static str, value: impl fmt::Display) -> Self {
        let value = plain(value.to_string().into(), CONTEXT_BYTES).into_owned();
        self.edit(|inner| {
            if !inner.context.iter().any(|(known, _)| *known == key) {
                inner.context.push((key, value));
            }
        })
    }

    /// Says in which segment of its log it happened. What the store calls that segment stays as `segment_id`.
    pub(crate) fn in_segment(self, number: i64) -> Self {
        let number = number.to_string();
        self.edit(|inner| {
            let known = |key| inner.context.iter().position(|(known, _)| *known == key);
            match (known("segment"), known("segment_id")) {
                (Some(at), None) if inner.context[at].1 != number => {
                    inner.context[at].0 = "segment_id";
                    inner.context.push(("segment", number));
                }
                (Some(_), _) => {}
                (None, _) => inner.context.push(("segment", number)),
            }
        })
    }

    /// Names the call that failed, such as `append`: the outermost one, which is that of the user, has the last word.
    #[must_use]
    pub fn during(self, operation: &'static str) -> Self {
        self.edit(|inner| inner.operation = Some(operation))
    }

    /// Attaches the position the error speaks of: the first readable one for `truncated`, the actual last one
    /// for `condition-failed`.
    #[must_use]
    pub fn at(self, dlsn: Dlsn) -> Self {
        self.edit(|inner| inner.dlsn = Some(dlsn))
    }

    /// Attaches the cause.
    #[must_use]
    pub fn caused_by(self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.edit(|inner| inner.source = Some(Arc::new(source)))
    }

    /// States that the operation could have taken effect although it failed.
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

    /// The number: that of the kind, or the one received if this build does not know it.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.0.number
    }

    /// What happened and what to do next.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The operation that failed, if named.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// What the operation was about: `log`, `segment`, `entry`, `file`, `offset`, `owner`, ….
    pub fn context(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.context.iter().map(|(key, value)| (*key, value.as_str()))
    }

    /// One value of the context.
    #[must_use]
    pub fn context_value(&self, key: &str) -> Option<&str> {
        self.context().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// The position the error speaks of, if any.
    #[must_use]
    pub fn dlsn(&self) -> Option<Dlsn> {
        self.0.dlsn
    }

    /// The writer that holds the log, or the reader that holds the cursor, for `fenced` and `locked`, where known.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.context_value("owner")
    }

    /// Whether the same call, on the same handle, may succeed later. Never for the error that ended a writer, whatever its
    /// kind: the way on is a new writer.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Whether the operation could have taken effect although it failed.
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
        write!(f, "{}", self.0.kind)?;
        if let Some(operation) = self.0.operation {
            write!(f, " ({operation})")?;
        }
        write!(f, ": {}", self.0.message)?;
        let mut separator = " [";
        for (key, value) in &self.0.context {
            write!(f, "{separator}{key}: {}", shortened(value.into(), SHOWN_BYTES))?;
            separator = ", ";
        }
        if let Some(dlsn) = self.0.dlsn {
            write!(f, "{separator}dlsn: {dlsn}")?;
            separator = ", ";
        }
        if separator == ", " {
            f.write_str("]")?;
        }
        Ok(())
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

/// Shorthand constructors for the kinds that the core itself raises.
macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $kind:ident;)*) => {
        impl Error {
            $($(#[$doc])*
            pub(crate) fn $name(message: impl Into<Cow<'static, str>>) -> Self {
                Self::new(ErrorKind::$kind, message)
            })*
        }
    };
}

constructors! {
    invalid_argument => InvalidArgument;
    not_found => NotFound;
    already_exists => AlreadyExists;
    fenced => Fenced;
    sealed => Sealed;
    truncated => Truncated;
    condition_failed => ConditionFailed;
    too_large => TooLarge;
    closed => Closed;
    timeout => Timeout;
    unavailable => Unavailable;
    storage_full => StorageFull;
    corrupt => Corrupt;
    unsupported => Unsupported;
    locked => Locked;
    internal => Internal;
    busy => Busy;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_number_is_internal_and_kept() {
        let error = Error::from_number(99, "from the future");
        assert_eq!((error.kind(), error.number()), (ErrorKind::Internal, 99));
    }

    #[test]
    fn the_text_names_kind_operation_and_context() {
        let error = Error::fenced("another writer owns the log; open a new writer to go on")
            .during("append_after")
            .during("append")
            .with("log", "a/b")
            .with("log", "ignored");
        assert_eq!(
            error.to_string(),
            "fenced (append): another writer owns the log; open a new writer to go on [log: a/b]"
        );
        assert!(!error.is_retryable() && !error.may_have_taken_effect());
    }

    #[test]
    fn what_it_was_given_does_not_make_it_long() {
        let error = Error::invalid_argument(format!("{} is wrong", "x".repeat(4_000_000)))
            .with("uri", "y".repeat(4_000_000));
        assert_eq!(error.message().len(), MESSAGE_BYTES);
        assert!(error.message().ends_with("x is wrong"));
        assert_eq!(error.context_value("uri").map(str::len), Some(CONTEXT_BYTES));
        let text = error.to_string();
        assert_eq!(text.len(), "invalid-argument:  [uri: ]".len() + MESSAGE_BYTES + SHOWN_BYTES);
    }

    #[test]
    fn what_it_was_given_stays_on_its_line() {
        let error = Error::not_found("no \n\u{1b}[2J").with("file", "/a\r\n\u{202e}b");
        assert_eq!(error.to_string(), r"not-found: no \n\u{1b}[2J [file: /a\r\n\u{202e}b]");
        assert_eq!(error.context_value("file"), Some(r"/a\r\n\u{202e}b"));
    }

    #[test]
    fn a_segment_is_known_by_its_number_in_the_log() {
        let context = |error: Error| {
            let error = error.in_segment(3).in_segment(3);
            [error.context_value("segment"), error.context_value("segment_id")]
                .map(|value| value.map(str::to_owned))
        };
        let by_store = Error::corrupt("a byte is not what was written").with("segment", 67);
        assert_eq!(context(by_store), [Some("3".to_owned()), Some("67".to_owned())]);
        assert_eq!(context(Error::corrupt("a record is cut short")), [Some("3".to_owned()), None]);
    }
}
