//! Every size limit, each in one place. Those of DistributedLog, so that its readers accept what we write.

/// Bytes in front of each payload inside an entry.
pub const RECORD_HEADER_BYTES: usize = 20;

/// The largest record, its header included: 1 MiB − 8 KiB.
pub const MAX_RECORD_BYTES: usize = 1_040_384;

/// The largest payload of one record.
pub const MAX_PAYLOAD_BYTES: usize = MAX_RECORD_BYTES - RECORD_HEADER_BYTES;

/// The largest entry before compression, its 13-byte envelope included: 1 MiB − 4 KiB.
pub const MAX_ENTRY_BYTES: usize = 1_044_480;

/// The most bytes that the user keeps with a log. ZooKeeper takes a mebibyte with each request, and what goes with them has to
/// have room there too; the drivers all have this one, so that a log can be copied to any of them.
pub const MAX_USER_METADATA_BYTES: usize = 512 << 10;

/// Bytes of an entry's envelope.
pub(crate) const ENVELOPE_BYTES: usize = 13;

/// The most that the records of one batch take together, headers included.
pub const MAX_BATCH_BYTES: usize = MAX_ENTRY_BYTES - ENVELOPE_BYTES;
