//! Simulated suites on every processor.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test's threads, outside of any world"
)]
#![allow(clippy::print_stdout, reason = "a suite that runs for minutes says how far it is")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A suite that runs for longer says how far it is, this often.
const SAY_EVERY: Duration = Duration::from_secs(20);

/// Runs seeds from the first on until what they count together is enough, and answers with that. Each seed has a paused
/// runtime of its own; several run at once.
///
/// # Panics
/// Panics if a run does.
pub fn run_seeds<F: Future<Output = u64>>(
    what: &str,
    first: u64,
    enough: u64,
    run: impl Fn(u64) -> F + Sync,
) -> u64 {
    let (next, counted, begin) = (AtomicU64::new(first), AtomicU64::new(0), Instant::now());
    let said = AtomicU64::new(0);
    let work = || {
        while counted.load(Ordering::SeqCst) < enough {
            let count = paused().block_on(run(next.fetch_add(1, Ordering::SeqCst)));
            let now = counted.fetch_add(count, Ordering::SeqCst) + count;
            let due = begin.elapsed().as_secs() / SAY_EVERY.as_secs();
            if said.fetch_max(due, Ordering::SeqCst) < due {
                println!("{what}: {now} of {enough}, {} s", begin.elapsed().as_secs());
            }
        }
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..processors).for_each(|_| drop(scope.spawn(work))));
    let counted = counted.into_inner();
    let seeds = next.into_inner() - first;
    println!("{what}: {counted} in {seeds} runs from seed {first} on, none went wrong");
    counted
}

fn paused() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().expect("the system grants a runtime")
}
