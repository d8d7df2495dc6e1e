//! What is appended is what is read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::support::{Place, objects};

/// The longest payload, by the documented limit.
const LONGEST: usize = 1_040_364;

fn payloads(place: &Place, log: &str) -> Vec<Vec<u8>> {
    let payload = |record: &Value| STANDARD.decode(record["payload"].as_str().unwrap()).unwrap();
    objects(place.ok(&["read", log, "--format", "json"])).iter().map(payload).collect()
}

fn every_byte() -> Vec<u8> {
    (0..=255).collect()
}

/// Bytes that no compression shrinks.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

#[test]
fn lines_come_back_without_their_newlines() {
    let place = Place::new();
    let input = b"one\n\ntwo\r\n\0\xff\xfe\n last, without a newline";
    assert_eq!(place.ok_with(&["append", "a"], input), "");
    let expected: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
    assert_eq!(payloads(&place, "a"), expected);
    let read = place.run(&["read", "a"]);
    assert_eq!(read.stdout, [&input[..], b"\n"].concat());
    assert_eq!(place.run(&["read", "a", "--format", "raw"]).stdout, expected.concat());
}

#[test]
fn records_with_lengths_hold_any_bytes() {
    let place = Place::new();
    let records =
        [every_byte(), Vec::new(), b"\n\n".to_vec(), noise(LONGEST), vec![0; 100_000], every_byte()];
    let framed = records.iter().flat_map(|record| {
        let length = u32::try_from(record.len()).unwrap().to_be_bytes();
        length.into_iter().chain(record.iter().copied())
    });
    place.ok_with(&["append", "a", "--framing", "length"], &framed.collect::<Vec<_>>());
    assert_eq!(payloads(&place, "a"), records);
}

#[test]
fn a_file_is_one_record() {
    let place = Place::new();
    for input in [noise(LONGEST), Vec::new(), b"a\nb\n".to_vec()] {
        place.ok_with(&["append", "a", "--framing", "file"], &input);
        let all = payloads(&place, "a");
        assert!(all.last() == Some(&input), "{} bytes", input.len());
    }
    assert_eq!(payloads(&place, "a").len(), 3, "each run appended behind the one before");
}

#[test]
fn many_lines_come_back_in_order_through_compression_batches_and_rolls() {
    let place = Place::new();
    let input: String = (0..20_000).map(|number| format!("line {number}\n")).collect();
    let ways: [&[&str]; 4] = [
        &[],
        &["-o", "compression=lz4"],
        &["--batch", "300"],
        &["-o", "roll_bytes=64KiB", "-o", "in_flight_records=10"],
    ];
    for (number, way) in ways.iter().enumerate() {
        let log = format!("log{number}");
        let arguments = [&["append", log.as_str()], *way].concat();
        assert_eq!(place.ok_with(&arguments, input.as_bytes()), "");
        assert!(place.run(&["read", &log]).stdout == input.as_bytes(), "{way:?}");
    }
    assert!(place.ok(&["segments", "log3"]).lines().count() > 3, "it rolled");
}

#[test]
fn a_read_starts_and_ends_where_it_is_told() {
    let place = Place::new();
    place.ok_with(&["append", "a", "--txid", "counter"], b"0\n1\n2\n3\n4\n");
    place.ok_with(&["append", "a", "--txid", "counter"], b"5\n6\n");
    let records = objects(place.ok(&["read", "a", "--json"]));
    let dlsn = |number: usize| records[number]["dlsn"].as_str().unwrap();
    for (number, record) in records.iter().enumerate() {
        assert_eq!((&record["txid"], &record["sequence_id"]), (&Value::from(number), &Value::from(number)));
    }
    for (arguments, expected) in [
        (vec!["--from", dlsn(5)], "5\n6\n"),
        (vec!["--from", dlsn(1), "--until", dlsn(2)], "1\n2\n"),
        (vec!["--from", "txid:3", "--count", "3"], "3\n4\n5\n"),
        (vec!["--from", "latest"], ""),
        (vec!["--from", "earliest", "--count", "0"], ""),
        (vec!["-o", "count=1"], "0\n"),
    ] {
        assert_eq!(place.ok(&[&["read", "a"], arguments.as_slice()].concat()), expected, "{arguments:?}");
    }
}

#[test]
fn a_stream_of_bytes_goes_on_and_is_read_from_any_offset() {
    let place = Place::new();
    let input = noise(3_000_000);
    place.ok_with(&["append", "a", "--bytes"], &input[..1_234_567]);
    place.ok_with(&["append", "a", "--bytes", "-o", "roll_bytes=64KiB"], &input[1_234_567..]);
    place.ok_with(&["append", "a", "--bytes"], b"");
    assert!(place.run(&["read", "a", "--bytes"]).stdout == input);
    for offset in [0, 1, 65_535, 65_536, 1_234_566, 1_234_567, 2_999_999, 3_000_000, 4_000_000] {
        let read = place.run(&["read", "a", "--bytes", "--from-offset", &offset.to_string()]);
        assert_eq!(read.code, 0);
        assert!(read.stdout == input[offset.min(input.len())..], "from {offset}");
    }
    // Records of a stream are chunks of any size: bounds in records say nothing about its bytes.
    for bound in [["--count", "1"], ["--until", "1:0:0"]] {
        assert_eq!(place.run(&[&["read", "a", "--bytes"][..], &bound].concat()).code, 1);
    }
    place.ok_with(&["append", "lines"], b"one\n");
    place.run_with(&["append", "lines", "--bytes"], b"two").failed(101, "invalid-argument");
    place.run(&["read", "lines", "--bytes"]).failed(101, "invalid-argument");
}
