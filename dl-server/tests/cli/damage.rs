//! Damaged bytes are found, named, and never taken for something else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::{Place, objects};

/// The files below a directory, and what they hold.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let content = fs::read(&path).unwrap();
            found.insert(path, content);
        }
    }
    found
}

/// The files below a directory that hold these bytes, and where.
fn holding(directory: &Path, bytes: &[u8]) -> Vec<(PathBuf, usize)> {
    let place = |content: Vec<u8>| content.windows(bytes.len()).position(|window| window == bytes);
    files(directory).into_iter().filter_map(|(path, content)| Some((path, place(content)?))).collect()
}

/// Changes a bit of these bytes wherever they are stored.
fn damage(place: &Place, bytes: &[u8]) {
    let found = holding(&place.namespace(), bytes);
    assert!(!found.is_empty());
    for (path, at) in &found {
        let mut content = fs::read(path).unwrap();
        content[*at] ^= 1;
        fs::write(path, content).unwrap();
    }
}

#[test]
fn what_is_whole_verifies() {
    let place = Place::new();
    let input = "line\n".repeat(3_000);
    for log in ["a", "a", "b/c"] {
        place.ok_with(&["append", log, "--batch", "10"], input.as_bytes());
    }
    place.ok(&["create", "empty"]);
    place.ok(&["truncate", "a", "--before", "2:0:5"]);
    let mut writing = place.start(&["append", "b/c", "--acks"]);
    writing.write("in progress\n");
    writing.line();
    let report = place.ok(&["verify"]);
    assert_eq!(report.lines().count(), 3, "{report}");
    assert!(report.lines().all(|line| line.starts_with("ok ")), "{report}");
    assert!(report.contains("ok b/c: 3001 records in 2 segments"), "{report}");
    assert_eq!(place.ok(&["verify", "empty"]), "ok empty: 0 records in 0 segments\n");
    let report = objects(place.ok(&["verify", "b/c", "--json"])).remove(0);
    assert_eq!(
        (&report["ok"], &report["records"], &report["problems"]),
        (&json!(true), &json!(3_001), &json!([]))
    );
}

#[test]
fn what_lies_in_front_of_damage_is_read() {
    let place = Place::new();
    // Three entries of one segment.
    place.ok_with(&["append", "a", "--batch", "2"], b"1\n2\n3\nthe fourth\n5\n");
    damage(&place, b"the fourth");
    let read = place.run(&["read", "a"]);
    read.failed(114, "corrupt");
    assert_eq!(read.stdout, b"1\n2\n");
}

#[test]
fn a_damaged_byte_is_reported_with_what_can_still_be_read() {
    let place = Place::new();
    for segment in ["one", "two", "three"] {
        place.ok_with(&["append", "a"], format!("{segment} first\n{segment} last\n").as_bytes());
    }
    place.ok_with(&["append", "b"], b"whole\n");
    damage(&place, b"two last");

    let read = place.run(&["read", "a"]);
    read.failed(114, "corrupt");
    assert_eq!(read.stdout, b"one first\none last\n", "what lies in front is read");
    assert!(read.stderr.contains("file: ") && read.stderr.contains("log: a"), "{}", read.stderr);

    let verified = place.run(&["verify"]);
    verified.failed(114, "corrupt: 1 of 2 logs");
    let text = String::from_utf8(verified.stdout).unwrap();
    for line in [
        "damaged a: 4 records can be read",
        "  safe: dl read a --from 1:0:0 --until 1:0:1",
        "  safe: dl read a --from 3:0:0 --until 3:0:1",
        "ok b: 1 records in 1 segments",
    ] {
        assert!(text.lines().any(|printed| printed == line), "{line}\nis not in\n{text}");
    }
    let verified = place.run(&["verify", "a", "--json"]);
    let mut objects = objects(&verified.stdout);
    let report = objects.pop().unwrap();
    assert_eq!(
        (&objects[0]["severity"], &objects[0]["log"], &objects[0]["segment"]),
        (&json!("damage"), &json!("a"), &json!(2))
    );
    assert_eq!((verified.code, verified.stderr.as_str()), (114, ""));
    assert_eq!(report["problems"][0]["kind"], "corrupt");
    assert_eq!(report["readable"][1], json!({ "first": "3:0:0", "last": "3:0:1" }));
}

