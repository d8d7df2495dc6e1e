//! What the commands that look say.

use serde_json::{Value, json};

use crate::support::{Place, objects};

#[test]
fn lists_are_in_byte_order_and_paged() {
    let place = Place::new();
    let names = ["a", "a-b", "a/b", "a/b/c", "b", "ä"];
    let created = place.ok(&[&["create"], &names[..]].concat());
    assert_eq!(created.lines().count(), names.len());
    assert_eq!(created.lines().next(), Some("created a"));
    assert_eq!(place.ok(&["list"]).lines().collect::<Vec<_>>(), names);
    assert_eq!(place.ok(&["list", "a"]), "a/b\na/b/c\n");
    assert_eq!(place.ok(&["list", "--after", "a/b", "--limit", "2"]), "a/b/c\nb\n");
    assert_eq!(place.ok(&["list", "b"]), "");
    assert_eq!(objects(place.ok(&["list", "--json", "--limit", "1"])), [json!({ "log": "a" })]);
}

#[test]
fn more_logs_than_a_page_are_all_listed() {
    let place = Place::new();
    let names: Vec<String> = (0..1_001).map(|number| format!("log-{number:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    place.ok(&[&["create"], &names[..]].concat());
    assert_eq!(place.ok(&["list"]).lines().collect::<Vec<_>>(), names);
}

#[test]
fn info_and_segments_say_what_is_there() {
    let place = Place::new();
    place.ok(&["create", "a"]);
    let info = objects(place.ok(&["info", "a", "--json"])).remove(0);
    assert_eq!(
        (&info["log"], &info["segments"], &info["sealed"], &info["max_txid"], &info["owner"]),
        (&json!("a"), &json!(0), &json!(false), &Value::Null, &Value::Null)
    );
    place.ok_with(&["append", "a", "--txid", "counter"], b"0\n1\n");
    place.ok_with(&["append", "a", "--txid", "counter"], b"2\n");
    let info = objects(place.ok(&["info", "a", "--json"])).remove(0);
    assert_eq!((&info["segments"], &info["max_txid"]), (&json!(2), &json!(2)));
    assert_eq!((&info["first_dlsn"], &info["in_progress"]), (&json!("1:0:0"), &json!(false)));
    assert!(place.ok(&["info", "a"]).lines().any(|line| line.split_whitespace().eq(["segments", "2"])));

    let segments = objects(place.ok(&["segments", "a", "--json"]));
    let expected = [(1, 2, 0, "1:0:1", 1), (2, 1, 2, "2:0:0", 2)];
    assert_eq!(segments.len(), expected.len());
    for (segment, (number, records, first_sequence_id, last_dlsn, last_txid)) in segments.iter().zip(expected)
    {
        assert_eq!(segment["segment"], number);
        assert_eq!(segment["state"], "completed");
        assert_eq!(segment["truncation"], "none");
        assert_eq!(segment["records"], records);
        assert_eq!(segment["first_sequence_id"], first_sequence_id);
        assert_eq!(segment["last_dlsn"], last_dlsn);
        assert_eq!(segment["last_txid"], last_txid);
        assert!(segment["completed_ms"].as_i64() > Some(1_600_000_000_000));
    }
    assert_eq!(place.ok(&["segments", "a"]).lines().count(), 3);
}

#[test]
fn a_log_that_was_made_again_has_another_incarnation() {
    let place = Place::new();
    let incarnation = || {
        place.ok_with(&["append", "a"], b"x\n");
        objects(place.ok(&["info", "a", "--json"])).remove(0)["incarnation"].take()
    };
    let first = incarnation();
    assert!(first.is_u64());
    assert_eq!(place.ok(&["delete", "a", "--json"]), "{\"deleted\":true,\"log\":\"a\"}\n");
    assert_ne!(incarnation(), first);
    assert_eq!(place.ok(&["read", "a"]), "x\n");
}

#[test]
fn a_delete_spares_the_logs_below() {
    let place = Place::new();
    place.ok(&["create", "a", "a/b"]);
    place.ok_with(&["append", "a/b"], b"kept\n");
    assert_eq!(place.ok(&["delete", "a"]), "deleted a\n");
    assert_eq!(place.ok(&["list"]), "a/b\n");
    assert_eq!(place.ok(&["read", "a/b"]), "kept\n");
}

#[test]
fn counts_are_those_of_readers_with_the_same_bounds() {
    let place = Place::new();
    for input in ["0\n1\n2\n", "3\n4\n"] {
        place.ok_with(&["append", "a", "--batch", "9"], input.as_bytes());
    }
    for (bounds, expected) in [
        (&[][..], "5\n"),
        (&["1:0:1"], "4\n"),
        (&["1:0:1", "1:0:1"], "1\n"),
        (&["1:0:1", "2:0:0"], "3\n"),
        (&["2:0:2"], "0\n"),
    ] {
        assert_eq!(place.ok(&[&["count", "a"], bounds].concat()), expected, "{bounds:?}");
    }
    assert_eq!(objects(place.ok(&["count", "a", "--json"])), [json!({ "log": "a", "records": 5 })]);
    place.run(&["count", "a", "x"]).failed(101, "invalid-argument");
    place.run(&["count", "b"]).failed(102, "not-found");
}

#[test]
fn a_dlsn_is_read_and_printed_in_every_form() {
    let place = Place::new();
    let forms = objects(place.ok(&["dlsn", "1:0:2", "--json"])).remove(0);
    assert_eq!(forms["base64"], "AQAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAg==");
    assert_eq!(forms["hex"], "01000000000000000100000000000000000000000000000002");
    assert_eq!(forms["hex_v0"].as_str().unwrap().len(), 400);
    for form in ["dlsn", "base64", "hex", "base64_v0", "hex_v0"] {
        let again = place.ok(&["dlsn", forms[form].as_str().unwrap(), "--json"]);
        assert_eq!(objects(again), std::slice::from_ref(&forms), "{form}");
    }
    assert!(place.ok(&["dlsn", "-1:0:-1"]).starts_with("dlsn       -1:0:-1\n"));
    for bad in ["", "1:0", "AQ", "zz", "0100"] {
        place.run(&["dlsn", bad]).failed(101, "invalid-argument");
    }
}

#[test]
fn a_list_that_watches_tells_of_what_other_processes_do() {
    let place = Place::new();
    place.ok(&["create", "a/b", "c"]);
    let all = place.start(&["list", "--watch"]);
    let below = place.start(&["list", "a", "--watch", "--json"]);
    assert_eq!((all.line(), all.line()), ("a/b".to_owned(), "c".to_owned()));
    assert_eq!(below.line(), r#"{"created":true,"log":"a/b"}"#);
    place.ok(&["create", "d"]);
    assert_eq!(all.line(), "created d");
    place.ok(&["delete", "a/b"]);
    assert_eq!(all.line(), "deleted a/b");
    assert_eq!(below.line(), r#"{"deleted":true,"log":"a/b"}"#);
}

#[test]
fn options_are_kept_and_retention_goes_by_them() {
    let place = Place::new();
    for line in ["one", "two", "three"] {
        place.ok_with(&["append", "a"], format!("{}\n", line.repeat(1_000)).as_bytes());
    }
    let options =
        |arguments: &[&str]| objects(place.ok(&[&["options", "a", "--json"], arguments].concat())).remove(0);
    assert_eq!((&options(&[])["roll_ms"], options(&[]).get("retention_bytes")), (&json!("2h"), None));
    let set = options(&["retention_bytes=6KiB", "roll_ms=1h"]);
    assert_eq!((&set["roll_ms"], &set["retention_bytes"]), (&json!("1h"), &json!("6KiB")));
    assert_eq!(place.ok(&["retain", "a"]), "a 3:0:0\n");
    let set = options(&["roll_ms=default", "compression=lz4"]);
    assert_eq!(
        (&set["roll_ms"], &set["retention_bytes"], &set["compression"]),
        (&json!("2h"), &json!("6KiB"), &json!("lz4"))
    );
    assert!(
        place.ok(&["options", "a"]).lines().any(|line| line.split_whitespace().eq(["compression", "lz4"]))
    );
    let bare = place.run(&["options", "a", "roll_ms"]);
    assert!(bare.code == 1 && bare.stderr.contains("write NAME=VALUE"), "{}", bare.stderr);
    for wrong in ["roll_ms=0", "nonsense=1", "nonsense=default"] {
        place.run(&["options", "a", wrong]).failed(101, "invalid-argument");
    }
    place.run(&["options", "b"]).failed(102, "not-found");
    place.run(&["retain", "b"]).failed(102, "not-found");
}
