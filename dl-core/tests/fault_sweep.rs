//! Every call on files fails, one after another: each kind of call, each error it may have, once and from then on.
//!
//! A script opens a directory, writes and rolls logs, truncates, closes, takes over, dies, replays and reads, on the
//! simulated machine. It runs again and again, each time with a later call failing, until it no longer gets to it.
//! Whatever fails, the error says so and has the right kind; a writer that failed acknowledges nothing more; and once the
//! fault is gone everything goes on, with all that was acknowledged, through a power loss too. `DL_FAULT_CALLS` says how
//! many calls of each kind are tried (evenly chosen); `all` for every one, with every way to go on.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a step that fails fails the test")]
#![allow(clippy::disallowed_methods, reason = "tokio's clock is the simulated one")]
#![allow(clippy::print_stdout, reason = "how many calls failed is worth a line")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dl_core::testing::Seams;
use dl_core::testing::sim::{Fault, Keep, Op, ProcessHandle, World};
use dl_core::{
    Dlsn, Error, ErrorKind, LogName, Namespace, OnTruncated, Options, ReaderOptions, Result, Writer,
    WriterOptions,
};

/// So large that a few fill a journal of the least size.
const LARGE: usize = 900_000;
const LOGS: [&str; 2] = ["a", "b/c"];

/// The errors that each kind of call may have.
const FAULTS: [(Op, &[i32]); 13] = [
    (Op::Open, &[libc::EIO, libc::EMFILE]),
    (Op::Create, &[libc::EIO, libc::EMFILE, libc::ENOSPC, libc::EROFS]),
    (Op::CreateDir, &[libc::EIO, libc::ENOSPC]),
    (Op::Read, &[libc::EIO]),
    (Op::Write, &[libc::EIO, libc::ENOSPC, libc::EDQUOT, libc::EROFS]),
    (Op::Sync, &[libc::EIO, libc::ENOSPC]),
    (Op::SyncDir, &[libc::EIO, libc::EMFILE]),
    (Op::Rename, &[libc::EIO, libc::ENOSPC]),
    (Op::Remove, &[libc::EIO, libc::EROFS]),
    (Op::List, &[libc::EIO, libc::EMFILE]),
    (Op::Lock, &[libc::EIO, libc::ENOLCK]),
    (Op::Map, &[libc::ENOMEM]),
    (Op::Ask, &[libc::EIO]),
];

/// How it goes on once the fault is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Beside whoever still has the directory open.
    Beside,
    /// After their death.
    Killed,
    /// After a power loss that leaves what was durable.
    PowerLoss,
}

const ENDINGS: [Then; 3] = [Then::Beside, Then::Killed, Then::PowerLoss];

/// One failing call.
#[derive(Debug, Clone, Copy)]
struct Case {
    op: Op,
    errno: i32,
    call: u64,
    sticky: bool,
    then: Then,
}

/// What users were told of one log.
#[derive(Default)]
struct Told {
    issued: usize,
    acked: BTreeMap<usize, Dlsn>,
    /// The errors said that these are not there.
    refused: BTreeSet<usize>,
    /// The highest point asked for, and the highest in force.
    truncating: Option<Dlsn>,
    truncated: Option<Dlsn>,
}

/// One run of the script.
struct Run {
    world: World,
    case: Case,
    told: Mutex<BTreeMap<&'static str, Told>>,
    errors: Mutex<u64>,
    processes: Mutex<Vec<ProcessHandle>>,
}

impl Run {
    /// Runs it; answers how many calls of the kind it made, and how many errors users saw.
    async fn of(case: Case) -> (u64, u64) {
        let world = World::new(case.call.wrapping_add(1));
        world.keep(if case.call.is_multiple_of(2) { Keep::Nothing } else { Keep::Some });
        let fault = Fault::new(case.op, case.errno).after(case.call);
        world.fail(if case.sticky { fault.always() } else { fault });
        let (told, errors, processes) = Default::default();
        let run = Self { world, case, told, errors, processes };
        let script = async {
            let left = run.script().await;
            let calls = run.world.calls(case.op);
            run.world.clear_faults();
            run.go_on(left).await;
            calls
        };
        let calls = tokio::time::timeout(Duration::from_secs(3_600), script).await;
        let calls = calls.unwrap_or_else(|_| panic!("{case:?} hangs"));
        (calls, run.errors.into_inner().unwrap())
    }

