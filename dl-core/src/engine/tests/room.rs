//! The line for room: who is in front has its place in front, and `flush` waits for all who were there.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use super::*;
use crate::{ErrorKind, Result, Ticket};

on_every_driver! {
    who_is_next_in_line_gets_its_place_behind_who_woke_it
    records_of_one_call_that_waits_are_behind_one_another
    flush_waits_for_appends_that_wait_for_room
    flush_waits_for_all_records_of_a_call_that_waits
    a_flush_that_nobody_polls_holds_up_no_append
    a_flush_does_not_wait_for_appends_that_were_given_up
    a_flush_in_line_fails_with_its_writer
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
