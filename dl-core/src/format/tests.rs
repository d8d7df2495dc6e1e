//! The worked examples of the format, taken apart and put together by hand.

use bytes::Bytes;

use super::*;
use crate::metadata::SegmentMetadata;
use crate::types::{Compression, Dlsn};

const E1: &str = "0000000000010000 0000000000000001 00000005 68656c6c6f";
const E2: &str = "0000000000010001 0000000000000001 00000007 636f6e74726f6c";
const E3: &str = "0000000000030002 7fffffffffffffff 0000000b 656e644f6653747265616d";
const E4: &str = "00001000 00000002 0000000b 0000000b 00000001 61 00000002 6263";
const E5: &str = "0000000000020004 0000000000000002 0000001b";
const E6: &str = "01 00000000 00000048 00000048";
const E7: &str = "01 00000000 0000001b 0000001b 0000000000030001 0000000000000002 00000007 636f6e74726f6c";
const E9: &str = "01 00000001 00000019 0000001b f00a
    0000000000010000 0000000000000001 00000005 68656c6c6f";
const E10: &str = "01 00000001 0000002c 00000021
    fc08 0000000000010000 0000000000000001 00000018 616263 0300 50 6263616263";
const E13: &str = "01 00000001 0000002c 0000001b
    10 00 0100 10 02 0500 01 02 0000 0a00 4c 18616263 0300 50 6263616263";

pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn record(slot: u32, kind: RecordKind, txid: i64, position: u32, payload: impl Into<Bytes>) -> RawRecord {
    RawRecord { slot, slots: 1, kind, txid, position, payload: payload.into() }
}

fn records(area: Vec<u8>) -> Vec<RawRecord> {
    EntryRecords::new(area.into()).collect::<Result<_, _>>().unwrap()
}

fn open(entry: &[u8]) -> Vec<RawRecord> {
    records(open_entry(Bytes::copy_from_slice(entry), true).unwrap().to_vec())
}

fn e6() -> Vec<u8> {
    hex(&[E6, E1, E5, E4].concat())
}

fn push(builder: &mut EntryBuilder, kind: RecordKind, txid: i64, payload: &[u8]) -> u32 {
    builder.push(kind, txid, payload).unwrap()
}

fn finish(builder: EntryBuilder, first_position: u32) -> (Vec<u8>, u32) {
    let (entry, next) = builder.finish(first_position, Compression::None).unwrap();
    (entry.to_vec(), next)
}

#[test]
fn e1_to_e3_are_records() {
    assert_eq!(records(hex(E1)), [record(0, RecordKind::User, 1, 1, "hello")]);
    assert_eq!(records(hex(E2)), [record(0, RecordKind::Control, 1, 1, CONTROL_PAYLOAD)]);
    let end = record(0, RecordKind::EndOfStream, END_OF_STREAM_TXID, 3, END_OF_STREAM_PAYLOAD);
    assert_eq!(records(hex(E3)), [end]);
}

#[test]
fn e4_is_a_record_set() {
    let set = encode_record_set(&["a", "bc"], Compression::None).unwrap();
    assert_eq!(set, hex(E4));
    let members: Vec<Bytes> = RecordSet::open(&set).unwrap().map(Result::unwrap).collect();
    assert_eq!(members, ["a", "bc"]);
    assert_eq!(RecordSet::count(&set).unwrap(), 2);
}

#[test]
fn e6_is_an_entry_with_a_record_set() {
    let expected = [
        record(0, RecordKind::User, 1, 1, "hello"),
        record(1, RecordKind::User, 2, 2, "a"),
        record(2, RecordKind::User, 2, 3, "bc"),
    ];
    assert_eq!(open(&e6()), expected);
    assert_eq!(records(e6()[13..].to_vec()), expected, "an entry before version 4");

    let mut builder = EntryBuilder::new();
    assert_eq!(push(&mut builder, RecordKind::User, 1, b"hello"), 0);
    assert_eq!(push(&mut builder, RecordKind::RecordSet, 2, &hex(E4)), 1);
    assert_eq!((builder.slots(), builder.positions()), (3, 3));
    assert_eq!(finish(builder, 1), (e6(), 4));
}

#[test]
fn e7_is_the_control_entry_behind_it() {
    assert_eq!(open(&hex(E7)), [record(0, RecordKind::Control, 2, 3, CONTROL_PAYLOAD)]);
    let mut builder = EntryBuilder::new();
    push(&mut builder, RecordKind::Control, 2, CONTROL_PAYLOAD);
    assert_eq!(finish(builder, 4), (hex(E7), 4));
}

#[test]
fn e9_e10_and_e13_are_compressed_entries() {
    assert_eq!(open(&hex(E9)), [record(0, RecordKind::User, 1, 1, "hello")]);
    assert_eq!(open(&hex(E10)), [record(0, RecordKind::User, 1, 1, "abc".repeat(8))]);
    assert_eq!(open(&hex(E13)), [record(0, RecordKind::User, 2, 2, "abc".repeat(8))]);
}

#[test]
fn e11_is_a_segment_text() {
    let text = "12884901893;7;1;2;1700000000000;1;0;2;0;0;0";
    let segment = SegmentMetadata::parse(text).unwrap();
    assert_eq!((segment.version, segment.segment_id.get(), segment.number), (5, 7, 1));
    assert_eq!(segment.completed.unwrap().records, 3);
    assert_eq!(segment.last_dlsn(), Some(Dlsn::new(1, 0, 2)));
    assert_eq!(segment.to_string(), text);
    let truncated = SegmentMetadata { truncation: crate::metadata::Truncation::Truncated, ..segment };
    assert_eq!(truncated.to_string(), text.replace("12884901893", "12884902405"));
}

#[test]
fn e12_is_a_position() {
    let dlsn = Dlsn::new(1, 0, 2);
    assert_eq!(dlsn.to_bytes().to_vec(), hex("01 0000000000000001 0000000000000000 0000000000000002"));
    assert_eq!(dlsn.to_base64(), "AQAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAg==");
}