    /// What users do. Answers what is still open at the end.
    async fn script(&self) -> Vec<Namespace> {
        // Open, make, append, roll, truncate, close.
        let seams = self.process();
        if let Some(namespace) = self.open(&seams).await {
            for log in LOGS {
                self.twice("write", async || self.write(&namespace, log, 4, 70_000).await).await;
            }
            self.twice("large", async || self.write(&namespace, LOGS[0], 5, LARGE).await).await;
            self.twice("truncate", async || self.truncate(&namespace, LOGS[0]).await).await;
            self.once("close", namespace.close().await);
        }
        // Open again; another process takes a log over; both die with entries in their journals.
        let (two, three) = (self.process(), self.process());
        if let (Some(owner), Some(taker)) = (self.open(&two).await, self.open(&three).await) {
            self.take_over(&owner, &taker).await;
            self.twice("write", async || self.write(&owner, LOGS[1], 3, 100).await).await;
            self.kill_all();
        }
        // Replay, read, delete, and stay.
        let seams = self.process();
        let Some(namespace) = self.open(&seams).await else { return Vec::new() };
        for log in LOGS {
            self.twice("read", async || self.read(&namespace, log).await.map(drop)).await;
            self.twice("write", async || self.write(&namespace, log, 3, 100).await).await;
        }
        self.twice("delete", async || {
            let name = log_name("gone");
            match namespace.create_log(&name).await {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                result => result?,
            }
            match namespace.delete_log(&name).await {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                result => result,
            }
        })
        .await;
        vec![namespace]
    }

    fn process(&self) -> Seams {
        let (seams, process) = self.world.process();
        self.processes.lock().unwrap().push(process);
        seams
    }

    fn kill_all(&self) {
        self.processes.lock().unwrap().drain(..).for_each(|process| process.kill());
    }

    async fn open(&self, seams: &Seams) -> Option<Namespace> {
        self.twice("open", async || open(&self.world, seams).await).await
    }

    /// Appends through a new writer, which an error ends for good.
    async fn write(
        &self,
        namespace: &Namespace,
        log: &'static str,
        records: usize,
        size: usize,
    ) -> Result<()> {
        let writer = writer(namespace, log).await?;
        for _ in 0..records {
            let Err(error) = self.append(&writer, log, size).await else { continue };
            if error.kind() != ErrorKind::StorageFull {
                let next = self.append(&writer, log, 10).await;
                assert!(next.is_err(), "{:?}: acknowledged after {error:?}", self.case);
            }
            return Err(error);
        }
        writer.close().await
    }

    async fn append(&self, writer: &Writer, log: &'static str, size: usize) -> Result<()> {
        let number = {
            let mut told = self.told.lock().unwrap();
            let told = told.entry(log).or_default();
            told.issued += 1;
            told.issued - 1
        };
        let result = async { writer.append(payload(log, number, size)).await?.await }.await;
        let mut told = self.told.lock().unwrap();
        let told = told.get_mut(log).unwrap();
        match result {
            Ok(receipt) => {
                told.acked.insert(number, receipt.dlsn);
                Ok(())
            }
            Err(error) => {
                if !error.may_have_taken_effect() {
                    told.refused.insert(number);
                }
                Err(error)
            }
        }
    }

    async fn truncate(&self, namespace: &Namespace, log: &'static str) -> Result<()> {
        let middle = {
            let mut told = self.told.lock().unwrap();
            let told = told.entry(log).or_default();
            let Some(middle) = told.acked.values().nth(told.acked.len() / 2).copied() else { return Ok(()) };
            told.truncating = told.truncating.max(Some(middle));
            middle
        };
        let writer = writer(namespace, log).await?;
        let point = writer.truncate(middle).await?;
        let mut told = self.told.lock().unwrap();
        let told = told.get_mut(log).unwrap();
        told.truncated = told.truncated.max(Some(point));
        drop(writer);
        Ok(())
    }

    /// One process writes a log that another takes over: from then on the first is fenced.
    async fn take_over(&self, owner: &Namespace, taker: &Namespace) {
        let log = LOGS[0];
        let Some(old) = self.twice("writer", async || writer(owner, log).await).await else { return };
        let before = self.append(&old, log, 200).await;
        let new = self.twice("take over", async || {
            let new = writer(taker, log).await?;
            self.append(&new, log, 200).await.map(|()| new)
        });
        let new = new.await;
        self.once("append", before);
        if new.is_some() {
            let error = self.append(&old, log, 200).await.expect_err("a fenced writer acknowledges nothing");
            assert!(error.kind() == ErrorKind::Fenced || self.is_right(&error), "{:?}: {error:?}", self.case);
        }
    }

