//! The line for room: who is in front has its place in front, and `flush` waits for all who were there.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use super::*;
use crate::drivers::memory::{fill, stall};
use crate::{ErrorKind, Result, Ticket};

on_every_driver! {
    who_is_next_in_line_gets_its_place_behind_who_woke_it
    records_of_one_call_that_waits_are_behind_one_another
    flush_waits_for_appends_that_wait_for_room
    flush_waits_for_all_records_of_a_call_that_waits
    a_flush_that_nobody_polls_holds_up_no_append
    a_flush_does_not_wait_for_appends_that_were_given_up
    a_flush_in_line_fails_with_its_writer
    appends_of_a_writer_that_ended_are_in_no_other_writers_way
    a_flush_is_told_though_the_waker_of_somebody_else_panics
}

/// Polls a future once, without being told of more.
fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A caller that goes on inside of whatever wakes it, as one does on another thread at the worst moment.
struct AtOnce {
    append: Mutex<Pin<Box<dyn Future<Output = Result<Ticket>> + Send>>>,
    ticket: Mutex<Option<Ticket>>,
}

impl Wake for AtOnce {
    fn wake(self: Arc<Self>) {
        let waker = Waker::from(self.clone());
        if let Poll::Ready(ticket) =
            self.append.lock().unwrap().as_mut().poll(&mut Context::from_waker(&waker))
        {
            *self.ticket.lock().unwrap() = Some(ticket.unwrap());
        }
    }
}

async fn who_is_next_in_line_gets_its_place_behind_who_woke_it(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(2)).await;
    // Nothing is settled before this task waits for something.
    let (one, two) = (writer.try_append("1").unwrap(), writer.try_append("2").unwrap());
    let mut third = Box::pin(writer.append("3"));
    assert!(poll(third.as_mut()).is_pending());
    let behind = writer.clone();
    let fourth = Arc::new(AtOnce {
        append: Mutex::new(Box::pin(async move { behind.append("4").await })),
        ticket: Mutex::default(),
    });
    fourth.clone().wake();
    two.await.unwrap();
    one.await.unwrap();
    // There is room for both now, and the first in line wakes the second.
    let third = third.await.unwrap().await.unwrap();
    let fourth = fourth.ticket.lock().unwrap().take().unwrap();
    assert!(third.dlsn < fourth.await.unwrap().dlsn);
    assert_eq!(read_all(&namespace, shared.log()).await, ["1", "2", "3", "4"]);
}

async fn records_of_one_call_that_waits_are_behind_one_another(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(1)).await;
    let mut many = Box::pin(writer.append_many(["1", "2", "3"]));
    assert!(poll(many.as_mut()).is_pending());
    let mut behind = Box::pin(writer.append("4"));
    assert!(poll(behind.as_mut()).is_pending());
    let ((many, refused), behind) = tokio::join!(many, behind);
    assert!(refused.is_none() && many.await.first_error().is_none());
    behind.unwrap().await.unwrap();
    assert_eq!(read_all(&namespace, shared.log()).await, ["1", "2", "3", "4"]);
}

async fn flush_waits_for_appends_that_wait_for_room(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(1)).await;
    let _settled = writer.try_append("1").unwrap();
    let (mut second, mut third) = (Box::pin(writer.append("2")), Box::pin(writer.append("3")));
    assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
    let mut flush = Box::pin(writer.flush());
    assert!(poll(flush.as_mut()).is_pending());
    let mut fourth = Box::pin(writer.append(record("4", i64::MAX >> 1)));
    assert!(poll(fourth.as_mut()).is_pending());
    let flushed = async {
        flush.await.unwrap();
        writer.last_dlsn()
    };
    let (second, third, flushed) = tokio::join!(second, third, flushed);
    // What came behind it is not waited for: nobody polled that meanwhile.
    assert_eq!(flushed, Some(third.unwrap().await.unwrap().dlsn));
    second.unwrap().await.unwrap();
    fourth.await.unwrap().await.unwrap();
    assert_eq!(read_all(&namespace, shared.log()).await, ["1", "2", "3", "4"]);
}

