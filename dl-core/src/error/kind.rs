//! The kinds of errors, a list that is the same in every language and on the wire. Apart from the error, which grows for
//! other reasons.

use std::fmt;

/// What kind of thing went wrong.
///
/// Numbers and names are the same in every language and on the wire. Kinds are added, never renumbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u16)]
pub enum ErrorKind {
    /// An argument cannot be right, whatever the state of the log.
    InvalidArgument = 1,
    /// The namespace, log, segment or cursor does not exist.
    NotFound = 2,
    /// It exists already.
    AlreadyExists = 3,
    /// A later writer owns the log, or a later locked reader the cursor; this one is cut off for good.
    Fenced = 4,
    /// The log was sealed: it accepts no appends, ever.
    Sealed = 5,
    /// The position lies below the point to which the log was truncated.
    Truncated = 6,
    /// The condition of a conditional append does not hold.
    ConditionFailed = 7,
    /// A record, batch or name is over its limit.
    TooLarge = 8,
    /// The handle was closed, aborted, or belongs to the parent of a forked process.
    Closed = 9,
    /// The caller cancelled the call.
    Cancelled = 10,
    /// The time the caller gave ran out.
    Timeout = 11,
    /// Something that is needed does not answer now.
    Unavailable = 12,
    /// The disk or the quota of the file system is full.
    StorageFull = 13,
    /// Stored bytes are not what was written.
    Corrupt = 14,
    /// The operating system or an access rule forbids it.
    PermissionDenied = 15,
    /// The caller has not proved who it is.
    Unauthenticated = 16,
    /// A limit set by the operator is used up.
    QuotaExceeded = 17,
    /// This build, driver or directory cannot do it.
    Unsupported = 18,
    /// Another holds the lock and the caller asked not to take it, or took it while it was being opened.
    Locked = 19,
    /// A bug of ours, or an error number this build does not know.
    Internal = 20,
    /// It would have to wait and the caller asked not to.
    Busy = 21,
}

impl ErrorKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 21] = [
        Self::InvalidArgument,
        Self::NotFound,
        Self::AlreadyExists,
        Self::Fenced,
        Self::Sealed,
        Self::Truncated,
        Self::ConditionFailed,
        Self::TooLarge,
        Self::Closed,
        Self::Cancelled,
        Self::Timeout,
        Self::Unavailable,
        Self::StorageFull,
        Self::Corrupt,
        Self::PermissionDenied,
        Self::Unauthenticated,
        Self::QuotaExceeded,
        Self::Unsupported,
        Self::Locked,
        Self::Internal,
        Self::Busy,
    ];

    /// The frozen number of this kind, from 1.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The kind with this number, or `None` for a number this build does not know.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.number() == number)
    }

    /// The frozen name of this kind, lower case with hyphens: `invalid-argument`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid-argument",
            Self::NotFound => "not-found",
            Self::AlreadyExists => "already-exists",
            Self::Fenced => "fenced",
            Self::Sealed => "sealed",
            Self::Truncated => "truncated",
            Self::ConditionFailed => "condition-failed",
            Self::TooLarge => "too-large",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::StorageFull => "storage-full",
            Self::Corrupt => "corrupt",
            Self::PermissionDenied => "permission-denied",
            Self::Unauthenticated => "unauthenticated",
            Self::QuotaExceeded => "quota-exceeded",
            Self::Unsupported => "unsupported",
            Self::Locked => "locked",
            Self::Internal => "internal",
            Self::Busy => "busy",
        }
    }

    /// Whether the same call may succeed later without anyone changing the call.
    pub(super) const fn retryable(self) -> bool {
        matches!(self, Self::Timeout | Self::Unavailable | Self::StorageFull | Self::Locked | Self::Busy)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_frozen() {
        let listed: Vec<(u16, &str)> =
            ErrorKind::ALL.iter().map(|kind| (kind.number(), kind.name())).collect();
        assert_eq!(listed.first(), Some(&(1, "invalid-argument")));
        assert_eq!(listed[3], (4, "fenced"));
        assert_eq!(listed[12], (13, "storage-full"));
        assert_eq!(listed.last(), Some(&(21, "busy")));
        assert!(listed.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0));
    }

    #[test]
    fn the_guide_has_every_kind() {
        let rows =
            include_str!("../../../docs/guide/errors.md").lines().filter(|line| line.starts_with("| `"));
        let rows: Vec<Vec<&str>> = rows
            .map(|row| row.split(" | ").map(|cell| cell.trim_matches(['|', ' ', '`'])).collect())
            .collect();
        // The first table says what each is, the second what it is called in each language.
        let (kinds, names) = rows.split_at(ErrorKind::ALL.len());
        let listed: Vec<_> = kinds.iter().map(|cells| (cells[0], cells[1], cells[3])).collect();
        let numbers = ErrorKind::ALL.map(|kind| kind.number().to_string());
        let expected: Vec<_> = ErrorKind::ALL
            .iter()
            .zip(&numbers)
            .map(|(kind, number)| (kind.name(), &**number, if kind.retryable() { "yes" } else { "no" }))
            .collect();
        assert_eq!(listed, expected);
        let listed: Vec<_> = names.iter().map(|cells| (cells[0], cells[1].to_owned())).collect();
        let expected: Vec<_> =
            ErrorKind::ALL.iter().map(|kind| (kind.name(), format!("ErrorKind::{kind:?}"))).collect();
        assert_eq!(listed, expected);
        // Python and Node look at their own columns.
        let (c, cpp) = (include_str!("../../../include/dl.h"), include_str!("../../../include/dl.hpp"));
        for (kind, cells) in ErrorKind::ALL.iter().zip(names) {
            let defined = format!("#define {} {}\n", cells[2], kind.number());
            assert!(c.contains(&defined), "dl.h: {defined}");
            let named = cells[3].strip_prefix("dl::").expect("a name of the namespace dl");
            let constant = kind.name().replace('-', "_");
            let used = format!("using {named} = error_of<error_kind::{constant}>;");
            assert!(cpp.contains(&used), "dl.hpp: {used}");
            assert!(cpp.contains(&format!("{constant} = {},", cells[2])), "dl.hpp: {constant}");
        }
    }
}