    /// Reads a log from its start, and compares.
    async fn read(&self, namespace: &Namespace, log: &'static str) -> Result<()> {
        if !namespace.log_exists(&log_name(log)).await? {
            let told = self.told.lock().unwrap();
            let none = told.get(log).is_none_or(|told| told.acked.is_empty());
            assert!(none, "{:?}: {log} is gone", self.case);
            return Ok(());
        }
        let options = ReaderOptions::default().on_truncated(OnTruncated::Skip);
        let mut reader = namespace.log(&log_name(log)).open_reader(options).await?;
        let mut read = Vec::new();
        while let Some(record) = reader.next().await? {
            read.push((record.dlsn, record.payload));
        }
        let told = self.told.lock().unwrap();
        let Some(told) = told.get(log) else { return Ok(()) };
        let first = read.first().map(|(dlsn, _)| *dlsn);
        let mut last = None;
        for (dlsn, bytes) in &read {
            let number =
                parse(bytes, log).unwrap_or_else(|| panic!("{:?}: {dlsn} was never written", self.case));
            let right = number < told.issued && last < Some(number) && !told.refused.contains(&number);
            assert!(right, "{:?}: {dlsn} is record {number} of {log}, after {last:?}", self.case);
            last = Some(number);
        }
        let cut = |dlsn: Dlsn| {
            first.is_some_and(|first| dlsn < first) && told.truncating.is_some_and(|point| dlsn < point)
        };
        for (number, dlsn) in told.acked.iter().filter(|(_, dlsn)| !cut(**dlsn)) {
            let there = read.iter().find(|(at, _)| at == dlsn).and_then(|(_, bytes)| parse(bytes, log));
            assert_eq!(there, Some(*number), "{:?}: acknowledged at {dlsn} of {log}", self.case);
        }
        let early = first.zip(told.truncated).is_some_and(|(first, point)| first < point);
        assert!(!early, "{:?}: {first:?} of {log} was truncated", self.case);
        Ok(())
    }

    /// The fault is gone.
    async fn go_on(&self, left: Vec<Namespace>) {
        for namespace in &left {
            for log in LOGS {
                self.write(namespace, log, 2, 100)
                    .await
                    .unwrap_or_else(|error| self.wrong("still open", &error));
            }
        }
        match self.case.then {
            Then::Beside => {}
            Then::Killed => self.kill_all(),
            Then::PowerLoss => self.world.power_loss(),
        }
        for power_lost_after in [true, false] {
            let (seams, _process) = self.world.process();
            let namespace = open(&self.world, &seams).await;
            let namespace = namespace.unwrap_or_else(|error| self.wrong("opening again", &error));
            for log in LOGS {
                let all = async {
                    self.read(&namespace, log).await?;
                    self.write(&namespace, log, 2, 100).await?;
                    self.read(&namespace, log).await
                };
                all.await.unwrap_or_else(|error| self.wrong(log, &error));
            }
            if power_lost_after {
                self.world.power_loss();
            } else {
                namespace.close().await.unwrap_or_else(|error| self.wrong("closing", &error));
            }
        }
    }

    /// Does something, and if it fails once more: a fault that struck once does not strike again.
    async fn twice<T>(&self, what: &str, work: impl AsyncFn() -> Result<T>) -> Option<T> {
        for again in [false, true] {
            let error = match work().await {
                Ok(done) => return Some(done),
                Err(error) => error,
            };
            assert!(self.is_right(&error), "{:?}: {what}: {error:?}", self.case);
            assert!(self.case.sticky || !again, "{:?}: {what} fails again: {error:?}", self.case);
            *self.errors.lock().unwrap() += 1;
        }
        None
    }

    fn once(&self, what: &str, result: Result<()>) {
        let Err(error) = result else { return };
        assert!(self.is_right(&error), "{:?}: {what}: {error:?}", self.case);
        *self.errors.lock().unwrap() += 1;
    }

    /// Whether an error is one that the fault may cause.
    fn is_right(&self, error: &Error) -> bool {
        let kind = match self.case.errno {
            libc::ENOSPC | libc::EDQUOT => ErrorKind::StorageFull,
            libc::EROFS => ErrorKind::PermissionDenied,
            _ => ErrorKind::Unavailable,
        };
        error.kind() == kind || error.kind() == ErrorKind::Unavailable
    }

    fn wrong(&self, what: &str, error: &Error) -> ! {
        let story = self.world.story();
        let tail = story[story.len().saturating_sub(40)..].join("\n");
        panic!("{:?}: {what}, without the fault: {error:?}\n{tail}", self.case)
    }
}

