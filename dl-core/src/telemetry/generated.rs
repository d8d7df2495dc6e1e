// Made from metrics.toml by `cargo run -p xtask -- metrics`; change it there.

use super::event::{Level, Topic};
use super::instruments::{ByKind, Counter, Gauge, Histogram};
use super::snapshot::{Descriptor, Metric};

/// Everything that is counted for an open namespace.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Records acknowledged.
    pub(crate) append_records: Counter,
    /// Bytes of the records acknowledged, with the 20 bytes of each header.
    pub(crate) append_bytes: Counter,
    /// Records that failed, by the kind of their error: at the call, or later through their tickets.
    pub(crate) append_refused: ByKind,
    /// Appends that found too much in flight and had to wait for room.
    pub(crate) append_waits: Counter,
    /// From the first append of an entry to the acknowledgement of the entry. Waiting for room is not in
    /// it.
    pub(crate) append_latency: Histogram,
    /// Records of each entry acknowledged; its count is the number of entries.
    pub(crate) entry_records: Histogram,
    /// Records appended and not settled.
    pub(crate) in_flight_records: Gauge,
    /// Bytes of the records appended and not settled, with headers.
    pub(crate) in_flight_bytes: Gauge,
    /// Writers opened.
    pub(crate) writers_opened: Counter,
    /// Writers that are open now.
    pub(crate) writers_open: Gauge,
    /// Writers of this namespace handle that another cut off.
    pub(crate) writers_fenced: Counter,
    /// Writers that this namespace handle cut off by taking their logs.
    pub(crate) takeovers: Counter,
    /// How long taking the lock of a log took, in vain or not.
    pub(crate) lock_wait: Histogram,
    /// Segments started.
    pub(crate) segments_started: Counter,
    /// Segments completed, by their writers or by recovery.
    pub(crate) segments_completed: Counter,
    /// How long it took to complete a segment that was large or old enough and, under load, to start the
    /// next; its count is the number of rolls.
    pub(crate) roll: Histogram,
    /// Segments that an earlier writer left in progress and that were completed.
    pub(crate) segments_recovered: Counter,
    /// Entries found in them.
    pub(crate) entries_recovered: Counter,
    /// Segments deleted, because of a truncation, their age or size, or with their log.
    pub(crate) segments_freed: Counter,
    /// Changes of the metadata that went through, locks excepted.
    pub(crate) metadata_commits: Counter,
    /// Changes of the metadata that were refused because of a change by another.
    pub(crate) metadata_refused: Counter,
    /// How long each change of the metadata took, however it ended.
    pub(crate) metadata_commit: Histogram,
    /// Readers opened.
    pub(crate) readers_opened: Counter,
    /// Readers that are open now.
    pub(crate) readers_open: Gauge,
    /// Records delivered to readers, counted when their entry was delivered as a whole.
    pub(crate) read_records: Counter,
    /// Bytes of their payloads.
    pub(crate) read_bytes: Counter,
    /// Chunks of entries that were there when a reader came to them.
    pub(crate) read_ahead_hits: Counter,
    /// Chunks of entries that a reader had to wait for.
    pub(crate) read_ahead_misses: Counter,
    /// Acknowledged entries that the open reader furthest behind has not delivered.
    pub(crate) reader_lag_entries: Gauge,
    /// Calls other than appends that failed, by the kind of their error.
    pub(crate) failed_calls: ByKind,
    /// How often stored bytes were not what was written.
    pub(crate) corrupt_found: Counter,
    /// Group commits: entries made durable together, by one sync of the journal and one of each segment
    /// with a large share.
    pub(crate) rounds: Counter,
    /// Records that each group commit acknowledged: records for each sync.
    pub(crate) round_records: Histogram,
    /// Entries of each group commit.
    pub(crate) round_entries: Histogram,
    /// Bytes of the entries of each group commit: bytes for each sync.
    pub(crate) round_bytes: Histogram,
    /// Shares of group commits that were so large that they were synced in their segment and not in the
    /// journal.
    pub(crate) large_flushes: Counter,
    /// Bytes written to journals, the zeros of new ones included.
    pub(crate) journal_bytes: Counter,
    /// How long each sync of a journal took; its count is the number of these syncs.
    pub(crate) journal_sync: Histogram,
    /// Journals that became full, or were given up after a failed sync.
    pub(crate) journals_filled: Counter,
    /// Journals whose entries were made durable in their segments, to be used again.
    pub(crate) journals_emptied: Counter,
    /// How often a group commit waited for a journal to be emptied.
    pub(crate) journal_waits: Counter,
    /// Journals that others had left behind and that were replayed when the namespace was opened.
    pub(crate) journals_replayed: Counter,
    /// Bytes written to segment files.
    pub(crate) segment_bytes: Counter,
    /// How long each sync of a segment file took; its count is the number of these syncs.
    pub(crate) segment_sync: Histogram,
    /// Bytes read from segment files.
    pub(crate) segment_read_bytes: Counter,
    /// Bytes written to the metadata log.
    pub(crate) metadata_bytes: Counter,
    /// How long each sync of the metadata log took; its count is the number of these syncs.
    pub(crate) metadata_sync: Histogram,
    /// Syncs of folders.
    pub(crate) folder_syncs: Counter,
    /// Syncs of files and folders that failed.
    pub(crate) sync_failures: Counter,
    /// Files that this namespace handle has open.
    pub(crate) descriptors_open: Gauge,
    /// How often waiting readers were told that some process acknowledged entries.
    pub(crate) doorbell_wakes: Counter,
    /// Events that did not reach the log hook, because it had not got through those before.
    pub(crate) events_dropped: Counter,
}

