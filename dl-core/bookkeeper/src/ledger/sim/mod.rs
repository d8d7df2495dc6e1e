//! A deterministic simulation of bookies, metadata store and clients: every order of events is a seed.

mod bookie;
mod client;
mod history;
mod random;
mod world;

pub(crate) use bookie::{FakeBookie, Reaction};

/// How many histories to run: `DL_LEDGER_HISTORIES`, from the seed `DL_SEED` on.
#[test]
fn soak_ledgers_keep_what_was_acknowledged() {
    let number = |name: &str, default| std::env::var(name).ok().map_or(default, |text| text.parse().unwrap());
    let (first, count): (u64, u64) = (number("DL_SEED", 0), number("DL_LEDGER_HISTORIES", 3_000));
    for seed in first..first + count {
        if let Err(panic) = std::panic::catch_unwind(|| history::run(seed)) {
            eprintln!("history with DL_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
