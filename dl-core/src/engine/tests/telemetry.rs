//! Each metric moves when its thing happens, and the log hook hears of it.

use std::sync::{Arc, Mutex};

use super::*;

use crate::testing::memory::fill;
use crate::testing::sim::{Fault, Op};
use crate::{Condition, Dlsn, ErrorKind, Event, Snapshot};

on_every_driver! {
    appends_are_counted_with_their_entries
    refused_appends_are_counted_by_the_kind_of_their_error
    what_is_in_flight_is_known_by_log
    segments_are_counted_from_their_start_to_their_end
    reading_is_counted_and_how_far_readers_are_behind
    both_sides_of_a_takeover_are_told
    calls_that_fail_are_counted_by_the_kind_of_their_error
}

/// The targets and contexts of the events that a hook got.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Event>>>);

impl Heard {
    /// A process with a hook that keeps what it gets, and panics at first.
    async fn process(shared: &Shared, name: &str) -> (Namespace, Self) {
        let heard = Self::default();
        let kept = heard.clone();
        let hook = move |event: &Event| {
            kept.0.lock().unwrap().push(event.clone());
            assert!(kept.0.lock().unwrap().len() > 1, "the first one is too much for it");
        };
        let (seams, _) = shared.world.process();
        let hook: crate::telemetry::Hook = Arc::new(hook);
        let namespace =
            Namespace::open_telling(shared.uri(), options(name), seams, Some(hook)).await.unwrap();
        (namespace, heard)
    }

    /// The context of each event with this target, after what was sent by now.
    async fn of(&self, namespace: &Namespace, target: &str) -> Vec<String> {
        namespace.engine().telemetry.events.told().await;
        let events = self.0.lock().unwrap();
        let context = |event: &Event| {
            let pairs: Vec<_> = event.context().map(|(key, value)| format!("{key}={value}")).collect();
            pairs.join(" ")
        };
        events.iter().filter(|event| event.target() == target).map(context).collect()
    }
}

fn counts<const N: usize>(snapshot: &Snapshot, names: [&str; N]) -> [u64; N] {
    names.map(|name| snapshot.count(name))
}

fn sum(snapshot: &Snapshot, histogram: &str) -> f64 {
    snapshot.histogram(histogram).unwrap().sum()
}

/// The value of a metric of the test's log.
fn of_log(snapshot: &Snapshot, shared: &Shared, name: &str) -> Option<u64> {
    let log = [("log", shared.log().to_string())];
    let found = snapshot.iter().find(|metric| metric.name == name && metric.labels == log)?;
    match found.value {
        crate::MetricValue::Gauge(value) => Some(value),
        _ => None,
    }
}

async fn appends_are_counted_with_their_entries(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    append(&writer, "one").await;
    let batch = vec![record("two", 1 << 50), record("three", 1 << 50)];
    writer.append_batch(batch, None).await.unwrap().await.unwrap();
    let metrics = namespace.metrics().await;
    let names = ["append_records_total", "append_bytes_total", "entry_records", "append_latency_seconds"];
    assert_eq!(counts(&metrics, names), [3, 11 + 3 * 20, 2, 2]);
    assert_eq!(sum(&metrics, "entry_records"), 3.0);
    assert_eq!(counts(&metrics, ["writers_opened_total", "writers_open", "lock_wait_seconds"]), [1; 3]);
    let committed = counts(&metrics, ["metadata_commits_total", "metadata_commit_seconds"]);
    assert!(committed[0] > 0 && committed[0] <= committed[1]);
    if shared.is_file() {
        let names = ["rounds_total", "round_records", "round_entries", "round_bytes", "journal_sync_seconds"];
        // The journal was synced when it was made, too: its blocks, then its head.
        assert_eq!(counts(&metrics, names), [2, 2, 2, 2, 4]);
        assert_eq!((sum(&metrics, "round_records"), sum(&metrics, "round_entries")), (3.0, 2.0));
        // The zeros and the head of the journal, and a block for each batch.
        let journal_bytes = metrics.count("journal_bytes_total").checked_sub((4 << 20) + 2 * 4_096).unwrap();
        assert!((1..4_096).contains(&journal_bytes));
        let moved = [
            "segment_bytes_total",
            "metadata_bytes_total",
            "metadata_sync_seconds",
            "folder_syncs_total",
            "descriptors_open",
        ];
        assert!(counts(&metrics, moved).iter().all(|count| *count > 0));
    }
    writer.close().await.unwrap();
    let metrics = namespace.metrics().await;
    let names = ["writers_open", "in_flight_records", "segments_completed_total"];
    assert_eq!(counts(&metrics, names), [0, 0, 1]);
    assert_eq!(metrics.count("segment_sync_seconds") > 0, shared.is_file());
}

