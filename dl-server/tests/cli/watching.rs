//! What an operator gets to see: events and metrics.

use crate::support::{Place, lines, objects};

/// Events are printed, but not that the disk is slow.
const TELL: [&str; 3] = ["--verbose", "-o", "slow_sync_ms=1h"];

#[test]
fn verbose_tells_both_sides_of_a_takeover() {
    let place = Place::new();
    let first = [&TELL[..], &["append", "a", "--acks", "-o", "client_id=the first"]].concat();
    let mut first = place.start(&first);
    first.write("first\n");
    first.line();
    let second = [&TELL[..], &["append", "a", "-o", "client_id=the second"]].concat();
    let second = place.run_with(&second, b"second\n");
    assert_eq!(second.code, 0);
    let told = lines(&second.stderr);
    assert_eq!(
        told[0],
        "dl: info recovery.segment: completed a segment that an earlier writer left \
        [log: a, segment: 1, entries: 1, records: 1]"
    );
    assert_eq!(
        told[1],
        "dl: info writer.took_over: took the log from another writer [log: a, owner: the first]"
    );
    let first = first.end();
    assert_eq!(first.code, 104);
    let [fenced, error] = &lines(&first.stderr)[..] else { panic!("{}", first.stderr) };
    assert!(
        fenced.starts_with("dl: warn writer.fenced: another writer took the log [kind: fenced"),
        "{fenced}"
    );
    assert!(fenced.contains("log: a") && fenced.contains("owner: the second"), "{fenced}");
    assert!(error.starts_with("dl: fenced"), "{error}");
}

#[test]
fn events_are_objects_if_asked_for() {
    let place = Place::new();
    let mut first = place.start(&["append", "a", "--acks"]);
    first.write("first\n");
    first.line();
    let second = place.run_with(&[&["append", "a", "--json"], &TELL[..]].concat(), b"second\n");
    let told = objects(&second.stderr);
    assert_eq!((&told[0]["event"], &told[0]["level"]), (&"recovery.segment".into(), &"info".into()));
    assert_eq!((&told[0]["context"]["log"], &told[0]["kind"]), (&"a".into(), &serde_json::Value::Null));
}

#[test]
fn stats_are_printed_at_the_end() {
    let place = Place::new();
    let appended = place.run_with(&["append", "a", "--stats"], b"one\ntwo\nthree\n");
    assert_eq!((appended.code, appended.stdout.len()), (0, 0));
    let sample = |stderr: &str, line: &str| lines(stderr).iter().any(|other| other == line);
    assert!(sample(&appended.stderr, "dl_append_records_total 3"), "{}", appended.stderr);
    assert!(sample(&appended.stderr, "# TYPE dl_journal_sync_seconds histogram"), "{}", appended.stderr);
    let read = place.run(&["read", "a", "--stats"]);
    assert_eq!((read.code, read.lines().len()), (0, 3));
    assert!(sample(&read.stderr, "dl_read_records_total 3"), "{}", read.stderr);
}
