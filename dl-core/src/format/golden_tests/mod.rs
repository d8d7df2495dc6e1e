//! What Java DistributedLog 4.18.0 wrote reads as it says, and is written again byte for byte.
//!
//! Totals are asserted, so that no test passes by having passed over something.

mod java_lz4;
pub(crate) mod vectors;

use bytes::Bytes;
use serde_json::Value;

use self::vectors::{
    Case, Stored, array, assert_same, boolean, bytes_at, cases, dlsn_at, number, objects, rebuild, text,
};
use super::tests::hex;
use super::*;
use crate::metadata::{
    SegmentMetadata, Truncation, completed_name, completed_number, in_progress_name, sequence_id,
};
use crate::types::{Compression, Dlsn, ENVELOPE_BYTES};

/// What was compared.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    entries: usize,
    compressed_entries: usize,
    /// LZ4 blocks of entries and record sets that Java's encoder made.
    java_blocks: usize,
    bare_entries: usize,
    rebuilt_entries: usize,
    records: usize,
    record_sets: usize,
    compressed_record_sets: usize,
    uncounted_entries: usize,
}

#[test]
fn entries_read_as_java_read_them_and_are_written_as_java_wrote_them() {
    let mut seen = Seen::default();
    for case in cases() {
        for ledger in case.ledgers() {
            for entry in array(ledger, "entries") {
                let context = format!("{} {} {}", case.name, ledger["ledger_id"], entry["entry_id"]);
                check_entry(&case, number(ledger, "ledger_id"), entry, &context, &mut seen);
            }
        }
    }
    let expected = Seen {
        entries: 297,
        compressed_entries: 15,
        java_blocks: 13,
        bare_entries: 40,
        rebuilt_entries: 6,
        records: 414,
        record_sets: 11,
        compressed_record_sets: 4,
        uncounted_entries: 2,
    };
    assert_eq!(seen, expected);
}

fn check_entry(case: &Case, ledger: i64, entry: &Value, context: &str, seen: &mut Seen) {
    let version = case.segment_version(ledger);
    let java_records = array(entry, "java_records");
    let stored = match bytes_at(entry, "payload") {
        Stored::Bytes(bytes) => bytes,
        Stored::Digest(digest) => {
            seen.rebuilt_entries += 1;
            let rebuilt = rebuild(case, java_records, digest);
            assert_same(entry, "payload", &rebuilt, context);
            rebuilt
        }
    };
    let area = open_entry(Bytes::from(stored.clone()), version >= 4).unwrap();
    check_records(case, java_records, &area, context);
    check_whole_sets(&area, java_records.len(), context);
    seen.entries += 1;
    seen.records += java_records.len();
    if version < 4 {
        seen.bare_entries += 1;
    }
    check_writing(&area, version >= 4, &stored, context, seen);
}

fn check_records(case: &Case, java_records: &[Value], area: &Bytes, context: &str) {
    let records: Vec<RawRecord> = EntryRecords::new(area.clone()).collect::<Result<_, _>>().expect(context);
    assert_eq!(records.len(), java_records.len(), "{context}");
    for (record, java) in records.iter().zip(java_records) {
        let at = dlsn_at(java, "dlsn");
        assert_eq!(i64::from(record.slot), at.slot(), "{context}");
        assert_eq!(record.txid, number(java, "txid"), "{context} {at}");
        assert_eq!(i64::from(record.position), number(java, "position"), "{context} {at}");
        let kind = match (boolean(java, "control"), boolean(java, "end_of_stream")) {
            (true, _) => RecordKind::Control,
            (false, true) => RecordKind::EndOfStream,
            (false, false) => RecordKind::User,
        };
        assert_eq!(record.kind, kind, "{context} {at}");
        assert_same(java, "payload", &record.payload, context);
        if let Some(rule) = case.payload_rule(java) {
            assert_eq!(rule, record.payload, "{context} {at}");
        }
        let known = u64::try_from(number(java, "sequence_id")).ok().filter(|_| record.position > 0);
        assert_eq!(sequence_id(number(java, "start_sequence_id"), record.position), known, "{context} {at}");
        let mut rest = EntryRecords::new(area.clone());
        rest.skip_to(record.slot).unwrap();
        assert_eq!(rest.next().unwrap().unwrap(), *record, "{context} {at}");
    }
}

/// Record sets as one record each, and the same slots in sum.
fn check_whole_sets(area: &Bytes, slots: usize, context: &str) {
    let whole = EntryRecords::new(area.clone()).whole_sets(true);
    let whole: Vec<RawRecord> = whole.collect::<Result<_, _>>().expect(context);
    let heads: Vec<RecordHead> = RecordHeads::new(area).collect::<Result<_, _>>().unwrap();
    assert_eq!(whole.len(), heads.len(), "{context}");
    for (record, head) in whole.iter().zip(&heads) {
        let seen = (record.slot, record.slots, record.kind, record.position, record.txid);
        assert_eq!(seen, (head.slot, head.slots, head.kind, head.position, head.txid), "{context}");
        assert_eq!(record.payload, area.slice(head.payload.clone()), "{context}");
    }
    assert_eq!(whole.iter().map(|record| record.slots as usize).sum::<usize>(), slots, "{context}");
}

