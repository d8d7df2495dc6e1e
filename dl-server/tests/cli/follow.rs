//! Following a log, and readers that go away.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use crate::support::{Ended, Place};

#[test]
fn a_tail_in_another_process_prints_what_is_appended_from_then_on() {
    let place = Place::new();
    place.ok_with(&["append", "a"], b"before\n");
    let tail = place.start(&["tail", "a", "--from", "earliest"]);
    assert_eq!(tail.line(), "before");
    let latest = place.start(&["tail", "a", "--format", "json", "-o", "read_ahead_bytes=64KiB"]);
    let mut append = place.start(&["append", "a", "--acks"]);
    // The second tail starts whenever it is ready: it gets a suffix.
    for number in 0..100 {
        append.write(&format!("{number}\n"));
        append.line();
        assert_eq!(tail.line(), number.to_string());
    }
    let mut number = 100;
    let first = loop {
        append.write(&format!("{number}\n"));
        append.line();
        number += 1;
        if let Some(line) = latest.try_line() {
            break line;
        }
    };
    assert!(first.starts_with(r#"{"dlsn":"2:"#), "{first}");
}

#[test]
fn a_tail_ends_with_the_seal_and_after_its_count() {
    let place = Place::new();
    place.ok_with(&["append", "a"], b"one\ntwo\n");
    let counted = place.start(&["tail", "a", "--from", "earliest", "--count", "3"]);
    let sealed = place.start(&["read", "a", "--follow"]);
    for tail in [&counted, &sealed] {
        assert_eq!((tail.line(), tail.line()), ("one".to_owned(), "two".to_owned()));
    }
    place.ok_with(&["append", "a"], b"three\n");
    let ended = counted.end();
    assert_eq!((ended.code, ended.lines()), (0, vec!["three".to_owned()]));
    assert_eq!(place.ok(&["seal", "a"]), "sealed a\n");
    let ended = sealed.end();
    assert_eq!((ended.code, ended.lines()), (0, vec!["three".to_owned()]));
}

#[test]
fn a_reader_of_the_output_that_goes_away_is_no_failure() {
    let place = Place::new();
    place.ok_with(&["append", "a"], "line\n".repeat(100_000).as_bytes());
    for arguments in [&["read", "a"][..], &["tail", "a", "--from", "earliest"], &["info", "a"], &["list"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = place.command(arguments);
        let output = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{arguments:?}");
    }
}

#[test]
fn who_waits_for_something_to_print_ends_with_its_reader() {
    let place = Place::new();
    place.ok_with(&["append", "a"], b"line\n");
    place.ok_with(&["append", "b", "--bytes"], b"line\n");
    for arguments in [
        &["tail", "a", "--from", "earliest"][..],
        &["tail", "a", "--from", "earliest", "--cursor", "c"],
        &["read", "b", "--follow", "--bytes"],
        &["list", "--watch"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut command = place.command(arguments);
        let mut child = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        // The command holds the other end of the pipe, too.
        drop(command);
        let mut line = String::new();
        BufReader::new(reader).read_line(&mut line).unwrap();
        assert!(["line\n", "a\n"].contains(&line.as_str()), "{arguments:?}: {line}");
        // Nothing more is appended.
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn input_and_output_that_fail_are_failures() {
    let place = Place::new();
    let directory = File::open(place.path()).unwrap();
    let output = place.command(&["append", "a"]).stdin(directory).output().unwrap();
    Ended::from(output).failed(112, "unavailable: reading standard input failed");

    place.ok_with(&["append", "a"], b"line\n");
    for arguments in [&["read", "a"][..], &["append", "a", "--acks"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = place.command(arguments);
        command.stdin(File::open(place.namespace().join("format")).unwrap()).stdout(full);
        Ended::from(command.output().unwrap()).failed(112, "unavailable: writing to standard output failed");
    }
}
