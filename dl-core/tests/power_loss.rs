//! Whole logs through power losses, kills and freezes, on the simulated machine.
//!
//! Up to three processes open one directory, take one log over from each other, append, roll, truncate and follow,
//! until power is lost or a process dies at a planned moment. Then everything is read back and compared with what
//! they were told. `DL_POWER_LOSSES` says how many power losses, `DL_SEED` where to begin.

#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]
#![allow(clippy::disallowed_methods, reason = "tokio's clock is the simulated one")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dl_core::testing::sim::{ProcessHandle, World};
use dl_core::testing::{Seams, run_seeds};
use dl_core::{
    Dlsn, ErrorKind, LogName, Namespace, OnTruncated, Options, ReaderOptions, Record, Result, Writer,
    WriterOptions,
};

/// What one writer was told.
#[derive(Default)]
struct WriterStory {
    issued: usize,
    /// By the number of the record: where it is.
    acked: BTreeMap<usize, Dlsn>,
}

#[derive(Default)]
struct Story {
    /// In the order in which `open_writer` returned.
    writers: Vec<WriterStory>,
    /// What readers delivered.
    delivered: BTreeMap<Dlsn, Vec<u8>>,
    /// The highest point that a truncation answered.
    truncated: Option<Dlsn>,
    /// The highest point that a truncation was asked for.
    truncating: Option<Dlsn>,
    /// Somebody was told that the log exists.
    created: bool,
    wrong: Vec<String>,
}

type Shared = Arc<Mutex<Story>>;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn log_name() -> LogName {
    LogName::new("orders/eu").unwrap()
}

fn payload(writer: usize, record: usize, size: u64) -> Vec<u8> {
    let mut payload = format!("{writer} {record} ").into_bytes();
    payload.resize(payload.len() + size as usize, b'.');
    payload
}

