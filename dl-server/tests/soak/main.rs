//! The real binary, killed, raced and frozen in a loop, on real directories and on real bookies. `ci/soak` runs the full
//! counts.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reaches the outside world and fails by panicking"
)]

mod bookies;
mod feed;
mod handovers;
mod java;
mod kill;
mod races;
mod stuck;
mod takeovers;

use std::collections::BTreeMap;
use std::ops::Range;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use base64::Engine as _;

/// `dl` on the namespace at this URI.
fn dl(uri: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dl"));
    command.arg("--ns").arg(uri).args(arguments);
    command
}

/// Sends a signal to a child that was not waited for yet; after `SIGSTOP`, none of its threads runs any more.
#[allow(unsafe_code, reason = "std sends no other signal than SIGKILL")]
fn signal(process: u32, signal: libc::c_int) {
    // SAFETY: its number is still its own, since nobody has waited for it.
    let sent = unsafe { libc::kill(process.cast_signed(), signal) };
    assert_eq!(sent, 0, "the process can be signalled");
    if signal != libc::SIGSTOP {
        return;
    }
    // SAFETY: an integer-only structure, for which zeros are a value.
    let mut told: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let what = libc::WSTOPPED | libc::WEXITED | libc::WNOWAIT;
    // SAFETY: as above; the child is not waited for by this call, and the structure outlives it.
    let waited = unsafe { libc::waitid(libc::P_PID, process, &raw mut told, what) };
    assert_eq!((waited, told.si_code), (0, libc::CLD_STOPPED), "the process stops");
}

/// What `dl` prints, which has to succeed.
fn told(uri: &str, arguments: &[&str]) -> String {
    let output = dl(uri, arguments).stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "dl {arguments:?}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

fn namespace(directory: &tempfile::TempDir) -> String {
    format!("file://{}?journal_bytes=4MiB", directory.path().join("ns").display())
}

/// How often a suite goes round: its variable, or a small number for everyday runs.
fn count(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |value| value.parse().expect("the count is a number"))
}

/// Shares rounds out among the processors in runs of `each`, and answers with what the runs answered, in order.
///
/// Each run has a directory of its own. The first is on the disk; for the others, which kill and freeze processes and
/// leave the machine alone, memory is as good and faster.
fn in_runs<T: Send>(
    what: &str,
    rounds: usize,
    each: usize,
    run: impl Fn(Range<usize>, &str) -> T + Sync,
) -> Vec<T> {
    let (next, begin, done) = (AtomicUsize::new(0), Instant::now(), Mutex::new(BTreeMap::new()));
    let work = || {
        loop {
            let first = next.fetch_add(each, Ordering::SeqCst);
            if first >= rounds {
                return;
            }
            let disk = || tempfile::tempdir().unwrap();
            let directory = match first {
                0 => disk(),
                _ => tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| disk()),
            };
            let result = run(first..rounds.min(first + each), &namespace(&directory));
            let mut done = done.lock().unwrap();
            done.insert(first, result);
            if (done.len() * each).is_multiple_of((rounds / 20).max(1).next_multiple_of(each)) {
                let passed = begin.elapsed().as_secs_f64();
                println!("{what}: {} of {rounds} rounds, {passed:.0} s", rounds.min(done.len() * each));
            }
        }
    };
    std::thread::scope(|scope| {
        (0..std::thread::available_parallelism().map_or(1, usize::from))
            .for_each(|_| drop(scope.spawn(work)));
    });
    done.into_inner().unwrap().into_values().collect()
}

/// Small numbers, different in each run of a suite, the same in each run of the program.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Which record of which writer.
type Place = (usize, usize);

/// A line that says which one it is.
fn line(writer: usize, record: usize) -> String {
    format!("{writer} {record} {:-<width$}\n", "", width = (writer * 31 + record * 7) % 200)
}

fn place(payload: &str) -> Option<Place> {
    let (writer, rest) = payload.split_once(' ')?;
    let (record, _) = rest.split_once(' ')?;
    let place = (writer.parse().ok()?, record.parse().ok()?);
    (line(place.0, place.1).trim_end_matches('\n') == payload).then_some(place)
}

/// Everything in a log, in order: the position and what is there.
fn read(uri: &str, log: &str) -> Vec<(String, Place)> {
    let text = told(uri, &["read", log, "--format", "json"]);
    text.lines()
        .map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            let payload =
                base64::engine::general_purpose::STANDARD.decode(record["payload"].as_str().unwrap());
            let payload = String::from_utf8(payload.unwrap()).unwrap();
            let place = place(&payload).unwrap_or_else(|| panic!("{payload:?} was never written"));
            (record["dlsn"].as_str().unwrap().to_owned(), place)
        })
        .collect()
}

/// Compares a log with what its writers were told: every acknowledged record where it was acknowledged, each
/// writer's records a prefix of what it wrote, in one run, no position told to two.
fn compare(log: &[(String, Place)], issued: &BTreeMap<usize, usize>, acked: &BTreeMap<usize, Vec<String>>) {
    let mut next: BTreeMap<usize, usize> = BTreeMap::new();
    let mut last_writer = None;
    for (dlsn, (writer, record)) in log {
        assert!(record < issued.get(writer).unwrap_or(&0), "{dlsn}: {record} of {writer} was never written");
        let expected = next.entry(*writer).or_default();
        assert_eq!(record, expected, "{dlsn}: writer {writer} has a gap or a double");
        let goes_on = last_writer == Some(*writer);
        assert!(
            goes_on || *record == 0,
            "{dlsn}: writer {writer} was in the log, then another, then it again"
        );
        *expected += 1;
        last_writer = Some(*writer);
    }
    let at: BTreeMap<Place, &str> = log.iter().map(|(dlsn, place)| (*place, dlsn.as_str())).collect();
    for (writer, acks) in acked {
        for (record, dlsn) in acks.iter().enumerate() {
            let there = at.get(&(*writer, record)).copied();
            assert_eq!(
                there,
                Some(dlsn.as_str()),
                "record {record} of writer {writer} was acknowledged at {dlsn}"
            );
        }
    }
}