impl Metrics {
    /// All of them as they are now, in the order of the table.
    pub(crate) fn read(&self) -> Vec<Metric> {
        let mut metrics = Vec::new();
        self.append_records.read(
            &Descriptor { name: "dl_append_records_total", unit: "records", help: "Records acknowledged." },
            &mut metrics,
        );
        self.append_bytes.read(
            &Descriptor {
                name: "dl_append_bytes_total",
                unit: "bytes",
                help: "Bytes of the records acknowledged, with the 20 bytes of each header.",
            },
            &mut metrics,
        );
        self.append_refused.read(&Descriptor { name: "dl_append_refused_total", unit: "records", help: "Records that failed, by the kind of their error: at the call, or later through their tickets." }, &mut metrics);
        self.append_waits.read(
            &Descriptor {
                name: "dl_append_waits_total",
                unit: "appends",
                help: "Appends that found too much in flight and had to wait for room.",
            },
            &mut metrics,
        );
        self.append_latency.read(&Descriptor { name: "dl_append_latency_seconds", unit: "seconds", help: "From the first append of an entry to the acknowledgement of the entry. Waiting for room is not in it." }, &mut metrics);
        self.entry_records.read(
            &Descriptor {
                name: "dl_entry_records",
                unit: "records",
                help: "Records of each entry acknowledged; its count is the number of entries.",
            },
            &mut metrics,
        );
        self.in_flight_records.read(
            &Descriptor {
                name: "dl_in_flight_records",
                unit: "records",
                help: "Records appended and not settled.",
            },
            &mut metrics,
        );
        self.in_flight_bytes.read(
            &Descriptor {
                name: "dl_in_flight_bytes",
                unit: "bytes",
                help: "Bytes of the records appended and not settled, with headers.",
            },
            &mut metrics,
        );
        self.writers_opened.read(
            &Descriptor { name: "dl_writers_opened_total", unit: "writers", help: "Writers opened." },
            &mut metrics,
        );
        self.writers_open.read(
            &Descriptor { name: "dl_writers_open", unit: "writers", help: "Writers that are open now." },
            &mut metrics,
        );
        self.writers_fenced.read(
            &Descriptor {
                name: "dl_writers_fenced_total",
                unit: "writers",
                help: "Writers of this namespace handle that another cut off.",
            },
            &mut metrics,
        );
        self.takeovers.read(
            &Descriptor {
                name: "dl_takeovers_total",
                unit: "writers",
                help: "Writers that this namespace handle cut off by taking their logs.",
            },
            &mut metrics,
        );
        self.lock_wait.read(
            &Descriptor {
                name: "dl_lock_wait_seconds",
                unit: "seconds",
                help: "How long taking the lock of a log took, in vain or not.",
            },
            &mut metrics,
        );
        self.segments_started.read(
            &Descriptor { name: "dl_segments_started_total", unit: "segments", help: "Segments started." },
            &mut metrics,
        );
        self.segments_completed.read(
            &Descriptor {
                name: "dl_segments_completed_total",
                unit: "segments",
                help: "Segments completed, by their writers or by recovery.",
            },
            &mut metrics,
        );
        self.roll.read(&Descriptor { name: "dl_roll_seconds", unit: "seconds", help: "How long it took to complete a segment that was large or old enough and, under load, to start the next; its count is the number of rolls." }, &mut metrics);
        self.segments_recovered.read(
            &Descriptor {
                name: "dl_segments_recovered_total",
                unit: "segments",
                help: "Segments that an earlier writer left in progress and that were completed.",
            },
            &mut metrics,
        );
        self.entries_recovered.read(
            &Descriptor {
                name: "dl_entries_recovered_total",
                unit: "entries",
                help: "Entries found in them.",
            },
            &mut metrics,
        );
        self.segments_freed.read(
            &Descriptor {
                name: "dl_segments_freed_total",
                unit: "segments",
                help: "Segments deleted, because of a truncation, their age or size, or with their log.",
            },
            &mut metrics,
        );
        self.metadata_commits.read(
            &Descriptor {
                name: "dl_metadata_commits_total",
                unit: "commits",
                help: "Changes of the metadata that went through, locks excepted.",
            },
            &mut metrics,
        );
        self.metadata_refused.read(
            &Descriptor {
                name: "dl_metadata_refused_total",
                unit: "commits",
                help: "Changes of the metadata that were refused because of a change by another.",
            },
            &mut metrics,
        );
        self.metadata_commit.read(
            &Descriptor {
                name: "dl_metadata_commit_seconds",
                unit: "seconds",
                help: "How long each change of the metadata took, however it ended.",
            },
            &mut metrics,
        );
        self.readers_opened.read(
            &Descriptor { name: "dl_readers_opened_total", unit: "readers", help: "Readers opened." },
            &mut metrics,
        );
        self.readers_open.read(
            &Descriptor { name: "dl_readers_open", unit: "readers", help: "Readers that are open now." },
            &mut metrics,
        );
        self.read_records.read(
            &Descriptor {
                name: "dl_read_records_total",
                unit: "records",
                help: "Records delivered to readers, counted when their entry was delivered as a whole.",
            },
            &mut metrics,
        );
        self.read_bytes.read(
            &Descriptor { name: "dl_read_bytes_total", unit: "bytes", help: "Bytes of their payloads." },
            &mut metrics,
        );
        self.read_ahead_hits.read(
            &Descriptor {
                name: "dl_read_ahead_hits_total",
                unit: "chunks",
                help: "Chunks of entries that were there when a reader came to them.",
            },
            &mut metrics,
        );
        self.read_ahead_misses.read(
            &Descriptor {
                name: "dl_read_ahead_misses_total",
                unit: "chunks",
                help: "Chunks of entries that a reader had to wait for.",
            },
            &mut metrics,
        );
        self.reader_lag_entries.read(
            &Descriptor {
                name: "dl_reader_lag_entries",
                unit: "entries",
                help: "Acknowledged entries that the open reader furthest behind has not delivered.",
            },
            &mut metrics,
        );
        self.failed_calls.read(
            &Descriptor {
                name: "dl_failed_calls_total",
                unit: "calls",
                help: "Calls other than appends that failed, by the kind of their error.",
            },
            &mut metrics,
        );
        self.corrupt_found.read(
            &Descriptor {
                name: "dl_corrupt_found_total",
                unit: "errors",
                help: "How often stored bytes were not what was written.",
            },
            &mut metrics,
        );
        self.rounds.read(&Descriptor { name: "dl_rounds_total", unit: "rounds", help: "Group commits: entries made durable together, by one sync of the journal and one of each segment with a large share." }, &mut metrics);
        self.round_records.read(
            &Descriptor {
                name: "dl_round_records",
                unit: "records",
                help: "Records that each group commit acknowledged: records for each sync.",
            },
            &mut metrics,
        );
        self.round_entries.read(
            &Descriptor { name: "dl_round_entries", unit: "entries", help: "Entries of each group commit." },
            &mut metrics,
        );
        self.round_bytes.read(
            &Descriptor {
                name: "dl_round_bytes",
                unit: "bytes",
                help: "Bytes of the entries of each group commit: bytes for each sync.",
            },
            &mut metrics,
        );
        self.large_flushes.read(&Descriptor { name: "dl_large_flushes_total", unit: "flushes", help: "Shares of group commits that were so large that they were synced in their segment and not in the journal." }, &mut metrics);
        self.journal_bytes.read(
            &Descriptor {
                name: "dl_journal_bytes_total",
                unit: "bytes",
                help: "Bytes written to journals, the zeros of new ones included.",
            },
            &mut metrics,
        );
        self.journal_sync.read(
            &Descriptor {
                name: "dl_journal_sync_seconds",
                unit: "seconds",
                help: "How long each sync of a journal took; its count is the number of these syncs.",
            },
            &mut metrics,
        );
        self.journals_filled.read(
            &Descriptor {
                name: "dl_journals_filled_total",
                unit: "journals",
                help: "Journals that became full, or were given up after a failed sync.",
            },
            &mut metrics,
        );
        self.journals_emptied.read(
            &Descriptor {
                name: "dl_journals_emptied_total",
                unit: "journals",
                help: "Journals whose entries were made durable in their segments, to be used again.",
            },
            &mut metrics,
        );
        self.journal_waits.read(
            &Descriptor {
                name: "dl_journal_waits_total",
                unit: "waits",
                help: "How often a group commit waited for a journal to be emptied.",
            },
            &mut metrics,
        );
        self.journals_replayed.read(&Descriptor { name: "dl_journals_replayed_total", unit: "journals", help: "Journals that others had left behind and that were replayed when the namespace was opened." }, &mut metrics);
        self.segment_bytes.read(
            &Descriptor {
                name: "dl_segment_bytes_total",
                unit: "bytes",
                help: "Bytes written to segment files.",
            },
            &mut metrics,
        );
        self.segment_sync.read(
            &Descriptor {
                name: "dl_segment_sync_seconds",
                unit: "seconds",
                help: "How long each sync of a segment file took; its count is the number of these syncs.",
            },
            &mut metrics,
        );
        self.segment_read_bytes.read(
            &Descriptor {
                name: "dl_segment_read_bytes_total",
                unit: "bytes",
                help: "Bytes read from segment files.",
            },
            &mut metrics,
        );
        self.metadata_bytes.read(
            &Descriptor {
                name: "dl_metadata_bytes_total",
                unit: "bytes",
                help: "Bytes written to the metadata log.",
            },
            &mut metrics,
        );
        self.metadata_sync.read(
            &Descriptor {
                name: "dl_metadata_sync_seconds",
                unit: "seconds",
                help: "How long each sync of the metadata log took; its count is the number of these syncs.",
            },
            &mut metrics,
        );
        self.folder_syncs.read(
            &Descriptor { name: "dl_folder_syncs_total", unit: "syncs", help: "Syncs of folders." },
            &mut metrics,
        );
        self.sync_failures.read(
            &Descriptor {
                name: "dl_sync_failures_total",
                unit: "syncs",
                help: "Syncs of files and folders that failed.",
            },
            &mut metrics,
        );
        self.descriptors_open.read(
            &Descriptor {
                name: "dl_descriptors_open",
                unit: "descriptors",
                help: "Files that this namespace handle has open.",
            },
            &mut metrics,
        );
        self.doorbell_wakes.read(
            &Descriptor {
                name: "dl_doorbell_wakes_total",
                unit: "wakes",
                help: "How often waiting readers were told that some process acknowledged entries.",
            },
            &mut metrics,
        );
        self.events_dropped.read(
            &Descriptor {
                name: "dl_events_dropped_total",
                unit: "events",
                help: "Events that did not reach the log hook, because it had not got through those before.",
            },
            &mut metrics,
        );
        metrics
    }
}