fn parse(payload: &[u8]) -> Option<(usize, usize)> {
    let text = std::str::from_utf8(payload).ok()?;
    let mut parts = text.split(' ');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

async fn open(world: &World, seams: Seams) -> Result<Namespace> {
    // Small, so that group commits of either kind are common.
    let options = "journal_bytes=4MiB&large_flush_bytes=4KiB";
    let uri = format!("file://{}?{options}", world.root().join("ns").display());
    Namespace::open_with(&uri, Options::default(), seams).await
}

/// A process that writes, takes over and truncates until something stops it.
async fn write(world: World, seams: Seams, story: Shared, mut dice: Dice) -> Result<()> {
    let clock = seams.clock.clone();
    let namespace = open(&world, seams).await?;
    match namespace.create_log(&log_name()).await {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let log = namespace.open_log(&log_name()).await?;
    story.lock().unwrap().created = true;
    loop {
        let options = WriterOptions::default().roll_bytes(64 << 10);
        let writer = match log.open_writer(options).await {
            Ok(writer) => writer,
            Err(error) if error.kind() == ErrorKind::Locked => {
                clock.sleep(Duration::from_millis(1)).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        let number = {
            let mut story = story.lock().unwrap();
            story.writers.push(WriterStory::default());
            story.writers.len() - 1
        };
        for _ in 0..1 + dice.roll(40) {
            if append_some(&writer, number, &story, &mut dice).await.is_err() {
                break;
            }
            if dice.roll(15) == 0 {
                let acked = story.lock().unwrap().writers[number].acked.values().last().copied();
                if let Some(dlsn) = acked {
                    {
                        let mut story = story.lock().unwrap();
                        story.truncating = story.truncating.max(Some(dlsn));
                    }
                    let Ok(point) = writer.truncate(dlsn).await else { break };
                    let mut story = story.lock().unwrap();
                    story.truncated = story.truncated.max(Some(point));
                }
            }
            clock.sleep(Duration::from_micros(dice.roll(500))).await;
        }
        match dice.roll(3) {
            0 => drop(writer.close().await),
            1 => writer.abort(),
            _ => clock.sleep(Duration::from_millis(dice.roll(20))).await,
        }
    }
}

async fn append_some(writer: &Writer, number: usize, story: &Shared, dice: &mut Dice) -> Result<()> {
    let mut tickets = Vec::new();
    for _ in 0..=dice.roll(6) {
        let record = {
            let mut story = story.lock().unwrap();
            story.writers[number].issued += 1;
            story.writers[number].issued - 1
        };
        let size = if dice.roll(10) == 0 { 8_000 } else { dice.roll(400) };
        tickets.push((record, writer.append(payload(number, record, size)).await?));
    }
    for (record, ticket) in tickets {
        let receipt = ticket.await?;
        story.lock().unwrap().writers[number].acked.insert(record, receipt.dlsn);
    }
    Ok(())
}

/// A process that follows the log from its start.
async fn follow(world: World, seams: Seams, story: Shared) -> Result<()> {
    let clock = seams.clock.clone();
    let namespace = open(&world, seams).await?;
    let log = namespace.log(&log_name());
    let options = ReaderOptions::default().follow(true).on_truncated(OnTruncated::Skip);
    let mut reader = loop {
        match log.open_reader(options.clone()).await {
            Ok(reader) => break reader,
            Err(error) if error.kind() == ErrorKind::NotFound => clock.sleep(Duration::from_millis(1)).await,
            Err(error) => return Err(error),
        }
    };
    while let Some(record) = reader.next().await? {
        let mut story = story.lock().unwrap();
        let before = story.delivered.insert(record.dlsn, record.payload.to_vec());
        if before.is_some_and(|before| before != record.payload) {
            story.wrong.push(format!("{} was delivered twice with different payloads", record.dlsn));
        }
    }
    Ok(())
}

/// One machine through several crashes; answers how many of them were power losses.
async fn run(seed: u64) -> u64 {
    let world = World::new(seed);
    let mut dice = Dice(seed);
    let story = Shared::default();
    let mut losses = 0;
    for life in 0..4 {
        let power = dice.roll(3) != 0;
        let boundary = world.boundaries() + 20 + dice.roll(220);
        if power {
            world.crash_at(boundary)
        } else {
            world.kill_at(boundary)
        }
        let mut tasks = tokio::task::JoinSet::new();
        let mut handles: Vec<ProcessHandle> = Vec::new();
        for _ in 0..=dice.roll(3) {
            let (seams, handle) = world.process();
            let work = write(world.clone(), seams, story.clone(), Dice(dice.roll(u64::MAX)));
            handles.push(handle.clone());
            tasks.spawn(async move { handle.run(work).await.map(drop) });
        }
        let (seams, handle) = world.process();
        let work = follow(world.clone(), seams, story.clone());
        handles.push(handle.clone());
        tasks.spawn(async move { handle.run(work).await.map(drop) });
        if handles.len() > 2 && dice.roll(2) == 0 {
            let victim = handles[0].clone();
            world.before(world.boundaries() + 30 + dice.roll(100), move || victim.freeze());
        }
        pass(&world, boundary).await;
        if !power && dice.roll(2) == 0 {
            // The others go on beside the dead one, and a frozen one wakes up.
            handles.iter().for_each(ProcessHandle::thaw);
            pass(&world, world.boundaries() + dice.roll(80)).await;
        }
        if power || dice.roll(2) == 0 {
            world.restart();
            losses += 1;
        } else {
            handles.iter().for_each(ProcessHandle::kill);
        }
        tasks.shutdown().await;
        world.clear_plans();
        audit(&world, &story, &format!("seed {seed}, life {life}")).await;
    }
    losses
}

/// Lets time pass until the world is past a boundary, or nothing moves any more.
async fn pass(world: &World, boundary: u64) {
    let (mut still, mut before) = (0, 0);
    while world.is_on() && world.boundaries() <= boundary && still < 300 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let now = world.boundaries();
        still = if now == before { still + 1 } else { 0 };
        before = now;
    }
}

async fn audit(world: &World, story: &Shared, what: &str) {
    let (seams, handle) = world.process();
    let read = handle.run(read_back(world, seams)).await.unwrap();
    let mut story = story.lock().unwrap();
    let mut wrong = std::mem::take(&mut story.wrong);
    match read {
        Ok(records) => compare(&story, &records, &mut wrong),
        Err(error) if error.kind() == ErrorKind::NotFound && !story.created => {}
        Err(error) => wrong.push(format!("reading back: {error:?}")),
    }
    let tail: Vec<_> = world.story().into_iter().rev().take(40).collect();
    assert!(wrong.is_empty(), "{what}: {wrong:#?}\nlatest first: {tail:#?}");
    // From now on every writer has written what is there.
    story.writers.push(WriterStory::default());
    handle.kill();
}

/// A new writer, as every recovery needs one, then all records.
async fn read_back(world: &World, seams: Seams) -> Result<Vec<Record>> {
    let namespace = open(world, seams).await?;
    let log = namespace.open_log(&log_name()).await?;
    log.open_writer(WriterOptions::default()).await?.close().await?;
    let options = ReaderOptions::default().on_truncated(OnTruncated::Skip);
    let mut reader = log.open_reader(options).await?;
    let mut records = Vec::new();
    while let Some(record) = reader.next().await? {
        records.push(record);
    }
    namespace.close().await?;
    Ok(records)
}

fn compare(story: &Story, records: &[Record], wrong: &mut Vec<String>) {
    let by_dlsn: BTreeMap<Dlsn, &[u8]> =
        records.iter().map(|record| (record.dlsn, &*record.payload)).collect();
    for pair in records.windows(2) {
        if pair[0].dlsn >= pair[1].dlsn || pair[0].txid > pair[1].txid {
            wrong.push(format!("{} is followed by {}", pair[0].dlsn, pair[1].dlsn));
        }
        if pair[0].sequence_id.is_none() || pair[0].sequence_id.map(|id| id + 1) != pair[1].sequence_id {
            wrong.push(format!("sequence ids {:?} and {:?}", pair[0].sequence_id, pair[1].sequence_id));
        }
    }
    let first = records.first().map(|record| record.dlsn);
    if first.zip(story.truncated).is_some_and(|(first, point)| first < point) {
        wrong.push(format!("{first:?} is readable although {:?} was in force", story.truncated));
    }
    // Every record was written, in the order of writers and of each writer's appends, without a gap.
    let mut expected: Option<(usize, usize)> = None;
    for record in records {
        let place = parse(&record.payload).filter(|(writer, _)| *writer < story.writers.len());
        let Some((writer, number)) = place else {
            wrong.push(format!("{} was never written", record.dlsn));
            continue;
        };
        let follows = match expected {
            None => true,
            Some((last, next)) if writer == last => number == next,
            Some((last, _)) => writer > last && number == 0,
        };
        if !follows || number >= story.writers[writer].issued {
            wrong.push(format!("{}: record {number} of writer {writer}; expected {expected:?}", record.dlsn));
        }
        expected = Some((writer, number + 1));
    }
    let freed = |dlsn: &Dlsn| story.truncated.is_some_and(|point| *dlsn < point);
    // A truncation that was not acknowledged may have taken effect.
    let may_be_cut = |dlsn: &Dlsn| {
        first.is_some_and(|first| *dlsn < first) && story.truncating.is_some_and(|point| *dlsn < point)
    };
    for (writer, told) in story.writers.iter().enumerate() {
        for (number, dlsn) in told.acked.iter().filter(|(_, dlsn)| !freed(dlsn)) {
            let there = by_dlsn.get(dlsn).and_then(|payload| parse(payload));
            if !may_be_cut(dlsn) && there != Some((writer, *number)) {
                wrong.push(format!(
                    "{dlsn} was acknowledged as {number} of writer {writer}; there is {there:?}"
                ));
            }
        }
    }
    for (dlsn, payload) in story.delivered.iter().filter(|(dlsn, _)| !freed(dlsn)) {
        if !may_be_cut(dlsn) && by_dlsn.get(dlsn) != Some(&&payload[..]) {
            wrong.push(format!("{dlsn} was delivered to a reader and is gone"));
        }
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn soak_power_a_log_survives_power_losses_kills_and_freezes() {
    run_seeds("power losses beneath logs", number("DL_SEED", 1), number("DL_POWER_LOSSES", 100), run);
}
