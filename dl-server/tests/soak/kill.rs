//! Two processes write logs of one directory and are killed again and again, one or both.

use std::collections::BTreeMap;
use std::ops::Range;

use super::feed::Feed;
use super::{Dice, compare, count, in_runs, read};

/// A new log after this many rounds, so that reading it back stays cheap.
const ROUNDS_A_LOG: usize = 50;

/// No writer gets so far before it is killed, unless the machine is very busy elsewhere.
const MOST_LINES: usize = 50_000;

#[derive(Default)]
struct Told {
    issued: BTreeMap<usize, usize>,
    acked: BTreeMap<usize, Vec<String>>,
}

impl Told {
    fn take(&mut self, writer: usize, feed: Feed) {
        let fed = feed.end();
        assert!(matches!(fed.status.code(), None | Some(0)), "it was killed, not refused: {}", fed.errors);
        self.issued.insert(writer, fed.issued);
        self.acked.insert(writer, fed.acked);
    }
}

#[test]
fn soak_kill_loses_nothing_acknowledged() {
    let rounds = count("DL_KILL_ROUNDS", 30);
    let counts = in_runs("kill", rounds, ROUNDS_A_LOG, kill_and_go_on);
    let (acknowledged, written) = counts.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    println!(
        "{rounds} rounds: {acknowledged} acknowledged records, none lost; {written} in the logs, none invented"
    );
}

/// Answers how many records were acknowledged, and how many there are.
fn kill_and_go_on(rounds: Range<usize>, uri: &str) -> (usize, usize) {
    let mut dice = Dice(7 + rounds.start as u64);
    let (mut victims, mut others) = (Told::default(), Told::default());
    let mut other = None;
    let last = rounds.end - 1;
    for round in rounds {
        let neighbour =
            other.get_or_insert_with(|| (round, Feed::start(uri, "other", round, MOST_LINES, &[])));
        let victim = Feed::start(uri, "victim", round, MOST_LINES, &[]);
        victim.wait_for_acks(dice.roll(300) as usize);
        neighbour.1.wait_for_acks(dice.roll(50) as usize);
        // Somewhere in the middle of what comes next.
        (0..dice.roll(200_000)).for_each(|_| std::hint::spin_loop());
        victim.signal(libc::SIGKILL);
        victims.take(round, victim);
        if dice.roll(3) == 0 || round == last {
            let (writer, feed) = other.take().unwrap();
            feed.signal(libc::SIGKILL);
            others.take(writer, feed);
        }
    }
    let (mut acknowledged, mut written) = (0, 0);
    for (log, told) in [("victim", victims), ("other", others)] {
        let records = read(uri, log);
        compare(&records, &told.issued, &told.acked);
        written += records.len();
        acknowledged += told.acked.values().map(Vec::len).sum::<usize>();
    }
    (acknowledged, written)
}
