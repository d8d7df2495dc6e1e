//! Two processes open a writer on one log at the same moment.

use std::collections::BTreeMap;

use super::feed::{Fed, Feed};
use super::{Dice, compare, count, namespace, read};

const RACES_A_LOG: usize = 50;
const LINES: usize = 40;
const FENCED: i32 = 104;
const LOCKED: i32 = 119;

#[test]
fn soak_races_end_with_one_writer() {
    let races = count("DL_RACES", 40);
    let directory = tempfile::tempdir().unwrap();
    let path = namespace(&directory);
    let mut dice = Dice(11);
    let mut ended = BTreeMap::<i32, usize>::new();
    for first in (0..races).step_by(RACES_A_LOG) {
        let log = format!("race/{first}");
        let (mut issued, mut acked) = (BTreeMap::new(), BTreeMap::new());
        for race in first..races.min(first + RACES_A_LOG) {
            let takeover: &[&str] = if dice.roll(4) == 0 { &["--takeover", "never"] } else { &[] };
            let racers = [2 * race, 2 * race + 1];
            let feeds = racers.map(|racer| (racer, Feed::start(&path, &log, racer, LINES, takeover)));
            for (racer, feed) in feeds {
                let fed = feed.end();
                *ended.entry(check(&fed, !takeover.is_empty())).or_default() += 1;
                issued.insert(racer, fed.issued);
                acked.insert(racer, fed.acked);
            }
        }
        compare(&read(&path, &log), &issued, &acked);
    }
    println!("{races} races: exit codes {ended:?}; never two acknowledgements for one position");
}

fn check(fed: &Fed, never: bool) -> i32 {
    let code = fed.status.code().expect("nobody kills a racer");
    match code {
        0 => assert_eq!(fed.acked.len(), LINES, "a writer that ends well has all acknowledged"),
        FENCED => assert!(fed.acked.len() <= LINES),
        LOCKED => assert!(fed.acked.is_empty() || !never, "who does not get the log writes nothing"),
        _ => panic!("exit code {code}: {}", fed.errors),
    }
    code
}
