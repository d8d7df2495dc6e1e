//! One connection in one version of the protocol: made when it is needed, made anew when it broke.
//!
//! Here are its phases and its requests; [`serving`] is what it does while it is up.

mod serving;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::calls::{Bounds, Calls};
use super::options::ConnectionOptions;
use super::reply::{Reply, Settled, send_all};
use crate::cluster::BookieRegistry;
use crate::codec::ProtocolVersion;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::Request;
use crate::seams::Seams;
use crate::types::BookieId;

/// What all connections of a client have in common.
#[derive(Clone)]
pub(super) struct Environment {
    pub(super) registry: Arc<dyn BookieRegistry>,
    pub(super) options: Arc<ConnectionOptions>,
    pub(super) seams: Seams,
}

/// A connection to a bookie. Dropping it closes it.
pub(super) struct Link(Arc<Shared>);

struct Shared {
    bookie: BookieId,
    version: ProtocolVersion,
    environment: Environment,
    state: Mutex<State>,
    /// There is something to send.
    queued: Notify,
    /// A deadline is earlier than all before.
    earlier: Notify,
    /// The connection is of no use any more.
    broken: Notify,
    /// The link was closed.
    closed: Notify,
}

struct State {
    calls: Calls,
    phase: Phase,
    /// When anything was received last, or the connection was made.
    received: Duration,
    /// Whether this connection has answered anything.
    useful: bool,
    /// Attempts in a row that led to nothing.
    failures: u32,
}

enum Phase {
    /// No task runs yet.
    New,
    /// The task sends what is queued, and connects first if it must.
    Open,
    /// The bookie could not be reached: it is left alone until this moment.
    Refusing { until: Duration, error: Error },
    /// For good.
    Closed,
}

impl Link {
    pub(super) fn new(bookie: BookieId, version: ProtocolVersion, environment: Environment) -> Self {
        let options = &environment.options;
        let bounds = Bounds {
            frame_bytes: options.max_frame_bytes,
            bytes: options.max_in_flight_bytes,
            requests: options.max_in_flight_requests,
        };
        let state = State {
            calls: Calls::new(bookie.clone(), version, bounds),
            phase: Phase::New,
            received: Duration::ZERO,
            useful: false,
            failures: 0,
        };
        Self(Arc::new(Shared {
            bookie,
            version,
            environment,
            state: Mutex::new(state),
            queued: Notify::new(),
            earlier: Notify::new(),
            broken: Notify::new(),
            closed: Notify::new(),
        }))
    }

    /// Sends a request. Answers with its number, or `None` if it has ended already.
    pub(super) fn submit(&self, request: &Request, timeout: Duration, reply: Reply) -> Option<u64> {
        let shared = &self.0;
        let now = shared.environment.seams.clock.monotonic();
        let deadline = now.saturating_add(timeout);
        let mut state = shared.state();
        if let Err(error) = state.admit(now) {
            drop(state);
            reply.send(Err(error.at_bookie(&shared.bookie)));
            return None;
        }
        let earliest = state.calls.next_deadline();
        let number = match state.calls.add(request, deadline, reply) {
            Ok(number) => number,
            Err(refused) => {
                drop(state);
                send_all([refused]);
                return None;
            }
        };
        shared.notify(&state);
        let start = matches!(state.phase, Phase::New);
        if !matches!(state.phase, Phase::Open) {
            state.phase = Phase::Open;
        }
        drop(state);
        if earliest.is_none_or(|earliest| deadline < earliest) {
            shared.earlier.notify_one();
        }
        if start {
            Shared::start(shared.clone());
        }
        Some(number)
    }

    /// Gives a request up: nobody waits for it any more.
    pub(super) fn cancel(&self, number: u64) {
        let mut state = self.0.state();
        let settled = state.calls.cancel(number);
        self.0.notify(&state);
        drop(state);
        send_all(settled);
    }

    /// Ends every request and the connection, for good.
    pub(super) fn close(&self) {
        self.0.close();
    }

