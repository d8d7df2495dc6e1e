//! What a caller may choose about a writer and its entries.

use std::time::Duration;

/// What to do about a writer that holds the log, or a locked reader that holds the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Takeover {
    /// Take the log from it, now: it will be fenced. The default.
    #[default]
    Force,
    /// Wait this long for it to let go, then fail with `locked`.
    Wait(Duration),
    /// Fail with `locked` at once.
    Never,
}

/// How the records of an entry, or the members of a record set, are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all. The default.
    #[default]
    None,
    /// One LZ4 block, where that makes it smaller.
    Lz4,
}

/// What protects the entries of a segment on BookKeeper against damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Digest {
    /// CRC-32: what Java DistributedLog writes. The default.
    #[default]
    Crc32,
    /// CRC-32C, which takes fewer bytes.
    Crc32c,
    /// HMAC-SHA1 with the password of ledgers, against damage that is done on purpose.
    Mac,
    /// Nothing.
    None,
}
