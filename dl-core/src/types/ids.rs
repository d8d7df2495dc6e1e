//! Names and numbers as types that refuse bad values.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result, quoted};

/// The name of a log, unique in its namespace. May contain `/`.
///
/// The rules are DistributedLog's (`DLUtils.validateLogName`, `LogMetadata`): one leading `/` is dropped; then a
/// name is refused if it is empty, starts with `.` or `<`, ends in `/`, contains NUL, `<`, `>`, a space or `//`, has
/// a component `.` or `..`, or holds a control character or a UTF-16 unit that ZooKeeper refuses in paths. Beyond
/// DL: at most 1,024 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogName(Box<str>);

impl LogName {
    /// The longest name, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 1_024;

    /// Checks a name.
    ///
    /// # Errors
    /// `invalid-argument` with the rule that it breaks; `too-large` if it is over [`LogName::MAX_BYTES`].
    pub fn new(name: &str) -> Result<Self> {
        let name = name.strip_prefix('/').unwrap_or(name);
        if name.len() > Self::MAX_BYTES {
            return Err(Error::too_large(format!(
                "a log name has {} bytes; the most is {}",
                name.len(),
                Self::MAX_BYTES
            )));
        }
        match broken_rule(name) {
            None => Ok(Self(name.into())),
            Some(rule) => Err(Error::invalid_argument(format!(
                "the log name {} {rule}; choose another name",
                quoted(name)
            ))),
        }
    }

    /// The name as text, without a leading `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path below which there may be logs that `prefix` stands for, without a `/` at its ends: empty for all logs.
    ///
    /// # Errors
    /// `invalid-argument` if no log can be there; `too-large` if it is over [`LogName::MAX_BYTES`].
    pub(crate) fn prefix(prefix: &str) -> Result<&str> {
        let path = prefix.trim_matches('/');
        if path.len() > Self::MAX_BYTES {
            let (bytes, most) = (path.len(), Self::MAX_BYTES);
            return Err(Error::too_large(format!(
                "the prefix of log names has {bytes} bytes; a name has at most {most}"
            )));
        }
        match broken_rule(path).filter(|_| !path.is_empty()) {
            None => Ok(path),
            Some(rule) => Err(Error::invalid_argument(format!(
                "the prefix {} {rule}, as no log name does; choose another one",
                quoted(prefix)
            ))),
        }
    }
}

fn broken_rule(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("is empty");
    }
    if name.starts_with(['.', '<']) {
        return Some("starts with a reserved character ('.' or '<')");
    }
    if name.ends_with('/') {
        return Some("ends in '/'");
    }
    if name.contains("//") {
        return Some("contains '//'");
    }
    if name.starts_with('/') {
        return Some("starts with more than one '/'");
    }
    if name.split('/').any(|component| component == "." || component == "..") {
        return Some("has a component '.' or '..'");
    }
    name.contains(|c| matches!(c, ' ' | '<' | '>') || zookeeper_refuses(c))
        .then_some("contains a character that names may not have (control, space, '<', '>', …)")
}