async fn refused_appends_are_counted_by_the_kind_of_their_error(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    append(&writer, "one").await;
    let refused = [
        writer.append(record("old", 1)).await.map(drop),
        writer.append_if("two", Condition::Empty).await.unwrap().await.map(drop),
        writer.append_batch(vec![record("old", 1), record("old", 1)], None).await.map(drop),
        writer.try_append(vec![0; crate::MAX_PAYLOAD_BYTES + 1]).map(drop),
    ];
    assert!(refused.iter().all(Result::is_err));
    let metrics = namespace.metrics().await;
    let of_kind = |kind: ErrorKind| {
        let label = [("kind", kind.name().to_owned())];
        let mut found = metrics.iter().filter(|metric| metric.name == "dl_append_refused_total");
        found.find(|metric| metric.labels == label).map(|metric| metric.value.clone())
    };
    use crate::MetricValue::Counter;
    assert!(matches!(of_kind(ErrorKind::InvalidArgument), Some(Counter(3))));
    assert!(matches!(of_kind(ErrorKind::ConditionFailed), Some(Counter(1))));
    assert!(matches!(of_kind(ErrorKind::TooLarge), Some(Counter(1))));
    assert_eq!(counts(&metrics, ["append_refused_total", "append_records_total"]), [5, 1]);
}

