//! Version 2, whose answers do not say which request they are for.

use super::*;
use crate::codec::ProtocolVersion;
use crate::error::ErrorKind;
use crate::protocol::Status;

fn fence() -> Request {
    read_as(None, ReadMode::Fence(MasterKey::from_password(b"")))
}

fn last(text: &'static str) -> Response {
    Response::Read(ReadResponse { entry: None, body: Some(text.into()), ..ReadResponse::default() })
}

async fn world() -> World {
    World::new(ConnectionOptions { version: ProtocolVersion::V2, ..ConnectionOptions::default() }).await
}

#[tokio::test]
async fn answers_go_to_those_who_asked_for_that_entry() {
    let world = world().await;
    let waiting: Vec<_> = (0..20).map(|number| world.send(read(number % 10))).collect();
    let adding = world.send(add(3, 10));
    let mut peer = world.bookie.accept(ProtocolVersion::V2).await;
    let mut calls = peer.requests(21).await;
    calls.reverse();
    for call in calls {
        let outcome = match &call.request {
            Request::Add(_) => Err(Status::ReadOnly),
            _ => Ok(found(call.request.entry().unwrap().number())),
        };
        peer.answer(&call, outcome).await;
    }
    for (number, waiting) in waiting.into_iter().enumerate() {
        assert_eq!(waiting.await.unwrap().unwrap(), found(number as i64 % 10));
    }
    assert_eq!(adding.await.unwrap().unwrap_err().kind(), ErrorKind::ReadOnlyBookie);
}

#[tokio::test]
async fn a_fence_is_not_taken_for_done_because_a_plain_read_was_answered() {
    let world = world().await;
    let plain = world.send(read_as(None, ReadMode::Plain));
    let mut peer = world.bookie.accept(ProtocolVersion::V2).await;
    let first = peer.request().await;
    let fencing = world.send(fence());
    while world.client.in_flight().0 < 2 {
        tokio::task::yield_now().await;
    }
    peer.answer(&first, Ok(last("plain"))).await;
    assert_eq!(plain.await.unwrap().unwrap(), last("plain"));
    let second = peer.request().await;
    assert_eq!(second.request, fence());
    peer.answer(&second, Ok(last("fenced"))).await;
    assert_eq!(fencing.await.unwrap().unwrap(), last("fenced"));
}

#[tokio::test]
async fn a_late_answer_to_a_plain_read_never_completes_a_fence() {
    let world = world().await;
    let (plain, other) = (world.send(read_as(None, ReadMode::Plain)), world.send(read(5)));
    let mut peer = world.bookie.accept(ProtocolVersion::V2).await;
    let calls = peer.requests(2).await;
    world.clock.advance(SECOND);
    peer.answer(&calls[1], Ok(found(5))).await;
    assert_eq!(other.await.unwrap().unwrap(), found(5));
    world.clock.advance(4 * SECOND);
    assert_eq!(plain.await.unwrap().unwrap_err().kind(), ErrorKind::Timeout);

    // The plain read's answer is still due: the fence gives this connection up, and goes over the next one.
    let error = world.client.call(&fence(), None).await.unwrap_err();
    assert_eq!((error.kind(), error.may_have_taken_effect()), (ErrorKind::Unavailable, false));
    assert!(peer.next_request().await.is_none());
    let fencing = world.send(fence());
    let mut peer = world.bookie.accept(ProtocolVersion::V2).await;
    let call = peer.request().await;
    peer.answer(&call, Ok(last("fenced"))).await;
    assert_eq!(fencing.await.unwrap().unwrap(), last("fenced"));
}