fn check_writing(area: &Bytes, enveloped: bool, stored: &[u8], context: &str, seen: &mut Seen) {
    let heads: Vec<RecordHead> = RecordHeads::new(area).collect::<Result<_, _>>().unwrap();
    let first = heads.first().expect(context);
    let first_position =
        first.position + u32::from(!matches!(first.kind, RecordKind::User | RecordKind::RecordSet));
    let mut builder = EntryBuilder::new();
    for head in &heads {
        let payload = area.slice(head.payload.clone());
        assert_eq!(builder.push(head.kind, head.txid, &payload).unwrap(), head.slot, "{context}");
        if head.kind == RecordKind::RecordSet {
            check_record_set(&payload, head.slots, context, seen);
        }
    }
    assert!(encode_again(area, &heads) == area[..], "{context}: the records differ");
    // enableRecordCounts = false leaves every position 0, which our writer never does.
    if heads.iter().all(|head| head.position == 0) && heads.iter().any(|head| head.kind == RecordKind::User) {
        seen.uncounted_entries += 1;
        return;
    }
    let last = heads.last().expect(context);
    let next_position = last.last_position() + 1;
    let (plain, next) = builder.clone().finish(first_position, Compression::None).unwrap();
    assert_eq!(next, next_position, "{context}");
    assert!(plain[ENVELOPE_BYTES..] == area[..], "{context}: the records differ");
    if !enveloped {
        return;
    }
    if stored[4] == 0 {
        assert!(plain == stored, "{context}: the entry differs");
        return;
    }
    seen.compressed_entries += 1;
    if !context.starts_with("handmade") {
        assert!(java_lz4::compress(area) == stored[ENVELOPE_BYTES..], "{context}: another encoder");
        seen.java_blocks += 1;
    }
    let (ours, _) = builder.finish(first_position, Compression::Lz4).unwrap();
    assert!(ours.len() <= plain.len(), "{context}");
    assert!(open_entry(ours, true).unwrap() == area, "{context}: our own encoding differs");
}

fn encode_again(area: &[u8], heads: &[RecordHead]) -> Vec<u8> {
    let mut again = Vec::new();
    for head in heads {
        let RecordHead { kind, position, txid, ref payload, .. } = *head;
        let header = RecordHeader { kind, position, txid, payload_bytes: payload.len() as u32 };
        again.extend_from_slice(&header.encode());
        again.extend_from_slice(&area[payload.clone()]);
    }
    again
}

fn check_record_set(payload: &Bytes, slots: u32, context: &str, seen: &mut Seen) {
    let members: Vec<Bytes> = RecordSet::open(payload).unwrap().collect::<Result<_, _>>().expect(context);
    assert_eq!(members.len() as u32, slots, "{context}");
    seen.record_sets += 1;
    let plain = encode_record_set(&members, Compression::None).unwrap();
    if payload[3] & 3 == 0 {
        assert_eq!(plain, payload, "{context}");
        return;
    }
    seen.compressed_record_sets += 1;
    assert_eq!(java_lz4::compress(&plain[16..]), payload[16..], "{context}");
    seen.java_blocks += 1;
    let ours = encode_record_set(&members, Compression::Lz4).unwrap();
    let read: Vec<Bytes> = RecordSet::open(&ours).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(read, members, "{context}");
}

#[test]
fn segment_texts_read_as_java_read_them_and_are_written_as_java_wrote_them() {
    let (mut nodes, mut segments, mut sequence_ids) = (0, 0, 0);
    for case in cases() {
        for (name, data) in case.segment_nodes() {
            let segment = SegmentMetadata::parse(data).unwrap();
            assert_eq!(segment.to_string(), data, "{} {name}", case.name);
            nodes += 1;
        }
        for snapshot in case.list("java_segments") {
            let listed = array(snapshot, "segments");
            segments += listed.len();
            for java in listed {
                check_segment(java, &format!("{} {}", case.name, java["znode"]));
            }
            sequence_ids += check_sequence_ids(listed);
        }
    }
    assert_eq!((nodes, segments, sequence_ids), (197, 97, 28));
}

