//! The order in which calls on one writer are told: that of the log, though their futures end on several threads.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dl_core::Result;

use super::call::{Value, dl_call};

/// Calls in flight, in the order of their starts. One that succeeded is told after all that were started before it ended;
/// one that failed is told at once.
#[derive(Default)]
pub(crate) struct Turns {
    /// Held while a call is started, so that it has its turn and its place in the log in one step.
    starting: Mutex<()>,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    /// The turn of the first in line.
    first: u64,
    waiting: VecDeque<Standing>,
}

enum Standing {
    InFlight,
    /// Succeeded, and waits for those in front.
    Succeeded(Arc<dl_call>, Value),
    Told,
}

/// The turn of a call.
pub(crate) struct Turn {
    turns: Arc<Turns>,
    number: u64,
}

impl Turns {
    /// Starts a call: `make` and `first` do what gives it its place in the log.
    ///
    /// # Errors
    /// What `make` fails with: then there is no call.
    pub(crate) fn start<V, T>(
        self: &Arc<Self>,
        make: impl FnOnce() -> Result<V>,
        first: impl FnOnce(Turn, V) -> T,
    ) -> Result<T> {
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        let verb = make()?;
        let number = {
            let mut line = self.line();
            line.waiting.push_back(Standing::InFlight);
            line.first + line.waiting.len() as u64 - 1
        };
        Ok(first(Turn { turns: self.clone(), number }, verb))
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// The call ended.
    pub(crate) fn ended(self, call: &Arc<dl_call>, answer: Result<Value>) {
        let standing = match answer {
            Ok(value) => Standing::Succeeded(call.clone(), value),
            Err(error) => {
                call.complete(Err(error));
                Standing::Told
            }
        };
        let mut line = self.turns.line();
        let index = self.number.checked_sub(line.first).and_then(|index| usize::try_from(index).ok());
        if let Some(place) = index.and_then(|index| line.waiting.get_mut(index)) {
            *place = standing;
        }
        line.tell();
    }
}

impl Line {
    /// Tells those whose turn it is. Under the lock, or a later one could overtake.
    fn tell(&mut self) {
        while self.waiting.front().is_some_and(|first| !matches!(first, Standing::InFlight)) {
            self.first += 1;
            if let Some(Standing::Succeeded(call, value)) = self.waiting.pop_front() {
                call.complete(Ok(value));
            }
        }
    }
}
