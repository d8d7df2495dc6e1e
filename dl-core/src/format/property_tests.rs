//! What holds for all records, entries and record sets, and for all bytes that are none.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::record::MAX_POSITION;
use super::tests::hex;
use super::*;
use crate::error::{Error, ErrorKind};
use crate::testing::fuzz;
use crate::types::{Compression, ENVELOPE_BYTES, MAX_ENTRY_BYTES, MAX_PAYLOAD_BYTES, RECORD_HEADER_BYTES};

/// What goes into an entry.
#[derive(Debug, Clone)]
enum Item {
    Record(RecordKind, i64, Vec<u8>),
    Set(i64, Vec<Vec<u8>>, Compression),
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..60), (any::<u8>(), 0..300_usize).prop_map(|(byte, n)| vec![byte; n])]
}

fn codec() -> impl Strategy<Value = Compression> {
    prop_oneof![Just(Compression::None), Just(Compression::Lz4)]
}

fn item() -> impl Strategy<Value = Item> {
    let kind = prop_oneof![
        6 => Just(RecordKind::User),
        1 => Just(RecordKind::Control),
        1 => Just(RecordKind::EndOfStream),
    ];
    prop_oneof![
        4 => (kind, any::<i64>(), payload()).prop_map(|(kind, txid, payload)| Item::Record(kind, txid, payload)),
        1 => (any::<i64>(), vec(payload(), 1..9), codec()).prop_map(|(txid, set, codec)| Item::Set(txid, set, codec)),
    ]
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    vec(item(), 1..20)
}

fn build(items: &[Item]) -> EntryBuilder {
    let mut builder = EntryBuilder::new();
    for item in items {
        let slot = builder.slots();
        let pushed = match item {
            Item::Record(kind, txid, payload) => builder.push(*kind, *txid, payload),
            Item::Set(txid, members, codec) => {
                let set = encode_record_set(members, *codec).unwrap();
                builder.push(RecordKind::RecordSet, *txid, &set)
            }
        };
        assert_eq!(pushed.unwrap(), slot);
    }
    builder
}

/// The records that an entry of these items yields, and the position after it.
fn expected(items: &[Item], first_position: u32) -> (Vec<RawRecord>, u32) {
    let mut next = first_position;
    let mut records: Vec<RawRecord> = Vec::new();
    for item in items {
        let (kind, txid, payloads) = match item {
            Item::Record(kind, txid, payload) => (*kind, *txid, std::slice::from_ref(payload)),
            Item::Set(txid, members, _) => (RecordKind::User, *txid, members.as_slice()),
        };
        for payload in payloads {
            let counted = kind == RecordKind::User;
            let position = if counted { next } else { next - 1 };
            next += u32::from(counted);
            let slot = records.len() as u32;
            records.push(RawRecord { slot, slots: 1, kind, txid, position, payload: payload.clone().into() });
        }
    }
    (records, next)
}

/// Everything that can be read from an entry, and the error where it ends too early.
fn read(entry: &[u8], enveloped: bool) -> (Vec<RawRecord>, Option<Error>) {
    let area = match open_entry(Bytes::copy_from_slice(entry), enveloped) {
        Ok(area) => area,
        Err(error) => return (Vec::new(), Some(error)),
    };
    assert!(area.len() <= entry.len().max(MAX_ENTRY_BYTES));
    let heads = RecordHeads::new(&area).filter(Result::is_ok).count();
    let mut records = Vec::new();
    let mut walk = EntryRecords::new(area);
    for record in walk.by_ref() {
        match record {
            Ok(record) => records.push(record),
            Err(error) => {
                assert!(walk.next().is_none(), "a walk ends with its error");
                return (records, Some(error));
            }
        }
    }
    assert!(heads <= entry.len() / RECORD_HEADER_BYTES);
    (records, None)
}

/// Reading ends well, or with `corrupt`.
fn read_anything(bytes: &[u8]) {
    fuzz::entry(bytes);
    fuzz::record_set(bytes);
}

