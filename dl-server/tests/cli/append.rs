//! Acknowledgements, limits, and ending early.

use std::process::Stdio;

use crate::support::{Place, objects, run};

#[test]
fn an_acknowledgement_says_where_a_record_is() {
    let place = Place::new();
    let input: String = (0..5_000).map(|number| format!("{number}\n")).collect();
    for batch in [&[][..], &["--batch", "7"]] {
        let place = Place::new();
        let acks = place.ok_with(&[&["append", "a", "--acks"], batch].concat(), input.as_bytes());
        let expected: String = objects(place.ok(&["read", "a", "--json"]))
            .iter()
            .enumerate()
            .map(|(number, record)| format!("{}\t{number}\n", record["dlsn"].as_str().unwrap()))
            .collect();
        assert!(acks == expected, "{batch:?}");
        assert_eq!(acks.lines().count(), 5_000);
    }
    let acks = objects(place.ok_with(&["append", "a", "--acks", "--json"], b"x\ny\n"));
    assert_eq!(acks[1]["dlsn"], "1:0:1");
    assert_eq!((acks[1]["input"].as_u64(), acks[1]["sequence_id"].as_u64()), (Some(1), Some(1)));
    assert!(["power-loss", "memory"].contains(&acks[1]["durability"].as_str().unwrap()));
}

#[test]
fn each_record_is_acknowledged_before_the_next_is_there() {
    let place = Place::new();
    let mut append = place.start(&["append", "a", "--acks"]);
    for number in 0..20 {
        append.write("line\n");
        assert!(append.line().ends_with(&format!("\t{number}")));
    }
    append.end_input();
    assert_eq!(append.end().code, 0);
}

#[test]
fn a_batch_is_one_entry() {
    let place = Place::new();
    let acks = place.ok_with(&["append", "a", "--acks", "--batch", "2"], b"a\nb\nc\nd\ne\n");
    assert_eq!(acks, "1:0:0\t0\n1:0:1\t1\n1:1:0\t2\n1:1:1\t3\n1:2:0\t4\n");
}

#[test]
fn nothing_follows_a_record_that_is_too_large() {
    let place = Place::new();
    let large = "x".repeat(1_040_365);
    let input = format!("first\nsecond\n{large}\nfourth\n");
    let ended = place.run_with(&["append", "a", "--acks"], input.as_bytes());
    ended.failed(108, "too-large: record 2 of the input");
    assert_eq!(ended.lines().len(), 2);
    assert_eq!(place.ok(&["read", "a"]), "first\nsecond\n");

    let batch = place.run_with(&["append", "a", "--batch", "2"], format!("{large}\n").as_bytes());
    batch.failed(108, "too-large: record 0 of the input");
    let half = "x".repeat(1_000_000);
    let batch =
        place.run_with(&["append", "a", "--batch", "2"], format!("a\nb\n{half}\n{half}\nc\n").as_bytes());
    batch.failed(108, "too-large");
    assert!(batch.stderr.contains("input: 2"), "{}", batch.stderr);
    assert_eq!(place.ok(&["read", "a"]), "first\nsecond\na\nb\n");
}

#[test]
fn input_that_ends_inside_a_record_is_refused() {
    let place = Place::new();
    let ended = place.run_with(&["append", "a", "--framing", "length"], b"\0\0\0\x01a\0\0\0\x05bc");
    ended.failed(101, "invalid-argument: the input ends inside a record");
    assert_eq!(place.ok(&["read", "a"]), "a\n");
}

#[test]
fn an_interrupt_settles_what_was_appended() {
    for signal in ["INT", "TERM"] {
        let place = Place::new();
        let mut append = place.start(&["append", "a", "--acks"]);
        append.write("whole\nnot yet");
        assert_eq!(append.line(), "1:0:0\t0");
        append.signal(signal);
        append.end().failed(110, "cancelled: interrupted after 1 record");
        assert_eq!(place.ok(&["read", "a"]), "whole\n");
        let segments = objects(place.ok(&["segments", "a", "--json"]));
        assert_eq!(segments[0]["state"], "completed");
    }
}

#[test]
fn it_ends_without_a_word_when_nobody_reads_the_acknowledgements() {
    let place = Place::new();
    let mut command = place.command(&["append", "a", "--acks"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stdout(writer);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"first\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(110), &b""[..]));
    assert_eq!(place.ok(&["read", "a"]), "first\n");
    drop(stdin);
}

#[test]
fn a_log_is_made_unless_told_otherwise() {
    let place = Place::new();
    place.run(&["append", "a", "--no-create"]).failed(102, "not-found");
    assert!(!place.namespace().exists());
    place.ok(&["create", "b"]);
    place.run(&["append", "a", "--no-create"]).failed(102, "not-found");
    assert_eq!(place.ok(&["list"]), "b\n");
    place.ok(&["append", "a"]);
    assert_eq!(place.ok(&["list"]), "a\nb\n");
}

#[test]
fn without_a_namespace_the_users_own_is_taken() {
    let place = Place::new();
    let data = place.path().join("new/data");
    for (variable, value, directory) in [
        ("XDG_DATA_HOME", data.clone(), data.join("dl")),
        ("HOME", place.path().join("home"), place.path().join("home/.local/share/dl")),
    ] {
        let command = |arguments: &[&str]| {
            let mut command = place.command(arguments);
            command.env_remove("DL_NAMESPACE").env(variable, &value);
            command
        };
        run(command(&["list"]), b"").failed(102, "not-found");
        assert!(!value.exists(), "reading makes nothing");
        assert_eq!(run(command(&["append", "a"]), b"x\n").code, 0);
        assert!(directory.is_dir());
        assert_eq!(run(command(&["read", "a"]), b"").stdout, b"x\n");
    }
    let mut homeless = place.command(&["list"]);
    homeless.env_remove("DL_NAMESPACE");
    run(homeless, b"").failed(101, "invalid-argument");
}
