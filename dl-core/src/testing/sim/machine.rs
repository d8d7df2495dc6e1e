//! A simulated machine: what its processes share, and what is to happen to it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::clock::SimClock;
use super::disk::Disk;
use super::fault::{Fault, Op};
use super::process::Process;
use super::random::Rng;
use super::{Keep, Victim};
use crate::seams::{FileSystem, LockKind};

/// So many of the last boundaries are kept in words, to say what a crash at one of them cut.
const STORY_LINES: usize = 1000;

/// What all parts of a world share.
pub(super) struct Shared {
    pub(super) clock: Arc<SimClock>,
    machine: Mutex<Machine>,
    shuffle: AtomicBool,
}

impl Shared {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            clock: Arc::new(SimClock::new()),
            machine: Mutex::new(Machine::new(seed)),
            shuffle: AtomicBool::new(true),
        }
    }

    /// Never held across anything that is not the machine's own.
    pub(super) fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn shuffles(&self) -> bool {
        self.shuffle.load(Ordering::Acquire)
    }

    pub(super) fn set_shuffle(&self, shuffle: bool) {
        self.shuffle.store(shuffle, Ordering::Release);
    }
}

/// The machine. Every call on files passes through [`Process::call`].
pub(super) struct Machine {
    pub(super) rng: Rng,
    pub(super) disk: Disk,
    pub(super) open: BTreeMap<u64, Open>,
    next_open: u64,
    pub(super) processes: BTreeMap<u32, Weak<Process>>,
    pub(super) is_on: bool,
    pub(super) boots: u64,
    pub(super) keep: Keep,
    pub(super) file_system: FileSystem,
    pub(super) boundaries: u64,
    pub(super) plans: BTreeMap<u64, Plan>,
    pub(super) faults: Vec<Fault>,
    pub(super) calls: BTreeMap<Op, u64>,
    pub(super) story: VecDeque<String>,
    /// Of everything that happened at a boundary.
    pub(super) digest: u32,
}

/// What is to happen at a boundary.
pub(super) enum Plan {
    Crash(Victim),
    Before(Action),
    After(Action),
}

/// Something a test does in the middle of the code under test.
pub(super) type Action = Box<dyn FnOnce() + Send>;

/// An open file.
pub(super) struct Open {
    pub(super) node: u64,
    pub(super) process: u32,
    pub(super) writable: bool,
    pub(super) lock: Option<LockKind>,
    /// The failures to write the file back that it was told of.
    pub(super) failures_seen: u64,
}

/// How a call goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// Well.
    Whole,
    /// With this error.
    Fails(i32),
    /// Not to its end: the machine or the process ends first.
    Cut(Victim),
}

