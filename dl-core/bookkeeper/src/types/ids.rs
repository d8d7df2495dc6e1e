//! Numbers and names of ledgers, entries and bookies.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::error::{Error, Result};

/// The number of a ledger, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LedgerId(i64);

impl LedgerId {
    /// Checks a number.
    ///
    /// # Errors
    /// `invalid-argument` if it is negative.
    pub fn new(number: i64) -> Result<Self> {
        if number < 0 {
            return Err(Error::invalid_argument(format!("a ledger id is at least 0, not {number}")));
        }
        Ok(Self(number))
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }
}

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of an entry in its ledger, from 0.
///
/// Where BookKeeper writes -1 for "none", as in a LAC of a ledger without entries, this crate has `None`: an
/// `Option<EntryId>` orders as the numbers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(i64);

impl EntryId {
    /// The first entry of each ledger.
    pub const FIRST: Self = Self(0);

    /// Checks a number.
    ///
    /// # Errors
    /// `invalid-argument` if it is negative.
    pub fn new(number: i64) -> Result<Self> {
        if number < 0 {
            return Err(Error::invalid_argument(format!("an entry id is at least 0, not {number}")));
        }
        Ok(Self(number))
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// The entry after this one; the greatest stays as it is (no ledger has that many).
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The entry before this one, or `None` for the first.
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        if self.0 == 0 { None } else { Some(Self(self.0 - 1)) }
    }

    /// The entry that follows the last one there is.
    #[must_use]
    pub const fn after(last: Option<Self>) -> Self {
        match last {
            None => Self::FIRST,
            Some(last) => last.next(),
        }
    }

    /// What BookKeeper writes for it: the number, or -1 for none.
    #[must_use]
    pub const fn to_wire(entry: Option<Self>) -> i64 {
        match entry {
            None => -1,
            Some(entry) => entry.0,
        }
    }

    /// What BookKeeper wrote: -1 is none.
    ///
    /// # Errors
    /// `corrupt` for numbers below -1.
    pub fn from_wire(number: i64) -> Result<Option<Self>> {
        match number {
            -1 => Ok(None),
            0.. => Ok(Some(Self(number))),
            _ => Err(Error::corrupt(format!("{number} is no entry id"))),
        }
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a bookie, as it is registered and as metadata has it: `host:port` unless the operator chose another.
///
/// 1 to 255 ASCII letters, digits and `: . - _ [ ] %`; not `readonly`, which names a folder beside the bookies. An id is
/// not always an address: where its bookie listens, the registration says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BookieId(Arc<str>);

impl BookieId {
    /// The longest id, in bytes.
    pub const MAX_BYTES: usize = 255;

    /// Checks an id.
    ///
    /// # Errors
    /// `invalid-argument` if it is empty, too long, `readonly`, or has other characters.
    pub fn new(id: &str) -> Result<Self> {
        let known = |c: char| c.is_ascii_alphanumeric() || ":.-_[]%".contains(c);
        if id.is_empty() || id.len() > Self::MAX_BYTES || id == "readonly" || !id.chars().all(known) {
            let shown: String = id.chars().take(80).collect();
            return Err(Error::invalid_argument(format!("{shown:?} is no id of a bookie")));
        }
        Ok(Self(id.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Host and port, where the id has that form. Only for bookies whose registration says no address.
    #[must_use]
    pub fn host_and_port(&self) -> Option<(&str, u16)> {
        let (host, port) = self.0.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = port.parse().ok()?;
        (!host.is_empty() && port != 0).then_some((host, port))
    }
}

impl fmt::Display for BookieId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BookieId {
    type Err = Error;

    fn from_str(id: &str) -> Result<Self> {
        Self::new(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn minus_one_is_none() {
        assert_eq!(EntryId::from_wire(-1).unwrap(), None);
        assert_eq!(EntryId::to_wire(EntryId::from_wire(5).unwrap()), 5);
        assert_eq!(EntryId::from_wire(-2).unwrap_err().kind(), ErrorKind::Corrupt);
        assert!(EntryId::new(-1).is_err() && LedgerId::new(-1).is_err());
        assert!(None < Some(EntryId::FIRST));
        assert_eq!(EntryId::after(None), EntryId::FIRST);
        assert_eq!(EntryId::FIRST.next().previous(), Some(EntryId::FIRST));
        assert_eq!(EntryId::FIRST.previous(), None);
    }

    #[test]
    fn ids_of_bookies_are_checked() {
        assert_eq!(BookieId::new("192.0.2.1:3181").unwrap().host_and_port(), Some(("192.0.2.1", 3181)));
        assert_eq!(BookieId::new("[::1]:3181").unwrap().host_and_port(), Some(("::1", 3181)));
        assert_eq!(BookieId::new("bk1").unwrap().host_and_port(), None);
        assert_eq!(BookieId::new(":3181").unwrap().host_and_port(), None);
        for bad in ["", "readonly", "a/b", "a b", "a\n", "ä:1", &"x".repeat(256)] {
            assert!(BookieId::new(bad).is_err(), "{bad:?}");
        }
    }
}
