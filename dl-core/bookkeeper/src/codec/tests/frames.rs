//! The frames of the reference, and answers that say no.

use super::super::{Call, DEFAULT_MAX_FRAME_BYTES, EntryCodec, ProtocolVersion, RequestKey};
use super::{entry, hex, ledger};
use crate::error::ErrorKind;
use crate::protocol::{
    AddRequest, BatchReadRequest, Operation, Priority, ReadMode, ReadRequest, Request, Response, Status,
};
use crate::types::{DigestType, MasterKey};

const KEY: &str = "2aa226ba095b6969a64871977693b14671710d76";
const ENTRY: &str = "0000000000000001 0000000000000000 ffffffffffffffff 0000000000000005 e3a5f74d 68656c6c6f";

fn key() -> MasterKey {
    MasterKey::from_password(b"pw")
}

pub(super) fn add() -> AddRequest {
    AddRequest {
        ledger: ledger(1),
        entry: entry(0),
        key: key(),
        body: EntryCodec::new(DigestType::Crc32c, b"pw").seal(ledger(1), entry(0), None, 5, "hello".into()),
        recovery: false,
        deferred_sync: false,
        priority: Priority::Normal,
    }
}

fn read(number: Option<i64>, mode: ReadMode) -> Request {
    Request::Read(ReadRequest {
        ledger: ledger(1),
        entry: number.map(entry),
        mode,
        priority: Priority::Normal,
    })
}

fn frame(version: ProtocolVersion, request: &Request, number: u64) -> (bytes::Bytes, RequestKey) {
    let (frame, key) = version.encode_request(request, number, DEFAULT_MAX_FRAME_BYTES).unwrap();
    assert_eq!(frame.to_bytes().len(), frame.len());
    (frame.to_bytes(), key)
}

#[test]
fn frames_are_those_of_the_reference() {
    let batch = Request::BatchRead(BatchReadRequest {
        ledger: ledger(1),
        first: entry(0),
        max_entries: 10,
        max_bytes: 65_536,
        fence: None,
        priority: Priority::Normal,
    });
    let (plain, fence) = (read(Some(0), ReadMode::Plain), read(None, ReadMode::Fence(key())));
    let add = Request::Add(add());
    let (two, three) = (ProtocolVersion::V2, ProtocolVersion::V3);
    let expected = [
        (
            frame(three, &add, 7),
            format!("00000050 0a06 0803 1002 1807 aa06 45 0801 1000 1a14 {KEY} 2229 {ENTRY}"),
            RequestKey::Number(7),
        ),
        (
            frame(three, &plain, 8),
            "0000000f 0a06 0803 1001 1808 a206 04 0801 1000".to_owned(),
            RequestKey::Number(8),
        ),
        (
            frame(three, &fence, 9),
            format!("00000031 0a06 0803 1001 1809 a206 26 0801 10ffffffffffffffffff01 1a14 {KEY} a00601"),
            RequestKey::Number(9),
        ),
        (frame(two, &add, 0), format!("00000041 02010000 {KEY} {ENTRY}"), RequestKey::Add(1, 0)),
        (
            frame(two, &plain, 0),
            "00000014 02020000 0000000000000001 0000000000000000".to_owned(),
            RequestKey::Read(1, 0),
        ),
        (
            frame(two, &fence, 0),
            format!("00000028 02020001 0000000000000001 ffffffffffffffff {KEY}"),
            RequestKey::Read(1, -1),
        ),
        (
            frame(two, &batch, 77),
            "00000028 02070000 0000000000000001 0000000000000000 000000000000004d 0000000a 0000000000010000"
                .to_owned(),
            RequestKey::Number(77),
        ),
    ];
    for ((bytes, key), expected, expected_key) in expected {
        assert_eq!(bytes, hex(&expected));
        assert_eq!(key, expected_key);
    }
}

