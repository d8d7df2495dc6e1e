//! Recovering, renaming, copying, and what is said of a namespace and of the command line.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::support::{Place, objects};

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

#[test]
fn a_killed_writer_is_explained_and_then_recovered() {
    let place = Place::new();
    assert_eq!(place.ok_with(&["append", "a"], b"completed\n"), "");
    let mut killed = place.start(&["append", "a", "--acks"]);
    killed.write("one\ntwo\n");
    for _ in 0..2 {
        killed.line();
    }
    let explained = place.ok(&["recover", "a", "--explain"]);
    assert!(explained.contains("which lives: dl recover would fail with locked"), "{explained}");
    place.run(&["recover", "a"]).failed(119, "locked");
    killed.kill();

    let before = fs::read_dir(place.namespace().join("journals")).unwrap().count();
    let explained = place.ok(&["recover", "a", "--explain"]);
    assert!(explained.starts_with("a: segment 2 is in progress\n"), "{explained}");
    assert!(
        explained.contains("which is gone") && explained.contains("with 2 records, the last at 2:"),
        "{explained}"
    );
    assert_eq!(fs::read_dir(place.namespace().join("journals")).unwrap().count(), before);
    let object = objects(place.ok(&["recover", "a", "--explain", "--json"])).remove(0);
    let segment = &object["in_progress"][0];
    assert_eq!((&segment["records"], &segment["unfinished_bytes"]), (&json!(2), &json!(0)));
    assert_eq!((&segment["owner_alive"], &object["blocked_by"]), (&json!(false), &json!([])));

    assert_eq!(place.ok(&["recover", "a"]), "a: completed segment 2 with 2 records\n");
    assert_eq!(place.ok(&["recover", "a"]), "a: nothing was in progress\n");
    assert_eq!(place.ok(&["recover", "a", "--explain"]), "a: nothing is in progress\n");
    assert_eq!(place.ok(&["read", "a"]), "completed\none\ntwo\n");
}

#[test]
fn a_log_gets_another_name() {
    let place = Place::new();
    place.ok_with(&["append", "a"], b"1\n");
    place.ok_with(&["append", "a/below"], b"stays\n");
    place.ok(&["create", "c"]);
    assert_eq!(place.ok(&["rename", "a", "b"]), "renamed a to b\n");
    assert_eq!(place.ok(&["list"]), "a/below\nb\nc\n");
    assert_eq!(place.ok(&["read", "b"]), "1\n");
    place.run(&["rename", "b", "c"]).failed(103, "already-exists");
    let mut holder = place.start(&["append", "b", "--acks"]);
    holder.write("held\n");
    holder.line();
    place.run(&["rename", "b", "d"]).failed(119, "locked");
    holder.end_input();
    assert_eq!(holder.end().code, 0);
    let renamed = objects(place.ok(&["rename", "b", "d", "--json"])).remove(0);
    assert_eq!(renamed, json!({ "log": "b", "new": "d" }));
}

#[test]
fn a_copy_is_the_same_and_goes_on_behind_what_is_there() {
    let (place, other) = (Place::new(), Place::new());
    let to = uri(&other.namespace());
    for lines in ["1\n2\n3\n4\n5\n", "6\n7\n"] {
        place.ok_with(&["append", "a", "--batch", "2", "--txid", "counter"], lines.as_bytes());
    }
    let copied = place.ok(&["copy", "a", "--to", &to]);
    assert_eq!(copied, "copied 7 records of a to a; 0 were there\n");
    let read = |place: &Place, log: &str| place.ok(&["read", log, "--json"]);
    assert_eq!(read(&other, "a"), read(&place, "a"), "positions, txids, sequence ids and payloads");

    place.ok_with(&["append", "a"], b"8\n");
    let more = objects(place.ok(&["copy", "a", "--to", &to, "--json"])).remove(0);
    assert_eq!((&more["copied"], &more["there"]), (&json!(1), &json!(7)));
    assert_eq!(read(&other, "a"), read(&place, "a"));
    assert_eq!(place.ok(&["copy", "a", "--to", &to]), "copied 0 records of a to a; 8 were there\n");
    assert_eq!(other.ok(&["verify"]).lines().count(), 1);

    place.ok(&["copy", "a", "--to", &uri(&place.namespace()), "--as", "b"]);
    assert_eq!(place.ok(&["read", "b"]), place.ok(&["read", "a"]));
}

