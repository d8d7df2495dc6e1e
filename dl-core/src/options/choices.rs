//! Options that are one of a few choices, and their texts.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::text;
use crate::error::{Error, Result, quoted};
use crate::types::{Compression, Digest, Dlsn, Takeover, Txid};

/// Where a reader starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// At the first readable record. The default.
    #[default]
    Earliest,
    /// At the first record that is not yet visible when the reader is opened.
    Latest,
    /// At this position, or the next there is.
    Dlsn(Dlsn),
    /// At the first record with this txid or a larger one.
    Txid(Txid),
}

/// What a reader does when its start lies below the point of truncation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnTruncated {
    /// Fail with `truncated`, which names the first readable position. The default.
    #[default]
    Fail,
    /// Start at the first readable position.
    Skip,
}

impl FromStr for Start {
    type Err = Error;

    /// Reads `earliest`, `latest`, a DLSN or `txid:N`.
    ///
    /// # Errors
    /// `invalid-argument` for anything else.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            _ => match text.strip_prefix("txid:") {
                Some(number) => text::count(number)
                    .and_then(|number| i64::try_from(number).ok())
                    .and_then(|number| Txid::new(number).ok())
                    .map(Self::Txid),
                None => text.parse().ok().map(Self::Dlsn),
            }
            .ok_or_else(|| {
                refused(text, "earliest, latest, a DLSN such as 3:120:0, or txid: and a number from 0")
            }),
        }
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Earliest => f.write_str("earliest"),
            Self::Latest => f.write_str("latest"),
            Self::Dlsn(dlsn) => dlsn.fmt(f),
            Self::Txid(txid) => write!(f, "txid:{txid}"),
        }
    }
}

impl FromStr for OnTruncated {
    type Err = Error;

    /// Reads `fail` or `skip`.
    ///
    /// # Errors
    /// `invalid-argument` for anything else.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "fail" => Ok(Self::Fail),
            "skip" => Ok(Self::Skip),
            _ => Err(refused(text, "fail or skip")),
        }
    }
}

impl fmt::Display for OnTruncated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fail => "fail",
            Self::Skip => "skip",
        })
    }
}

impl FromStr for Takeover {
    type Err = Error;

    /// Reads `force`, `never`, or `wait:` and a duration such as `30s` or a number of milliseconds.
    ///
    /// # Errors
    /// `invalid-argument` for anything else.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "force" => Ok(Self::Force),
            "never" => Ok(Self::Never),
            _ => text
                .strip_prefix("wait:")
                .and_then(text::duration_ms)
                .map(|ms| Self::Wait(Duration::from_millis(ms)))
                .ok_or_else(|| refused(text, "force, never, or wait: and a duration such as 30s")),
        }
    }
}

impl fmt::Display for Takeover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Force => f.write_str("force"),
            Self::Wait(time) => write!(f, "wait:{}", time.as_millis()),
            Self::Never => f.write_str("never"),
        }
    }
}

impl FromStr for Compression {
    type Err = Error;

    /// Reads `none` or `lz4`.
    ///
    /// # Errors
    /// `invalid-argument` for anything else.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "none" => Ok(Self::None),
            "lz4" => Ok(Self::Lz4),
            _ => Err(refused(text, "none or lz4")),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
        })
    }
}

impl FromStr for Digest {
    type Err = Error;

    /// Reads `crc32`, `crc32c`, `mac` or `none`.
    ///
    /// # Errors
    /// `invalid-argument` for anything else.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "crc32" => Ok(Self::Crc32),
            "crc32c" => Ok(Self::Crc32c),
            "mac" => Ok(Self::Mac),
            "none" => Ok(Self::None),
            _ => Err(refused(text, "crc32, crc32c, mac or none")),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Crc32 => "crc32",
            Self::Crc32c => "crc32c",
            Self::Mac => "mac",
            Self::None => "none",
        })
    }
}

fn refused(text: &str, choices: &str) -> Error {
    Error::invalid_argument(format!("{} is not one of the choices; write {choices}", quoted(text)))
}
