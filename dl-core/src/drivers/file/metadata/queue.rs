//! Who waits for a turn to change the tree. The first to come leads; what comes while the lead is at work is the next
//! group. Apart from what a group does, so that nobody else touches who leads.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::locks::Taken;
use crate::error::{Error, Result};
use crate::metadata::{Op, Outcome, Takeover};

/// What somebody wants of the tree.
pub(super) enum Wanted {
    Commit(Vec<Op>),
    Lock { path: String, owner: String, takeover: Takeover },
}

/// What became of it.
pub(super) enum Answer {
    Outcome(Outcome),
    Lock(Attempt),
}

/// A try to take a lock.
pub(super) enum Attempt {
    Taken(Taken),
    /// By whom.
    Held(String),
}

/// Something that waits for its turn to change the tree.
pub(super) struct Request {
    pub(super) wanted: Wanted,
    pub(super) answer: oneshot::Sender<Result<Answer>>,
}

/// Those who wait.
#[derive(Default)]
pub(super) struct Queue(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: Vec<Request>,
    led: bool,
    closed: bool,
}

impl Queue {
    /// Has a request wait. Answers whether nobody leads: then the caller sees to it.
    pub(super) fn push(&self, request: Request) -> Result<bool> {
        let mut state = self.state();
        if state.closed {
            return Err(closed());
        }
        state.waiting.push(request);
        Ok(!std::mem::replace(&mut state.led, true))
    }

    /// For the lead: all that wait; `None` if nobody does, and then nobody leads any more.
    pub(super) fn next_group(&self) -> Option<Vec<Request>> {
        let mut state = self.state();
        if state.waiting.is_empty() {
            state.led = false;
            return None;
        }
        Some(std::mem::take(&mut state.waiting))
    }

    /// Answers all that wait; whoever comes later is refused.
    pub(super) fn close(&self) {
        let waiting = {
            let mut state = self.state();
            state.closed = true;
            std::mem::take(&mut state.waiting)
        };
        for request in waiting {
            let _not_wanted_any_more = request.answer.send(Err(closed()));
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn closed() -> Error {
    Error::closed("the namespace was closed")
}
