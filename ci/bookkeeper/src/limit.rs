//! An end for tests that wait for other processes. Most of what they await has no limit of its own, and one that hangs would
//! keep everybody from hearing of all the others.

use std::cell::RefCell;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The slowest of them takes a minute where four run at once on two cores. The first may fetch what clusters run on.
const LIMIT: Duration = Duration::from_secs(900);

thread_local! {
    /// Hears what the test does; dropped when its thread ends.
    static TEST: RefCell<Option<Sender<String>>> = const { RefCell::new(None) };
}

/// Gives the test that this thread runs a quarter of an hour from its first call of this. If it still runs then, whatever it does, the
/// process ends with a message that names it and what it did last with the cluster.
pub fn limit() {
    within(LIMIT);
}

/// Notes what the test does, if it has a limit.
pub(crate) fn note(step: &str) {
    TEST.with_borrow(|test| {
        // The other end is there until this one is dropped.
        let _heard = test.as_ref().map(|test| test.send(step.to_owned()));
    });
}

fn within(limit: Duration) {
    TEST.with_borrow_mut(|test| {
        if test.is_none() {
            let name = thread::current().name().unwrap_or("a test without a name").to_owned();
            *test = Some(watch(name, limit));
        }
    });
}

fn watch(name: String, limit: Duration) -> Sender<String> {
    let (test, steps) = channel();
    let until = Instant::now() + limit;
    thread::spawn(move || {
        let mut last = "nothing".to_owned();
        loop {
            match steps.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(step) => last = step,
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
        // Not by a panic: the test may be kept in a call that nothing else ends.
        eprintln!(
            "{name} hangs: it was not done after {limit:?}; what it asked of ci/bookkeeper/cluster last: {last}"
        );
        std::process::abort();
    });
    test
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const AGAIN: &str = "DL_TEST_LIMIT";

    #[test]
    fn a_test_that_hangs_ends_its_process_and_is_named() {
        let name = "limit::tests::a_test_that_hangs_ends_its_process_and_is_named";
        if std::env::var_os(AGAIN).is_some() {
            within(Duration::from_millis(20));
            note("freeze-bookie 1");
            thread::park();
        }
        let again = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(AGAIN, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        let expected = format!(
            "{name} hangs: it was not done after 20ms; what it asked of ci/bookkeeper/cluster last: freeze-bookie 1"
        );
        assert!(!again.status.success() && said.contains(&expected), "{said}");
    }
}