#[test]
fn a_directory_that_cannot_be_opened_is_verified_all_the_same() {
    let place = Place::new();
    place.ok_with(&["append", "a"], b"kept\n");
    let format = place.namespace().join("format");
    let text = fs::read_to_string(&format).unwrap();
    fs::write(&format, text.replace("namespace: ", "namespace: f")).unwrap();
    place.run(&["read", "a"]).failed(114, "corrupt (open): the format file");
    let verified = place.run(&["verify"]);
    verified.failed(114, "corrupt: something is damaged");
    let lines = verified.lines();
    assert!(lines[0].starts_with("damage ") && lines[0].ends_with("the format file is not what was written"));
    assert!(lines.iter().any(|line| line.starts_with("  safe: cp -a ")), "{lines:?}");
    assert!(lines.last().unwrap().starts_with("notice: no log was read"), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("segments/")), "the segments are whole: {lines:?}");
}

#[test]
fn a_log_whose_last_segment_is_gone_can_still_be_deleted() {
    let place = Place::new();
    let mut killed = place.start(&["append", "a", "--acks"]);
    killed.write("lost\n");
    killed.line();
    killed.kill();
    // Its journal is emptied.
    assert_eq!(place.ok(&["read", "a"]), "lost\n");
    let (segment, _) = holding(&place.namespace().join("segments"), b"lost").remove(0);
    fs::remove_file(&segment).unwrap();
    for arguments in [&["read", "a"][..], &["append", "a"], &["recover", "a"]] {
        place.run(arguments).failed(114, "corrupt");
    }
    let report = place.run(&["verify"]);
    report.failed(114, "corrupt: 1 of 1 logs are damaged");
    assert!(report.lines()[0].starts_with("damage ") && report.lines()[0].contains("the file is gone"));
    assert_eq!(place.ok(&["delete", "a"]), "deleted a\n");
    place.ok_with(&["append", "a"], b"new\n");
    assert_eq!(place.ok(&["verify"]), "ok a: 1 records in 1 segments\n");
}

#[test]
fn what_stands_in_the_place_of_files_keeps_nobody_waiting() {
    let place = Place::new();
    place.ok_with(&["append", "a"], b"kept\n");
    let (segment, _) = holding(&place.namespace().join("segments"), b"kept").remove(0);
    fs::remove_file(&segment).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&segment).status().unwrap().success());
    place.run(&["read", "a"]).failed(101, "invalid-argument (next_batch): opening a segment file failed");
    let report = place.run(&["verify"]);
    assert_eq!(report.code, 114, "{}", report.stderr);
    assert!(report.lines()[0].starts_with("damage "), "{:?}", report.lines());

    fs::create_dir(place.namespace().join("journals/0123456789abcdef")).unwrap();
    let report = place.run(&["verify"]);
    assert_eq!(report.code, 114, "{}", report.stderr);
}

#[test]
fn verify_changes_nothing_and_says_what_is_to_be_replayed() {
    let place = Place::new();
    let mut killed = place.start(&["append", "a", "--acks"]);
    killed.write("kept\n");
    killed.line();
    killed.kill();
    let before = files(&place.namespace());
    let report = place.ok(&["verify"]);
    assert!(report.starts_with("notice: no log was read, only files: unavailable"), "{report}");
    assert!(files(&place.namespace()) == before);
    assert_eq!(place.ok(&["read", "a"]), "kept\n");
    assert_eq!(place.ok(&["verify"]), "ok a: 1 records in 1 segments\n");
}