async fn flush_waits_for_all_records_of_a_call_that_waits(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(2)).await;
    let mut many = Box::pin(writer.append_many(["1", "2", "3", "4", "5", "6", "7"]));
    assert!(poll(many.as_mut()).is_pending());
    let flushed = async {
        writer.flush().await.unwrap();
        writer.last_dlsn()
    };
    let ((many, _), flushed) = tokio::join!(many, flushed);
    assert_eq!(many.len(), 7);
    assert_eq!(many.await.iter().last().unwrap().unwrap().dlsn, flushed.unwrap());
}

async fn a_flush_that_nobody_polls_holds_up_no_append(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(1)).await;
    let _settled = writer.try_append("1").unwrap();
    let mut second = Box::pin(writer.append("2"));
    assert!(poll(second.as_mut()).is_pending());
    let mut flush = Box::pin(writer.flush());
    assert!(poll(flush.as_mut()).is_pending());
    second.await.unwrap().await.unwrap();
    append(&writer, "3").await;
    flush.await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(read_all(&namespace, shared.log()).await, ["1", "2", "3"]);
}

async fn a_flush_does_not_wait_for_appends_that_were_given_up(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(1)).await;
    let first = writer.try_append("1").unwrap();
    let (mut second, mut third) = (Box::pin(writer.append("2")), Box::pin(writer.append("3")));
    assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
    let (mut given_up, mut flush) = (Box::pin(writer.flush()), Box::pin(writer.flush()));
    assert!(poll(given_up.as_mut()).is_pending() && poll(flush.as_mut()).is_pending());
    drop((second, given_up, third));
    flush.await.unwrap();
    assert_eq!(writer.last_dlsn(), Some(first.await.unwrap().dlsn));
    assert_eq!(read_all(&namespace, shared.log()).await, ["1"]);
}

async fn a_flush_in_line_fails_with_its_writer(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(1)).await;
    let first = writer.try_append("1").unwrap();
    let mut second = Box::pin(writer.append("2"));
    assert!(poll(second.as_mut()).is_pending());
    let mut flush = Box::pin(writer.flush());
    assert!(poll(flush.as_mut()).is_pending());
    writer.abort();
    assert_eq!(flush.await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(first.await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(second.await.unwrap_err().kind(), ErrorKind::Closed);
}

/// A process whose writers have no more than this in flight together.
async fn with_budget(shared: &Shared, bytes: u64) -> Namespace {
    let (seams, _) = shared.world.process();
    Namespace::open_with(&shared.uri, options("a").in_flight_bytes(bytes), seams).await.unwrap()
}

/// Nobody polls them any more, so that they cannot leave the line by themselves.
async fn appends_of_a_writer_that_ended_are_in_no_other_writers_way(shared: Shared) {
    let namespace = with_budget(&shared, 1 << 20).await;
    let other = namespace.log(&LogName::new("other").unwrap()).open_writer(creating()).await.unwrap();
    for aborts in [true, false] {
        let writer = shared.open(&namespace, creating()).await;
        append(&writer, "one").await;
        let large = other.try_append(vec![0; 1_000_000]).unwrap();
        let mut waits = Box::pin(writer.append(vec![0; 100_000]));
        assert!(poll(waits.as_mut()).is_pending());
        if aborts {
            writer.abort();
        } else {
            writer.close().await.unwrap();
        }
        large.await.unwrap();
        other.try_append("behind").unwrap().await.unwrap();
        assert_eq!(waits.await.unwrap_err().kind(), ErrorKind::Closed);
    }
}

/// A waker that does what none should.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker of the test");
    }
}