async fn open(world: &World, seams: &Seams) -> Result<Namespace> {
    let uri = format!("file://{}?journal_bytes=4MiB", world.root().join("ns").display());
    Namespace::open_with(&uri, Options::default(), seams.clone()).await
}

async fn writer(namespace: &Namespace, log: &str) -> Result<Writer> {
    let options = WriterOptions::default().create_log(true).roll_bytes(128 << 10);
    namespace.log(&log_name(log)).open_writer(options).await
}

fn log_name(name: &str) -> LogName {
    LogName::new(name).unwrap()
}

fn payload(log: &str, number: usize, size: usize) -> Vec<u8> {
    let mut payload = format!("{log} {number} ").into_bytes();
    payload.resize(payload.len().max(size), b'.');
    payload
}

/// The number of a record, if it is as it was written.
fn parse(bytes: &[u8], log: &str) -> Option<usize> {
    let text = std::str::from_utf8(bytes).ok()?;
    let number = text.strip_prefix(log)?.strip_prefix(' ')?.split(' ').next()?.parse().ok()?;
    (payload(log, number, bytes.len()) == bytes).then_some(number)
}

/// Which calls to try: `None` for all.
fn wanted() -> Option<u64> {
    match std::env::var("DL_FAULT_CALLS") {
        Ok(text) if text == "all" => None,
        Ok(text) => Some(text.parse().unwrap()),
        Err(_) => Some(2),
    }
}

/// Sweeps one kind of call. Each case has a world and a runtime of its own, so that several go at once.
fn sweep(op: Op) {
    let (_, errors) = FAULTS.iter().find(|(of, _)| *of == op).unwrap();
    let calls = calls(op);
    let step = wanted().map_or(1, |wanted| calls.div_ceil(wanted).max(1));
    let mut cases = Vec::new();
    for (at, call) in (0..calls).step_by(step as usize).enumerate() {
        for (number, errno) in errors.iter().enumerate() {
            for sticky in [false, true] {
                let some = [ENDINGS[(at + number + usize::from(sticky)) % ENDINGS.len()]];
                let endings = if wanted().is_none() { &ENDINGS[..] } else { &some };
                cases.extend(endings.iter().map(|then| Case {
                    op,
                    errno: *errno,
                    call,
                    sticky,
                    then: *then,
                }));
            }
        }
    }
    let total = cases.len();
    let queue = Arc::new(Mutex::new(cases));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let (struck, seen) = std::thread::scope(|scope| {
        let work = || {
            let (mut struck, mut seen) = (0, 0);
            loop {
                let case = queue.lock().unwrap().pop();
                let Some(case) = case else { return (struck, seen) };
                let (calls, errors) = paused().block_on(Run::of(case));
                struck += u64::from(calls > case.call);
                seen += errors;
            }
        };
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    });
    println!(
        "{op:?}: {total} runs, a call failed in {struck}, users saw {seen} errors; nothing lost, nothing invented"
    );
    assert!(struck > 0, "no call of this kind failed");
}

/// How many calls of this kind the script makes.
fn calls(op: Op) -> u64 {
    let never = Case { op, errno: libc::EIO, call: u64::MAX, sticky: false, then: Then::Beside };
    let (calls, errors) = paused().block_on(Run::of(never));
    assert_eq!(errors, 0, "nothing fails without a fault");
    calls
}

fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

#[test]
fn soak_faults_opening_a_file_fails() {
    sweep(Op::Open);
}

#[test]
fn soak_faults_making_a_file_fails() {
    sweep(Op::Create);
}

#[test]
fn soak_faults_making_a_folder_fails() {
    sweep(Op::CreateDir);
}

#[test]
fn soak_faults_reading_fails() {
    sweep(Op::Read);
}

#[test]
fn soak_faults_writing_fails() {
    sweep(Op::Write);
}

#[test]
fn soak_faults_syncing_a_file_fails() {
    sweep(Op::Sync);
}

#[test]
fn soak_faults_syncing_a_folder_fails() {
    sweep(Op::SyncDir);
}

#[test]
fn soak_faults_renaming_fails() {
    sweep(Op::Rename);
}

#[test]
fn soak_faults_removing_fails() {
    sweep(Op::Remove);
}

#[test]
fn soak_faults_listing_fails() {
    sweep(Op::List);
}

#[test]
fn soak_faults_locking_fails() {
    sweep(Op::Lock);
}

#[test]
fn soak_faults_mapping_fails() {
    sweep(Op::Map);
}

#[test]
fn soak_faults_asking_fails() {
    sweep(Op::Ask);
}
