//! What verifying a namespace finds.

use std::fmt;
use std::path::PathBuf;

use super::{Dlsn, LogName, SegmentId};

/// The answer of [`Namespace::verify`](crate::Namespace::verify).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Verification {
    /// What is not as it was written, by file. Empty: every byte that counts is.
    pub findings: Vec<Finding>,
    /// The number of files, or of ledgers, that were read.
    pub files: u64,
    /// The bytes that were read.
    pub bytes: u64,
    /// Whether other processes have the namespace open; on BookKeeper, whether somebody writes one of the logs.
    pub in_use: bool,
    /// The segments that a writer has in progress, or left so.
    pub in_progress: Vec<InProgress>,
}

/// A segment in progress, as the next writer would find it: see [`Log::recover`](crate::Log::recover).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InProgress {
    /// Its log.
    pub log: LogName,
    /// Its number.
    pub segment: i64,
    /// What it is called in its store.
    pub segment_id: SegmentId,
    /// The number of its entries that are provably kept.
    pub entries: u64,
    /// The number of records in them; `None` if the last entry is only in a journal.
    pub records: Option<u64>,
    /// The position of the last of them, which may be a control record; `None` as above, or if there is none.
    pub last_dlsn: Option<Dlsn>,
    /// Bytes behind them that are no whole entry: they were never acknowledged, or power was lost.
    pub unfinished_bytes: u64,
    /// How the writer that holds the log named itself, if one does or did not let go of it.
    pub owner: Option<String>,
    /// Whether that writer's process lives.
    pub owner_alive: bool,
}

/// One thing that is not as it was written, or not where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of file it is about.
    pub subject: Subject,
    /// What is wrong, in words.
    pub message: String,
    /// The file; `None` if it is about what several say.
    pub file: Option<PathBuf>,
    /// The place in the file.
    pub offset: Option<u64>,
    /// The segment, as its store calls it.
    pub segment_id: Option<SegmentId>,
    /// The log that the segment belongs to, where known.
    pub log: Option<LogName>,
    /// The number of the segment in its log, where known.
    pub segment: Option<i64>,
    /// The entries of the segment that are whole: first and last of each run.
    pub whole_entries: Vec<(u64, u64)>,
    /// What is provably kept, in words.
    pub kept: Option<String>,
    /// What is safe to do: commands, one each.
    pub safe: Vec<String>,
}

/// How bad a [`Finding`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// No acknowledged record depends on it.
    Notice,
    /// Something that was acknowledged, or that says what was, is damaged or gone.
    Damage,
}

/// What a [`Finding`] is about: a kind of file or, on BookKeeper, a segment and its ledger, or what is in ZooKeeper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// The file that says what the directory is.
    Format,
    /// The memory that processes share while they live.
    Control,
    /// The tree of names, segments and locks.
    Metadata,
    /// What a process wrote to be safe against power loss.
    Journal,
    /// A segment of a log.
    Segment,
    /// Something that is not the namespace's.
    Stranger,
}

impl Finding {
    /// Something found; what else is known of it is added by the caller.
    pub(crate) fn new(severity: Severity, subject: Subject, message: impl Into<String>) -> Self {
        Self {
            severity,
            subject,
            message: message.into(),
            file: None,
            offset: None,
            segment_id: None,
            log: None,
            segment: None,
            whole_entries: Vec::new(),
            kept: None,
            safe: Vec::new(),
        }
    }

    /// Says where.
    pub(crate) fn at(mut self, file: impl Into<PathBuf>, offset: u64) -> Self {
        (self.file, self.offset) = (Some(file.into()), Some(offset));
        self
    }

    /// Says in which file, as a whole.
    pub(crate) fn in_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Says what is kept.
    pub(crate) fn keeps(mut self, kept: impl Into<String>) -> Self {
        self.kept = Some(kept.into());
        self
    }

    /// Says what is safe to do.
    pub(crate) fn safe(mut self, command: impl Into<String>) -> Self {
        self.safe.push(command.into());
        self
    }
}

impl Severity {
    /// Its name: `notice` or `damage`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Damage => "damage",
        }
    }
}

impl Subject {
    /// Its name: `format`, `control`, `metadata`, `journal`, `segment` or `stranger`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Control => "control",
            Self::Metadata => "metadata",
            Self::Journal => "journal",
            Self::Segment => "segment",
            Self::Stranger => "stranger",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
