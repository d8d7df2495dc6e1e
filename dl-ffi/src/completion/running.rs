//! A call that goes on by itself, so that it can be given up at once: it is over when whoever did so goes on.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use dl_core::{Error, Result};

use super::call::{Value, dl_call};
use super::turns::Turn;
use crate::runtime::{self, Process};

pub(super) type Verb = Pin<Box<dyn Future<Output = Result<Value>> + Send>>;

/// How a call goes on.
pub(super) struct Going {
    process: &'static Process,
    /// Whether somebody is to poll it, who has not begun.
    woken: AtomicBool,
    /// What it has until it ended.
    running: Mutex<Option<Running>>,
}

struct Running {
    verb: Verb,
    turn: Option<Turn>,
}

impl Going {
    pub(super) fn new(process: &'static Process, verb: Verb, turn: Option<Turn>) -> Self {
        Self { process, woken: AtomicBool::new(false), running: Mutex::new(Some(Running { verb, turn })) }
    }
}

/// It has no task while it waits: most are woken once, when they end, and a task would run twice for that.
impl Wake for dl_call {
    fn wake(self: Arc<Self>) {
        if !self.going.woken.swap(true, Ordering::AcqRel) {
            self.going.process.spawn(async move { self.poll() });
        }
    }
}

// The lock of what runs is taken before every other: while a verb is polled, dropped, or its end told.
impl dl_call {
    /// Ends the call in the same step in which it answers: whoever gives it up finds its answer, or has it let go.
    pub(super) fn poll(self: &Arc<Self>) {
        let mut running = self.running();
        // Under the lock: who is woken from now on finds what this leaves.
        // Acquired, too: what it was woken for by who found it woken already is seen below. A test says so only on a machine that
        // moves loads in front of others: on x86-64 every swap is acquired.
        self.going.woken.swap(false, Ordering::AcqRel);
        let Some(call) = &mut *running else { return };
        let waker = Waker::from(self.clone());
        let Poll::Ready(answer) = call.verb.as_mut().poll(&mut Context::from_waker(&waker)) else { return };
        let turn = running.take().and_then(|ended| ended.turn);
        self.end(turn, answer);
    }

    /// Ends the call, unless it ended, with what it was given up for: when this returns, it has let go of all it had, whoever gave
    /// it up.
    pub(super) fn give_up(self: &Arc<Self>, reason: Error) {
        let mut running = self.running();
        let Some(Running { verb, turn }) = running.take() else { return };
        let _entered = runtime::enter();
        drop(verb);
        self.end(turn, Err(self.called.given_up(reason)));
    }

    /// Tells of the end of the call, when it is its turn.
    pub(super) fn end(self: &Arc<Self>, turn: Option<Turn>, answer: Result<Value>) {
        match turn {
            Some(turn) => turn.ended(self, answer),
            None => self.complete(answer),
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.going.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