/// Records appended and not settled, of each log with an open writer.
pub(crate) const LOG_IN_FLIGHT_RECORDS: &Descriptor = &Descriptor {
    name: "dl_log_in_flight_records",
    unit: "records",
    help: "Records appended and not settled, of each log with an open writer.",
};
/// Their bytes, with headers.
pub(crate) const LOG_IN_FLIGHT_BYTES: &Descriptor =
    &Descriptor { name: "dl_log_in_flight_bytes", unit: "bytes", help: "Their bytes, with headers." };
/// Acknowledged entries not delivered, of each log with an open reader: of the one furthest behind.
pub(crate) const LOG_READER_LAG_ENTRIES: &Descriptor = &Descriptor {
    name: "dl_log_reader_lag_entries",
    unit: "entries",
    help: "Acknowledged entries not delivered, of each log with an open reader: of the one furthest behind.",
};

/// A writer took its log from the owner named in the context.
pub(crate) const WRITER_TOOK_OVER: Topic =
    Topic { target: "writer.took_over", level: Level::Info, context: &["log", "owner"] };
/// A writer was cut off, by the owner in the context if it is known.
pub(crate) const WRITER_FENCED: Topic =
    Topic { target: "writer.fenced", level: Level::Warn, context: &["log", "owner", "error"] };
