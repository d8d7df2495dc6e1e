//! Entries and metadata that the Java client wrote: read, and written again byte for byte.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::EntryCodec;
use super::{entry, hex, ledger};
use crate::metadata::{LedgerMetadata, LedgerState, MetadataFormat};
use crate::types::{DigestType, EntryId};

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

fn number(value: &Value, key: &str) -> i64 {
    value[key].as_i64().unwrap()
}

#[test]
fn what_the_java_client_wrote_is_read_and_written_again() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../../../testdata/ledgers.json")).unwrap();
    let mut entries = 0;
    let mut digests = BTreeMap::new();
    for case in &cases {
        let (name, id) = (text(case, "case"), ledger(number(case, "ledger_id")));
        let expected = &case["metadata"];
        let stored = hex(text(expected, "data"));
        let metadata = LedgerMetadata::decode(&stored).unwrap();
        assert_eq!(metadata.encode(), stored, "{name}");
        says_what_java_says(&metadata, expected);
        let codec = EntryCodec::new(metadata.digest, &metadata.password);
        for written in case["entries"].as_array().unwrap() {
            check_entry(&codec, id, written);
            entries += 1;
        }
        *digests.entry(metadata.digest).or_insert(0) += 1;
    }
    assert_eq!((cases.len(), entries), (86, 291));
    assert_eq!(
        digests.into_iter().collect::<Vec<_>>(),
        [(DigestType::Crc32, 84), (DigestType::Mac, 1), (DigestType::Dummy, 1)]
    );
}

fn says_what_java_says(metadata: &LedgerMetadata, expected: &Value) {
    assert_eq!(metadata.format, MetadataFormat::Binary);
    let quorum = metadata.quorum;
    assert_eq!(quorum.ensemble() as i64, number(expected, "ensemble_size"));
    assert_eq!(quorum.write() as i64, number(expected, "write_quorum"));
    assert_eq!(quorum.ack() as i64, number(expected, "ack_quorum"));
    assert_eq!(metadata.digest.name(), text(expected, "digest_type"));
    assert_eq!(metadata.password, hex(text(expected, "password")));
    let state = match metadata.state {
        LedgerState::Open => "OPEN",
        LedgerState::InRecovery => "IN_RECOVERY",
        LedgerState::Closed { last_entry, length } => {
            assert_eq!(EntryId::to_wire(last_entry), number(expected, "last_entry_id"));
            assert_eq!(length as i64, number(expected, "length"));
            "CLOSED"
        }
    };
    assert_eq!(state, text(expected, "state"));
    let custom: BTreeMap<&str, _> =
        metadata.custom.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    let wanted = expected["custom_metadata"].as_object().unwrap();
    let wanted: BTreeMap<&str, _> =
        wanted.iter().map(|(key, value)| (key.as_str(), hex(value.as_str().unwrap()))).collect();
    assert_eq!(custom, wanted);
    let ensembles = expected["ensembles"].as_object().unwrap();
    assert_eq!(metadata.ensembles().len(), ensembles.len());
    for (first, bookies) in metadata.ensembles() {
        let wanted = ensembles[&first.to_string()].as_array().unwrap();
        assert!(
            bookies.iter().map(|bookie| bookie.as_str()).eq(wanted.iter().map(|id| id.as_str().unwrap()))
        );
    }
}

fn check_entry(codec: &EntryCodec, id: crate::types::LedgerId, written: &Value) {
    let (head, payload) = (hex(text(written, "stored_header")), hex(text(written, "payload")));
    let stored: bytes::Bytes = [&head[..], &payload[..]].concat().into();
    let number_of = entry(number(written, "entry_id"));
    let read = codec.open(id, Some(number_of), &stored).unwrap();
    assert_eq!((read.id, read.payload.clone()), (number_of, payload));
    assert_eq!(read.length as i64, number(written, "length"));
    let again = codec.seal(id, read.id, read.lac, read.length, read.payload);
    assert_eq!(again.head, head);
    assert_eq!(codec.open(id, None, &stored).unwrap().id, number_of);
}

/// The entries and LAC records of the reference: ledger 1, entry 0, no LAC, payload `hello`, password `pw`.
#[test]
fn entries_and_lacs_of_each_digest_are_those_of_the_reference() {
    let front = "0000000000000001 0000000000000000";
    let expected = [
        (DigestType::Crc32, "0000000030a56872", "00000000fbc05f16"),
        (DigestType::Crc32c, "e3a5f74d", "b64e4ca2"),
        (
            DigestType::Mac,
            "b1f0ff29955d068a7855eecd5d4cb81fee2bf8df",
            "a8ddd6d3c9b5555e61f75e8f35e0524e02c46619",
        ),
        (DigestType::Dummy, "", ""),
    ];
    for (digest, of_entry, of_lac) in expected {
        let codec = EntryCodec::new(digest, b"pw");
        let sealed = codec.seal(ledger(1), entry(0), None, 5, "hello".into());
        let stored = hex(&format!("{front} ffffffffffffffff 0000000000000005 {of_entry} 68656c6c6f"));
        assert_eq!(sealed.to_bytes(), stored, "{digest}");
        assert_eq!(sealed.head.len(), codec.overhead_bytes());
        let record = hex(&format!("{front} {of_lac}"));
        assert_eq!(codec.seal_lac(ledger(1), Some(entry(0))), record);
        assert_eq!(codec.open_lac(ledger(1), &record).unwrap(), Some(entry(0)));

        // Any other bytes are refused; without a digest, those of other ids.
        let checked = if digest == DigestType::Dummy { 16 } else { stored.len() };
        for at in 0..checked {
            let mut bad = stored.to_vec();
            bad[at] ^= 1;
            assert!(codec.open(ledger(1), Some(entry(0)), &bad.into()).is_err(), "{digest} {at}");
        }
        for end in 0..codec.overhead_bytes() {
            assert!(codec.open(ledger(1), Some(entry(0)), &stored.slice(..end)).is_err());
        }
        assert!(codec.open(ledger(2), None, &stored).is_err() && codec.open_lac(ledger(2), &record).is_err());
        assert!(codec.open(ledger(1), Some(entry(1)), &stored).is_err());
        assert!(codec.open_lac(ledger(1), &record[1..]).is_err());
    }
}
