//! Looks for what is about to end, instead of a sleep of the event loop: a lone append is acknowledged sooner than a thread wakes up.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a look is at most. Waking up takes 15 to 40 µs on an idle machine.
const MOST: Duration = Duration::from_micros(50);

/// How many looks are left out behind one in vain: where appends take longer than that, as on a disk, they cost nothing then.
const WITHOUT: u32 = 32;

/// See the module. Of one thread of JavaScript.
#[derive(Default)]
pub(crate) struct Looking {
    /// Single appends in flight.
    appends: AtomicUsize,
    /// How many looks are still to be left out.
    without: AtomicU32,
    /// Whether what is looked for is there.
    there: AtomicBool,
}

impl Looking {
    /// An append begins to wait for its acknowledgement.
    pub(crate) fn began(&self) {
        self.appends.fetch_add(1, Ordering::AcqRel);
    }

    /// An append was settled.
    pub(crate) fn ended(&self) {
        self.appends.fetch_sub(1, Ordering::AcqRel);
    }

    /// What is looked for is there.
    pub(crate) fn found(&self) {
        self.there.store(true, Ordering::Release);
    }

    /// Whether it is worth it to look: for one append alone, if it was the last time.
    pub(crate) fn is_worth_it(&self) -> bool {
        if self.appends.load(Ordering::Acquire) != 1 {
            return false;
        }
        let without = self.without.load(Ordering::Relaxed);
        self.without.store(without.saturating_sub(1), Ordering::Relaxed);
        self.there.store(false, Ordering::Release);
        without == 0
    }

    /// Looks for a while. Who is to bring it runs meanwhile, also on this processor.
    #[expect(clippy::disallowed_methods, reason = "a caller's patience runs by the clock of the caller")]
    pub(crate) fn look(&self) {
        let began = Instant::now();
        while !self.there.load(Ordering::Acquire) {
            if began.elapsed() > MOST {
                self.without.store(WITHOUT, Ordering::Relaxed);
                return;
            }
            thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_append_alone_is_looked_for_and_not_right_behind_one_that_took_long() {
        let looking = Looking::default();
        assert!(!looking.is_worth_it());
        looking.began();
        assert!(looking.is_worth_it());
        looking.began();
        assert!(!looking.is_worth_it());
        looking.ended();
        looking.found();
        looking.look();
        assert!(looking.is_worth_it(), "it was there");
        looking.look();
        let left_out = (0..=WITHOUT).filter(|_| !looking.is_worth_it()).count();
        assert_eq!(left_out, WITHOUT as usize);
    }
}
