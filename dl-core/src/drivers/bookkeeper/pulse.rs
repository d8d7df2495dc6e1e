//! How long writers may acknowledge: while their session with ZooKeeper is known to live, and this process to run.
//!
//! A writer whose session ended has lost its lock without knowing it yet, and bookies may forget that it was fenced. So it
//! acknowledges only within half of the time that servers keep a silent session, 5 s at most, counted from before their last answer. A
//! process that is frozen for less than that may miss a takeover, too. So time that nobody counted here counts as lost. How
//! often either ran out is counted, for those who then have to look what has become of them.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dl_bookkeeper::ZooKeeper;
use tokio::sync::{Notify, watch};

use super::segments::{Extent, Lease};
use crate::seams::Seams;

/// The longest that the servers' last answer counts, however long they keep a session: less than it takes that another
/// writer takes over, and bookies forget the ledger of the first.
const LONGEST: Duration = Duration::from_secs(5);

/// How many times within that, or half the session's time, the servers are asked.
const BEATS: u32 = 3;

/// How long to wait before servers are asked again, at least.
const PAUSE: Duration = Duration::from_millis(100);

/// How often this process shows that it runs, and for how long it is believed to.
const TICK: Duration = Duration::from_millis(250);
const AWAKE: Duration = Duration::from_secs(1);

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
    /// Until when the session lives for sure.
    session_until: Duration,
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
        self.wanted.notify_waiters();
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
            () = self.tick() => {}
            // An error cannot be: the sender lives in `self`.
            _ = closed.wait_for(|closed| *closed) => {}
        }
    }

    async fn ask(&self) {
        loop {
            self.until_wanted().await;
            // Also while servers that are silent let no other session be made: its locks are gone.
            self.of(self.zookeeper.session_id(), |_, _| {});
            let asked = self.seams.clock.monotonic();
            let mut pause = PAUSE;
            if let Ok((session, timeout)) = self.zookeeper.touch().await {
                let counts = (timeout / 2).min(LONGEST);
                self.of(Some(session), |leases, now| {
                    leases.session_until = asked + counts;
                    leases.extend(now);
                });
                let next = asked + counts / BEATS;
                pause = next.saturating_sub(self.seams.clock.monotonic()).max(PAUSE);
            }
            self.seams.clock.sleep(pause).await;
        }
    }

    async fn tick(&self) {
        loop {
            self.until_wanted().await;
            let now = self.seams.clock.monotonic();
            if let Some(leases) = &mut *self.current() {
                leases.extend(now);
            }
            self.seams.clock.sleep(TICK).await;
        }
    }

    async fn until_wanted(&self) {
        loop {
            let mut told = pin!(self.wanted.notified());
            told.as_mut().enable();
            if self.is_wanted() {
                return;
            }
            told.await;
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
        Self { session, extent, session_until: Duration::ZERO, begun: Duration::ZERO }
    }

    /// There is one more. If the others have run out, that is a lapse now, so that it is none of the new one's.
    fn begin(&mut self, now: Duration) {
        if self.extent.borrow().until <= now {
            self.extent.send_modify(|extent| extent.lapses += 1);
            self.begun = now;
        }
    }

    /// They run on, if the session lives.
    fn extend(&mut self, now: Duration) {
        if self.session_until <= now {
            return;
        }
        self.extent.send_modify(|extent| {
            if extent.until.max(self.begun + AWAKE) <= now {
                extent.lapses += 1;
            }
            extent.until = self.session_until.min(now + AWAKE);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Until when leases run, in milliseconds, and how often they have lapsed.
    fn extent(leases: &Current) -> (u128, u64) {
        let extent = leases.extent.borrow();
        (extent.until.as_millis(), extent.lapses)
    }

    #[test]
    fn leases_run_while_the_session_is_known_to_live_and_the_process_to_run() {
        let mut leases = Current::new(Some(1));
        leases.begin(ms(10_000));
        leases.extend(ms(10_000));
        assert_eq!(extent(&leases), (0, 1), "the servers have not answered yet");
        leases.session_until = ms(15_000);
        leases.extend(ms(10_100));
        assert_eq!(extent(&leases), (11_100, 1));
        leases.begin(ms(10_200));
        leases.extend(ms(11_000));
        assert_eq!(extent(&leases), (12_000, 1));
        leases.extend(ms(14_500));
        assert_eq!(extent(&leases), (15_000, 2), "the process did not run for more than a second");
        leases.extend(ms(15_000));
        assert_eq!(extent(&leases), (15_000, 2));
        leases.session_until = ms(25_000);
        leases.extend(ms(20_000));
        assert_eq!(extent(&leases), (21_000, 3), "the servers were silent");
        // The first one after others is extended in time, and then too late.
        leases.begin(ms(22_000));
        leases.extend(ms(22_900));
        assert_eq!(extent(&leases), (23_900, 4));
        leases.begin(ms(24_000));
        assert_eq!(extent(&leases), (23_900, 5));
        leases.session_until = ms(35_000);
        leases.extend(ms(25_000));
        assert_eq!(extent(&leases), (26_000, 6));
    }
}
