//! Two writers of one log.

use std::io::Write;
use std::thread;

use crate::support::{Place, lines};

#[test]
fn a_writer_that_is_replaced_is_told_at_once() {
    let place = Place::new();
    let mut first = place.start(&["append", "a", "--acks"]);
    first.write("first\n");
    assert_eq!(first.line(), "1:0:0\t0");
    place.ok_with(&["append", "a"], b"second\n");
    // Its input stays open and silent.
    let ended = first.end();
    ended.failed(104, "fenced");
    assert!(ended.stdout.is_empty());
    assert_eq!(place.ok(&["read", "a"]), "first\nsecond\n");
}

#[test]
fn a_writer_that_is_replaced_in_mid_flow_has_printed_true_acknowledgements_only() {
    let place = Place::new();
    let mut first = place.start(&["append", "a", "--acks"]);
    let mut input = first.take_input();
    // Until it ends, and takes no more.
    let writing =
        thread::spawn(move || (0..).take_while(|number| writeln!(input, "first {number}").is_ok()).count());
    let mut acknowledged: Vec<String> = (0..1_000).map(|_| first.line()).collect();
    place.ok_with(&["append", "a"], b"second\n");
    let ended = first.end();
    ended.failed(104, "fenced");
    writing.join().unwrap();
    acknowledged.extend(ended.lines());

    let log = lines(place.ok(&["read", "a"]));
    assert_eq!(log.last().map(String::as_str), Some("second"));
    assert!(acknowledged.len() < log.len());
    for (number, (ack, line)) in acknowledged.iter().zip(&log).enumerate() {
        assert!(ack.ends_with(&format!("\t{number}")), "{ack}");
        assert_eq!(*line, format!("first {number}"));
    }
}

#[test]
fn a_writer_keeps_its_log_from_those_who_do_not_take_it() {
    let place = Place::new();
    let mut first = place.start(&["append", "a", "--acks", "-o", "client_id=the first"]);
    first.write("first\n");
    first.line();
    let refused = place.run_with(&["append", "a", "--takeover", "never"], b"second\n");
    refused.failed(119, "locked");
    assert!(refused.stderr.contains("owner: the first"), "{}", refused.stderr);
    place.run(&["append", "a", "--takeover", "wait:1"]).failed(119, "locked");
    place.run(&["seal", "a", "--takeover", "never"]).failed(119, "locked");
    assert!(place.ok(&["info", "a"]).contains("the first"));

    let mut waiting = place.start(&["append", "a", "--acks", "--takeover", "wait:60s"]);
    waiting.write("third\n");
    first.write("second\n");
    first.end_input();
    assert!(waiting.line().ends_with("\t0"));
    waiting.end_input();
    assert_eq!((first.end().code, waiting.end().code), (0, 0));
    assert_eq!(place.ok(&["read", "a"]), "first\nsecond\nthird\n");
}

#[test]
fn a_writer_whose_log_is_deleted_is_told() {
    let place = Place::new();
    let mut first = place.start(&["append", "a", "--acks"]);
    first.write("first\n");
    first.line();
    assert_eq!(place.ok(&["delete", "a"]), "deleted a\n");
    let ended = first.end();
    assert!([102, 104].contains(&ended.code), "{}", ended.stderr);
    place.run(&["read", "a"]).failed(102, "not-found");
}
