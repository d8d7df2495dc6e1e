//! Why a bookie refused a request.

use std::fmt;

use crate::error::{Error, ErrorKind};

/// Why a bookie refused a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// It never heard of the ledger.
    NoLedger,
    /// It knows the ledger but does not have the entry.
    NoEntry,
    /// It did not understand the request.
    BadRequest,
    /// Its disks failed.
    Io,
    /// The master key is not the ledger's, or the client is not authenticated.
    Unauthorized,
    /// It does not speak this version.
    BadVersion,
    /// The ledger is fenced.
    Fenced,
    /// It takes no new entries.
    ReadOnly,
    /// It has too much to do.
    TooManyRequests,
    /// It may have lost entries of this ledger and says neither yes nor no.
    UnknownLedgerState,
    /// A number this build does not know.
    Other(i32),
}

/// Statuses with their numbers in version 3 and version 2.
const NUMBERS: [(Status, i32, i32); 10] = [
    (Status::NoLedger, 402, 1),
    (Status::NoEntry, 403, 2),
    (Status::BadRequest, 404, 100),
    (Status::Io, 501, 101),
    (Status::Unauthorized, 502, 102),
    (Status::BadVersion, 503, 103),
    (Status::Fenced, 504, 104),
    (Status::ReadOnly, 505, 105),
    (Status::TooManyRequests, 506, 106),
    (Status::UnknownLedgerState, 507, 107),
];

impl Status {
    /// Every status with a name.
    pub fn all() -> impl Iterator<Item = Self> {
        NUMBERS.iter().map(|(status, _, _)| *status)
    }

    /// What a number of version 3 says; 0 is success.
    ///
    /// # Errors
    /// The status, if it is not success.
    pub fn check_v3(number: i32) -> Result<(), Self> {
        Self::check(number, |(_, v3, _)| *v3)
    }

    /// What a number of version 2 says; 0 is success.
    ///
    /// # Errors
    /// The status, if it is not success.
    pub fn check_v2(number: i32) -> Result<(), Self> {
        Self::check(number, |(_, _, v2)| *v2)
    }

    /// Its number in version 3.
    #[must_use]
    pub fn number_v3(self) -> i32 {
        self.number(|(_, v3, _)| *v3)
    }

    /// Its number in version 2.
    #[must_use]
    pub fn number_v2(self) -> i32 {
        self.number(|(_, _, v2)| *v2)
    }

    /// What it means to the caller.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::NoLedger => ErrorKind::NoSuchLedger,
            Self::NoEntry => ErrorKind::NoSuchEntry,
            Self::BadRequest => ErrorKind::BadRequest,
            Self::Io | Self::Other(_) => ErrorKind::BookieFailed,
            Self::Unauthorized => ErrorKind::Unauthorized,
            Self::BadVersion => ErrorKind::UnsupportedVersion,
            Self::Fenced => ErrorKind::LedgerFenced,
            Self::ReadOnly => ErrorKind::ReadOnlyBookie,
            Self::TooManyRequests => ErrorKind::BookieOverloaded,
            Self::UnknownLedgerState => ErrorKind::UnknownLedgerState,
        }
    }

    /// The error that the caller of the request gets.
    #[must_use]
    pub fn to_error(self) -> Error {
        Error::new(self.kind(), self.to_string())
    }

    fn check(number: i32, column: impl Fn(&(Self, i32, i32)) -> i32) -> Result<(), Self> {
        if number == 0 {
            return Ok(());
        }
        let known = NUMBERS.iter().find(|row| column(row) == number);
        Err(known.map_or(Self::Other(number), |(status, _, _)| *status))
    }

    fn number(self, column: impl Fn(&(Self, i32, i32)) -> i32) -> i32 {
        match self {
            Self::Other(number) => number,
            _ => NUMBERS.iter().find(|(status, _, _)| *status == self).map_or(-1, column),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::NoLedger => "the bookie does not know the ledger",
            Self::NoEntry => "the bookie does not have the entry",
            Self::BadRequest => "the bookie did not understand the request",
            Self::Io => "the bookie could not read or write its disks; see its log",
            Self::Unauthorized => {
                "the bookie refused: the ledger's password is another, or the client must authenticate itself"
            }
            Self::BadVersion => "the bookie does not speak this version of the protocol",
            Self::Fenced => "another client fenced the ledger",
            Self::ReadOnly => "the bookie is read-only",
            Self::TooManyRequests => "the bookie has too much to do; try again later",
            Self::UnknownLedgerState => {
                "the bookie may have lost entries of the ledger and does not say which"
            }
            Self::Other(number) => return write!(f, "the bookie refused with the unknown status {number}"),
        };
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_both_versions_are_read_back() {
        assert_eq!(Status::all().count(), 10);
        for status in Status::all() {
            assert_eq!(Status::check_v3(status.number_v3()), Err(status));
            assert_eq!(Status::check_v2(status.number_v2()), Err(status));
        }
        assert_eq!((Status::check_v2(0), Status::check_v3(0)), (Ok(()), Ok(())));
        assert_eq!(Status::check_v3(999), Err(Status::Other(999)));
        assert_eq!(Status::Other(999).number_v2(), 999);
    }
}
