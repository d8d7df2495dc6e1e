use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::testing::fuzz;

/// The texts of every version, in progress and completed.
const TEXTS: [&str; 10] = [
    "1;7;1",
    "12884901889;7;1;3;1700000000000",
    "2;7;1;4",
    "12884901890;7;1;3;1700000000000;4;2;0",
    "3;7;1;4;0;0",
    "12884901891;7;1;3;1700000000000;4;2;0;1;2",
    "4;7;1;4;0;0",
    "12884901892;7;1;3;1700000000000;4;2;0;1;2",
    "5;7;1;4;0;0;-1",
    "12884901893;7;1;3;1700000000000;4;2;0;1;2;33",
];

fn parse(text: &str) -> SegmentMetadata {
    SegmentMetadata::parse(text).unwrap()
}

#[test]
fn every_version_reads_as_written() {
    for (i, text) in TEXTS.into_iter().enumerate() {
        let segment = parse(text);
        assert_eq!(segment.to_string(), text);
        assert_eq!(usize::from(segment.version), i / 2 + 1);
        assert_eq!(segment.is_completed(), i % 2 == 1);
        assert_eq!((segment.segment_id.get(), segment.first_txid), (7, 1));
        assert_eq!(segment.number, if segment.version == 1 { 0 } else { 4 });
        assert_eq!(segment.enveloped(), segment.version >= 4);
        if let Some(completed) = segment.completed {
            assert_eq!(
                (completed.last_txid, completed.completed_ms, completed.records),
                (3, 1_700_000_000_000, 3)
            );
            let last = (segment.version > 1).then_some(Dlsn::new(4, 2, 0));
            assert_eq!(segment.last_dlsn(), last);
            assert_eq!(segment.min_active, if segment.version < 3 { (0, 0) } else { (1, 2) });
        }
    }
}

#[test]
fn a_new_segment_has_the_text_java_gives_it() {
    let id = SegmentId::new(7).unwrap();
    assert_eq!(SegmentMetadata::in_progress(1, id, 1, 0).to_string(), "5;7;1;1;0;0;-1");
    assert_eq!(SegmentMetadata::in_progress(1, id, 1, 3).to_string(), "805306373;7;1;1;0;0;-1");
}

#[test]
fn the_first_field_holds_status_region_and_count() {
    for (word, truncation, region) in [
        (4_294_967_296_005_i64, Truncation::Active, 0),
        (4_294_967_296_517, Truncation::Truncated, 0),
        (4_295_772_602_629, Truncation::Partial, 3),
        (4_294_967_296_773, Truncation::Unknown, 0),
    ] {
        let text = format!("{word};7;1;3;0;4;2;0;0;0;0");
        let segment = parse(&text);
        assert_eq!((segment.truncation, segment.region), (truncation, region));
        assert_eq!(segment.completed.unwrap().records, 1_000);
        assert_eq!(segment.to_string(), text);
    }
}

#[test]
fn what_java_never_writes_is_corrupt() {
    for text in [
        "",
        "5",
        "5;7;1;1;0;0",
        "5;7;1;1;0;0;-1;",
        "5;7;1;1;0;0;-1;0",
        "5;7;1;1;0;0;-1;0;0;0;0;0",
        "5;7;1;1;0;0;",
        "5;7;1;1;0;0;+1",
        "5;7;1;1;0;0;-0",
        "5;7;1;1;0;0;01",
        "5;7;1;1;0;0; 1",
        "5;7;1;1;0;0;9223372036854775808",
        "5;-7;1;1;0;0;-1",
        "5;7;1;-1;0;0;-1",
        "1029;7;1;1;0;0;-1",
        "65541;7;1;1;0;0;-1",
        "4294967301;7;1;1;0;0;-1",
        "257;7;1",
        "-251;7;1;1;0;0;-1",
        "5;7;1;\u{661};0;0;-1",
    ] {
        assert_eq!(SegmentMetadata::parse(text).unwrap_err().kind(), ErrorKind::Corrupt, "{text}");
    }
    for text in ["0;7;1", "6;7;1;1;0;0;-1", "255;7"] {
        assert_eq!(SegmentMetadata::parse(text).unwrap_err().kind(), ErrorKind::Unsupported, "{text}");
    }
}

