//! Power losses, kills, freezes and failing syncs at every boundary, on the simulated machine.
//!
//! A *life* is a random run of what writers do (append, complete, take over from one another, delete) in up to three
//! processes. It ends when power is lost or a process is killed at a planned boundary. Then a new process opens the
//! directory (losing power again in the middle of that, sometimes), and everything is compared with what the lives
//! were told: nothing acknowledged is lost, nothing changed, nothing invented, nothing acknowledged after a fence.

#![allow(clippy::disallowed_methods, reason = "tokio's clock is the simulated one")]
#![allow(
    clippy::await_holding_lock,
    reason = "the guard is dropped before the await, which the lint does not see"
)]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::watch;

use super::fault_tests::{open_sim, open_with, read_all};
use super::*;
use crate::error::Error;
use crate::metadata::{Op, Outcome};
use crate::seams::Seams;
use crate::store::{EntrySource, SegmentWriter};
use crate::testing::run_seeds;
use crate::testing::sim::{self, Fault, ProcessHandle, World};
use crate::types::SegmentId;

/// What the lives were told about a segment.
#[derive(Default)]
struct Told {
    issued: Vec<Bytes>,
    /// The first so many entries were acknowledged.
    acked: usize,
    /// The first so many entries were delivered to a reader.
    read: usize,
    /// A recovery or close answered this many entries.
    ended: Option<usize>,
    /// The commit that completed it with this many was acknowledged.
    completed: Option<usize>,
    /// Deletion was asked for.
    deleting: bool,
}

#[derive(Default)]
struct Model {
    segments: BTreeMap<SegmentId, Told>,
    violations: Vec<String>,
}

type Shared = Arc<Mutex<Model>>;

struct Source {
    id: SegmentId,
    model: Shared,
    waiting: Mutex<VecDeque<Bytes>>,
    ended: watch::Sender<(u64, bool)>,
}

impl EntrySource for Source {
    fn next_entry(&self) -> Option<Bytes> {
        self.waiting.lock().unwrap().pop_front()
    }

    fn settled(&self, entry: u64, result: Result<()>) {
        if result.is_ok() {
            let mut model = self.model.lock().unwrap();
            let told = model.segments.get_mut(&self.id).unwrap();
            let late = told.ended.is_some_and(|ended| entry as usize >= ended);
            told.acked = entry as usize + 1;
            if late {
                model.violations.push(format!("{}: entry {entry} acknowledged after the fence", self.id));
            }
        }
        self.ended.send_modify(|(count, failed)| {
            *count += 1;
            *failed |= result.is_err();
        });
    }

    fn broken(&self, _error: Error) {
        self.ended.send_modify(|(_, failed)| *failed = true);
    }
}

/// Small numbers that depend on a seed alone.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

struct Writing {
    id: SegmentId,
    source: Arc<Source>,
    writer: Arc<dyn SegmentWriter>,
    issued: u64,
}

/// One process at work.
struct Life {
    seams: Seams,
    stores: Stores,
    model: Shared,
    dice: Dice,
    writing: Vec<Writing>,
}

impl Life {
    async fn open(world: &World, seams: &Seams, model: &Shared, seed: u64) -> Result<Self> {
        // Everything through the journal, or what is large around it, or most.
        let large_flush_bytes = [u64::MAX, 6_000, 1_000][(seed % 3) as usize];
        let stores = open_with(world, seams, large_flush_bytes).await?;
        Ok(Self { seams: seams.clone(), stores, model: model.clone(), dice: Dice(seed), writing: Vec::new() })
    }

    async fn live(mut self) -> Result<()> {
        loop {
            match self.dice.roll(12) {
                0 if self.writing.len() < 3 => self.start().await?,
                1 => self.finish().await?,
                2 => self.take_over().await?,
                3 => self.delete().await?,
                4 => self.read().await?,
                _ if self.writing.is_empty() => self.start().await?,
                _ => self.append().await,
            }
            // Lets time pass, which in a simulated world it does only when nothing else is to do.
            self.seams.clock.sleep(Duration::from_micros(200)).await;
        }
    }

