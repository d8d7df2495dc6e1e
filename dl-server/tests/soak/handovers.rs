//! On a cluster, a writer is frozen in one of several states, another takes over, and the first one wakes up: also when its
//! ledger was deleted meanwhile and its bookies have forgotten that it was fenced. Some of the old writers are Java's.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use dl_cluster::Cluster;
use serde_json::Value;

use super::bookies;
use super::feed::{Fed, Feed};
use super::java::Java;
use super::{Dice, compare, count, line, read, signal, told};

const FENCED: i32 = 104;
const LINES: usize = 20;
/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the old writer was at when it was frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    /// It was open and had no segment yet.
    NeverWrote,
    /// Records were in flight.
    MidSegment,
    /// Two of its segments were in progress.
    MidRoll,
    /// It had begun a segment and written nothing into it, which the new writer completes without records.
    EmptySegment,
}

const STATES: [State; 4] = [State::NeverWrote, State::MidSegment, State::MidRoll, State::EmptySegment];

#[test]
fn soak_handovers_from_a_frozen_writer_leave_one() {
    let handovers = count("DL_HANDOVERS", 8);
    // Bookies look for deleted ledgers all the time, and those that were killed are soon registered anew.
    let cluster = Cluster::start(&[
        "--set",
        "gcWaitTime=1000",
        "--set",
        "flushInterval=1000",
        "--set",
        "zkTimeout=4000",
    ]);
    let uri = cluster.uri();
    told(uri, &["namespace", "create"]);
    let mut dice = Dice(17);
    let mut done: BTreeMap<(State, bool), usize> = BTreeMap::new();
    for handover in 0..handovers {
        // Each state in both ways, in turn.
        let (state, forgotten) = (STATES[handover % 4], handover % 8 >= 4);
        hand_over(&cluster, handover, state, forgotten, &mut dice);
        *done.entry((state, forgotten)).or_default() += 1;
    }
    let java = handovers.div_ceil(4);
    (0..java).for_each(|number| hand_over_from_java(uri, number, number % 2 == 1));
    println!(
        "{handovers} hand-overs (state, forgotten): {done:?}, {java} from Java; nothing acknowledged behind a fence, nothing lost"
    );
}

fn hand_over(cluster: &Cluster, number: usize, state: State, forgotten: bool, dice: &mut Dice) {
    let (uri, log) = (cluster.uri(), format!("handed-{number}"));
    let old = freeze(uri, &log, state, dice);
    let acked = old.acked();
    let taker = Feed::start(uri, &log, 1, LINES, &[]).end();
    assert_eq!((taker.status.code(), taker.acked.len()), (Some(0), LINES), "{state:?}: {}", taker.errors);
    let before = read(uri, &log);
    if forgotten {
        forget(cluster, &log, &taker.acked[LINES - 1]);
    }
    old.signal(libc::SIGCONT);
    old.allow(usize::MAX);
    let old = old.end();
    let fenced = old.status.code() == Some(FENCED);
    assert!(fenced, "{state:?}, forgotten: {forgotten}: {}: {}", old.status, old.errors);
    // What it was told before it was frozen it may print behind that; more than was in the log by the takeover it may not.
    let kept = before.iter().filter(|(_, (writer, _))| *writer == 0).count();
    assert!(old.acked.len() <= kept, "{state:?}: {} acknowledged, {kept} in the log", old.acked.len());
    assert!(old.acked.len() >= acked);
    check(&before, [old, taker]);
    if !forgotten {
        assert_eq!(read(uri, &log), before, "{state:?}: the old writer changed the log");
    }
}

/// Compares a log with what its writers were told.
fn check(log: &[(String, (usize, usize))], writers: [Fed; 2]) {
    let (mut issued, mut acked) = (BTreeMap::new(), BTreeMap::new());
    for (writer, fed) in writers.into_iter().enumerate() {
        issued.insert(writer, fed.issued);
        acked.insert(writer, fed.acked);
    }
    compare(log, &issued, &acked);
}

