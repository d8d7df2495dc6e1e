//! The real world: several threads, no simulated clock.

use std::task::Poll;

use super::*;
use crate::{Condition, Dlsn, Takeover};

/// Many callers on several threads, little room, many rolls, and a follower.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn callers_on_several_threads_lose_no_wake_up() {
    const CALLERS: u64 = 8;
    const EACH: u64 = 400;
    let namespace = Namespace::open("memory:threads", options("a")).await.unwrap();
    let log = namespace.log(&LogName::new("busy").unwrap());
    let options = creating().in_flight_records(16).roll_bytes(4_096);
    let writer = log.open_writer(options).await.unwrap();
    let follow = ReaderOptions::default().follow(true);
    let mut reader = log.open_reader(follow).await.unwrap();
    let following = spawn(async move { drain(&mut reader).await });
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let writer = writer.clone();
            spawn(async move {
                let (mut number, mut last) = (0, None);
                // A roll takes its time: whoever calls goes on until there were several.
                while number < EACH || last.is_none_or(|dlsn: Dlsn| dlsn.segment() <= 3) {
                    let payload = format!("{caller}:{number}");
                    let dlsn = match number % 16 {
                        7 => {
                            let batch = vec![NewRecord::new(payload)];
                            let ticket = writer.append_batch(batch, None).await.unwrap();
                            ticket.await.unwrap()[0].dlsn
                        }
                        11 => {
                            let never = writer.append_if("never", Condition::Empty).await.unwrap();
                            let ticket = writer.append(payload).await.unwrap();
                            never.await.unwrap_err();
                            ticket.await.unwrap().dlsn
                        }
                        _ => writer.append(payload).await.unwrap().await.unwrap().dlsn,
                    };
                    assert!(last < Some(dlsn), "a caller's records are in its order");
                    last = Some(dlsn);
                    number += 1;
                }
                number
            })
        })
        .collect();
    let mut counts = Vec::new();
    for caller in callers {
        counts.push(caller.await.unwrap());
    }
    writer.seal().await.unwrap();
    let records = following.await.unwrap();
    assert_eq!(records.len() as u64, counts.iter().sum::<u64>());
    assert!(records.iter().zip(0..).all(|(record, id)| record.sequence_id == Some(id)));
    for (caller, count) in counts.iter().enumerate() {
        let prefix = format!("{caller}:");
        let own: Vec<_> = records.iter().filter_map(|record| text(record).strip_prefix(&prefix)).collect();
        let expected: Vec<_> = (0..*count).map(|number| number.to_string()).collect();
        assert_eq!(own, expected);
    }
    namespace.close().await.unwrap();
}

/// A caller who gives an open up and opens again is in nobody's way, himself least of all.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn an_open_that_was_given_up_takes_the_log_from_nobody_who_opens_it_later() {
    let directory = tempfile::tempdir().unwrap();
    let uri = crate::file_uri(directory.path()).unwrap();
    for uri in [uri.as_str(), "memory:given-up"] {
        let namespace = Namespace::open(uri, options("a").unsafe_filesystem(true)).await.unwrap();
        let log = namespace.log(&LogName::new("busy").unwrap());
        log.open_writer(creating()).await.unwrap().close().await.unwrap();
        let cursor = || ReaderOptions::default().locked(true).cursor("c");
        for round in 0..200 {
            let looks = round % 20;
            given_up(log.open_writer(WriterOptions::default()), looks).await;
            // What refuses to wait for others does not take one that was given up for another.
            let takeover = if round % 2 == 0 { Takeover::Force } else { Takeover::Never };
            let writer = log.open_writer(WriterOptions::default().takeover(takeover)).await.unwrap();
            append(&writer, "kept").await;
            writer.close().await.unwrap();
            given_up(log.open_reader(cursor()), looks).await;
            let mut reader = log.open_reader(cursor()).await.unwrap();
            assert_eq!(text(&reader.next().await.unwrap().unwrap()), "kept");
            reader.close().await.unwrap();
        }
        namespace.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_waiting_open_that_was_given_up_is_in_nobodys_way() {
    let directory = tempfile::tempdir().unwrap();
    let uri = crate::file_uri(directory.path()).unwrap();
    for uri in [uri.as_str(), "memory:given-up-wait"] {
        let namespace = Namespace::open(uri, options("a").unsafe_filesystem(true)).await.unwrap();
        let log = namespace.log(&LogName::new("busy").unwrap());
        log.open_writer(creating()).await.unwrap().close().await.unwrap();
        for round in 0..400 {
            let looks = round % 20;
            let wait = Takeover::Wait(Duration::from_secs(5));
            given_up(log.open_writer(WriterOptions::default().takeover(wait)), looks).await;
            let never = WriterOptions::default().takeover(Takeover::Never);
            let writer = log.open_writer(never).await;
            assert!(writer.is_ok(), "{uri} round {round}: {}", writer.err().unwrap());
            writer.unwrap().close().await.unwrap();
        }
        namespace.close().await.unwrap();
    }
}

/// Drops a call that was looked at so many times.
async fn given_up(call: impl Future, looks: usize) {
    let mut call = std::pin::pin!(call);
    for _ in 0..looks {
        let ended = std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready()));
        if ended.await {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Callers that block their threads, beside tasks that do not, on a real directory.
#[allow(clippy::disallowed_methods, reason = "threads that block are what is tested")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocking_callers_and_tasks_append_side_by_side() {
    const CALLERS: u64 = 6;
    const EACH: u64 = 200;
    let directory = tempfile::tempdir().unwrap();
    let uri = crate::file_uri(directory.path()).unwrap();
    for uri in [uri.as_str(), "memory:blocking"] {
        let namespace = Namespace::open(uri, options("a").unsafe_filesystem(true)).await.unwrap();
        let log = namespace.log(&LogName::new("busy").unwrap());
        let writer = log.open_writer(creating().in_flight_records(4).roll_bytes(8_192)).await.unwrap();
        let blocking = |caller: u64| {
            let writer = writer.clone();
            tokio::task::spawn_blocking(move || {
                let append = |number| writer.blocking_append(format!("{caller}:{number}")).unwrap().dlsn;
                assert!((0..EACH).map(append).is_sorted_by(|a, b| a < b));
            })
        };
        let awaiting = |caller: u64| {
            let writer = writer.clone();
            spawn(async move {
                for number in 0..EACH {
                    writer.append(format!("{caller}:{number}")).await.unwrap().await.unwrap();
                }
            })
        };
        let callers = (0..CALLERS).map(|caller| if caller < 4 { blocking(caller) } else { awaiting(caller) });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
        writer.close().await.unwrap();
        let closed = writer.blocking_append("late").unwrap_err();
        assert_eq!(closed.kind(), crate::ErrorKind::Closed);
        let records = drain(&mut log.open_reader(ReaderOptions::default()).await.unwrap()).await;
        assert_eq!(records.len() as u64, CALLERS * EACH);
        namespace.close().await.unwrap();
    }
}