proptest! {
    #[test]
    fn an_entry_reads_as_written(items in items(), codec in codec(), first in 1..1_000_000_u32) {
        let (records, next) = expected(&items, first);
        let builder = build(&items);
        prop_assert_eq!(builder.slots() as usize, records.len());
        prop_assert_eq!(builder.positions(), next - first);
        let plain_bytes = builder.len_bytes();
        let (entry, after) = builder.finish(first, codec).unwrap();
        prop_assert_eq!(after, next);
        prop_assert!(entry.len() <= plain_bytes);
        let (read, error) = read(&entry, true);
        prop_assert!(error.is_none(), "{:?}", error);
        prop_assert_eq!(read, records);
    }

    #[test]
    fn skipping_yields_what_is_left(items in items(), skip in vec(0..40_u32, 1..4)) {
        let (records, _) = expected(&items, 1);
        let (entry, _) = build(&items).finish(1, Compression::None).unwrap();
        let mut walk = EntryRecords::new(open_entry(entry, true).unwrap());
        let mut at = 0;
        for slot in skip {
            walk.skip_to(slot).unwrap();
            at = records.len().min(at.max(slot as usize));
            let next = walk.next().transpose().unwrap();
            prop_assert_eq!(next.as_ref(), records.get(at));
            at += 1;
        }
    }

    #[test]
    fn heads_tell_where_records_are(items in items(), first in 1..1_000_u32) {
        let (records, _) = expected(&items, first);
        let (entry, _) = build(&items).finish(first, Compression::None).unwrap();
        let area = open_entry(entry, true).unwrap();
        let heads: Vec<RecordHead> = RecordHeads::new(&area).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(heads.len(), items.len());
        for head in &heads {
            let (first, last) = (&records[head.slot as usize], &records[head.end_slot() as usize - 1]);
            prop_assert_eq!((head.txid, head.position), (first.txid, first.position));
            prop_assert_eq!(head.last_position(), last.position);
            if head.kind != RecordKind::RecordSet {
                prop_assert_eq!(area.slice(head.payload.clone()), &first.payload);
            }
        }
        prop_assert_eq!(heads.last().map(RecordHead::end_slot), Some(records.len() as u32));
    }

    #[test]
    fn a_part_of_an_entry_is_corrupt(items in items(), codec in codec(), cut: Index) {
        let (entry, _) = build(&items).finish(1, codec).unwrap();
        let (_, error) = read(&entry[..cut.index(entry.len())], true);
        prop_assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Corrupt));
    }

    #[test]
    fn bare_records_end_between_records_only(items in items(), cut: Index) {
        let (entry, _) = build(&items).finish(1, Compression::None).unwrap();
        let area = &entry[ENVELOPE_BYTES..];
        let cut = cut.index(area.len() + 1);
        let heads = RecordHeads::new(area).map(|head| head.unwrap().payload.end);
        let border = cut == 0 || heads.into_iter().any(|end| end == cut);
        prop_assert_eq!(read(&area[..cut], false).1.is_none(), border);
    }

    #[test]
    fn what_follows_an_entry_is_ignored(items in items(), codec in codec(), more in vec(any::<u8>(), 1..40)) {
        let (entry, _) = build(&items).finish(1, codec).unwrap();
        let longer = [&entry[..], &more].concat();
        prop_assert_eq!(read(&longer, true).0, expected(&items, 1).0);
    }

    #[test]
    fn a_record_set_reads_as_written(members in vec(payload(), 1..30), codec in codec(), cut: Index) {
        let set = encode_record_set(&members, codec).unwrap();
        let read: Vec<Bytes> = RecordSet::open(&set).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(&read, &members);
        prop_assert_eq!(RecordSet::count(&set).unwrap() as usize, members.len());
        let part = set.slice(..cut.index(set.len()));
        prop_assert_eq!(RecordSet::open(&part).unwrap_err().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn any_bytes_are_read_or_corrupt(bytes in vec(any::<u8>(), 0..200)) {
        read_anything(&bytes);
    }

    #[test]
    fn damage_is_read_or_corrupt(
        items in items(),
        codec in codec(),
        damage in vec((any::<Index>(), prop_oneof![Just(0), Just(0x7f), Just(0xff), any::<u8>()]), 1..5),
    ) {
        let (entry, _) = build(&items).finish(1, codec).unwrap();
        let mut entry = entry.to_vec();
        for (at, byte) in damage {
            let at = at.index(entry.len());
            entry[at] = byte;
        }
        read_anything(&entry);
        // A compressed one may be shorter than that.
        read_anything(entry.get(ENVELOPE_BYTES + RECORD_HEADER_BYTES..).unwrap_or_default());
    }
}

fn refused<T: std::fmt::Debug>(result: crate::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn an_entry_takes_exactly_what_java_s_takes() {
    let largest = vec![7; MAX_PAYLOAD_BYTES];
    let mut builder = EntryBuilder::new();
    assert_eq!(
        refused(builder.push(RecordKind::User, 1, &vec![7; MAX_PAYLOAD_BYTES + 1])),
        ErrorKind::TooLarge
    );
    assert!(builder.is_empty());
    builder.push(RecordKind::User, 1, &largest).unwrap();
    assert!(builder.fits(4_063) && !builder.fits(4_064));
    assert_eq!(refused(builder.push(RecordKind::User, 1, &[7; 4_064])), ErrorKind::TooLarge);
    assert_eq!(builder.push(RecordKind::User, 1, &[7; 4_063]).unwrap(), 1);
    assert_eq!(builder.len_bytes(), MAX_ENTRY_BYTES);
    for codec in [Compression::None, Compression::Lz4] {
        let (entry, _) = builder.clone().finish(1, codec).unwrap();
        assert_eq!(read(&entry, true).0.len(), 2, "{codec}");
    }
}

#[test]
fn what_cannot_be_compressed_is_stored_as_it_is() {
    let mut x = 1_u32;
    let noise = std::iter::repeat_with(|| {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (x >> 24) as u8
    });
    let noise: Vec<u8> = noise.take(MAX_PAYLOAD_BYTES).collect();
    let mut builder = EntryBuilder::new();
    builder.push(RecordKind::User, 1, &noise).unwrap();
    let (entry, _) = builder.finish(1, Compression::Lz4).unwrap();
    assert_eq!((entry.len(), entry[4]), (ENVELOPE_BYTES + RECORD_HEADER_BYTES + noise.len(), 0));
    let largest = [&noise[..MAX_PAYLOAD_BYTES - 20]];
    assert_eq!(encode_record_set(&largest, Compression::Lz4).unwrap().len(), MAX_PAYLOAD_BYTES);
    assert_eq!(refused(encode_record_set(&[&noise[19..]], Compression::None)), ErrorKind::TooLarge);
    assert_eq!(refused(encode_record_set(&[&noise, &noise], Compression::Lz4)), ErrorKind::TooLarge);
}

#[test]
fn positions_end_at_their_limit() {
    let mut builder = EntryBuilder::new();
    builder.push(RecordKind::User, 1, b"last").unwrap();
    builder.push(RecordKind::Control, 1, CONTROL_PAYLOAD).unwrap();
    let (entry, next) = builder.clone().finish(MAX_POSITION, Compression::None).unwrap();
    assert_eq!(next, MAX_POSITION + 1);
    assert!(read(&entry, true).0.iter().all(|record| record.position == MAX_POSITION));
    assert_eq!(refused(builder.finish(MAX_POSITION + 1, Compression::None)), ErrorKind::TooLarge);
}

#[test]
fn record_sets_without_members_are_refused() {
    assert_eq!(refused(encode_record_set::<&[u8]>(&[], Compression::None)), ErrorKind::InvalidArgument);
    let empty = hex("00001000 00000000 00000000 00000000");
    let mut builder = EntryBuilder::new();
    for payload in [&empty[..], b"no set"] {
        assert_eq!(refused(builder.push(RecordKind::RecordSet, 1, payload)), ErrorKind::InvalidArgument);
    }
    assert!(builder.is_empty() && builder.slots() == 0);
    assert_eq!(RecordSet::open(&empty.into()).unwrap().count(), 0, "but one would be read");
}

/// What a header says is not believed before it is checked: none of these makes room for what it declares.
#[test]
fn declared_lengths_are_checked_first() {
    for entry in [
        "",
        "01 00000000 00000000 000000",
        "00 00000000 00000000 00000000",
        "02 00000000 00000000 00000000",
        "01 00000002 00000000 00000000",
        "01 00000003 00000000 00000000",
        "01 00000000 00000001 00000000",
        "01 00000000 ffffffff ffffffff",
        "01 00000000 7fffffff 7fffffff",
        "01 00000001 7fffffff 00000001 00",
        "01 00000001 000ff001 00000001 00",
        "01 00000001 00000002 00000002 1061",
        "01 00000001 00000001 00000000",
        "01 00000000 00000014 00000014 0000000000010000 0000000000000001 00000001",
        "01 00000000 00000014 00000014 0000000000010000 0000000000000001 ffffffff",
    ] {
        let (records, error) = read(&hex(entry), true);
        assert!(records.is_empty());
        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Corrupt), "{entry}");
    }
    for set in [
        "00001000 00000001 00000004 000000",
        "00002000 00000001 00000004 00000004 00000000",
        "00001002 00000001 00000004 00000004 00000000",
        "00001000 00000002 00000004 00000004 00000000",
        "00001000 ffffffff 00000004 00000004 00000000",
        "00001000 00000001 00000005 00000005 00000000 61",
        "00001000 00000001 00000004 00000004 00000001",
        "00001000 00000001 00000004 00000004 ffffffff",
        "00001001 00000001 7fffffff 00000001 00",
        "00001001 1fffffff 7fffffff 00000001 00",
    ] {
        let set =
            RecordSet::open(&hex(set).into()).and_then(|members| members.collect::<Result<Vec<_>, _>>());
        assert_eq!(refused(set), ErrorKind::Corrupt);
    }
}

/// An LZ4 block of 4 KiB can stand for over 1 MiB: exactly the limit is read, one byte more is not.
#[test]
fn a_block_that_grows_past_the_limit_is_corrupt() {
    for (decompressed_bytes, good) in [(MAX_ENTRY_BYTES, true), (MAX_ENTRY_BYTES + 1, false)] {
        let block = lz4_flex::block::compress(&vec![0; decompressed_bytes]);
        let lengths = [1, decompressed_bytes as u32, block.len() as u32];
        let header = std::iter::once(1).chain(lengths.into_iter().flat_map(u32::to_be_bytes));
        let entry: Bytes = header.chain(block).collect();
        assert_eq!(open_entry(entry, true).is_ok(), good);
    }
}
