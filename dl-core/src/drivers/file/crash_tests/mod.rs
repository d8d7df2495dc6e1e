//! Power losses, kills, freezes and failing syncs at every boundary, on the simulated machine.
//!
//! A *life* is a random run of what writers do (append, complete, take over from one another, delete) in up to three
//! processes. It ends when power is lost or a process is killed at a planned boundary. Then a new process opens the
//! directory (losing power again in the middle of that, sometimes), and everything is compared with what the lives
//! were told: nothing acknowledged is lost, nothing changed, nothing invented, nothing acknowledged after a fence.

#![allow(clippy::disallowed_methods, reason = "tokio's clock is the simulated one")]

mod audit;
mod life;
mod model;

use super::fault_tests::open_sim;
use super::*;
use crate::testing::run_seeds;
use crate::testing::sim::{self, Fault, ProcessHandle, World};
use audit::audit;
use life::Life;
use model::Shared;

/// Small numbers that depend on a seed alone.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Several lives on one machine, each ended by a crash and followed by an audit. Answers how many were power losses.
async fn run(seed: u64, syncs_fail: bool) -> u64 {
    let world = World::new(seed);
    let mut dice = Dice(seed);
    let model = Shared::default();
    let mut losses = 0;
    for life in 0..4 {
        let power = dice.roll(3) != 0;
        let boundary = world.boundaries() + 1 + dice.roll(160);
        if power {
            world.crash_at(boundary)
        } else {
            world.kill_at(boundary)
        }
        if syncs_fail {
            let fault = |on: &str, after| Fault::new(sim::Op::Sync, libc::EIO).on(on).after(after);
            world.fail(fault("segments", dice.roll(12)));
            world.fail(fault("journals", dice.roll(30)));
        }
        let processes: Vec<_> = (0..=dice.roll(3)).map(|_| world.process()).collect();
        let handles: Vec<ProcessHandle> = processes.iter().map(|(_, handle)| handle.clone()).collect();
        let mut lives = tokio::task::JoinSet::new();
        for (seams, handle) in processes {
            let (world, model, seed) = (world.clone(), model.clone(), dice.roll(u64::MAX));
            // Each ends with the crash, or with an error that a failing call caused.
            lives.spawn(async move {
                let life = async { Life::open(&world, &seams, &model, seed).await?.live().await };
                handle.run(life).await.unwrap_or(Ok(()))
            });
        }
        let frozen = dice.roll(3) == 0;
        if frozen {
            let (victim, others) = (handles[0].clone(), handles.len() > 1);
            let boundary = world.boundaries() + dice.roll(100);
            world.before(boundary, move || {
                if others {
                    victim.freeze()
                }
            });
        }
        wait_for_crash(&world, &handles, boundary).await;
        if !power && dice.roll(2) == 0 {
            // The others go on for a while beside the dead one.
            handles.iter().for_each(ProcessHandle::thaw);
            wait_for_crash(&world, &[], world.boundaries() + dice.roll(60)).await;
        }
        if power || dice.roll(2) == 0 {
            world.restart();
            losses += 1;
        } else {
            handles.iter().for_each(ProcessHandle::kill);
        }
        lives.shutdown().await;
        world.clear_faults();
        world.clear_plans();
        losses += open_and_audit(&world, &model, &mut dice, &format!("seed {seed} life {life}")).await;
    }
    losses
}

/// Waits until the world is past a boundary or nothing moves any more.
async fn wait_for_crash(world: &World, handles: &[ProcessHandle], boundary: u64) {
    let mut still = 0;
    let mut before = 0;
    while world.is_on() && world.boundaries() <= boundary && still < 200 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let now = world.boundaries();
        still = if now == before { still + 1 } else { 0 };
        before = now;
    }
    let _kept_to_the_end = handles;
}

/// Opens the directory, sometimes losing power while at it, and audits it; answers how often it did.
async fn open_and_audit(world: &World, model: &Shared, dice: &mut Dice, what: &str) -> u64 {
    let mut losses = 0;
    if dice.roll(3) == 0 {
        world.crash_at(world.boundaries() + dice.roll(25));
        let (seams, handle) = world.process();
        let _may_fail = handle.run(async { open_sim(world, &seams).await.map(drop) }).await;
        world.restart();
        world.clear_plans();
        losses += 1;
    }
    let (seams, handle) = world.process();
    let model = model.clone();
    let wrong = handle
        .run(async {
            match open_sim(world, &seams).await {
                Ok(stores) => {
                    let wrong = audit(&stores, &model).await;
                    stores.session.close().await.unwrap();
                    wrong
                }
                Err(error) => vec![format!("opening: {error:?}")],
            }
        })
        .await
        .unwrap();
    assert!(
        wrong.is_empty(),
        "{what}: {wrong:#?}\n{}",
        world.story().iter().rev().take(60).rev().cloned().collect::<Vec<_>>().join("\n")
    );
    handle.kill();
    losses
}

/// How many power losses a test goes through: few by default, all with `DL_POWER_LOSSES`.
fn wanted() -> u64 {
    std::env::var("DL_POWER_LOSSES").ok().and_then(|count| count.parse().ok()).unwrap_or(150)
}

fn first_seed() -> u64 {
    std::env::var("DL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

#[test]
fn soak_power_loses_nothing_acknowledged() {
    run_seeds("power losses beneath segments", first_seed(), wanted(), |seed| run(seed, false));
}

#[test]
fn soak_power_and_failing_syncs_lose_nothing_acknowledged() {
    run_seeds("power losses with failing syncs", first_seed(), wanted(), |seed| run(seed, true));
}
