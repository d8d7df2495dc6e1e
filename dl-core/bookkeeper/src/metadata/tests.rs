//! Metadata that the Java client wrote, and metadata that cannot be.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

/// Of the Java client's own tests: formats 1, 2, 2 with the time of creation, and 3.
const JAVA: [&str; 4] = [
    "Qm9va2llTWV0YWRhdGFGb3JtYXRWZXJzaW9uCTEKMgozCjAKMAkxOTIuMC4yLjE6MTIzNAkxOTIuMC4yLjI6MTIzNAkxOTIuMC4yLjM6MTIzNAot\
     MTAyCUNMT1NFRA==",
    "Qm9va2llTWV0YWRhdGFGb3JtYXRWZXJzaW9uCTIKcXVvcnVtU2l6ZTogMgplbnNlbWJsZVNpemU6IDMKbGVuZ3RoOiAwCmxhc3RFbnRyeUlkOiAt\
     MQpzdGF0ZTogSU5fUkVDT1ZFUlkKc2VnbWVudCB7CiAgZW5zZW1ibGVNZW1iZXI6ICIxOTIuMC4yLjE6MTIzNCIKICBlbnNlbWJsZU1lbWJlcjog\
     IjE5Mi4wLjIuMjoxMjM0IgogIGVuc2VtYmxlTWVtYmVyOiAiMTkyLjAuMi4zOjEyMzQiCiAgZmlyc3RFbnRyeUlkOiAwCn0KZGlnZXN0VHlwZTog\
     Q1JDMzIKcGFzc3dvcmQ6ICJwYXNzd2QiCmFja1F1b3J1bVNpemU6IDIK",
    "Qm9va2llTWV0YWRhdGFGb3JtYXRWZXJzaW9uCTIKcXVvcnVtU2l6ZTogMgplbnNlbWJsZVNpemU6IDMKbGVuZ3RoOiAwCmxhc3RFbnRyeUlkOiAt\
     MQpzdGF0ZTogSU5fUkVDT1ZFUlkKc2VnbWVudCB7CiAgZW5zZW1ibGVNZW1iZXI6ICIxOTIuMC4yLjE6MTIzNCIKICBlbnNlbWJsZU1lbWJlcjog\
     IjE5Mi4wLjIuMjoxMjM0IgogIGVuc2VtYmxlTWVtYmVyOiAiMTkyLjAuMi4zOjEyMzQiCiAgZmlyc3RFbnRyeUlkOiAwCn0KZGlnZXN0VHlwZTog\
     Q1JDMzIKcGFzc3dvcmQ6ICJwYXNzd2QiCmFja1F1b3J1bVNpemU6IDIKY3RpbWU6IDE1NDQwMDIzODMwNzUK",
    "Qm9va2llTWV0YWRhdGFGb3JtYXRWZXJzaW9uCTMKYAgCEAMYACD///////////8BKAEyMgoOMTkyLjAuMi4xOjMxODEKDjE5Mi4wLjIuMjozMTgx\
     Cg4xOTIuMC4yLjM6MzE4MRAAOANCBmZvb2JhckgBUP///////////wFgAA==",
];

fn bookies(count: usize) -> Vec<BookieId> {
    (0..count).map(|number| BookieId::new(&format!("bk{number}:3181")).unwrap()).collect()
}

fn entry(number: i64) -> EntryId {
    EntryId::new(number).unwrap()
}

#[test]
fn all_formats_of_the_java_client_are_read_and_written_again() {
    let mut read = Vec::new();
    for stored in JAVA {
        let stored = STANDARD.decode(stored).unwrap();
        let metadata = LedgerMetadata::decode(&stored).unwrap();
        assert_eq!(metadata.encode(), stored, "{metadata:?}");
        read.push(metadata);
    }
    let formats = [MetadataFormat::Lines, MetadataFormat::Text, MetadataFormat::Text, MetadataFormat::Binary];
    assert_eq!(read.iter().map(|metadata| metadata.format).collect::<Vec<_>>(), formats);
    assert_eq!(read.iter().map(|metadata| metadata.quorum.ack()).collect::<Vec<_>>(), [2, 2, 2, 1]);
    assert_eq!(read[0].state, LedgerState::InRecovery);
    assert_eq!(read[2].created_ms, Some(1_544_002_383_075));
    assert_eq!((read[3].digest, &read[3].password[..]), (DigestType::Crc32c, &b"foobar"[..]));
    assert_eq!(read[3].ensembles().len(), 1);
    assert_eq!(read[3].last_ensemble().1[2].as_str(), "192.0.2.3:3181");
    assert!(!format!("{:?}", read[3]).contains("foobar"));
}

#[test]
fn an_entry_belongs_to_the_ensemble_that_starts_at_or_before_it() {
    let quorum = Quorum::new(2, 2, 1).unwrap();
    let all = bookies(4);
    let mut metadata =
        LedgerMetadata::new(quorum, DigestType::Crc32c, Bytes::new(), all[..2].to_vec()).unwrap();
    metadata.set_ensemble(entry(5), all[1..3].to_vec()).unwrap();
    metadata.set_ensemble(entry(5), all[2..].to_vec()).unwrap();
    assert_eq!(metadata.ensemble_of(entry(4)), (entry(0), &all[..2]));
    assert_eq!(metadata.ensemble_of(entry(5)), (entry(5), &all[2..]));
    assert_eq!(metadata.last_ensemble(), (entry(5), &all[2..]));
    assert!(metadata.set_ensemble(entry(6), all[..1].to_vec()).is_err());
}

