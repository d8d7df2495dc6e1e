//! The two ways to run a verb: on the thread of the caller, with a time-out, or as a call in flight.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use dl_core::{Error, ErrorKind, Result};

use crate::completion::begin::begin;
use crate::completion::call::dl_call;
use crate::completion::turns::Turns;
use crate::handle::{Out, give_share};
use crate::runtime;

/// No caller waits longer.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The call that the caller made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Called {
    operation: &'static str,
    changes: bool,
}

/// A call after which things are as before, also if it was given up in the middle.
pub(crate) const fn look(operation: &'static str) -> Called {
    Called { operation, changes: false }
}

/// A call that may have taken effect when it is given up.
pub(crate) const fn change(operation: &'static str) -> Called {
    Called { operation, changes: true }
}

impl Called {
    /// The error of a call that was given up.
    pub(crate) fn given_up(self, error: Error) -> Error {
        let error = error.during(self.operation);
        if self.changes { error.maybe_effective() } else { error }
    }
}

/// What is made of the arguments of a call, whose name an error of it bears.
///
/// # Errors
/// That of what is made.
pub(crate) fn for_call<T>(operation: &'static str, made: Result<T>) -> Result<T> {
    made.map_err(|error| error.during(operation))
}

/// Until when a caller waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// That of a time-out of the header: none if it is negative.
    pub(crate) fn new(timeout_ms: i64) -> Self {
        duration(timeout_ms).map_or(Self(None), Self::of)
    }

    /// So long from now; none if that is beyond what a clock tells.
    #[allow(clippy::disallowed_methods, reason = "the caller waits in real time")]
    pub(crate) fn of(timeout: Duration) -> Self {
        Self(Instant::now().checked_add(timeout))
    }

    /// How long that is from now; `None` if there is no bound.
    #[allow(clippy::disallowed_methods, reason = "the caller waits in real time")]
    pub(crate) fn left(self) -> Option<Duration> {
        self.0.map(|end| end.saturating_duration_since(Instant::now()))
    }
}

/// A time-out of the header; `None` if there is no bound.
pub(crate) fn duration(timeout_ms: i64) -> Option<Duration> {
    u64::try_from(timeout_ms).ok().map(|timeout| Duration::from_millis(timeout).min(LONGEST))
}

/// A time-out of the header where the core wants a number: very long if there is no bound.
pub(crate) fn long_duration(timeout_ms: i64) -> Duration {
    duration(timeout_ms).unwrap_or(LONGEST)
}

/// Runs a verb on the thread of the caller.
///
/// # Errors
/// `timeout`; what the verb fails with.
pub(crate) fn block<T>(timeout_ms: i64, called: Called, verb: impl Future<Output = Result<T>>) -> Result<T> {
    block_until(Deadline::new(timeout_ms), called, verb)
}

/// As [`block`], for a verb of several steps.
///
/// # Errors
/// As [`block`].
pub(crate) fn block_until<T>(
    deadline: Deadline,
    called: Called,
    verb: impl Future<Output = Result<T>>,
) -> Result<T> {
    let (process, mut verb) = (runtime::process()?, pin!(verb));
    // Much is there at once, and needs nobody who waits.
    let first = {
        let _entered = process.enter();
        verb.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    };
    match first {
        Poll::Ready(answer) => answer,
        Poll::Pending => {
            process.block_on(deadline.left(), verb).unwrap_or_else(|| Err(called.given_up(timed_out())))
        }
    }
}

/// Starts a verb: it is on its way when this returns, behind what was started before.
///
/// # Errors
/// `invalid-argument` without a place for the call; `unavailable` if the system refuses threads.
pub(crate) fn start<T: Send + 'static>(
    out: *mut *mut dl_call,
    called: Called,
    verb: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<()> {
    let out = Out::new(out, "call")?;
    out.put(give_share(begin(runtime::process()?, called, None, verb)));
    Ok(())
}

/// Starts a verb that is told of in the order of the log.
///
/// # Errors
/// As [`start`].
pub(crate) fn start_in_turn<T: Send + 'static>(
    turns: &Arc<Turns>,
    out: *mut *mut dl_call,
    called: Called,
    verb: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<()> {
    place_in_turn(turns, out, called, || Ok(verb))
}

/// The same, for a verb that takes its place in the log when it is made.
///
/// # Errors
/// As [`start`]; what making it fails with.
pub(crate) fn place_in_turn<T: Send + 'static, F: Future<Output = Result<T>> + Send + 'static>(
    turns: &Arc<Turns>,
    out: *mut *mut dl_call,
    called: Called,
    make: impl FnOnce() -> Result<F>,
) -> Result<()> {
    let (out, process) = (Out::new(out, "call")?, runtime::process()?);
    let call = turns.start(make, |turn, verb| begin(process, called, Some(turn), verb))?;
    out.put(give_share(call));
    Ok(())
}

/// The error of who waited long enough.
#[cold]
pub(crate) fn timed_out() -> Error {
    Error::new(ErrorKind::Timeout, "the time that the caller gave ran out")
}