    async fn start(&mut self) -> Result<()> {
        let allocation = self.stores.segments.allocate("/a/<default>", &[]).await?;
        let id = allocation.id;
        let source = Source {
            id,
            model: self.model.clone(),
            waiting: Mutex::default(),
            ended: watch::Sender::default(),
        };
        let source = Arc::new(source);
        let writer = self.stores.segments.create(id, source.clone()).await?;
        let fresh = self.model.lock().unwrap().segments.insert(id, Told::default()).is_none();
        assert!(fresh, "segment id {id} was given out twice");
        self.commit(allocation.start_ops).await?;
        self.writing.push(Writing { id, source, writer, issued: 0 });
        Ok(())
    }

    /// Appends some entries to some writer, and waits for them or not.
    async fn append(&mut self) {
        let at = self.dice.roll(self.writing.len() as u64) as usize;
        let count = 1 + self.dice.roll(4);
        for _ in 0..count {
            let size = if self.dice.roll(20) == 0 { 20_000 } else { 1 + self.dice.roll(3_000) as usize };
            let tag = self.dice.roll(u64::MAX);
            let bytes: Vec<u8> =
                (0..size).map(|i| (tag.rotate_left(i as u32 % 64) >> (i % 7)) as u8).collect();
            let writing = &mut self.writing[at];
            let bytes = Bytes::from(bytes);
            self.model.lock().unwrap().segments.get_mut(&writing.id).unwrap().issued.push(bytes.clone());
            writing.source.waiting.lock().unwrap().push_back(bytes);
            writing.issued += 1;
            match self.dice.roll(2) {
                0 => writing.writer.wake(),
                _ => writing.writer.wake_and_work(),
            }
        }
        let failed = self.writing[at].source.ended.borrow().1;
        if failed || self.dice.roll(2) == 0 && self.settled(at).await {
            self.writing.remove(at);
        }
    }

    /// Waits until all that was issued ended; answers whether the writer is done for.
    async fn settled(&self, at: usize) -> bool {
        let writing = &self.writing[at];
        let mut ended = writing.source.ended.subscribe();
        let state = *ended.wait_for(|(count, failed)| *failed || *count >= writing.issued).await.unwrap();
        state.1
    }

    /// Completes a segment of ours, as a writer that is closed does.
    async fn finish(&mut self) -> Result<()> {
        if self.writing.is_empty() || self.settled(0).await {
            self.writing.drain(..self.writing.len().min(1));
            return Ok(());
        }
        let writing = self.writing.remove(0);
        if let Ok(closed) = writing.writer.close().await {
            self.complete(writing.id, closed).await?;
        }
        Ok(())
    }

    /// Recovers a segment in progress, whoever writes it.
    async fn take_over(&mut self) -> Result<()> {
        let open: Vec<_> = {
            let model = self.model.lock().unwrap();
            let open = model.segments.iter().filter(|(_, told)| told.completed.is_none() && !told.deleting);
            open.map(|(id, _)| *id).collect()
        };
        if open.is_empty() {
            return Ok(());
        }
        let id = open[self.dice.roll(open.len() as u64) as usize];
        if let Ok(closed) = self.stores.segments.recover(id).await {
            self.complete(id, closed).await?;
        }
        Ok(())
    }

    async fn complete(&self, id: SegmentId, closed: crate::store::Closed) -> Result<()> {
        let entries = closed.last_entry.map_or(0, |last| last as usize + 1);
        {
            let mut model = self.model.lock().unwrap();
            let told = model.segments.get_mut(&id).unwrap();
            let (acked, before) = (told.acked, told.ended.replace(entries));
            if acked > entries || before.is_some_and(|before| before != entries) {
                model
                    .violations
                    .push(format!("{id}: {acked} acknowledged, ended at {entries}, before at {before:?}"));
            }
        }
        if closed.complete_ops.is_empty() {
            return Ok(());
        }
        if self.commit(closed.complete_ops).await? {
            self.model.lock().unwrap().segments.get_mut(&id).unwrap().completed = Some(entries);
        }
        Ok(())
    }

