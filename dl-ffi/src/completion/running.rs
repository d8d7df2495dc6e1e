//! A call that goes on by itself, so that it can be given up at once: it is over when whoever did so goes on.

use std::pin::Pin;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use dl_core::{Error, ErrorKind, Result};

use super::call::{Value, dl_call};
use super::turns::Turn;
use crate::runtime;

type Verb = Pin<Box<dyn Future<Output = Result<Value>> + Send>>;

/// What a call has until it ended.
pub(super) struct Running {
    verb: Verb,
    turn: Option<Turn>,
    /// Wakes the task of the call.
    task: Waker,
}

// The lock of what runs is taken before every other: while a verb is polled, dropped, or its end told.
impl dl_call {
    /// The rest of the call is for a task that polls it.
    pub(super) fn go_on(&self, verb: Verb, turn: Option<Turn>) {
        *self.running() = Some(Running { verb, turn, task: Waker::noop().clone() });
    }

    /// Ends the call in the same step in which it answers: whoever gives it up finds its answer, or has it let go.
    pub(super) fn poll(self: &Arc<Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut running = self.running();
        let Some(call) = &mut *running else { return Poll::Ready(()) };
        let Poll::Ready(answer) = call.verb.as_mut().poll(context) else {
            call.task.clone_from(context.waker());
            return Poll::Pending;
        };
        let turn = running.take().and_then(|ended| ended.turn);
        self.end(turn, answer);
        Poll::Ready(())
    }

    /// Ends the call, unless it ended: when this returns, it has let go of all it had, whoever gave it up.
    pub(super) fn give_up(self: &Arc<Self>) {
        let mut running = self.running();
        let Some(Running { verb, turn, task }) = running.take() else { return };
        let _entered = runtime::enter();
        drop(verb);
        task.wake();
        let cancelled = Error::new(ErrorKind::Cancelled, "the caller cancelled the call");
        self.end(turn, Err(self.called.given_up(cancelled)));
    }

    /// Tells of the end of the call, when it is its turn.
    pub(super) fn end(self: &Arc<Self>, turn: Option<Turn>, answer: Result<Value>) {
        match turn {
            Some(turn) => turn.ended(self, answer),
            None => self.complete(answer),
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
