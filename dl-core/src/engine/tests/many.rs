//! Many appends with one call: each is for itself.

use std::task::{Context, Waker};

use super::*;
use crate::{ErrorKind, MAX_PAYLOAD_BYTES, NewRecord, NewRecordView};

on_every_driver! {
    many_are_appended_in_their_order
    the_first_that_is_refused_ends_it_and_gives_its_room_back
    many_wait_for_room_and_stand_in_line
    dropped_before_it_answered_it_appends_no_more
    all_of_many_fail_with_their_writer
    without_waiting_as_many_are_appended_as_there_is_room_for
    who_does_not_wait_passes_nobody_in_line
    without_waiting_it_ends_in_front_of_what_is_refused
    what_had_no_room_is_told_of_behind_what_had
    payloads_are_taken_from_where_they_lie
}

fn records(payloads: &[&'static str]) -> Vec<NewRecord> {
    payloads.iter().map(|payload| NewRecord::new(*payload)).collect()
}

async fn many_are_appended_in_their_order(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    let (nothing, refused) = writer.append_many(&records(&[])).await;
    assert!(nothing.is_empty() && refused.is_none());
    assert!(nothing.await.is_empty());
    let before = writer.append("0").await.unwrap();
    let (ticket, refused) = writer.append_many(&records(&["1", "2", "3"])).await;
    assert!(refused.is_none());
    assert_eq!(ticket.len(), 3);
    let behind = writer.append("4").await.unwrap();
    let receipts: Vec<_> = ticket.await.into_iter().map(Result::unwrap).collect();
    let places: Vec<_> = receipts.iter().map(|receipt| receipt.sequence_id).collect();
    assert_eq!(places, [Some(1), Some(2), Some(3)]);
    assert!(before.await.unwrap().dlsn < receipts[0].dlsn && receipts[2].dlsn < behind.await.unwrap().dlsn);
    assert_eq!(read_all(&namespace, shared.log()).await, ["0", "1", "2", "3", "4"]);
    let read = read_from(&namespace, shared.log(), Start::Earliest).await;
    assert_eq!((read[2].dlsn, read[2].txid), (receipts[1].dlsn, receipts[1].txid));
}

async fn the_first_that_is_refused_ends_it_and_gives_its_room_back(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(3)).await;
    let falling = [record("a", 10), record("no", 5), record("b", 20)];
    let (first, refused) = writer.append_many(&falling).await;
    assert_eq!(refused.unwrap().kind(), ErrorKind::InvalidArgument);
    assert_eq!(first.len(), 1);
    // Nothing is settled before this task waits for something.
    let second = writer.try_append(falling[2].clone()).unwrap();
    let third = writer.try_append(record("c", 20)).unwrap();
    assert_eq!(writer.try_append("d").unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!(first.await.iter().next().unwrap().unwrap().txid, 10);
    second.await.unwrap();
    third.await.unwrap();
    let (none, refused) = writer.append_many(&[NewRecord::new(vec![0; MAX_PAYLOAD_BYTES + 1])]).await;
    assert!(none.is_empty());
    assert_eq!(refused.unwrap().kind(), ErrorKind::TooLarge);
    assert_eq!(read_all(&namespace, shared.log()).await, ["a", "b", "c"]);
}

async fn many_wait_for_room_and_stand_in_line(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(2)).await;
    let payloads = ["1", "2", "3", "4", "5", "6", "7"];
    let (ticket, refused) = writer.append_many(&records(&payloads)).await;
    assert!(refused.is_none());
    let places: Vec<_> = ticket.await.into_iter().map(|receipt| receipt.unwrap().sequence_id).collect();
    assert_eq!(places, (0..7).map(Some).collect::<Vec<_>>());
    assert_eq!(read_all(&namespace, shared.log()).await, payloads);
}

async fn dropped_before_it_answered_it_appends_no_more(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(2)).await;
    let many = records(&["1", "2", "3", "4"]);
    let mut call = Box::pin(writer.append_many(&many));
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(call);
    append(&writer, "5").await;
    assert_eq!(read_all(&namespace, shared.log()).await, ["1", "2", "5"]);
}

async fn all_of_many_fail_with_their_writer(shared: Shared) {
    let (_namespace, writer) = shared.writer().await;
    let (ticket, _) = writer.append_many(&records(&["1", "2"])).await;
    writer.abort();
    let receipts = ticket.await;
    assert_eq!((receipts.len(), receipts.first_error().unwrap().kind()), (2, ErrorKind::Closed));
    let kinds: Vec<_> = receipts.into_iter().map(|receipt| receipt.unwrap_err().kind()).collect();
    assert_eq!(kinds, [ErrorKind::Closed, ErrorKind::Closed]);
    assert!(writer.try_append_many(["3"]).is_empty());
    let (none, refused) = writer.append_many(&records(&["3", "4"])).await;
    assert_eq!((none.len(), refused.unwrap().kind()), (0, ErrorKind::Closed));
}