/// Characters that ZooKeeper has in no path.
fn zookeeper_refuses(c: char) -> bool {
    matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{ffff}')
        || c > '\u{ffff}'
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LogName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

/// The name of a cursor, unique in its log (DistributedLog's subscriber id).
///
/// 1 to 256 bytes of UTF-8, what a node of ZooKeeper can be called: neither `.` nor `..`, no `/`, no control character,
/// nor a UTF-16 unit that ZooKeeper refuses in paths.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CursorName(Box<str>);

impl CursorName {
    /// The longest name, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 256;

    /// Checks a name.
    ///
    /// # Errors
    /// `invalid-argument` with the rule that it breaks; `too-large` if it is over [`CursorName::MAX_BYTES`].
    pub fn new(name: &str) -> Result<Self> {
        if name.len() > Self::MAX_BYTES {
            return Err(Error::too_large(format!(
                "a cursor's name has {} bytes; the most is {}",
                name.len(),
                Self::MAX_BYTES
            )));
        }
        let rule = match name {
            "" => "is empty",
            "." | ".." => "is reserved",
            _ if name.contains(|c| c == '/' || zookeeper_refuses(c)) => {
                "contains a character that names may not have ('/', control, …)"
            }
            _ => return Ok(Self(name.into())),
        };
        Err(Error::invalid_argument(format!("the cursor name {} {rule}; choose another name", quoted(name))))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CursorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CursorName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

/// A transaction id: the caller's number on a record, never decreasing within a log; 0 to 2^63 − 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Txid(i64);

impl Txid {
    /// The smallest.
    pub const MIN: Self = Self(0);
    /// The largest: 2^63 − 2. The number above is the mark of a sealed log.
    pub const MAX: Self = Self(i64::MAX - 1);

    /// Checks a number.
    ///
    /// # Errors
    /// `invalid-argument` if it is negative or 2^63 − 1.
    pub fn new(value: i64) -> Result<Self> {
        if (0..i64::MAX).contains(&value) {
            Ok(Self(value))
        } else {
            Err(Error::invalid_argument(format!("the txid {value} is not in 0..=2^63-2")))
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Txid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The place of a segment within its log, counted from 1 (DL's log segment sequence number).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentNumber(i64);

impl SegmentNumber {
    /// The number of a log's first segment.
    pub const FIRST: Self = Self(1);

    /// Checks a number.
    ///
    /// # Errors
    /// `invalid-argument` below 1, and for the greatest number, behind which no segment could begin.
    pub fn new(value: i64) -> Result<Self> {
        if (1..i64::MAX).contains(&value) {
            Ok(Self(value))
        } else {
            Err(Error::invalid_argument(format!("{value} is the number of no segment: they begin at 1")))
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for SegmentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a segment is called in its store (on BookKeeper: the ledger id). Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentId(i64);

impl SegmentId {
    /// Checks a number.
    ///
    /// # Errors
    /// `invalid-argument` if it is negative.
    pub fn new(value: i64) -> Result<Self> {
        if value >= 0 {
            Ok(Self(value))
        } else {
            Err(Error::invalid_argument(format!("the segment id {value} is negative")))
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn names_follow_distributedlog() {
        for good in ["a", "a/b/c", "/a", "a.b", "a-b_c:d", "über"] {
            assert!(LogName::new(good).is_ok(), "{good}");
        }
        for bad in [
            "", "/", "//a", ".a", "<a", "a/", "a//b", "a b", "a\0b", "a/./b", "a/..", "a<b", "a>b", "a\nb",
            "a😀",
        ] {
            assert_eq!(LogName::new(bad).unwrap_err().kind(), ErrorKind::InvalidArgument, "{bad:?}");
        }
        assert_eq!(LogName::new("/a").unwrap().as_str(), "a");
        assert_eq!(LogName::new(&"a".repeat(1_025)).unwrap_err().kind(), ErrorKind::TooLarge);
        assert!(LogName::new(&"a".repeat(1_024)).is_ok());
    }

    #[test]
    fn cursors_are_named_as_nodes_of_zookeeper_can_be() {
        for good in ["a", "sub-A", "readLock", "a b", "<a>", "...", "über", &"a".repeat(256)] {
            assert!(CursorName::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "/", "a\0", "a\n", "a\u{7f}", "a😀"] {
            assert_eq!(CursorName::new(bad).unwrap_err().kind(), ErrorKind::InvalidArgument, "{bad:?}");
        }
        assert_eq!(CursorName::new(&"a".repeat(257)).unwrap_err().kind(), ErrorKind::TooLarge);
    }

    #[test]
    fn numbers_are_bounded() {
        assert!(Txid::new(-1).is_err() && Txid::new(i64::MAX).is_err());
        assert_eq!(Txid::new(i64::MAX - 1).unwrap(), Txid::MAX);
        assert!(SegmentNumber::new(0).is_err() && SegmentNumber::new(1).is_ok());
        assert!(SegmentNumber::new(i64::MAX).is_err() && SegmentNumber::new(i64::MAX - 1).is_ok());
        assert!(SegmentId::new(-1).is_err() && SegmentId::new(0).is_ok());
    }
}