#[test]
fn an_add_by_hand_is_the_same_message_with_every_flag() {
    let add = AddRequest { recovery: true, deferred_sync: true, priority: Priority::High, ..add() };
    let (bytes, _) = frame(ProtocolVersion::V3, &Request::Add(add.clone()), u64::MAX);
    let call = ProtocolVersion::V3.decode_request(bytes.slice(4..)).unwrap();
    assert_eq!(call.number, u64::MAX);
    let Request::Add(read) = call.request else { panic!("an add") };
    assert_eq!(read.body.to_bytes(), add.body.to_bytes());
    assert_eq!(AddRequest { body: add.body.clone(), ..read }, add);
    let deferred = ProtocolVersion::V2.encode_request(&Request::Add(add), 0, DEFAULT_MAX_FRAME_BYTES);
    assert_eq!(deferred.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn a_frame_over_the_limit_is_not_made() {
    let (bytes, _) = frame(ProtocolVersion::V3, &Request::Add(add()), 7);
    let limit = bytes.len() - 4;
    for version in [ProtocolVersion::V2, ProtocolVersion::V3] {
        let (frame, _) = version.encode_request(&Request::Add(add()), 7, limit).unwrap();
        let error = version.encode_request(&Request::Add(add()), 7, frame.payload_bytes() - 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }
}

#[test]
fn the_status_in_the_body_counts_where_there_is_one() {
    // Header, outer status EBADREQ; then without a body, and with one that says EFENCED.
    let outer = "0a06 0803 1002 1807 109403";
    let answer = ProtocolVersion::V3.decode_answer(hex(outer)).unwrap();
    assert_eq!((answer.key, answer.operation), (RequestKey::Number(7), Operation::Add));
    assert_eq!(answer.outcome, Err(Status::BadRequest));
    let answer =
        ProtocolVersion::V3.decode_answer(hex(&format!("{outer} aa06 07 08f803 1001 1000"))).unwrap();
    assert_eq!(answer.outcome, Err(Status::Fenced));
    // Success without the body that would say what succeeded.
    assert!(ProtocolVersion::V3.decode_answer(hex("0a06 0803 1002 1807 1000")).is_err());
    // An unknown field is skipped.
    let answer =
        ProtocolVersion::V3.decode_answer(hex("0a06 0803 1002 1807 1000 aa06 06 0800 1001 1000 f83f 05"));
    assert_eq!(answer.unwrap().outcome, Ok(Response::Add));
}

#[test]
fn answers_of_version_2_are_told_apart_by_what_they_are_about() {
    let answer =
        ProtocolVersion::V2.decode_answer(hex("02010000 00000000 0000000000000001 0000000000000005"));
    let answer = answer.unwrap();
    assert_eq!((answer.key, answer.outcome), (RequestKey::Add(1, 5), Ok(Response::Add)));
    let answer =
        ProtocolVersion::V2.decode_answer(hex("02020000 00000002 0000000000000001 ffffffffffffffff"));
    let answer = answer.unwrap();
    assert_eq!((answer.key, answer.outcome), (RequestKey::Read(1, -1), Err(Status::NoEntry)));
    // An entry longer than the frame; and a batch without entries.
    let batch = "02070000 00000000 0000000000000001 0000000000000000 000000000000004d";
    assert!(ProtocolVersion::V2.decode_answer(hex(&format!("{batch} 00000002 01"))).is_err());
    assert!(ProtocolVersion::V2.decode_answer(hex(batch)).is_err());
    assert!(
        ProtocolVersion::V2
            .decode_answer(hex("02050000 00000000 0000000000000001 0000000000000000"))
            .is_err()
    );
}

#[test]
fn a_version_refuses_what_it_does_not_have() {
    let force = Request::Force(ledger(1));
    assert!(!ProtocolVersion::V2.supports(&force) && ProtocolVersion::V3.supports(&force));
    let error = ProtocolVersion::V2.encode_request(&force, 1, DEFAULT_MAX_FRAME_BYTES).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    // What the bookie says of an operation that it does not know.
    let call = Call { number: 3, request: force };
    let frame = ProtocolVersion::V3.encode_answer(&call, &Err(Status::BadRequest)).to_bytes();
    let answer = ProtocolVersion::V3.decode_answer(frame.slice(4..)).unwrap();
    assert_eq!(answer.outcome, Err(Status::BadRequest));
}
