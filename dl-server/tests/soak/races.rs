//! Two processes open a writer on one log at the same moment.

use std::collections::BTreeMap;
use std::ops::Range;

use super::feed::{Fed, Feed};
use super::{Dice, compare, count, in_runs, read};

const RACES_A_LOG: usize = 50;
const LINES: usize = 40;
const FENCED: i32 = 104;
const LOCKED: i32 = 119;

#[test]
fn soak_races_end_with_one_writer() {
    let races = count("DL_RACES", 40);
    let mut ended = BTreeMap::<i32, usize>::new();
    for codes in in_runs("races", races, RACES_A_LOG, race) {
        codes.into_iter().for_each(|code| *ended.entry(code).or_default() += 1);
    }
    println!("{races} races: exit codes {ended:?}; never two acknowledgements for one position");
}

/// Answers the exit codes of all.
fn race(races: Range<usize>, uri: &str) -> Vec<i32> {
    let mut dice = Dice(11 + races.start as u64);
    let (mut issued, mut acked, mut ended) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for race in races {
        let takeover: &[&str] = if dice.roll(4) == 0 { &["--takeover", "never"] } else { &[] };
        let racers = [2 * race, 2 * race + 1];
        let feeds = racers.map(|racer| (racer, Feed::start(uri, "race", racer, LINES, takeover)));
        for (racer, feed) in feeds {
            let fed = feed.end();
            ended.push(check(&fed, !takeover.is_empty()));
            issued.insert(racer, fed.issued);
            acked.insert(racer, fed.acked);
        }
    }
    compare(&read(uri, "race"), &issued, &acked);
    ended
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
