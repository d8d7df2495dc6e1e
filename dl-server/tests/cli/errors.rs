//! What cannot be done fails with the number of its error, one line, and nothing written.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Place, run};

#[test]
fn a_command_line_that_makes_no_sense_is_1() {
    let place = Place::new();
    for arguments in [
        &[][..],
        &["fly"],
        &["read"],
        &["read", "a", "--frobnicate"],
        &["read", "a", "--count", "many"],
        &["append", "a", "--framing", "xml"],
        &["append", "a", "--batch", "0"],
        &["append", "a", "-o", "compression"],
        &["create"],
        &["truncate", "a"],
    ] {
        let ended = place.run(arguments);
        assert_eq!((ended.code, ended.stdout.len()), (1, 0), "{arguments:?}");
        assert!(!ended.stderr.is_empty());
    }
    // It has its namespace from the environment.
    let usage = place.run(&["read"]).stderr;
    assert!(usage.contains("Usage: dl read <LOG>"), "{usage}");
    for arguments in [&["--help"][..], &["append", "--help"], &["help", "read"], &["--version"]] {
        let ended = place.run(arguments);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{arguments:?}");
    }
    assert!(!place.namespace().exists());
}

#[test]
fn every_command_shows_an_example() {
    let place = Place::new();
    let commands = [
        "create",
        "list",
        "info",
        "segments",
        "count",
        "dlsn",
        "append",
        "read",
        "tail",
        "truncate",
        "seal",
        "delete",
        "verify",
        "rename",
        "copy",
        "recover",
        "namespace",
        "completions",
        "man",
        "bk",
    ];
    for command in commands {
        let help = place.ok(&[command, "--help"]);
        assert!(help.contains("Example:\n  ") && help.contains(&format!("dl {command}")), "{help}");
    }
}

#[test]
fn values_that_cannot_be_are_invalid_arguments() {
    let place = Place::new();
    place.ok(&["create", "a"]);
    for arguments in [
        &["read", "a", "--from", "1:2"][..],
        &["read", "a", "--from", "1:x:0"],
        &["read", "a", "--from", "txid:-1"],
        &["read", "a", "--until", "9223372036854775808:0:0"],
        &["truncate", "a", "--before", "one"],
        &["append", "a", "--takeover", "please"],
        &["append", "a", "--takeover", "wait:soon"],
        &["append", "a", "-o", "roll_bytes=1"],
        &["append", "a", "-o", "compression=zip"],
        &["append", "a", "-o", "nonsense=1"],
        &["append", "a", "-o", "follow=true"],
        &["list", "-o", "compression=lz4"],
        &["create", ""],
        &["create", "good", "a//b"],
        &["create", ".hidden"],
        &["create", "with space"],
        &["create", "new\nline"],
        &["delete", "a/../b"],
        &["list", "--after", "a/"],
    ] {
        place.run(arguments).failed(101, "invalid-argument");
    }
    place.run(&["create", &"x".repeat(1_025)]).failed(108, "too-large");
    assert_eq!(place.ok(&["list"]), "a\n");
}

#[test]
fn what_is_wrong_is_said_in_words_of_the_command_line() {
    let place = Place::new();
    let said = |arguments: &[&str], text: &str| {
        let ended = place.run(arguments);
        assert!(ended.stderr.contains(text), "{arguments:?}: {}", ended.stderr);
    };
    said(&["list"], "run dl namespace create to make it");
    place.ok(&["create", "a"]);
    said(&["read", "a", "--from", "here"], "invalid-argument: --from is not valid");
    said(&["append", "a", "--takeover", "please"], "invalid-argument: --takeover is not valid");
    said(&["seal", "a", "-o", "takeover=please"], "invalid-argument: the option takeover is not valid");
    said(&["read", "a", "--bytes", "--from-offset", "9223372036854775807"], "--from-offset");
}

#[test]
fn an_unknown_option_is_named_beside_the_known_ones() {
    let place = Place::new();
    let ended = place.run(&["append", "a", "-o", "nonsense=1"]);
    for name in ["nonsense", "roll_bytes", "journal_bytes"] {
        assert!(ended.stderr.contains(name), "{}", ended.stderr);
    }
    assert!(!place.namespace().exists());
}