async fn a_flush_is_told_though_the_waker_of_somebody_else_panics(shared: Shared) {
    let namespace = with_budget(&shared, 1 << 20).await;
    let other = namespace.log(&LogName::new("other").unwrap()).open_writer(creating()).await.unwrap();
    let writer = shared.open(&namespace, creating()).await;
    let large = writer.try_append(vec![0; 1_000_000]).unwrap();
    let mut given_up = Box::pin(writer.append(vec![0; 100_000]));
    assert!(poll(given_up.as_mut()).is_pending());
    let mut flush = Box::pin(writer.flush());
    assert!(poll(flush.as_mut()).is_pending());
    let mut behind = Box::pin(other.append(vec![0; 100_000]));
    let panics = Waker::from(Arc::new(Panics));
    assert!(behind.as_mut().poll(&mut Context::from_waker(&panics)).is_pending());
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(given_up)));
    assert!(dropped.is_err());
    assert!(poll(flush.as_mut()).is_pending(), "the large one is not settled");
    drop(behind);
    flush.await.unwrap();
    assert_eq!(writer.last_dlsn(), Some(large.await.unwrap().dlsn));
}

/// Asks for a seal while the store takes nothing, and lets it refuse that for want of space.
async fn refused_seal(writer: &Writer, name: &str) {
    fill(name, true);
    let sealing = {
        let writer = writer.clone();
        spawn(async move { writer.seal().await })
    };
    pass(Duration::from_millis(1)).await;
    stall(name, false);
    assert_eq!(sealing.await.unwrap().unwrap_err().kind(), ErrorKind::StorageFull);
    fill(name, false);
}

#[tokio::test(start_paused = true)]
async fn a_refused_seal_leaves_the_line_as_it_was() {
    let name = "a_refused_seal_leaves_the_line_as_it_was";
    let shared = Shared::memory(name);
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(1)).await;
    append(&writer, "one").await;
    stall(name, true);
    let refused = writer.try_append("refused").unwrap();
    let mut second = Box::pin(writer.append("two"));
    let mut flush = Box::pin(writer.flush());
    assert!(poll(second.as_mut()).is_pending() && poll(flush.as_mut()).is_pending());
    refused_seal(&writer, name).await;
    assert_eq!(refused.await.unwrap_err().kind(), ErrorKind::StorageFull);
    let mut third = Box::pin(writer.append("three"));
    assert!(poll(third.as_mut()).is_pending() && poll(flush.as_mut()).is_pending());
    let (second, third) = tokio::join!(second, third);
    let second = second.unwrap().await.unwrap();
    flush.await.unwrap();
    assert!(second.dlsn < third.unwrap().await.unwrap().dlsn);
    assert_eq!(read_all(&namespace, shared.log()).await, ["one", "two", "three"]);
    assert_eq!(poll(Box::pin(writer.flush()).as_mut()).map(Result::unwrap), Poll::Ready(()));
    writer.seal().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn after_a_refused_seal_nobody_waits_for_who_waits_for_him() {
    let name = "after_a_refused_seal_nobody_waits_for_who_waits_for_him";
    let shared = Shared::memory(name);
    let namespace = with_budget(&shared, 1 << 20).await;
    let other = namespace.log(&LogName::new("other").unwrap()).open_writer(creating()).await.unwrap();
    let writer = shared.open(&namespace, creating()).await;
    append(&writer, "one").await;
    append(&other, "one").await;
    stall(name, true);
    let _settled = other.try_append(vec![0; 1_000_000]).unwrap();
    let mut second = Box::pin(writer.append(vec![b'2'; 100_000]));
    assert!(poll(second.as_mut()).is_pending());
    refused_seal(&writer, name).await;
    let mut third = Box::pin(writer.append("three"));
    assert!(poll(third.as_mut()).is_pending());
    let both = async { tokio::join!(second, third) };
    tokio::select! {
        (second, third) = both => assert!(second.unwrap().await.unwrap().dlsn < third.unwrap().await.unwrap().dlsn),
        () = pass(Duration::from_secs(60)) => panic!("they wait for one another"),
    }
}