impl Machine {
    fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed, 0),
            disk: Disk::new(),
            open: BTreeMap::new(),
            next_open: 0,
            processes: BTreeMap::new(),
            is_on: true,
            boots: 0,
            keep: Keep::Some,
            file_system: FileSystem::Disk,
            boundaries: 0,
            plans: BTreeMap::new(),
            faults: Vec::new(),
            calls: BTreeMap::new(),
            story: VecDeque::new(),
            digest: 0,
        }
    }

    pub(super) fn add_open(&mut self, open: Open) -> u64 {
        self.next_open += 1;
        self.disk.count_open(open.node, true);
        self.open.insert(self.next_open, open);
        self.next_open
    }

    pub(super) fn close(&mut self, number: u64) {
        let Some(open) = self.open.remove(&number) else { return };
        self.disk.count_open(open.node, false);
        if let Ok(file) = self.disk.file(open.node)
            && file.opens == 0
            && self.rng.one_in(2)
        {
            // The system may forget a file that nobody has open, and with it that writing it back failed.
            file.reported = true;
        }
    }

    /// The process ends now; its tasks are dropped later.
    pub(super) fn end_process(&mut self, process: &Process) {
        process.die();
        let numbers: Vec<u64> = self
            .open
            .iter()
            .filter(|(_, open)| open.process == process.id)
            .map(|(number, _)| *number)
            .collect();
        numbers.into_iter().for_each(|number| self.close(number));
        self.processes.remove(&process.id);
    }

    /// Everything stops, and what was not durable is lost or not. Answers with the processes, for burial.
    pub(super) fn lose_power(&mut self) -> Vec<Arc<Process>> {
        let processes: Vec<_> =
            std::mem::take(&mut self.processes).values().filter_map(Weak::upgrade).collect();
        processes.iter().for_each(|process| process.die());
        self.open.clear();
        self.disk.lose_power(self.keep, &mut self.rng);
        self.is_on = false;
        self.boots += 1;
        processes
    }

    /// Adds to what the last boundary is said to be.
    pub(super) fn note_bytes(&mut self, offset: u64, bytes: &[u8]) {
        self.digest = crc32c::crc32c_append(self.digest, &offset.to_le_bytes());
        self.digest = crc32c::crc32c_append(self.digest, bytes);
        if let Some(line) = self.story.back_mut() {
            let _infallible = write!(line, " at {offset}, {} bytes", bytes.len());
        }
    }

    fn note(&mut self, process: u32, op: Op, path: &Path) {
        let mut line = String::new();
        // Writing to a string does not fail.
        let _infallible = write!(line, "{} p{process} {op:?} {}", self.boundaries, path.display());
        self.digest = crc32c::crc32c_append(self.digest, line.as_bytes());
        if self.story.len() == STORY_LINES {
            self.story.pop_front();
        }
        self.story.push_back(line);
    }
}

impl Process {
    /// Makes a call on files: `action` does as much of it as its course says.
    pub(super) fn call<T>(
        &self,
        op: Op,
        path: &Path,
        action: impl FnOnce(&mut Machine, Course) -> io::Result<T>,
    ) -> io::Result<T> {
        let (mut machine, course, after) = self.begin(op, path)?;
        let result = action(&mut machine, course);
        if let Some(after) = after {
            drop(machine);
            after();
            machine = self.machine_if_alive()?;
        }
        match course {
            Course::Whole => result,
            Course::Fails(errno) => Err(io::Error::from_raw_os_error(errno)),
            Course::Cut(Victim::Machine) => {
                // Their tasks end when they are polled: whoever calls may have locks that dropping them needs.
                let _buried_later = machine.lose_power();
                Err(dead())
            }
            Course::Cut(Victim::Process) => {
                machine.end_process(self);
                Err(dead())
            }
        }
    }

    /// Looks at the machine; nothing can happen meanwhile.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut Machine) -> io::Result<T>) -> io::Result<T> {
        look(&mut *self.machine_if_alive()?)
    }

    fn begin(&self, op: Op, path: &Path) -> io::Result<(MutexGuard<'_, Machine>, Course, Option<Action>)> {
        let mut machine = self.machine_if_alive()?;
        let mut after = None;
        *machine.calls.entry(op).or_default() += 1;
        if op.is_boundary() {
            machine.note(self.id, op, path);
            let number = machine.boundaries;
            machine.boundaries += 1;
            match machine.plans.remove(&number) {
                Some(Plan::Crash(victim)) => return Ok((machine, Course::Cut(victim), None)),
                Some(Plan::Before(action)) => {
                    drop(machine);
                    action();
                    machine = self.machine_if_alive()?;
                }
                Some(Plan::After(action)) => after = Some(action),
                None => {}
            }
        }
        let errno = machine.faults.iter_mut().find_map(|fault| fault.strike(op, path, self.id));
        Ok((machine, errno.map_or(Course::Whole, Course::Fails), after))
    }

    fn machine_if_alive(&self) -> io::Result<MutexGuard<'_, Machine>> {
        let machine = self.shared.machine();
        if self.is_alive() && machine.is_on { Ok(machine) } else { Err(dead()) }
    }
}

fn dead() -> io::Error {
    io::Error::other("the simulated process is dead")
}
