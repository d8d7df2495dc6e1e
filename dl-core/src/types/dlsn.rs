//! The position of a record.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result, quoted};

/// The position of a record in its log: segment number, entry id within the segment, slot within the entry.
///
/// Unique within a log and increasing in append order. The text form is `segment:entry:slot`, such as `3:120:0`.
/// The fields are signed, as in DistributedLog (`DLSN.java`), which uses −1 for positions in front of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dlsn {
    segment: i64,
    entry: i64,
    slot: i64,
}

impl Dlsn {
    /// The position of the first record of a log that was never truncated: `1:0:0`.
    pub const FIRST: Self = Self { segment: 1, entry: 0, slot: 0 };

    /// In front of every record that a log can have: `1:0:-1`, DistributedLog's exclusive lower bound.
    pub const BEFORE_FIRST: Self = Self { segment: 1, entry: 0, slot: -1 };

    /// No position: `0:-1:-1`, which DistributedLog stores where it has none.
    pub const INVALID: Self = Self { segment: 0, entry: -1, slot: -1 };

    /// The position with these parts.
    #[must_use]
    pub const fn new(segment: i64, entry: i64, slot: i64) -> Self {
        Self { segment, entry, slot }
    }

    /// The segment number.
    #[must_use]
    pub const fn segment(self) -> i64 {
        self.segment
    }

    /// The entry id within the segment, from 0.
    #[must_use]
    pub const fn entry(self) -> i64 {
        self.entry
    }

    /// The slot within the entry, from 0.
    #[must_use]
    pub const fn slot(self) -> i64 {
        self.slot
    }

    /// The least position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self.slot.checked_add(1) {
            Some(slot) => Self { slot, ..self },
            None => Self { segment: self.segment, entry: self.entry.saturating_add(1), slot: 0 },
        }
    }
}

impl fmt::Display for Dlsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.segment, self.entry, self.slot)
    }
}

impl FromStr for Dlsn {
    type Err = Error;

    /// Reads `segment:entry:slot`.
    ///
    /// # Errors
    /// `invalid-argument` for anything else.
    fn from_str(text: &str) -> Result<Self> {
        let bad = || {
            Error::invalid_argument(format!(
                "{} is not a DLSN; write segment:entry:slot in decimal, such as 3:120:0",
                quoted(text)
            ))
        };
        let mut parts = text.split(':').map(|part| {
            let digits = part.strip_prefix('-').unwrap_or(part);
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| part.parse::<i64>().ok()).flatten()
        });
        let mut part = || parts.next().flatten().ok_or_else(bad);
        let dlsn = Self { segment: part()?, entry: part()?, slot: part()? };
        if parts.next().is_some() { Err(bad()) } else { Ok(dlsn) }
    }
}