/// A writer that is frozen in this state.
fn freeze(uri: &str, log: &str, state: State, dice: &mut Dice) -> Feed {
    let rolling = ["-o", "roll_bytes=1KiB"];
    let more: &[&str] = if matches!(state, State::MidRoll | State::EmptySegment) { &rolling } else { &[] };
    let feed = Feed::start_with(uri, log, 0, usize::MAX, more);
    match state {
        State::NeverWrote => {
            until("the writer is open", || feed.is_open());
            feed.signal(libc::SIGSTOP);
        }
        State::MidSegment => {
            feed.allow(usize::MAX);
            feed.wait_for_acks(1 + dice.roll(500) as usize);
            feed.signal(libc::SIGSTOP);
        }
        State::MidRoll => {
            feed.allow(usize::MAX);
            feed.wait_for_acks(50);
            until("it is frozen amid a roll", || {
                (0..dice.roll(100_000)).for_each(|_| std::hint::spin_loop());
                feed.signal(libc::SIGSTOP);
                let rolls = in_progress(uri, log) >= 2;
                if !rolls {
                    feed.signal(libc::SIGCONT);
                }
                rolls
            });
        }
        State::EmptySegment => {
            // A roll begins the next segment, which stays empty if nothing comes.
            let mut lines = 0;
            until("its segment in progress is empty", || {
                lines += 1;
                feed.allow(lines);
                feed.wait_for_acks(lines);
                newest_is_empty(uri, log)
            });
            feed.signal(libc::SIGSTOP);
        }
    }
    feed
}

/// Deletes all but the newest segment, has the bookies forget those, and starts them again.
fn forget(cluster: &Cluster, log: &str, last: &str) {
    let uri = cluster.uri();
    let ids = |uri: &str| segments(uri, log).iter().map(|segment| segment["id"].clone()).collect::<Vec<_>>();
    let before = ids(uri);
    told(uri, &["truncate", log, "--before", last]);
    let kept = ids(uri);
    let gone = before.iter().filter(|id| !kept.contains(id)).filter_map(Value::as_i64);
    bookies::wait_until_forgotten(cluster, &gone.collect::<Vec<_>>(), PATIENCE);
    for bookie in ["1", "2", "3"] {
        cluster.run(&["kill-bookie", bookie]);
    }
    cluster.run(&["start"]);
}

/// The same from a writer of Java's, which is frozen before or after its first records.
fn hand_over_from_java(uri: &str, number: usize, never_wrote: bool) {
    let log = format!("java-{number}");
    told(uri, &["create", &log]);
    let mut java = Java::start(uri);
    java.open_writer(&log);
    let lines = |from: usize| {
        (from..from + 5).map(|record| line(0, record).trim_end_matches('\n').to_owned()).collect::<Vec<_>>()
    };
    let mut acked = Vec::new();
    if !never_wrote {
        acked = java.write(1, &lines(0));
        assert_eq!(acked.len(), 5);
    }
    signal(java.id(), libc::SIGSTOP);
    let taker = Feed::start(uri, &log, 1, LINES, &[]).end();
    assert_eq!((taker.status.code(), taker.acked.len()), (Some(0), LINES), "{}", taker.errors);
    signal(java.id(), libc::SIGCONT);
    assert_eq!(java.write(100, &lines(acked.len())), Vec::<String>::new(), "Java was cut off");
    let found = read(uri, &log);
    let issued = BTreeMap::from([(0, acked.len()), (1, taker.issued)]);
    compare(&found, &issued, &BTreeMap::from([(0, acked), (1, taker.acked)]));
}

fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
    }
}

fn segments(uri: &str, log: &str) -> Vec<Value> {
    told(uri, &["segments", log, "--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn in_progress(uri: &str, log: &str) -> usize {
    segments(uri, log).iter().filter(|segment| segment["state"] == "in-progress").count()
}

/// Whether the newest segment is in progress and all acknowledged records are in those before.
fn newest_is_empty(uri: &str, log: &str) -> bool {
    let segments = segments(uri, log);
    let Some(newest) = segments.last().filter(|segment| segment["state"] == "in-progress") else {
        return false;
    };
    let first = format!("{}:0:0", newest["segment"]);
    told(uri, &["read", log, "--from", &first, "--format", "json"]).is_empty()
}