#[test]
fn what_cannot_be_is_corrupt() {
    let text = |text: &str| LedgerMetadata::decode(text.as_bytes()).map(|_| ()).unwrap_err().kind();
    let head = "BookieMetadataFormatVersion\t";
    assert_eq!(text(""), ErrorKind::Corrupt);
    assert_eq!(text(&format!("{head}3")), ErrorKind::Corrupt);
    assert_eq!(text(&format!("{head}1234567890\n")), ErrorKind::Corrupt);
    assert_eq!(text(&format!("{head}4\n")), ErrorKind::Unsupported);
    // No ensemble; one that starts late; one of another size; two in the wrong order; a quorum that cannot be.
    for lines in
        ["1\n1\n0\n", "1\n1\n0\n1\ta\n", "1\n2\n0\n0\ta\n", "1\n1\n0\n0\ta\n5\tb\n5\tc\n", "2\n1\n0\n0\ta\n"]
    {
        assert_eq!(text(&format!("{head}1\n{lines}")), ErrorKind::Corrupt, "{lines}");
    }
    for fields in
        ["state", "state: GONE", "segment {", "password: \"\\9\"", "password: \"a", "novel: 1", "length: x"]
    {
        assert_eq!(text(&format!("{head}2\n{fields}")), ErrorKind::Corrupt, "{fields}");
    }
    let large = vec![b'x'; LedgerMetadata::MAX_BYTES + 1];
    assert_eq!(LedgerMetadata::decode(&large).unwrap_err().kind(), ErrorKind::TooLarge);
}

/// Metadata of any kind that a format can hold.
pub(crate) fn any_metadata() -> impl Strategy<Value = LedgerMetadata> {
    let quorum = (1..5_usize, 0..4_usize, 0..4_usize)
        .prop_map(|(ack, write, ensemble)| Quorum::new(ack + write + ensemble, ack + write, ack).unwrap());
    let state = prop_oneof![
        Just(LedgerState::Open),
        Just(LedgerState::InRecovery),
        (-1_i64.., 0..=i64::MAX as u64).prop_map(|(last, length)| LedgerState::Closed {
            last_entry: EntryId::from_wire(last).unwrap(),
            length,
        }),
    ];
    let starts = prop::collection::btree_set(1_i64.., 0..4);
    let bytes = || prop::collection::vec(any::<u8>(), 0..20);
    let custom = prop::collection::vec((any::<String>(), bytes()), 0..3);
    (quorum, state, starts, custom, (0..4_usize, bytes(), any::<Option<i64>>(), any::<i64>(), 1..=3_u8))
        .prop_map(
            |(quorum, state, starts, custom, (digest, password, created_ms, creation_token, format))| {
                let members = || bookies(quorum.ensemble());
                let digest = DigestType::ALL[digest];
                let mut metadata = LedgerMetadata::new(quorum, digest, password.into(), members()).unwrap();
                for start in starts {
                    metadata.set_ensemble(entry(start), members()).unwrap();
                }
                metadata.state = state;
                metadata.created_ms = created_ms;
                metadata.creation_token = creation_token;
                metadata.custom = custom.into_iter().map(|(key, value)| (key, value.into())).collect();
                as_format(metadata, format)
            },
        )
}

/// What is left of metadata in an older format.
fn as_format(mut metadata: LedgerMetadata, format: u8) -> LedgerMetadata {
    metadata.format = MetadataFormat::Binary;
    if format < 3 {
        metadata.format = MetadataFormat::Text;
        metadata.creation_token = 0;
    }
    if format < 2 {
        metadata.format = MetadataFormat::Lines;
        let write = metadata.quorum.write();
        metadata.quorum = Quorum::new(metadata.quorum.ensemble(), write, write).unwrap();
        metadata.digest = DigestType::Crc32;
        metadata.password = Bytes::new();
        metadata.created_ms = None;
        metadata.custom = Vec::new();
    }
    metadata
}

proptest! {
    #[test]
    fn what_is_written_is_read(metadata in any_metadata()) {
        let stored = metadata.encode();
        prop_assert_eq!(LedgerMetadata::decode(&stored).unwrap(), metadata);
    }

    #[test]
    fn no_bytes_make_it_panic(metadata in any_metadata(), at in any::<prop::sample::Index>(), byte: u8, cut: bool) {
        let mut stored = metadata.encode().to_vec();
        let at = at.index(stored.len());
        stored[at] = byte;
        if cut {
            stored.truncate(at);
        }
        if let Ok(read) = LedgerMetadata::decode(&stored) {
            let again = LedgerMetadata::decode(&read.encode()).unwrap();
            prop_assert_eq!(again, read);
        }
    }
}