async fn what_is_in_flight_is_known_by_log(shared: Shared) {
    let (namespace, process) = shared.process_with_handle("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(2)).await;
    append(&writer, "first").await;
    shared.stall(&process, true);
    let tickets = [writer.append("one").await.unwrap(), writer.append("two").await.unwrap()];
    assert_eq!(writer.try_append("three").unwrap_err().kind(), ErrorKind::Busy);
    let waiting = {
        let writer = writer.clone();
        spawn(async move { writer.append("three").await.unwrap().await })
    };
    pass(Duration::from_millis(1)).await;
    let metrics = namespace.metrics_by_log().await;
    let names = ["in_flight_records", "in_flight_bytes", "append_waits_total", "append_refused_total"];
    assert_eq!(counts(&metrics, names), [2, 46, 1, 1]);
    assert_eq!(of_log(&metrics, &shared, "dl_log_in_flight_records"), Some(2));
    assert_eq!(of_log(&metrics, &shared, "dl_log_in_flight_bytes"), Some(46));
    assert_eq!(of_log(&namespace.metrics().await, &shared, "dl_log_in_flight_bytes"), None);
    shared.stall(&process, false);
    for ticket in tickets {
        ticket.await.unwrap();
    }
    waiting.await.unwrap().unwrap();
    let metrics = namespace.metrics().await;
    assert_eq!(counts(&metrics, ["in_flight_records", "in_flight_bytes", "append_records_total"]), [0, 0, 4]);
}

async fn segments_are_counted_from_their_start_to_their_end(shared: Shared) {
    let (namespace, heard) = Heard::process(&shared, "a").await;
    let writer = shared.open(&namespace, creating().roll_bytes(1_024)).await;
    for _ in 0..4 {
        writer.append(vec![0; 2_000]).await.unwrap().await.unwrap();
        // Time to roll.
        pass(Duration::from_millis(1)).await;
    }
    writer.truncate(Dlsn::new(3, 0, 0)).await.unwrap();
    let metrics = namespace.metrics().await;
    let [started, completed, rolls] =
        counts(&metrics, ["segments_started_total", "segments_completed_total", "roll_seconds"]);
    assert!(started >= 4 && completed >= 3 && rolls >= 3 && rolls <= completed);
    assert_eq!(metrics.count("segments_freed_total"), 2);
    assert_eq!(heard.of(&namespace, "segments.freed").await, ["log=a/b segments=2"]);
    namespace.delete_log(shared.log()).await.unwrap();
    let freed = namespace.metrics().await.count("segments_freed_total");
    assert_eq!(freed, namespace.metrics().await.count("segments_started_total"));
}

async fn reading_is_counted_and_how_far_readers_are_behind(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    for _ in 0..8 {
        writer.append(vec![7; 30_000]).await.unwrap().await.unwrap();
    }
    let options = ReaderOptions::default().read_ahead_bytes(64 << 10);
    let mut reader = namespace.log(shared.log()).open_reader(options).await.unwrap();
    let metrics = namespace.metrics_by_log().await;
    assert_eq!(counts(&metrics, ["readers_opened_total", "readers_open", "reader_lag_entries"]), [1, 1, 8]);
    assert_eq!(of_log(&metrics, &shared, "dl_log_reader_lag_entries"), Some(8));
    for _ in 0..3 {
        reader.next().await.unwrap().unwrap();
    }
    // The third one's entry is left with the next call.
    let metrics = namespace.metrics().await;
    assert_eq!(
        counts(&metrics, ["read_records_total", "read_bytes_total", "reader_lag_entries"]),
        [2, 60_000, 6]
    );
    // Time to read ahead.
    pass(Duration::from_millis(10)).await;
    drain(&mut reader).await;
    let metrics = namespace.metrics().await;
    assert_eq!(
        counts(&metrics, ["read_records_total", "read_bytes_total", "reader_lag_entries"]),
        [8, 240_000, 0]
    );
    let [hits, misses] = counts(&metrics, ["read_ahead_hits_total", "read_ahead_misses_total"]);
    assert!(hits > 0 && misses > 0);
    assert_eq!(metrics.count("segment_read_bytes_total") > 0, shared.is_file());
    // A segment further on counts with all it has.
    writer.truncate(Dlsn::new(1, 1, 0)).await.unwrap();
    append(&writer, "in the next segment").await;
    assert_eq!(namespace.metrics().await.count("reader_lag_entries"), 1);
    drop(reader);
    assert_eq!(counts(&namespace.metrics().await, ["readers_open", "reader_lag_entries"]), [0, 0]);
}

async fn both_sides_of_a_takeover_are_told(shared: Shared) {
    let (first, old_heard) = Heard::process(&shared, "first").await;
    let (second, new_heard) = Heard::process(&shared, "second").await;
    let old = shared.open(&first, creating()).await;
    append(&old, "one").await;
    let new = shared.open(&second, WriterOptions::default()).await;
    assert_eq!(old.fenced().await.kind(), ErrorKind::Fenced);
    append(&new, "two").await;
    let metrics = first.metrics().await;
    assert_eq!(counts(&metrics, ["writers_fenced_total", "takeovers_total"]), [1, 0]);
    let metrics = second.metrics().await;
    let names =
        ["writers_fenced_total", "takeovers_total", "segments_recovered_total", "entries_recovered_total"];
    assert_eq!(counts(&metrics, names), [0, 1, 1, 1]);
    assert_eq!(new_heard.of(&second, "writer.took_over").await, ["log=a/b owner=first"]);
    assert_eq!(new_heard.of(&second, "recovery.segment").await, ["log=a/b segment=1 entries=1 records=1"]);
    let [fenced] = &old_heard.of(&first, "writer.fenced").await[..] else { panic!("it is said once") };
    assert!(fenced.contains("log=a/b") && fenced.contains("owner=second"), "{fenced}");
}

async fn calls_that_fail_are_counted_by_the_kind_of_their_error(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    let missing = LogName::new("missing").unwrap();
    assert!(namespace.delete_log(&missing).await.is_err());
    assert!(namespace.log(&missing).info().await.is_err());
    writer.close().await.unwrap();
    assert!(writer.flush().await.is_err());
    let metrics = namespace.metrics().await;
    let text = metrics.to_prometheus_text();
    assert!(text.contains("dl_failed_calls_total{kind=\"not-found\"} 2\n"), "{text}");
    assert!(text.contains("dl_failed_calls_total{kind=\"closed\"} 1\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_told_once_until_there_is_space() {
    let shared = Shared::memory("a_full_disk_is_told_once");
    let (namespace, heard) = Heard::process(&shared, "a").await;
    let writer = shared.open(&namespace, creating()).await;
    append(&writer, "one").await;
    for told in 1..=2 {
        fill("a_full_disk_is_told_once", true);
        for _ in 0..3 {
            let refused = writer.append("lost").await.unwrap().await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::StorageFull);
        }
        assert_eq!(heard.of(&namespace, "disk.full").await.len(), told);
        fill("a_full_disk_is_told_once", false);
        append(&writer, "kept").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_sync_is_told_and_counted() {
    let shared = Shared::file();
    let (namespace, heard) = Heard::process(&shared, "a").await;
    let writer = shared.open(&namespace, creating()).await;
    append(&writer, "one").await;
    shared.world.fail(Fault::new(Op::Sync, libc::EIO).on("/journals/"));
    assert!(writer.append("lost").await.unwrap().await.is_err());
    let [failed] = &heard.of(&namespace, "disk.sync_failed").await[..] else { panic!("it is said once") };
    assert!(failed.contains("/journals/"), "{failed}");
    let metrics = namespace.metrics().await;
    assert_eq!(counts(&metrics, ["sync_failures_total", "journals_filled_total"]), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn damage_is_told_and_counted_when_it_is_found() {
    let shared = Shared::file();
    let (namespace, heard) = Heard::process(&shared, "a").await;
    let writer = shared.open(&namespace, creating()).await;
    append(&writer, "one").await;
    let segment = shared.world.files().into_iter().find(|file| file.to_string_lossy().contains("/segments/"));
    assert!(shared.world.damage(&segment.unwrap(), 4_096 + 30, 1));
    let mut reader = namespace.log(shared.log()).open_reader(ReaderOptions::default()).await.unwrap();
    assert_eq!(reader.next().await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(namespace.metrics().await.count("corrupt_found_total"), 1);
    let [found] = &heard.of(&namespace, "data.corrupt").await[..] else { panic!("it is said once") };
    assert!(found.contains("log=a/b") && found.contains("offset="), "{found}");
}

#[tokio::test(start_paused = true)]
async fn journals_that_a_dead_process_left_are_told_and_counted() {
    let shared = Shared::file();
    let (dead, process) = shared.process_with_handle("dead").await;
    let writer = shared.open(&dead, creating()).await;
    append(&writer, "one").await;
    process.kill();
    let (namespace, heard) = Heard::process(&shared, "next").await;
    assert_eq!(namespace.metrics().await.count("journals_replayed_total"), 1);
    assert_eq!(heard.of(&namespace, "recovery.journals").await, ["file=/sim/namespace journals=1"]);
}

#[tokio::test(start_paused = true)]
async fn journals_are_counted_through_their_use() {
    let shared = Shared::file();
    let (namespace, writer) = shared.writer().await;
    // Each too small to go around the journal.
    for _ in 0..60 {
        writer.append(vec![0; 200_000]).await.unwrap().await.unwrap();
    }
    let metrics = namespace.metrics().await;
    let names = ["journals_filled_total", "journals_emptied_total", "journal_waits_total"];
    let [filled, emptied, waits] = counts(&metrics, names);
    assert!(filled > 1 && emptied > 0 && emptied <= filled, "{filled} {emptied}");
    assert_eq!(waits, 0, "the next one was ready each time");
}

#[tokio::test(start_paused = true)]
async fn a_reader_elsewhere_is_woken_by_the_doorbell() {
    let shared = Shared::file();
    let (_writing, writer) = shared.writer().await;
    append(&writer, "one").await;
    let reading = shared.process("b").await;
    let mut follower = shared.follower(&reading, Start::Latest).await;
    let waiting = spawn(async move { follower.next().await.unwrap().unwrap() });
    // Until it waits.
    pass(Duration::from_millis(10)).await;
    append(&writer, "two").await;
    assert_eq!(text(&waiting.await.unwrap()), "two");
    assert!(reading.metrics().await.count("doorbell_wakes_total") > 0);
}

#[tokio::test(start_paused = true)]
async fn large_flushes_are_counted() {
    let shared = Shared::file();
    let (namespace, writer) = shared.writer().await;
    append(&writer, "small").await;
    assert_eq!(namespace.metrics().await.count("large_flushes_total"), 0);
    // Enough to be worth a sync of its own.
    let mut tickets = Vec::new();
    for _ in 0..8 {
        tickets.push(writer.append(vec![0; 1_000_000]).await.unwrap());
    }
    for ticket in tickets {
        ticket.await.unwrap();
    }
    let metrics = namespace.metrics().await;
    assert!(metrics.count("large_flushes_total") > 0);
    assert_eq!(sum(&metrics, "round_records"), 9.0);
}