fn check_segment(java: &Value, context: &str) {
    let data = text(java, "data");
    let segment = SegmentMetadata::parse(data).expect(context);
    assert_eq!(segment.to_string(), data, "{context}");
    assert_eq!(i64::from(segment.version), number(java, "version"), "{context}");
    assert_eq!(segment.enveloped(), boolean(java, "enveloped"), "{context}");
    assert_eq!(i64::from(segment.region), number(java, "region_id"), "{context}");
    assert_eq!(segment.segment_id.get(), number(java, "ledger_id"), "{context}");
    assert_eq!(segment.number, number(java, "lssn"), "{context}");
    assert_eq!(segment.first_txid, number(java, "first_txid"), "{context}");
    assert_eq!(segment.min_active_dlsn(), dlsn_at(java, "min_active_dlsn"), "{context}");
    assert_eq!(segment.first_sequence_id(), number(java, "start_sequence_id"), "{context}");
    let truncation = match text(java, "truncation") {
        "ACTIVE" => Truncation::Active,
        "PARTIALLY_TRUNCATED" => Truncation::Partial,
        "TRUNCATED" => Truncation::Truncated,
        other => panic!("{context}: {other}"),
    };
    assert_eq!(segment.truncation, truncation, "{context}");
    let in_progress = boolean(java, "in_progress");
    assert_eq!(segment.is_completed(), !in_progress, "{context}");
    let name = text(java, "znode");
    match completed_number(name) {
        Some(in_name) => assert_eq!((in_name, completed_name(in_name).as_str()), (segment.number, name)),
        None if in_progress => assert_eq!(in_progress_name(segment.number), name),
        None => assert_eq!(name.split('_').count(), 3, "{context}: named by txids"),
    }
    if let Some(completed) = &segment.completed {
        assert_eq!(completed.last_txid, number(java, "last_txid"), "{context}");
        assert_eq!(completed.completed_ms, number(java, "completion_time"), "{context}");
        assert_eq!(i64::from(completed.records), number(java, "record_count"), "{context}");
        let last = dlsn_at(java, "last_dlsn");
        // A text of version 1 has no last position; Java may still know it.
        if segment.version > 1 {
            assert_eq!(segment.last_dlsn(), Some(last).filter(|last| last.entry() >= 0), "{context}");
            assert_eq!((completed.last_entry, completed.last_slot), (last.entry(), last.slot()), "{context}");
        }
    }
}

/// Each segment of the current version counts on from the one in front of it, and the list is in order.
fn check_sequence_ids(listed: &[Value]) -> usize {
    let segments: Vec<SegmentMetadata> =
        listed.iter().map(|java| SegmentMetadata::parse(text(java, "data")).unwrap()).collect();
    assert!(segments.is_sorted_by_key(SegmentMetadata::sort_key));
    let mut compared = 0;
    for pair in segments.windows(2).filter(|pair| pair[1].version == 5) {
        let counted = SegmentMetadata::sequence_id_after(pair.first()).unwrap();
        assert_eq!(counted, pair[1].first_sequence_id());
        compared += 1;
    }
    compared
}

#[test]
fn positions_read_as_java_read_them_and_are_written_as_java_wrote_them() {
    let (mut records, mut old_forms, mut cursors) = (0, 0, 0);
    for case in cases() {
        for object in objects(&case.json) {
            if let Some(base64) = object.get("dlsn_base64_v1").and_then(Value::as_str) {
                let dlsn = dlsn_at(object, "dlsn");
                assert_eq!(dlsn.to_base64(), base64);
                assert_eq!(Dlsn::from_base64(base64).unwrap(), dlsn);
                records += 1;
            }
            if let Some(base64) = object.get("dlsn_base64_v0").and_then(Value::as_str) {
                let dlsn = dlsn_at(object, "dlsn");
                assert_eq!(dlsn.to_base64_v0(), base64);
                assert_eq!(Dlsn::from_base64(base64).unwrap(), dlsn);
                old_forms += 1;
            }
            let path = object.get("path").and_then(Value::as_str).unwrap_or_default();
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            if parent.ends_with("/subscribers") && object.get("text").is_some() {
                let base64 = text(object, "text");
                assert_eq!(Dlsn::from_base64(base64).unwrap().to_base64(), base64);
                cursors += 1;
            }
        }
    }
    assert_eq!((records, old_forms, cursors), (946, 415, 7));
}

#[test]
fn the_values_and_refusals_of_java_s_position_are_ours() {
    let case = Case::load("dlsn");
    let values = case.list("values");
    for value in values {
        let dlsn = dlsn_at(value, "dlsn");
        let (v1, v0) = (hex(text(value, "bytes_v1")), hex(text(value, "bytes_v0")));
        assert_eq!((dlsn.to_bytes().to_vec(), dlsn.to_bytes_v0().to_vec()), (v1.clone(), v0.clone()));
        assert_eq!((Dlsn::from_bytes(&v1).unwrap(), Dlsn::from_bytes(&v0).unwrap()), (dlsn, dlsn));
        assert_eq!(
            (dlsn.to_base64(), dlsn.to_base64_v0()),
            (text(value, "base64_v1").into(), text(value, "base64_v0").into())
        );
        assert_eq!(Dlsn::from_base64(text(value, "base64_v0")).unwrap(), dlsn);
    }
    let inputs = case.list("other_inputs");
    for input in inputs {
        let read = match input.get("bytes") {
            Some(bytes) => Dlsn::from_bytes(&hex(bytes.as_str().unwrap())),
            None => Dlsn::from_base64(text(input, "text")),
        };
        let refused = input["result"].get("exception").is_some();
        assert_eq!(read.is_err(), refused, "{input}");
        if let Ok(dlsn) = read {
            assert_eq!(dlsn, dlsn_at(input, "result"));
        }
    }
    assert_eq!((values.len(), inputs.len()), (8, 9));
    let named = [Dlsn::FIRST, Dlsn::BEFORE_FIRST, Dlsn::INVALID];
    assert_eq!([0, 1, 2].map(|index| dlsn_at(&values[index], "dlsn")), named);
}
