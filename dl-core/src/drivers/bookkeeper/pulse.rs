//! How long writers may acknowledge: while their session with ZooKeeper is known to live.
//!
//! A writer whose session ended has lost its lock without knowing it yet, and bookies may forget that it was fenced. So it
//! acknowledges only within half of the time that servers keep a silent session, counted from before their last answer. How
//! often that had passed when they answered again is counted, for those who then have to look what has become of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dl_bookkeeper::ZooKeeper;
use tokio::sync::{Notify, watch};

use super::segments::{Extent, Lease};
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
    extent: watch::Sender<Extent>,
    /// When the first of those began that wait to be extended for the first time.
    begun: Duration,
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
        let extent = self.of(self.zookeeper.session_id(), |leases, now| leases.begin(now));
        self.wanted.notify_one();
        Lease::new(extent, self.seams.clock.clone())
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
                self.of(Some(session), |leases, now| leases.extend(asked, timeout / 2, now));
                let next = asked + timeout / BEATS;
                pause = next.saturating_sub(self.seams.clock.monotonic()).max(PAUSE);
            }
            self.seams.clock.sleep(pause).await;
        }
    }

    fn is_wanted(&self) -> bool {
        self.current().as_ref().is_some_and(|current| current.extent.receiver_count() > 0)
    }

    /// Does something to the leases of this session, and answers how far they run. Those of another one end.
    fn of(
        &self,
        session: Option<i64>,
        change: impl FnOnce(&mut Current, Duration),
    ) -> watch::Receiver<Extent> {
        let mut current = self.current();
        let leases = match &mut *current {
            Some(leases) if leases.session == session => leases,
            before => {
                if let Some(before) = before {
                    before.extent.send_modify(|extent| extent.until = Duration::ZERO);
                }
                before.insert(Current::new(session))
            }
        };
        change(leases, self.seams.clock.monotonic());
        leases.extent.subscribe()
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        // Each change of it is one call.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    fn new(session: Option<i64>) -> Self {
        let (extent, _) = watch::channel(Extent::default());
        Self { session, extent, begun: Duration::ZERO }
    }

    /// There is one more. If the others have run out, that is a lapse now, so that it is none of the new one's.
    fn begin(&mut self, now: Duration) {
        if self.extent.borrow().until <= now {
            self.extent.send_modify(|extent| extent.lapses += 1);
            self.begun = now;
        }
    }

    /// They run for `time` from when the servers were asked, whose answer came now.
    fn extend(&mut self, asked: Duration, time: Duration, now: Duration) {
        self.extent.send_modify(|extent| {
            if extent.until.max(self.begun + time) <= now {
                extent.lapses += 1;
            }
            extent.until = asked + time;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn who_hears_of_the_session_too_late_has_lapsed() {
        let mut leases = Current::new(Some(1));
        let extent = |leases: &Current| (leases.extent.borrow().until, leases.extent.borrow().lapses);
        leases.begin(s(100));
        assert_eq!(extent(&leases), (s(0), 1));
        leases.extend(s(100), s(5), s(101));
        assert_eq!(extent(&leases), (s(105), 1));
        leases.begin(s(102));
        leases.extend(s(102), s(5), s(104));
        assert_eq!(extent(&leases), (s(107), 1));
        leases.extend(s(103), s(5), s(107));
        assert_eq!(extent(&leases), (s(108), 2));
        // Since nobody had one, nobody asked; the first answer of a new one comes in time, and the other too late.
        leases.begin(s(200));
        leases.extend(s(200), s(5), s(204));
        assert_eq!(extent(&leases), (s(205), 3));
        leases.begin(s(300));
        leases.extend(s(301), s(5), s(305));
        assert_eq!(extent(&leases), (s(306), 5));
    }
}