async fn without_waiting_as_many_are_appended_as_there_is_room_for(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(3)).await;
    let payloads = ["1", "2", "3", "4", "5"];
    let now = writer.try_append_many(payloads);
    assert_eq!(now.len(), 3);
    // Nothing is settled before this task waits for something.
    assert!(writer.try_append_many(&payloads[3..]).is_empty());
    let (later, refused) = writer.append_many(&payloads[3..]).await;
    assert!(refused.is_none() && later.len() == 2);
    let now = now.await;
    assert!(now.first_error().is_none());
    let places: Vec<_> =
        now.into_iter().chain(later.await).map(|receipt| receipt.unwrap().sequence_id).collect();
    assert_eq!(places, (0..5).map(Some).collect::<Vec<_>>());
    assert_eq!(read_all(&namespace, shared.log()).await, payloads);
}

async fn who_does_not_wait_passes_nobody_in_line(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(2)).await;
    let mut waits = Box::pin(writer.append_many(["1", "2", "3"]));
    assert!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    // Nobody polls what waits, so this is longer than what has its place needs.
    pass(Duration::from_secs(60)).await;
    assert!(writer.last_dlsn().is_some());
    // There is room again, for whoever is first in line.
    assert!(writer.try_append_many(["no"]).is_empty());
    let (ticket, refused) = waits.await;
    assert!(refused.is_none() && ticket.await.first_error().is_none());
    assert_eq!(read_all(&namespace, shared.log()).await, ["1", "2", "3"]);
}

async fn without_waiting_it_ends_in_front_of_what_is_refused(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(3)).await;
    let falling = [record("a", 10), record("no", 5), record("b", 20)];
    let first = writer.try_append_many(&falling);
    assert_eq!(first.len(), 1);
    assert!(writer.try_append_many(&falling[1..]).is_empty());
    // Those behind it gave their room back.
    let second = writer.try_append_many([&falling[2], &falling[2], &falling[2]]);
    assert_eq!(second.len(), 2);
    assert!(first.await.first_error().is_none() && second.await.first_error().is_none());
    assert!(writer.try_append_many([&vec![0; MAX_PAYLOAD_BYTES + 1]]).is_empty());
    assert_eq!(read_all(&namespace, shared.log()).await, ["a", "b", "b"]);
}

async fn what_had_no_room_is_told_of_behind_what_had(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(2)).await;
    let payloads = ["1", "2", "3", "4", "5"];
    let placed = writer.try_append_many(payloads);
    assert_eq!(placed.len(), 2);
    let (told, refused) = writer.append_rest(placed, records(&payloads[2..])).await;
    assert!(refused.is_none() && told.first_error().is_none());
    let places: Vec<_> = told.into_iter().map(|receipt| receipt.unwrap().sequence_id).collect();
    assert_eq!(places, (0..5).map(Some).collect::<Vec<_>>());
    // One that is refused ends it.
    let placed = writer.try_append_many(["6"]);
    let rest = vec![NewRecord::new("7"), record("no", 5), NewRecord::new("no")];
    let (told, refused) = writer.append_rest(placed, rest).await;
    assert_eq!((told.len(), refused.unwrap().kind()), (2, ErrorKind::InvalidArgument));
    assert_eq!(told.iter().map(|receipt| receipt.unwrap().sequence_id).next(), Some(Some(5)));
    assert_eq!(read_all(&namespace, shared.log()).await, ["1", "2", "3", "4", "5", "6", "7"]);
    // Where nothing is left, nothing more is asked of the writer.
    let placed = writer.try_append_many(["8"]);
    writer.abort();
    let (told, refused) = writer.append_rest(placed, Vec::new()).await;
    assert_eq!((told.len(), refused.is_none()), (1, true));
    let (told, refused) = writer.append_rest(writer.try_append_many(["9"]), records(&["9"])).await;
    assert_eq!((told.len(), refused.unwrap().kind()), (0, ErrorKind::Closed));
}

async fn payloads_are_taken_from_where_they_lie(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    let (texts, shares) = ([String::from("1"), String::from("2")], vec![Bytes::from_static(b"3")]);
    let view = NewRecordView::new("4").txid(Txid::MAX);
    let tickets = [
        writer.append_many(&texts).await.0,
        writer.append_many(&shares).await.0,
        writer.append_many([view, "5".into()]).await.0,
    ];
    let mut txids = Vec::new();
    for ticket in tickets {
        txids.extend(ticket.await.into_iter().map(|receipt| receipt.unwrap().txid));
    }
    assert!(txids[2] < txids[3]);
    assert_eq!(txids[3..], [Txid::MAX.get(); 2]);
    assert_eq!(read_all(&namespace, shared.log()).await, ["1", "2", "3", "4", "5"]);
}
