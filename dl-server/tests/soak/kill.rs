//! Two processes write logs of one directory and are killed again and again, one or both.

use std::collections::BTreeMap;

use super::feed::Feed;
use super::{Dice, compare, count, namespace, read};

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
    let directory = tempfile::tempdir().unwrap();
    let path = namespace(&directory);
    let mut dice = Dice(7);
    let (mut acknowledged, mut written) = (0, 0);
    for first in (0..rounds).step_by(ROUNDS_A_LOG) {
        let (mut victims, mut others) = (Told::default(), Told::default());
        let logs = [format!("victim/{first}"), format!("other/{first}")];
        let mut other = None;
        let last = rounds.min(first + ROUNDS_A_LOG);
        for round in first..last {
            let neighbour =
                other.get_or_insert_with(|| (round, Feed::start(&path, &logs[1], round, MOST_LINES, &[])));
            let victim = Feed::start(&path, &logs[0], round, MOST_LINES, &[]);
            victim.wait_for_acks(dice.roll(300) as usize);
            neighbour.1.wait_for_acks(dice.roll(50) as usize);
            // Somewhere in the middle of what comes next.
            (0..dice.roll(200_000)).for_each(|_| std::hint::spin_loop());
            victim.signal(libc::SIGKILL);
            victims.take(round, victim);
            if dice.roll(3) == 0 || round + 1 == last {
                let (writer, feed) = other.take().unwrap();
                feed.signal(libc::SIGKILL);
                others.take(writer, feed);
            }
        }
        for (log, told) in logs.iter().zip([victims, others]) {
            let records = read(&path, log);
            compare(&records, &told.issued, &told.acked);
            written += records.len();
            acknowledged += told.acked.values().map(Vec::len).sum::<usize>();
        }
    }
    println!(
        "{rounds} rounds: {acknowledged} acknowledged records, none lost; {written} in the logs, none invented"
    );
}