#[test]
fn a_namespace_that_cannot_be_opened_says_why() {
    let place = Place::new();
    let path = place.path();
    let file = path.join("file");
    fs::write(&file, "not a directory").unwrap();
    let other = path.join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("letter.txt"), "not ours").unwrap();
    let at = |directory: &std::path::Path| format!("file://{}", directory.display());
    for (uri, code, kind) in [
        ("nonsense".to_owned(), 101, "invalid-argument"),
        ("ftp://host/x".to_owned(), 101, "invalid-argument"),
        ("file://relative/path".to_owned(), 101, "invalid-argument"),
        ("file:///x?nonsense=1".to_owned(), 101, "invalid-argument"),
        ("distributedlog://zk:2181".to_owned(), 101, "invalid-argument"),
        ("distributedlog://127.0.0.1:1/x".to_owned(), 112, "unavailable"),
        ("dl://localhost:1/".to_owned(), 118, "unsupported"),
        (at(&path.join("missing/parent")), 102, "not-found"),
        (at(&path.join("missing")) + "?create_namespace=false", 102, "not-found"),
    ] {
        place.run(&["append", "a", "--ns", &uri]).failed(code, kind);
        place.run(&["--ns", &uri, "list"]).failed(code, kind);
    }
    for uri in [at(&file), at(&other)] {
        let ended = place.run(&["append", "a", "--ns", &uri]);
        assert!([101, 118].contains(&ended.code), "{}", ended.stderr);
    }
    let left: Vec<_> = fs::read_dir(&other).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["letter.txt"]);
    assert!(!path.join("missing").exists() && !place.namespace().exists());
}

/// `dl` under a limit of the shell.
fn limited(place: &Place, limit: &str, arguments: &[&str]) -> std::process::Command {
    let dl = place.command(arguments);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("ulimit {limit}; exec \"$@\""), "sh"]).arg(dl.get_program()).args(arguments);
    for (name, value) in dl.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        shell.env(name, value);
    }
    shell
}

#[test]
fn too_few_descriptors_are_said_so() {
    let place = Place::new();
    place.ok_with(&["append", "a"], b"1\n");
    for descriptors in 5..16 {
        let ended = run(limited(&place, &format!("-n {descriptors}"), &["append", "a"]), b"2\n");
        ended.failed(112, "unavailable");
        assert!(ended.stderr.contains("ulimit -n"), "{descriptors}: {}", ended.stderr);
    }
    assert_eq!(place.ok(&["read", "a"]), "1\n");
}

/// As when room comes back at once: what follows the refused record would fit.
#[test]
fn nothing_follows_a_record_that_found_no_space() {
    let place = Place::new();
    let line = |number: usize, bytes: usize| format!("{number} {}\n", "-".repeat(bytes));
    let fits: String = (0..450).map(|number| line(number, 10_000)).collect();
    let small: String = (451..20_000).map(|number| line(number, 10)).collect();
    let input = fits + &line(450, 1_000_000) + &small;
    let append = ["append", "a", "--acks", "-o", "journal_bytes=4MiB"];
    // Blocks of 512 bytes: room for a journal, and for the records in front of the large one.
    let ended = run(limited(&place, "-f 10000", &append), input.as_bytes());
    ended.failed(113, "storage-full");
    let read = place.ok(&["read", "a"]);
    assert!(input.starts_with(&read), "{} lines", read.lines().count());
    assert!((100..=450).contains(&read.lines().count()), "{} lines", read.lines().count());
    assert_eq!(ended.lines().len(), read.lines().count());
}

#[test]
fn files_that_may_not_grow_are_a_full_disk() {
    let place = Place::new();
    for blocks in [0, 1, 4, 1_000, 5_000] {
        run(limited(&place, &format!("-f {blocks}"), &["append", "a"]), b"1\n").failed(113, "storage-full");
    }
    place.ok_with(&["append", "a"], b"2\n");
    assert_eq!(place.ok(&["read", "a"]), "2\n");
}