#[test]
fn a_copy_never_mixes_with_something_else() {
    let (place, other) = (Place::new(), Place::new());
    let to = uri(&other.namespace());
    place.ok_with(&["append", "a"], b"1\n2\n");
    other.ok_with(&["append", "a"], b"1\nother\n");
    place
        .run(&["copy", "a", "--to", &to])
        .failed(107, "condition-failed: the destination holds something else");
    other.ok_with(&["append", "longer", "--txid", "counter"], b"1\n2\n3\n");
    place.ok_with(&["append", "longer", "--txid", "counter"], b"1\n2\n");
    place.run(&["copy", "longer", "--to", &to]).failed(107, "condition-failed");
    let mut holder = other.start(&["append", "held", "--acks"]);
    holder.write("held\n");
    holder.line();
    place.run(&["copy", "a", "--to", &to, "--as", "held"]).failed(119, "locked");
    assert_eq!(other.ok(&["read", "a"]), "1\nother\n");
    assert_eq!(other.ok(&["read", "longer"]), "1\n2\n3\n");
}

#[test]
fn a_large_copy_keeps_every_record() {
    let (place, other) = (Place::new(), Place::new());
    let line = "x".repeat(200_000);
    let lines: String = (0..30).map(|number| format!("{number} {line}\n")).collect();
    place.ok_with(&["append", "a", "-o", "roll_bytes=1MiB"], lines.as_bytes());
    place.ok(&["copy", "a", "--to", &uri(&other.namespace()), "--as", "b"]);
    assert_eq!(other.ok(&["read", "b"]), lines);
    // A roll under load begins the next segment, which stays empty if nothing comes: that one is not copied.
    let filled = |place: &Place, log: &str| {
        let segments = objects(place.ok(&["segments", log, "--json"]));
        segments.into_iter().filter(|segment| segment["records"] != 0).count()
    };
    assert_eq!(filled(&other, "b"), filled(&place, "a"));
}

#[test]
fn a_namespace_says_what_it_is() {
    let place = Place::new();
    place.run(&["namespace", "info"]).failed(102, "not-found");
    place.run(&["namespace", "upgrade"]).failed(102, "not-found");
    assert!(place.ok(&["namespace", "create"]).starts_with("created file://"));
    place.run(&["namespace", "create"]).failed(103, "already-exists");
    place.ok_with(&["append", "a"], b"1\n");
    place.ok(&["create", "b/c"]);
    let mut holder = place.start(&["append", "a", "--acks", "-o", "client_id=the holder"]);
    holder.write("2\n");
    holder.line();
    let info = objects(place.ok(&["namespace", "info", "--json"])).remove(0);
    assert_eq!((&info["driver"], &info["logs"], &info["segments"]), (&json!("file"), &json!(2), &json!(2)));
    assert_eq!((&info["format"]["version"], &info["format"]["known"]), (&json!(1), &json!(true)));
    assert_eq!(info["processes"][0]["client_id"], "the holder");
    assert!(
        info["journals"].as_u64() >= Some(1) && info["journal_bytes"].as_u64() >= Some(4 << 20),
        "{info}"
    );
    let text = place.ok(&["namespace", "info"]);
    assert!(text.contains("format     version 1\n") && text.contains("(the holder)"), "{text}");
    assert!(place.ok(&["namespace", "upgrade"]).starts_with("nothing to do"));
}

#[test]
fn a_namespace_of_a_newer_build_is_not_upgraded() {
    let place = Place::new();
    place.ok(&["namespace", "create"]);
    let format = place.namespace().join("format");
    let text = fs::read_to_string(&format).unwrap();
    let newer = text.replace("\nincompatible: 0", "\nincompatible: 4");
    let lines = newer.split("check: ").next().unwrap();
    fs::write(&format, format!("{lines}check: {:08x}\n", crc32c(lines.as_bytes()))).unwrap();
    place.run(&["list"]).failed(118, "unsupported");
    place.run(&["namespace", "upgrade"]).failed(118, "unsupported");
    place.run(&["verify"]).failed(118, "unsupported");
    let info = objects(place.ok(&["namespace", "info", "--json"])).remove(0);
    assert_eq!((&info["format"]["incompatible"], &info["format"]["known"]), (&json!(4), &json!(false)));
    assert_eq!(info["logs"], json!(null));
}

/// As the format file has it: bit by bit, for a text this short.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |check: u32, _| if check & 1 == 1 { check >> 1 ^ 0x82f6_3b78 } else { check >> 1 };
    !bytes.iter().fold(!0, |check, byte| (0..8).fold(check ^ u32::from(*byte), step))
}

#[test]
fn the_command_line_describes_itself() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = place.ok(&["completions", shell]);
        assert!(script.contains("truncate") && script.contains("recover"), "{shell}");
    }
    assert_eq!(place.run(&["completions", "dos"]).code, 1);
    assert!(place.ok(&["man"]).starts_with(".ie") || place.ok(&["man"]).contains(".TH dl 1"));
    let pages = place.path().join("man1");
    place.run(&["man", pages.to_str().unwrap()]).failed(102, "not-found");
    fs::create_dir(&pages).unwrap();
    assert_eq!(place.ok(&["man", pages.to_str().unwrap()]), "");
    assert!(fs::read_to_string(pages.join("dl-append.1")).unwrap().contains("standard input"));
    assert!(!place.namespace().exists());
}
