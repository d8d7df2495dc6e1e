//! Which cases are played, and how far.

use super::calls::{Differences, play};
use super::cases;

/// Says of every other case why not.
const NOTES: &str = include_str!("../../../../../testdata/format/README.md");

#[tokio::test]
async fn the_same_calls_leave_the_same_nodes_and_ledgers() {
    let played = tokio::task::LocalSet::new().run_until(play_all()).await;
    for case in cases() {
        let noted = NOTES.lines().any(|line| line.starts_with(&format!("| `{}` |", case.name)));
        assert_eq!(noted, !played.contains(&case.name.as_str()), "{}", case.name);
    }
}

/// The names of the cases.
async fn play_all() -> Vec<&'static str> {
    let plain = Differences::default;
    let from = |from| Differences { from: Some(from), ..plain() };
    let until = |at| Differences { until: Some(at), ..plain() };
    let repeats = || Differences { repeats: &[1], ..plain() };
    let freed = |freed| Differences { freed, ..plain() };
    let truncated = &[("truncated at (2,2,0)", 1), ("segment 3 (version 5) closed", 1)];
    let (mut played, mut passed_over) = (Vec::new(), Vec::new());
    for (name, differences, expected) in [
        ("single-record", plain(), 6),
        ("three-records-one-entry", plain(), 3),
        ("several-entries", plain(), 4),
        ("empty-payload", plain(), 3),
        ("max-payload", Differences { alone: true, ..plain() }, 3),
        ("entry-overflow", plain(), 3),
        ("two-segments", plain(), 7),
        ("txids-equal", plain(), 5),
        ("digest-password", plain(), 3),
        ("quorum-1-1-1", until("segment 1 closed"), 2),
        ("quorum-1-1-1", from("segment 2 aborted"), 5),
        ("immediate-flush", repeats(), 3),
        ("end-of-stream-after-flush", repeats(), 3),
        ("end-of-stream-empty-log", repeats(), 3),
        ("lz4-entry", plain(), 3),
        (
            "ledger-custom-metadata",
            Differences {
                options: |options| options.ledger_application("golden").ledger_component("vectors"),
                ..plain()
            },
            3,
        ),
        ("delete", plain(), 5),
        ("app-metadata", until("metadata set to zero length"), 3),
        ("nested-names", until("inner created"), 2),
        ("locks", plain(), 6),
        ("rename", Differences { between: &["before"], freed: &[("renamed", 1)], ..plain() }, 2),
        ("truncation", freed(&[("truncated at (2,2,1)", 1)]), 11),
        (
            "truncation-with-writer-open",
            Differences { freed: &[("truncated at (3,0,0)", 1)], ..until("truncated at (3,0,0)") },
            3,
        ),
        ("readers-locks-subscribers", until("after deleteSubscriber"), 5),
        ("metadata-v2", Differences { freed: truncated, ..from("closed") }, 4),
        ("metadata-v4", Differences { freed: truncated, ..from("closed") }, 4),
        ("metadata-v5", Differences { freed: truncated, ..plain() }, 9),
        ("handmade-crc32", from("made by hand"), 1),
        ("handmade-mac", from("made by hand"), 1),
        ("handmade-dummy", from("made by hand"), 1),
        (
            "crashed-writer",
            Differences {
                repeats: &[2],
                options: |options| options.client_id("second-writer/192.0.2.11"),
                ..from("crashed, lock node still there")
            },
            5,
        ),
        (
            "fenced-ledger",
            Differences { between: &["ledger fenced", "after failed add"], ..until("after next write") },
            2,
        ),
        ("fenced-writer", Differences { between: &["recovered by the other client"], ..plain() }, 3),
        (
            "bindings",
            Differences {
                place: Some(("/messaging/golden-bind/b3", "starts-at-7")),
                options: |options| options.first_segment(7),
                ..from("log below a bound path")
            },
            2,
        ),
        (
            "federated",
            Differences {
                between: &["bound", "federated namespace created", "opened"],
                place: Some(("/messaging/golden-federated", "fed-c")),
                options: |options| options.federated(true).logs_per_subnamespace(2),
                ..plain()
            },
            6,
        ),
        (
            "zk-acl",
            Differences {
                place: Some(("/messaging/golden-acl", "guarded")),
                options: |options| options.zookeeper_acl_id("golden"),
                ..plain()
            },
            2,
        ),
    ] {
        played.push(name);
        let found = play(name, differences).await;
        if found != expected {
            passed_over.push((name, found, expected));
        }
    }
    assert_eq!(passed_over, [], "nothing is passed over");
    played
}
