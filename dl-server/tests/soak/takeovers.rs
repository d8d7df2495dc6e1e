//! A writer is frozen in mid-append, another takes over, and the first one wakes up.

use std::collections::BTreeMap;
use std::ops::Range;

use super::feed::Feed;
use super::{Dice, compare, count, in_runs, read};

const TAKEOVERS_A_LOG: usize = 50;
const LINES: usize = 30;
const FENCED: i32 = 104;

#[test]
fn soak_takeovers_from_a_frozen_writer_leave_one() {
    let takeovers = count("DL_TAKEOVERS", 10);
    in_runs("takeovers", takeovers, TAKEOVERS_A_LOG, take_over);
    println!(
        "{takeovers} takeovers from a frozen writer: nothing acknowledged after the fence, nothing lost"
    );
}

fn take_over(takeovers: Range<usize>, uri: &str) {
    let mut dice = Dice(13 + takeovers.start as u64);
    let (mut issued, mut acked) = (BTreeMap::new(), BTreeMap::new());
    for takeover in takeovers {
        let (old, new) = (2 * takeover, 2 * takeover + 1);
        let frozen = Feed::start(uri, "taken", old, usize::MAX, &[]);
        frozen.wait_for_acks(1 + dice.roll(500) as usize);
        (0..dice.roll(100_000)).for_each(|_| std::hint::spin_loop());
        frozen.signal(libc::SIGSTOP);
        let taker = Feed::start(uri, "taken", new, LINES, &[]).end();
        assert_eq!((taker.status.code(), taker.acked.len()), (Some(0), LINES), "{}", taker.errors);
        frozen.signal(libc::SIGCONT);
        let fenced = frozen.end();
        assert_eq!(fenced.status.code(), Some(FENCED), "{}", fenced.errors);
        for (writer, fed) in [(old, fenced), (new, taker)] {
            issued.insert(writer, fed.issued);
            acked.insert(writer, fed.acked);
        }
    }
    compare(&read(uri, "taken"), &issued, &acked);
}