    async fn delete(&mut self) -> Result<()> {
        let done: Vec<_> = {
            let model = self.model.lock().unwrap();
            model
                .segments
                .iter()
                .filter(|(_, told)| told.completed.is_some() && !told.deleting)
                .map(|(id, _)| *id)
                .collect()
        };
        if done.len() < 4 {
            return Ok(());
        }
        let id = done[self.dice.roll(done.len() as u64) as usize];
        self.model.lock().unwrap().segments.get_mut(&id).unwrap().deleting = true;
        let ops = self.stores.segments.delete(&[id]).await?;
        self.commit(ops).await?;
        Ok(())
    }

    /// Reads some segment as far as it is committed now.
    async fn read(&mut self) -> Result<()> {
        let ids: Vec<_> = self.model.lock().unwrap().segments.keys().copied().collect();
        if ids.is_empty() {
            return Ok(());
        }
        let id = ids[self.dice.roll(ids.len() as u64) as usize];
        let Ok(entries) = read_all(&self.stores, id).await else { return Ok(()) };
        let mut model = self.model.lock().unwrap();
        let told = model.segments.get_mut(&id).unwrap();
        told.read = told.read.max(entries.len());
        if !told.issued.starts_with(&entries) {
            model.violations.push(format!("{id}: a reader saw what was never written"));
        }
        Ok(())
    }

    async fn commit(&self, ops: Vec<Op>) -> Result<bool> {
        Ok(matches!(self.stores.metadata.commit(&ops).await?, Outcome::Committed(_)))
    }
}

/// Compares the directory with what the lives were told, completing what is in progress.
async fn audit(stores: &Stores, model: &Shared) -> Vec<String> {
    let ids: Vec<_> = model.lock().unwrap().segments.keys().copied().collect();
    let mut wrong = std::mem::take(&mut model.lock().unwrap().violations);
    for id in ids {
        let known = stores.metadata.get(&catalog::path(id)).await.unwrap().is_some();
        let recovered = if known { Some(stores.segments.recover(id).await) } else { None };
        let mut model = model.lock().unwrap();
        let told = model.segments.get_mut(&id).unwrap();
        let recovered = match recovered {
            // The commit that started or forgot it was not acknowledged, or it was deleted.
            None if told.deleting || (told.acked == 0 && told.completed.is_none()) => {
                model.segments.remove(&id);
                continue;
            }
            None => {
                wrong.push(format!("{id}: gone with {} acknowledged", told.acked));
                continue;
            }
            Some(Err(_)) if told.deleting => {
                model.segments.remove(&id);
                continue;
            }
            Some(Err(error)) => {
                wrong.push(format!("{id}: {error}"));
                continue;
            }
            Some(Ok(closed)) => closed,
        };
        let entries = recovered.last_entry.map_or(0, |last| last as usize + 1);
        let least = told.acked.max(told.read);
        if entries < least || entries > told.issued.len() || told.completed.is_some_and(|n| n != entries) {
            wrong.push(format!(
                "{id}: {entries} entries; {} acknowledged, {} read, {} issued, completed {:?}",
                told.acked,
                told.read,
                told.issued.len(),
                told.completed
            ));
        }
        let issued = told.issued.clone();
        // What it is from now on, for the lives that follow.
        told.issued.truncate(entries);
        (told.acked, told.read) = (entries, entries);
        (told.ended, told.completed) = (Some(entries), Some(entries));
        drop(model);
        if !recovered.complete_ops.is_empty() {
            let outcome = stores.metadata.commit(&recovered.complete_ops).await.unwrap();
            assert!(matches!(outcome, Outcome::Committed(_)), "{outcome:?}");
        }
        match read_all(stores, id).await {
            Ok(read) if issued.get(..entries) == Some(&read[..]) => {}
            Ok(read) => wrong
                .push(format!("{id}: read {} entries that differ from the {entries} written", read.len())),
            Err(error) => wrong.push(format!("{id}: {error}")),
        }
    }
    wrong
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
