//! Requests and answers of every kind are read as they were written, and no bytes make a decoder panic.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::super::{Call, ProtocolVersion};
use super::{entry, ledger};
use crate::protocol::{
    AddRequest, AuthMessage, BatchReadRequest, BatchReadResponse, BookieInfo, BookieInfoRequest,
    EncodedEntry, EntryGroup, EntryList, LongPoll, Priority, ReadLacResponse, ReadMode, ReadRequest,
    ReadResponse, Request, Response, Status, WriteLacRequest,
};
use crate::testing::fuzz;
use crate::types::{EntryId, LedgerId, MasterKey};

fn bytes() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..100).prop_map(Bytes::from)
}

fn a_ledger() -> impl Strategy<Value = LedgerId> {
    (0..=i64::MAX).prop_map(ledger)
}

fn an_entry() -> impl Strategy<Value = EntryId> {
    (0..=i64::MAX).prop_map(entry)
}

fn perhaps_an_entry() -> impl Strategy<Value = Option<EntryId>> {
    prop::option::of(an_entry())
}

fn a_key() -> impl Strategy<Value = MasterKey> {
    any::<[u8; 20]>().prop_map(MasterKey::from_bytes)
}

fn a_priority() -> impl Strategy<Value = Priority> {
    prop_oneof![Just(Priority::Normal), Just(Priority::High)]
}

fn auth() -> impl Strategy<Value = AuthMessage> {
    (any::<String>(), bytes()).prop_map(|(plugin, payload)| AuthMessage { plugin, payload })
}

/// Version 2 takes the ids of an add from the entry itself.
fn add() -> impl Strategy<Value = Request> {
    (a_ledger(), an_entry(), a_key(), bytes(), any::<(bool, bool)>(), a_priority()).prop_map(
        |(ledger, entry, key, rest, (recovery, deferred_sync), priority)| {
            let ids = [ledger.number().to_be_bytes(), entry.number().to_be_bytes()].concat();
            let body = EncodedEntry::whole([&ids[..], &rest[..]].concat().into());
            Request::Add(AddRequest { ledger, entry, key, body, recovery, deferred_sync, priority })
        },
    )
}

fn read() -> impl Strategy<Value = Request> {
    let poll =
        (perhaps_an_entry(), prop::option::of(0..=i64::MAX as u64)).prop_map(|(previous_lac, wait)| {
            ReadMode::LongPoll(LongPoll {
                previous_lac,
                timeout: wait.map(Duration::from_millis),
                piggyback: false,
            })
        });
    let mode = prop_oneof![Just(ReadMode::Plain), a_key().prop_map(ReadMode::Fence), poll];
    let any_mode =
        (a_ledger(), perhaps_an_entry(), mode, a_priority()).prop_map(|(ledger, entry, mode, priority)| {
            Request::Read(ReadRequest { ledger, entry, mode, priority })
        });
    let piggyback = (a_ledger(), perhaps_an_entry()).prop_map(|(ledger, previous_lac)| {
        let mode = ReadMode::LongPoll(LongPoll { previous_lac, timeout: None, piggyback: true });
        Request::Read(ReadRequest { ledger, entry: None, mode, priority: Priority::Normal })
    });
    prop_oneof![any_mode, piggyback]
}

fn a_request() -> impl Strategy<Value = Request> {
    let batch =
        (a_ledger(), an_entry(), 0..=i32::MAX as u32, 0..=i64::MAX as usize, prop::option::of(a_key()));
    let batch =
        (batch, a_priority()).prop_map(|((ledger, first, max_entries, max_bytes, fence), priority)| {
            Request::BatchRead(BatchReadRequest { ledger, first, max_entries, max_bytes, fence, priority })
        });
    let write_lac = (a_ledger(), perhaps_an_entry(), a_key(), bytes())
        .prop_map(|(ledger, lac, key, body)| Request::WriteLac(WriteLacRequest { ledger, lac, key, body }));
    prop_oneof![
        add(),
        read(),
        batch,
        write_lac,
        a_ledger().prop_map(Request::ReadLac),
        a_ledger().prop_map(Request::Force),
        any::<(bool, bool)>()
            .prop_map(|(total, free)| Request::BookieInfo(BookieInfoRequest { total, free })),
        a_ledger().prop_map(Request::ListEntries),
        auth().prop_map(Request::Auth),
        Just(Request::StartTls),
    ]
}

