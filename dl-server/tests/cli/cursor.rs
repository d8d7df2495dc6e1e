//! Cursors: looking at them, and reading from them.

use std::fs::File;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Ended, Place, objects};

#[test]
fn cursors_are_listed_shown_set_and_deleted() {
    let place = Place::new();
    for line in [b"one\n", b"two\n", b"six\n"] {
        place.ok_with(&["append", "a"], line);
    }
    assert_eq!(place.ok(&["cursor", "list", "a"]), "CURSOR  POSITION  READER\n");
    assert_eq!(place.ok(&["cursor", "list", "a", "--json"]), "");
    assert_eq!(place.ok(&["cursor", "set", "a", "billing", "3:0:0"]), "set billing to 3:0:0\n");
    assert_eq!(place.ok(&["cursor", "show", "a", "billing"]), "3:0:0\n");
    place.ok(&["cursor", "set", "a", "billing", "1:0:0"]);
    place.ok(&["cursor", "set", "a", "audit", "2:0:0", "--json"]);
    let listed = objects(place.ok(&["cursor", "list", "a", "--json"]));
    let cursor = |name: &str, position: &str| json!({ "log": "a", "cursor": name, "position": position, "owner": null });
    assert_eq!(listed, [cursor("audit", "2:0:0"), cursor("billing", "1:0:0")]);
    assert_eq!(
        place.ok(&["cursor", "list", "a"]),
        "CURSOR   POSITION  READER\naudit    2:0:0     none\nbilling  1:0:0     none\n"
    );
    assert_eq!(place.ok(&["cursor", "delete", "a", "audit"]), "deleted audit\n");

    place.run(&["cursor", "show", "a", "audit"]).failed(102, "not-found");
    place.run(&["cursor", "delete", "a", "audit"]).failed(102, "not-found");
    place.run(&["cursor", "list", "b"]).failed(102, "not-found");
    place.run(&["cursor", "set", "b", "billing", "1:0:0"]).failed(102, "not-found");
    place.run(&["cursor", "set", "a", "billing", "1:0"]).failed(101, "invalid-argument");
    place.run(&["cursor", "show", "a", "a/b"]).failed(101, "invalid-argument");
    place.run(&["read", "a", "--cursor", ""]).failed(101, "invalid-argument");
}

#[test]
fn reading_goes_on_behind_the_cursor() {
    let place = Place::new();
    place.ok_with(&["append", "a"], b"one\ntwo\nthree\n");
    assert_eq!(place.ok(&["read", "a", "--cursor", "c", "--from", "1:0:1", "--count", "1"]), "two\n");
    assert_eq!(place.ok(&["cursor", "show", "a", "c"]), "1:0:1\n");
    assert_eq!(place.ok(&["read", "a", "--cursor", "c"]), "three\n");
    assert_eq!(place.ok(&["read", "a", "--cursor", "c"]), "");
    place.ok_with(&["append", "a"], b"four\n");
    assert_eq!(place.ok(&["read", "a", "--cursor", "c", "--takeover", "never"]), "four\n");
    assert_eq!(place.ok(&["cursor", "show", "a", "c"]), "2:0:0\n");
    // To look from a cursor without moving it.
    place.ok(&["cursor", "set", "a", "c", "1:0:2"]);
    for _ in 0..2 {
        assert_eq!(place.ok(&["read", "a", "-o", "cursor=c"]), "four\n");
    }
    assert_eq!(place.run(&["read", "a", "--takeover", "never"]).code, 1);
}

#[test]
fn one_reader_has_a_cursor_at_a_time() {
    let place = Place::new();
    place.ok_with(&["append", "a"], b"one\ntwo\n");
    let arguments = ["tail", "a", "--cursor", "c", "--from", "earliest", "-o", "client_id=the tail"];
    let tail = place.start(&arguments);
    assert_eq!((tail.line(), tail.line()), ("one".to_owned(), "two".to_owned()));
    // It moves the cursor once a line is out.
    while place.ok(&["cursor", "show", "a", "c"]) != "1:0:1\n" {}
    assert_eq!(objects(place.ok(&["cursor", "list", "a", "--json"]))[0]["owner"], "the tail");
    let refused = place.run(&["read", "a", "--cursor", "c", "--takeover", "never"]);
    refused.failed(119, "locked");
    assert!(refused.stderr.contains("owner: the tail"), "{}", refused.stderr);
    place.run(&["cursor", "set", "a", "c", "1:0:0"]).failed(119, "locked");
    place.run(&["cursor", "delete", "a", "c"]).failed(119, "locked");

    assert_eq!(place.ok(&["read", "a", "--cursor", "c"]), "");
    let ended = tail.end();
    ended.failed(104, "fenced");
    assert!(ended.stdout.is_empty());
    place.ok(&["cursor", "delete", "a", "c"]);
}

#[test]
fn a_reader_that_was_killed_lets_its_cursor_go() {
    let place = Place::new();
    place.ok_with(&["append", "a"], b"one\n");
    let tail = place.start(&["tail", "a", "--cursor", "c", "--from", "earliest"]);
    assert_eq!(tail.line(), "one");
    while place.ok(&["cursor", "show", "a", "c"]) == "none\n" {}
    drop(tail);
    place.ok_with(&["append", "a"], b"two\n");
    assert_eq!(place.ok(&["read", "a", "--cursor", "c", "--takeover", "never"]), "two\n");
}

#[test]
fn what_was_not_written_out_comes_again() {
    let place = Place::new();
    place.ok_with(&["append", "a"], b"one\n");
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut command = place.command(&["read", "a", "--cursor", "c"]);
    let failed = command.stdin(Stdio::null()).stdout(full).output().unwrap();
    Ended::from(failed).failed(112, "unavailable: writing to standard output failed");
    assert_eq!(objects(place.ok(&["cursor", "show", "a", "c", "--json"]))[0]["position"], Value::Null);
    assert_eq!(place.ok(&["read", "a", "--cursor", "c"]), "one\n");
}
