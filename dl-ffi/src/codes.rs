//! The numbers of the header: kinds of errors, ends of readers, levels of durability, limits, the version. None is ever
//! given another meaning.

#![allow(dead_code, reason = "some are for the header only")]

/// The version that this header belongs to: major.
pub const DISTLOG_VERSION_MAJOR: u32 = 0;
/// The version that this header belongs to: minor.
pub const DISTLOG_VERSION_MINOR: u32 = 1;
/// The version that this header belongs to: patch.
pub const DISTLOG_VERSION_PATCH: u32 = 0;

/// An argument cannot be right, whatever the state of the log.
pub const DISTLOG_ERROR_INVALID_ARGUMENT: u32 = 1;
/// The namespace, log, segment or cursor does not exist.
pub const DISTLOG_ERROR_NOT_FOUND: u32 = 2;
/// It exists already.
pub const DISTLOG_ERROR_ALREADY_EXISTS: u32 = 3;
/// A later writer owns the log, or a later locked reader the cursor; this one is cut off for good.
pub const DISTLOG_ERROR_FENCED: u32 = 4;
/// The log was sealed: it accepts no appends, ever.
pub const DISTLOG_ERROR_SEALED: u32 = 5;
/// The position lies below the point to which the log was truncated.
pub const DISTLOG_ERROR_TRUNCATED: u32 = 6;
/// The condition of a conditional append does not hold.
pub const DISTLOG_ERROR_CONDITION_FAILED: u32 = 7;
/// A record, batch or name is over its limit.
pub const DISTLOG_ERROR_TOO_LARGE: u32 = 8;
/// The object was closed, aborted, or belongs to the parent of a forked process.
pub const DISTLOG_ERROR_CLOSED: u32 = 9;
/// The caller cancelled the call.
pub const DISTLOG_ERROR_CANCELLED: u32 = 10;
/// The time the caller gave ran out.
pub const DISTLOG_ERROR_TIMEOUT: u32 = 11;
/// Something that is needed does not answer now.
pub const DISTLOG_ERROR_UNAVAILABLE: u32 = 12;
/// The disk or the quota of the file system is full.
pub const DISTLOG_ERROR_STORAGE_FULL: u32 = 13;
/// Stored bytes are not what was written.
pub const DISTLOG_ERROR_CORRUPT: u32 = 14;
/// The operating system or an access rule forbids it.
pub const DISTLOG_ERROR_PERMISSION_DENIED: u32 = 15;
/// The caller has not proved who it is.
pub const DISTLOG_ERROR_UNAUTHENTICATED: u32 = 16;
/// A limit set by the operator is used up.
pub const DISTLOG_ERROR_QUOTA_EXCEEDED: u32 = 17;
/// This build, driver or directory cannot do it.
pub const DISTLOG_ERROR_UNSUPPORTED: u32 = 18;
/// Another holds the lock and the caller asked not to take it, or took it while it was being opened.
pub const DISTLOG_ERROR_LOCKED: u32 = 19;
/// A bug of ours, or an error number this build does not know.
pub const DISTLOG_ERROR_INTERNAL: u32 = 20;
/// It would have to wait and the caller asked not to.
pub const DISTLOG_ERROR_BUSY: u32 = 21;

/// It survives nothing: it lives in the memory of this process.
pub const DISTLOG_DURABILITY_MEMORY: u32 = 1;
/// It survives power loss: a sync of the disk that holds it has returned.
pub const DISTLOG_DURABILITY_POWER_LOSS: u32 = 2;
/// It survives the loss of an ack quorum - 1 of bookies, given that they sync their journals.
pub const DISTLOG_DURABILITY_REPLICATED: u32 = 3;

/// The reader delivered what it was bounded to: the last position or the number of records.
pub const DISTLOG_END_BOUND: u32 = 1;
/// The reader reached the end of the log, and does not follow.
pub const DISTLOG_END_END: u32 = 2;
/// The reader reached the end of a log that was sealed: nothing will ever follow.
pub const DISTLOG_END_SEALED: u32 = 3;

/// The most bytes that a position takes as text, its NUL included.
pub const DISTLOG_DLSN_TEXT_BYTES: usize = 64;

/// Nothing of the segment was truncated.
pub const DISTLOG_TRUNCATION_NONE: u32 = 0;
/// What lies below a position in the segment was truncated.
pub const DISTLOG_TRUNCATION_BELOW: u32 = 1;
/// All of the segment was truncated; it is kept to count on from.
pub const DISTLOG_TRUNCATION_WHOLE: u32 = 2;

/// The log is there: from the beginning, or it was made since.
pub const DISTLOG_CHANGE_CREATED: u32 = 1;
/// The log is gone. One that was deleted and made anew is told as gone, then as there.
pub const DISTLOG_CHANGE_DELETED: u32 = 2;
/// All logs that were there when the watching began have been told. Comes once.
pub const DISTLOG_CHANGE_LISTED: u32 = 3;

/// The event is as it should be.
pub const DISTLOG_LEVEL_INFO: u32 = 1;
/// The event is worth a look.
pub const DISTLOG_LEVEL_WARN: u32 = 2;
/// The event says that something is broken.
pub const DISTLOG_LEVEL_ERROR: u32 = 3;