/// A call and what a bookie may answer to it.
fn an_exchange() -> impl Strategy<Value = (Call, Result<Response, Status>)> {
    let statuses: Vec<Status> = Status::all().collect();
    (a_request(), any::<u64>(), any::<Option<prop::sample::Index>>()).prop_flat_map(
        move |(request, number, refusal)| {
            let outcome = match refusal {
                Some(index) if !matches!(request, Request::Auth(_)) => {
                    Just(Err(*index.get(&statuses))).boxed()
                }
                _ => a_response(&request).prop_map(Ok).boxed(),
            };
            (Just(Call { number, request }), outcome)
        },
    )
}

fn a_response(request: &Request) -> BoxedStrategy<Response> {
    match request {
        Request::Add(_) => Just(Response::Add).boxed(),
        Request::Read(read) => {
            let entry = read.entry;
            bytes()
                .prop_map(move |body| {
                    Response::Read(ReadResponse {
                        entry,
                        body: Some(body),
                        max_lac: None,
                        lac_updated_ms: None,
                    })
                })
                .boxed()
        }
        Request::BatchRead(read) => {
            let first = read.first;
            prop::collection::vec(bytes(), 1..4)
                .prop_map(move |bodies| Response::BatchRead(BatchReadResponse { first, bodies }))
                .boxed()
        }
        Request::WriteLac(_) => Just(Response::WriteLac).boxed(),
        Request::ReadLac(_) => (prop::option::of(bytes()), prop::option::of(bytes()))
            .prop_map(|(explicit_lac, last_entry)| {
                Response::ReadLac(ReadLacResponse { explicit_lac, last_entry })
            })
            .boxed(),
        Request::Force(_) => Just(Response::Force).boxed(),
        Request::BookieInfo(_) => {
            let room = || prop::option::of(0..=i64::MAX as u64);
            (room(), room())
                .prop_map(|(total_bytes, free_bytes)| {
                    Response::BookieInfo(BookieInfo { total_bytes, free_bytes })
                })
                .boxed()
        }
        Request::ListEntries(_) => prop::collection::vec((0..100_i64, 0..5_i64, 1..5_u32, 5..9_u32), 0..4)
            .prop_map(|groups| {
                let groups = groups.into_iter().map(|(first, repeats, run, period)| EntryGroup {
                    first_start: entry(first),
                    last_start: entry(first + repeats * i64::from(period)),
                    run,
                    period,
                });
                Response::ListEntries(EntryList::new(groups.collect()))
            })
            .boxed(),
        Request::Auth(_) => auth().prop_map(Response::Auth).boxed(),
        Request::StartTls => Just(Response::StartTls).boxed(),
    }
}

fn versions() -> impl Strategy<Value = ProtocolVersion> {
    prop_oneof![Just(ProtocolVersion::V2), Just(ProtocolVersion::V3)]
}

proptest! {
    #[test]
    fn a_request_and_its_answer_are_read_as_they_were_written(
        (call, outcome) in an_exchange(), version in versions(),
    ) {
        if !version.supports(&call.request) {
            prop_assert!(version.encode_request(&call.request, call.number, usize::MAX).is_err());
            return Ok(());
        }
        let (frame, key) = version.encode_request(&call.request, call.number, usize::MAX).unwrap();
        let read = version.decode_request(frame.to_bytes().slice(4..)).unwrap();
        prop_assert_eq!(&read.request, &call.request);
        let frame = version.encode_answer(&read, &outcome).to_bytes();
        let answer = version.decode_answer(frame.slice(4..)).unwrap();
        prop_assert_eq!(answer.key, key);
        prop_assert_eq!(answer.operation, call.request.operation());
        prop_assert_eq!(answer.outcome, outcome);
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz::request(&bytes);
        fuzz::answer(&bytes);
        fuzz::frames(&bytes);
        fuzz::entry(&bytes);
        fuzz::metadata(&bytes);
        fuzz::entry_list(&bytes);
    }

    #[test]
    fn no_damage_to_a_frame_makes_a_decoder_panic(
        (call, outcome) in an_exchange(), version in versions(), at in any::<prop::sample::Index>(), byte: u8, cut: bool,
    ) {
        prop_assume!(version.supports(&call.request));
        let (frame, _) = version.encode_request(&call.request, call.number, usize::MAX).unwrap();
        let answer = version.encode_answer(&call, &outcome);
        for (frame, check) in [(frame, fuzz::request as fn(&[u8])), (answer, fuzz::answer)] {
            let mut bytes = frame.to_bytes()[4..].to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if cut {
                bytes.truncate(at);
            }
            check(&bytes);
        }
    }
}
