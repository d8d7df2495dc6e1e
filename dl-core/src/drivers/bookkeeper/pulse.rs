//! How long writers may acknowledge: while their session with ZooKeeper is known to live.
//!
//! A writer whose session ended has lost its lock without knowing it yet, and bookies may forget that it was fenced. So it
//! acknowledges only within half of the time that servers keep a silent session, counted from before their last answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dl_bookkeeper::ZooKeeper;
use tokio::sync::{Notify, watch};

use super::segments::Lease;
use crate::seams::Seams;

/// How many times within the session's time the servers are asked.
const BEATS: u32 = 6;

/// How long to wait before servers are asked again, at least.
const PAUSE: Duration = Duration::from_millis(100);

/// Asks the servers for a sign of life, again and again, while anybody has a lease.
pub(super) struct Pulse {
    zookeeper: ZooKeeper,
    seams: Seams,
    current: Mutex<Option<Current>>,
    /// Told of each lease.
    wanted: Notify,
    closed: watch::Sender<bool>,
}

/// The leases of one session.
struct Current {
    session: Option<i64>,
    until: watch::Sender<Duration>,
}

impl Pulse {
    pub(super) fn start(zookeeper: ZooKeeper, seams: &Seams) -> Arc<Self> {
        let (closed, _) = watch::channel(false);
        let pulse = Self {
            zookeeper,
            seams: seams.clone(),
            current: Mutex::default(),
            wanted: Notify::new(),
            closed,
        };
        let pulse = Arc::new(pulse);
        seams.tasks.spawn(Box::pin(pulse.clone().run()));
        pulse
    }

    /// A lease in the session that there is now. It runs as long as that is known to live, and never again after it.
    pub(super) fn lease(&self) -> Lease {
        let until = self.of(self.zookeeper.session_id()).subscribe();
        self.wanted.notify_one();
        Lease::new(until, self.seams.clock.clone())
    }

    /// Ends every lease.
    pub(super) fn close(&self) {
        self.closed.send_replace(true);
        *self.current() = None;
    }

    async fn run(self: Arc<Self>) {
        let mut closed = self.closed.subscribe();
        tokio::select! {
            () = self.ask() => {}
            // An error cannot be: the sender lives in `self`.
            _ = closed.wait_for(|closed| *closed) => {}
        }
    }

    async fn ask(&self) {
        loop {
            if !self.is_wanted() {
                self.wanted.notified().await;
            }
            let asked = self.seams.clock.monotonic();
            let mut pause = PAUSE;
            if let Ok((session, timeout)) = self.zookeeper.touch().await {
                self.of(Some(session)).send_replace(asked + timeout / 2);
                let next = asked + timeout / BEATS;
                pause = next.saturating_sub(self.seams.clock.monotonic()).max(PAUSE);
            }
            self.seams.clock.sleep(pause).await;
        }
    }

    fn is_wanted(&self) -> bool {
        self.current().as_ref().is_some_and(|current| current.until.receiver_count() > 0)
    }

    /// Where leases of this session are extended. Those of another one end.
    fn of(&self, session: Option<i64>) -> watch::Sender<Duration> {
        let mut current = self.current();
        match &*current {
            Some(current) if current.session == session => current.until.clone(),
            before => {
                if let Some(before) = before {
                    before.until.send_replace(Duration::ZERO);
                }
                let (until, _) = watch::channel(Duration::ZERO);
                *current = Some(Current { session, until: until.clone() });
                until
            }
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        // Each change of it is one call.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
