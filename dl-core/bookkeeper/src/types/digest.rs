//! What protects the entries of a ledger.

use std::fmt;

/// The check that each entry of a ledger carries. A ledger has one, chosen when it is created.
///
/// Bookies never look at it: the client that reads an entry finds out whether its bytes are what the writer wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DigestType {
    /// CRC-32 (IEEE), in 8 bytes. DistributedLog's choice.
    Crc32,
    /// HMAC-SHA1 keyed by the ledger's password, in 20 bytes.
    Mac,
    /// CRC-32C (Castagnoli), in 4 bytes. The best choice for a new ledger.
    Crc32c,
    /// None.
    Dummy,
}

impl DigestType {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::Crc32, Self::Mac, Self::Crc32c, Self::Dummy];

    /// Bytes that the digest takes in each entry.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Crc32 => 8,
            Self::Mac => 20,
            Self::Crc32c => 4,
            Self::Dummy => 0,
        }
    }

    /// The name that BookKeeper's settings have for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Mac => "MAC",
            Self::Crc32c => "CRC32C",
            Self::Dummy => "DUMMY",
        }
    }

    /// The type with this name, in capital or small letters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|digest| digest.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for DigestType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