    /// Requests in flight, and their bytes.
    pub(super) fn in_flight(&self) -> (usize, usize) {
        self.0.state().calls.in_flight()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.close();
    }
}

impl State {
    /// Whether a request may be taken in now.
    fn admit(&self, now: Duration) -> Result<()> {
        match &self.phase {
            Phase::Refusing { until, error } if now < *until => Err(error.clone()),
            Phase::Closed => Err(Error::new(ErrorKind::Closed, "the connection was closed")),
            _ => Ok(()),
        }
    }
}

/// Ends all requests when the task ends, in whatever way: nobody would answer them any more.
struct Task(Arc<Shared>);

impl Drop for Task {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.begin_anew();
        } else {
            self.0.close();
        }
    }
}

impl Shared {
    fn start(shared: Arc<Self>) {
        let task = Task(shared.clone());
        let run = async move {
            let shared = &task.0;
            tokio::select! {
                biased;
                () = shared.closed.notified() => {}
                () = shared.expire() => {}
                () = shared.run() => {}
            }
        };
        shared.environment.seams.tasks.spawn(Box::pin(run));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock; and if it did, requests would still have to end.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.environment.seams.clock.monotonic()
    }

    /// Wakes what waits for this state. A request that was held back may be to be sent after any change.
    fn notify(&self, state: &State) {
        if state.calls.has_queued() {
            self.queued.notify_one();
        }
        if state.calls.is_broken() {
            self.broken.notify_one();
        }
    }

    fn close(&self) {
        let mut state = self.state();
        state.phase = Phase::Closed;
        let error = Error::new(ErrorKind::Closed, "the connection was closed");
        let settled = state.calls.fail_all(&error);
        drop(state);
        self.closed.notify_one();
        send_all(settled);
    }

    /// Ends every request after the task panicked, which is a bug of ours. The next one begins a new task: the bookie is not
    /// lost for as long as the process lives.
    fn begin_anew(&self) {
        let mut state = self.state();
        if !matches!(state.phase, Phase::Closed) {
            state.phase = Phase::New;
        }
        let error = Error::new(ErrorKind::Unavailable, "what served the connection panicked; this is a bug");
        let settled = state.calls.fail_all(&error);
        drop(state);
        send_all(settled);
    }

    /// Ends requests whose time is up, connected or not, for ever.
    async fn expire(&self) {
        loop {
            let next = self.state().calls.next_deadline();
            let Some(next) = next else {
                self.earlier.notified().await;
                continue;
            };
            let now = self.now();
            if now < next {
                tokio::select! {
                    biased;
                    () = self.earlier.notified() => {}
                    () = self.environment.seams.clock.sleep(next - now) => {}
                }
                continue;
            }
            let mut state = self.state();
            let received = state.received;
            let settled = state.calls.expire(now, received);
            self.notify(&state);
            drop(state);
            send_all(settled);
        }
    }

    /// Connects when there is something to send, and sends and receives until the connection breaks, for ever.
    async fn run(&self) {
        loop {
            while !self.state().calls.has_queued() {
                self.queued.notified().await;
            }
            let error = match self.connect().await {
                Ok(stream) => self.serve(stream).await,
                Err(error) => error,
            };
            send_all(self.fail(error));
        }
    }

    /// Ends every request after the connection broke or could not be made, and leaves the bookie alone for a while unless
    /// the connection was of use.
    fn fail(&self, error: Error) -> Vec<Settled> {
        let options = &self.environment.options;
        let now = self.now();
        let mut state = self.state();
        if matches!(state.phase, Phase::Closed) {
            return Vec::new();
        }
        if std::mem::take(&mut state.useful) {
            state.failures = 0;
        } else {
            let doubled =
                options.first_backoff.saturating_mul(1_u32.checked_shl(state.failures).unwrap_or(u32::MAX));
            state.failures = state.failures.saturating_add(1);
            let until = now.saturating_add(doubled.min(options.max_backoff));
            state.phase = Phase::Refusing { until, error: error.clone() };
        }
        state.calls.fail_all(&error)
    }
}