#[test]
fn names_say_the_number() {
    assert_eq!(in_progress_name(12), "inprogress_000000000000000012");
    assert_eq!(completed_name(12), "logrecs_000000000000000012");
    for (name, number) in [
        ("logrecs_000000000000000012", Some(12)),
        ("logrecs_1_9_12_77_0", Some(12)),
        ("logrecs_000000000000000001_000000000000000009", None),
        ("logrecs_12_", None),
        ("logrecs_", None),
        ("logrecs_-1", None),
        ("logrecs_99999999999999999999", None),
        ("inprogress_000000000000000012", None),
    ] {
        assert_eq!(completed_number(name), number, "{name}");
    }
}

#[test]
fn sequence_ids_count_on_from_the_segment_in_front() {
    let counted = parse("12884901893;7;1;3;0;4;2;0;0;0;33");
    assert_eq!(counted.first_sequence_id(), 33);
    assert_eq!(SegmentMetadata::sequence_id_after(Some(&counted)).unwrap(), 36);
    assert_eq!(SegmentMetadata::sequence_id_after(None).unwrap(), 0);

    let old = parse("12884901892;7;1;3;0;3;2;0;0;0");
    assert_eq!(old.first_sequence_id(), -9_223_372_023_969_873_920);
    assert_eq!(SegmentMetadata::sequence_id_after(Some(&old)).unwrap(), 0);

    let uncounted = parse("12884901893;7;1;3;0;3;2;0;0;0;-1");
    assert_eq!(uncounted.first_sequence_id(), -9_223_372_023_969_873_920);

    let open = parse("5;7;1;1;0;0;-1");
    assert_eq!(SegmentMetadata::sequence_id_after(Some(&open)).unwrap_err().kind(), ErrorKind::Internal);
}

#[test]
fn records_are_numbered_where_java_counted() {
    assert_eq!(sequence_id(0, 1), Some(0));
    assert_eq!(sequence_id(36, 3), Some(38));
    assert_eq!(sequence_id(36, 0), None);
    assert_eq!(sequence_id(i64::MIN + (3 << 32), 1), None);
    assert_eq!(sequence_id(i64::MAX, 2), None);
}

#[test]
fn segments_sort_by_number_behind_those_without() {
    let texts =
        ["12884901889;7;1;3;0", "1;8;3", "4294967298;9;0;3;0;1;0;0", "2;9;0;2", "4294967298;9;0;3;0;2;0;0"];
    let segments = texts.map(parse);
    assert!(segments.is_sorted_by_key(SegmentMetadata::sort_key));
}

proptest! {
    #[test]
    fn any_segment_reads_as_written(
        (version, truncation, region, number) in (2..=5_u8, 0..4_i64, 0..16_i64, 0..i64::MAX),
        (id, first, last, completed_ms) in (0..i64::MAX, any::<i64>(), any::<i64>(), any::<i64>()),
        (records, entry, slot, start) in (0..=i32::MAX, any::<i64>(), any::<i64>(), any::<i64>()),
        completed: bool,
    ) {
        let records = if completed { i64::from(records) << 32 } else { 0 };
        let word = i64::from(version) | truncation << 8 | region << 28 | records;
        let middle = if completed { format!(";{last};{completed_ms};{number};{entry};{slot}") } else { format!(";{number}") };
        let active = if version > 2 { format!(";{slot};{entry}") } else { String::new() };
        let start = if version > 4 { format!(";{start}") } else { String::new() };
        let text = format!("{word};{id};{first}{middle}{active}{start}");
        prop_assert_eq!(parse(&text).to_string(), text);
    }

    #[test]
    fn a_text_has_one_form(fields in prop::collection::vec("-?[0-9]{1,3}|[0-9]{13}|[^;]?", 1..13)) {
        fuzz::segment_text(fields.join(";").as_bytes());
    }

    #[test]
    fn any_bytes_are_read_or_refused(data in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz::segment_text(&data);
    }
}
