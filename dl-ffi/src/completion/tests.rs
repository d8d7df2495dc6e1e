//! When calls are told, and that none is forgotten.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;

use dl_core::{Error, ErrorKind, Result};
use tokio::sync::oneshot;

use super::begin::begin;
use super::call::dl_call;
use super::turns::Turns;
use crate::runtime;
use crate::waiting::change;

type Answer = oneshot::Sender<Result<()>>;

/// A call in its turn, and what ends it.
fn started(turns: &Arc<Turns>) -> (Arc<dl_call>, Answer) {
    let (answer, answered) = oneshot::channel();
    let verb = async move { answered.await.unwrap() };
    let process = runtime::process().unwrap();
    let call = turns.start(|| Ok(verb), |turn, verb| begin(process, change("test"), Some(turn), verb));
    (call.unwrap(), answer)
}

/// Ends a call: whether others are told is known when this returns.
fn end((call, answer): (&Arc<dl_call>, Answer), with: Result<()>) {
    answer.send(with).unwrap();
    // The runtime polls it too. Whoever comes second waits for the other.
    call.poll();
}

#[test]
fn calls_that_succeed_are_told_in_the_order_of_their_starts_and_others_at_once() {
    let turns = Arc::new(Turns::default());
    let (calls, answers): (Vec<_>, Vec<_>) = (0..5).map(|_| started(&turns)).unzip();
    let done = || calls.iter().map(|call| call.is_done()).collect::<Vec<_>>();
    let [first, second, third, fourth, fifth] = <[Answer; 5]>::try_from(answers).unwrap();
    end((&calls[4], fifth), Ok(()));
    end((&calls[1], second), Ok(()));
    assert_eq!(done(), [false; 5]);
    end((&calls[3], fourth), Err(Error::new(ErrorKind::StorageFull, "full")));
    assert_eq!(done(), [false, false, false, true, false]);
    end((&calls[0], first), Ok(()));
    assert_eq!(done(), [true, true, false, true, false]);
    // One that is given up keeps nobody waiting.
    calls[2].give_up(Error::new(ErrorKind::Cancelled, "enough"));
    assert_eq!(done(), [true; 5]);
    drop(third);
}

/// Who waits no longer is told what became of the call, and of one that succeeded out of its turn that it may have.
#[test]
fn a_call_that_is_given_up_for_its_time_tells_what_became_of_it() {
    let turns = Arc::new(Turns::default());
    let (calls, answers): (Vec<_>, Vec<_>) = (0..3).map(|_| started(&turns)).unzip();
    let [first, second, third] = <[Answer; 3]>::try_from(answers).unwrap();
    end((&calls[1], second), Ok(()));
    let late = calls[1].wait_or_give_up(0).unwrap_err();
    assert!(late.kind() == ErrorKind::Timeout && late.may_have_taken_effect() && !calls[1].is_done());
    let over = calls[0].wait_or_give_up(0).unwrap_err();
    assert!(over.kind() == ErrorKind::Timeout && over.may_have_taken_effect() && calls[0].is_done());
    calls[1].wait_or_give_up(0).unwrap();
    end((&calls[2], third), Err(Error::new(ErrorKind::StorageFull, "full")));
    assert_eq!(calls[2].wait_or_give_up(0).unwrap_err().kind(), ErrorKind::StorageFull);
    drop(first);
}

/// What takes its place in the log while it is started, as `try_append` does, is told in the order of the log.
#[test]
fn a_place_and_a_turn_are_one_step() {
    let turns = Arc::new(Turns::default());
    let (log, tried) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    let process = runtime::process().unwrap();
    // Starts a call that has its place before it has its turn; answers when both are its.
    let start = |name: usize, in_between: &dyn Fn()| {
        let verb = || {
            log.lock().unwrap().push(name);
            in_between();
            Ok(async { Ok(()) })
        };
        tried.fetch_add(1, Ordering::SeqCst);
        let call = turns.start(verb, |turn, verb| {
            log.lock().unwrap().push(name);
            begin(process, change("test"), Some(turn), verb)
        });
        drop(call.unwrap());
    };
    thread::scope(|scope| {
        start(0, &|| {
            for name in 1..4 {
                let start = &start;
                scope.spawn(move || start(name, &|| {}));
            }
            // They are there, and would have gone on if they could.
            while tried.load(Ordering::SeqCst) < 4 {
                thread::yield_now();
            }
            (0..1_000).for_each(|_| thread::yield_now());
        });
    });
    let log = log.into_inner().unwrap();
    assert_eq!(log.len(), 8);
    assert!(log.chunks(2).all(|both| both[0] == both[1]), "{log:?}");
    assert_eq!(log[0], 0);
}

#[test]
fn who_is_woken_while_it_is_polled_is_polled_again() {
    let process = runtime::process().unwrap();
    let polls = Arc::new(AtomicUsize::new(0));
    let counted = polls.clone();
    let verb = poll_fn(move |context| {
        if counted.fetch_add(1, Ordering::SeqCst) == 100 {
            return Poll::Ready(Ok(()));
        }
        context.waker().wake_by_ref();
        Poll::Pending
    });
    let call = begin(process, change("test"), None, verb);
    call.wait(60_000).unwrap();
    assert_eq!(polls.load(Ordering::SeqCst), 101);
}

/// Each thread says something and wakes the call, which has to see all of it, though most wakes find it woken already.
#[test]
fn what_a_call_was_woken_for_is_seen() {
    const THREADS: usize = 4;
    let process = runtime::process().unwrap();
    for _ in 0..500 {
        let said: Arc<[AtomicBool; THREADS]> = Arc::default();
        let (seen, waker) = (said.clone(), Arc::new(Mutex::new(None)));
        let kept = waker.clone();
        let verb = poll_fn(move |context| {
            kept.lock().unwrap().get_or_insert_with(|| context.waker().clone());
            match seen.iter().all(|said| said.load(Ordering::Relaxed)) {
                true => Poll::Ready(Ok(())),
                false => Poll::Pending,
            }
        });
        let call = begin(process, change("test"), None, verb);
        let waker = waker.lock().unwrap().take().unwrap();
        thread::scope(|scope| {
            for said in said.iter() {
                let waker = waker.clone();
                scope.spawn(move || {
                    said.store(true, Ordering::Relaxed);
                    waker.wake();
                });
            }
        });
        call.wait(60_000).unwrap();
    }
}