/// A segment that an earlier writer left in progress was completed, with as many entries and records as
/// the context says.
pub(crate) const RECOVERY_SEGMENT: Topic = Topic {
    target: "recovery.segment",
    level: Level::Info,
    context: &["log", "segment", "entries", "records"],
};
/// Journals were replayed that processes had left behind which did not close the namespace.
pub(crate) const RECOVERY_JOURNALS: Topic =
    Topic { target: "recovery.journals", level: Level::Warn, context: &["file", "journals"] };
/// The system failed to make a file or folder durable. What it covered is not acknowledged; the writers
/// concerned fail.
pub(crate) const DISK_SYNC_FAILED: Topic =
    Topic { target: "disk.sync_failed", level: Level::Error, context: &["file", "error"] };
/// A sync took longer than the option `slow_sync_ms`.
pub(crate) const DISK_SYNC_SLOW: Topic =
    Topic { target: "disk.sync_slow", level: Level::Warn, context: &["file", "ms"] };
/// A writer's appends are refused for want of space. Said once, until one goes through again.
pub(crate) const DISK_FULL: Topic =
    Topic { target: "disk.full", level: Level::Warn, context: &["log", "error"] };
/// A journal cannot be emptied; it is tried again, and other journals take its place meanwhile.
pub(crate) const JOURNAL_STUCK: Topic =
    Topic { target: "journal.stuck", level: Level::Warn, context: &["file", "error"] };
/// Stored bytes are not what was written; the context says where.
pub(crate) const DATA_CORRUPT: Topic = Topic {
    target: "data.corrupt",
    level: Level::Error,
    context: &["log", "segment", "entry", "file", "offset", "error"],
};
/// Segments of a log were deleted: truncated, too old, too much, or with their log.
pub(crate) const SEGMENTS_FREED: Topic =
    Topic { target: "segments.freed", level: Level::Info, context: &["log", "segments"] };
