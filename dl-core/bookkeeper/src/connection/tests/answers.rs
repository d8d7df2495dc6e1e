//! Answers reach those who asked, however they come.

use super::*;
use crate::codec::ProtocolVersion;
use crate::error::ErrorKind;
use crate::protocol::{BatchReadRequest, BatchReadResponse, LongPoll, Status};

#[tokio::test]
async fn answers_come_in_pieces_and_out_of_order() {
    let world = World::new(ConnectionOptions::default()).await;
    let waiting: Vec<_> = (0..50).map(|number| world.send(read(number))).collect();
    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    let mut calls = peer.requests(50).await;
    calls.reverse();
    let mut bytes = Vec::new();
    for call in &calls {
        let number = call.request.entry().unwrap().number();
        bytes.extend_from_slice(&peer.version.encode_answer(call, &Ok(found(number))).to_bytes());
    }
    let mut sizes = [1, 2, 3, 5, 7, 200].into_iter().cycle();
    while !bytes.is_empty() {
        let piece: Vec<u8> = bytes.drain(..sizes.next().unwrap().min(bytes.len())).collect();
        peer.send(&piece).await;
        tokio::task::yield_now().await;
    }
    for (number, waiting) in waiting.into_iter().enumerate() {
        assert_eq!(waiting.await.unwrap().unwrap(), found(number as i64));
    }
    assert_eq!(world.client.in_flight(), (0, 0));
}

#[tokio::test]
async fn entries_larger_than_the_socket_takes_at_once_arrive_whole() {
    let world = World::new(ConnectionOptions::default()).await;
    let waiting: Vec<_> =
        (0..20).map(|number| world.send(add(number, 1_000_000 + number as usize))).collect();
    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    for _ in 0..20 {
        let call = peer.request().await;
        let Request::Add(sent) = &call.request else { panic!("an add") };
        let Request::Add(expected) = add(sent.entry.number(), 1_000_000 + sent.entry.number() as usize)
        else {
            panic!("an add")
        };
        assert!(sent.body.to_bytes() == expected.body.to_bytes());
        peer.answer(&call, Ok(Response::Add)).await;
    }
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap().unwrap(), Response::Add);
    }
}

#[tokio::test]
async fn a_refusal_names_bookie_ledger_and_entry() {
    let world = World::new(ConnectionOptions::default()).await;
    let waiting = world.send(add(7, 10));
    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    let call = peer.request().await;
    peer.answer(&call, Err(Status::Fenced)).await;
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LedgerFenced);
    assert!(!error.may_have_taken_effect());
    let place =
        (error.bookie().unwrap().as_str(), error.ledger().unwrap().number(), error.entry().unwrap().number());
    assert_eq!(place, ("bk1", 1, 7));
}

#[tokio::test]
async fn what_one_version_lacks_goes_over_a_second_connection() {
    let world = World::new(ConnectionOptions::default()).await;
    let batch = BatchReadRequest {
        ledger: ledger(),
        first: entry(3),
        max_entries: 2,
        max_bytes: 1_000,
        fence: None,
        priority: Priority::Normal,
    };
    let (batch, single) = (world.send(Request::BatchRead(batch)), world.send(read(3)));
    let mut first = world.bookie.accept(ProtocolVersion::V2).await;
    let mut second = world.bookie.accept(ProtocolVersion::V3).await;
    let call = first.request().await;
    let bodies = vec![Bytes::from("three"), Bytes::from("four")];
    let response = Response::BatchRead(BatchReadResponse { first: entry(3), bodies });
    first.answer(&call, Ok(response.clone())).await;
    assert_eq!(batch.await.unwrap().unwrap(), response);
    let call = second.request().await;
    second.answer(&call, Ok(found(3))).await;
    assert_eq!(single.await.unwrap().unwrap(), found(3));
}

#[tokio::test]
async fn a_long_poll_has_its_waiting_time_on_top() {
    let world = World::new(ConnectionOptions::default()).await;
    let poll = LongPoll { previous_lac: Some(entry(4)), timeout: Some(30 * SECOND), piggyback: true };
    let waiting = world.send(read_as(None, ReadMode::LongPoll(poll)));
    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    let call = peer.request().await;
    world.clock.advance(34 * SECOND);
    let brought = ReadResponse {
        entry: Some(entry(5)),
        body: Some(Bytes::from("five")),
        max_lac: Some(Some(entry(5))),
        lac_updated_ms: Some(1),
    };
    peer.answer(&call, Ok(Response::Read(brought.clone()))).await;
    assert_eq!(waiting.await.unwrap().unwrap(), Response::Read(brought));
}
