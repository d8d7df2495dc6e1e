//! The two ways to run a verb: on the thread of the caller, with a time-out, or as a call in flight.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dl_core::{Error, ErrorKind, Result};

use crate::completion::begin::begin;
use crate::completion::call::dl_call;
use crate::completion::turns::Turns;
use crate::handle::{Out, give_share};
use crate::runtime;

/// No caller waits longer.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// What giving up in the middle leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// What was begun, or nothing.
    Possible,
}

impl Effect {
    /// An error after which it stands.
    pub(crate) fn of(self, error: Error) -> Error {
        if self == Self::Possible { error.maybe_effective() } else { error }
    }
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
pub(crate) fn block<T>(timeout_ms: i64, effect: Effect, verb: impl Future<Output = Result<T>>) -> Result<T> {
    block_until(Deadline::new(timeout_ms), effect, verb)
}

/// As [`block`], for a verb of several steps.
///
/// # Errors
/// As [`block`].
pub(crate) fn block_until<T>(
    deadline: Deadline,
    effect: Effect,
    verb: impl Future<Output = Result<T>>,
) -> Result<T> {
    let answer = runtime::process()?.block_on(deadline.left(), verb);
    answer.unwrap_or_else(|| Err(effect.of(timed_out())))
}

/// Starts a verb: it is on its way when this returns, behind what was started before.
///
/// # Errors
/// `invalid-argument` without a place for the call; `unavailable` if the system refuses threads.
pub(crate) fn start<T: Send + 'static>(
    out: *mut *mut dl_call,
    effect: Effect,
    verb: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<()> {
    let out = Out::new(out, "call")?;
    out.put(give_share(begin(runtime::process()?, effect, None, verb)));
    Ok(())
}

/// Starts a verb that is told of in the order of the log.
///
/// # Errors
/// As [`start`].
pub(crate) fn start_in_turn<T: Send + 'static>(
    turns: &Arc<Turns>,
    out: *mut *mut dl_call,
    effect: Effect,
    verb: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<()> {
    let (out, process) = (Out::new(out, "call")?, runtime::process()?);
    out.put(give_share(turns.start(|turn| begin(process, effect, Some(turn), verb))));
    Ok(())
}

/// The error of who waited long enough.
#[cold]
pub(crate) fn timed_out() -> Error {
    Error::new(ErrorKind::Timeout, "the time that the caller gave ran out")
}