#[test]
fn paths_that_lead_nowhere_are_invalid_arguments() {
    let place = Place::new();
    std::os::unix::fs::symlink("loop", place.path().join("loop")).unwrap();
    for name in ["loop".to_owned(), "x".repeat(300)] {
        let uri = format!("file://{}/{name}", place.path().display());
        place.run(&["append", "a", "--ns", &uri]).failed(101, "invalid-argument");
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let place = Place::new();
    for arguments in [&["list"][..], &["read", "a"], &["verify"]] {
        place.run(arguments).failed(102, "not-found");
    }
    assert!(!place.namespace().exists(), "a question makes nothing");
    place.ok(&["create", "b"]);
    for arguments in [
        &["read", "a"][..],
        &["tail", "a"],
        &["info", "a"],
        &["segments", "a"],
        &["seal", "a"],
        &["delete", "a"],
        &["truncate", "a", "--before", "1:0:0"],
        &["verify", "a"],
        &["recover", "a"],
        &["recover", "a", "--explain"],
        &["rename", "a", "c"],
        &["copy", "a", "--to", "memory:b"],
    ] {
        place.run(arguments).failed(102, "not-found");
    }
    place.run(&["create", "b"]).failed(103, "already-exists");
    assert_eq!(place.ok(&["list"]), "b\n");
}

#[test]
fn a_sealed_log_takes_no_more() {
    let place = Place::new();
    place.ok_with(&["append", "a"], b"last\n");
    assert_eq!(place.ok(&["seal", "a", "--json"]), "{\"log\":\"a\",\"sealed\":true}\n");
    place.run_with(&["append", "a"], b"more\n").failed(105, "sealed");
    assert_eq!(place.ok(&["read", "a"]), "last\n");
    assert_eq!(place.ok(&["tail", "a"]), "");
    let info = place.ok(&["info", "a"]);
    assert!(info.contains("sealed") && !info.contains("largest txid"), "{info}");
}

#[test]
fn a_truncated_position_names_the_first_that_is_left() {
    let place = Place::new();
    for line in ["one\n", "two\n", "three\n"] {
        place.ok_with(&["append", "a"], line.as_bytes());
    }
    assert_eq!(place.ok(&["truncate", "a", "--before", "3:0:0"]), "3:0:0\n");
    let ended = place.run(&["read", "a", "--from", "2:0:0"]);
    ended.failed(106, "truncated");
    assert!(ended.stderr.contains("dlsn: 3:0:0"), "{}", ended.stderr);
    assert_eq!(place.ok(&["read", "a", "--from", "2:0:0", "-o", "on_truncated=skip"]), "three\n");
    assert_eq!(place.ok(&["read", "a"]), "three\n");
    assert_eq!(place.ok(&["truncate", "a", "--before", "1:0:0"]), "3:0:0\n");
    let ended = place.run(&["read", "a", "--from", "2:0:0", "--json"]);
    let error: Value = serde_json::from_str(&ended.stderr).unwrap();
    assert_eq!((ended.code, &error["dlsn"]), (106, &json!("3:0:0")));
}

#[test]
fn an_error_for_programs_is_an_object() {
    let place = Place::new();
    place.ok(&["create", "b"]);
    let ended = place.run(&["read", "a", "--json"]);
    let mut error: Value = serde_json::from_str(&ended.stderr).unwrap();
    assert!(error["message"].take().as_str().is_some_and(|text| text.contains("no such log")));
    error["operation"].take();
    let expected = json!({
        "kind": "not-found", "number": 2, "message": null, "operation": null, "dlsn": null,
        "retryable": false, "may_have_taken_effect": false, "context": { "log": "a" },
    });
    assert_eq!((ended.code, error), (102, expected));
}

#[test]
fn names_that_are_no_text_are_wrong_usage() {
    use std::os::unix::ffi::OsStringExt;
    let place = Place::new();
    let mut command = place.command(&["read"]);
    command.arg(std::ffi::OsString::from_vec(vec![0xff]));
    let ended = run(command, b"");
    assert_eq!(ended.code, 1);
}

#[test]
fn reading_only_refuses_what_would_write() {
    let place = Place::new();
    place.ok_with(&["append", "a"], b"x\n");
    for arguments in [&["append", "a"][..], &["create", "b"], &["seal", "a"], &["delete", "a"]] {
        let arguments = [arguments, &["-o", "read_only=true"]].concat();
        place.run(&arguments).failed(115, "permission-denied");
    }
    assert_eq!(place.ok(&["read", "a", "-o", "read_only=true"]), "x\n");
}
