//! A simulated world, in which engine and drivers run as they do in the real one, and everything can go wrong.
//!
//! A [`World`] is one machine: a disk, a page cache over it, shared words, locks, clocks, and processes. All runs on
//! the test's tokio runtime, which is to be current-thread and paused (`#[tokio::test(start_paused = true)]`). A seed
//! decides everything that chance decides: what a power loss leaves, where a write is cut, in which order tasks run.
//! One seed gives one run, as long as the code under test takes time and randomness from its seams and uses
//! `tokio::select!` with `biased`.
//!
//! Tasks take turns at their await points only: between two calls on files without one, nothing happens elsewhere,
//! but for what a test asked for with [`World::before`] and [`World::after`]. A boundary has one plan: the last given.

mod clock;
mod data;
mod disk;
mod fault;
mod files;
mod machine;
mod process;
mod random;
mod words;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;

use self::files::SimFiles;
use self::machine::{Plan, Shared};
use self::process::{Process, SimTasks};
use self::random::{Rng, SimRandom};
use crate::seams::{Clock, FileSystem, Seams};

pub use fault::{Fault, Op};
pub use process::{Killed, ProcessHandle};

/// The directory that is there from the beginning.
const ROOT: &str = "/sim";

/// The number of the first process.
const FIRST_PROCESS: u32 = 1000;

/// What a power loss leaves of that which was not durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Some of it, as the seed decides: sectors, sizes and names, each for itself.
    Some,
    /// Nothing.
    Nothing,
    /// All of it.
    All,
}

/// What ends at a planned crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Machine,
    Process,
}

/// A simulated machine with all that runs on it. Clones are the same world.
#[derive(Clone)]
pub struct World {
    shared: Arc<Shared>,
    seed: u64,
    processes: Arc<Mutex<u32>>,
}

impl World {
    /// A new world, switched on, with an empty disk.
    ///
    /// # Panics
    /// Panics outside of a tokio runtime.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // Fails early, where the mistake is.
        let _inside = Handle::current();
        Self { shared: Arc::new(Shared::new(seed)), seed, processes: Arc::default() }
    }

    /// A directory that exists and is durable.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        PathBuf::from(ROOT)
    }

    /// Starts a process.
    ///
    /// # Panics
    /// Panics outside of a tokio runtime.
    #[must_use]
    pub fn process(&self) -> (Seams, ProcessHandle) {
        let number = {
            let mut processes = self.processes.lock().expect("nothing panics while it is locked");
            *processes += 1;
            *processes
        };
        let id = FIRST_PROCESS + number;
        let order = Rng::new(self.seed, u64::from(number) << 1);
        let random = Rng::new(self.seed, u64::from(number) << 1 | 1);
        let shared = Arc::clone(&self.shared);
        let process = Arc::new(Process::new(shared, Handle::current(), id, u64::from(number) * 100, order));
        self.shared.machine().processes.insert(id, Arc::downgrade(&process));
        let seams = Seams {
            clock: Arc::clone(&self.shared.clock) as Arc<dyn Clock>,
            random: Arc::new(SimRandom(Mutex::new(random))),
            tasks: Arc::new(SimTasks(Arc::clone(&process))),
            files: Arc::new(SimFiles(Arc::clone(&process))),
        };
        (seams, ProcessHandle(process))
    }

    /// The machine loses power and is switched on again: all processes are dead, locks and shared words are gone,
    /// and of what was not durable there is what [`Keep`] says.
    pub fn power_loss(&self) {
        let dead = self.shared.machine().lose_power();
        dead.iter().for_each(|process| process.bury());
        self.shared.machine().is_on = true;
    }

    /// Switches the machine on after [`crash_at`](Self::crash_at) has struck; a machine that is on loses power first.
    pub fn restart(&self) {
        if self.is_on() {
            self.power_loss();
        }
        self.shared.machine().is_on = true;
    }

    /// Whether the machine has power.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.shared.machine().is_on
    }

    /// What power losses leave from now on; at first [`Keep::Some`].
    pub fn keep(&self, keep: Keep) {
        self.shared.machine().keep = keep;
    }

    /// How many boundaries there were: every write, sync, directory sync, rename, removal, and making of a file or
    /// directory is one, numbered from 0.
    #[must_use]
    pub fn boundaries(&self) -> u64 {
        self.shared.machine().boundaries
    }

    /// Power fails at this boundary, before, in the middle of or just after what it is. Then every call on files
    /// fails until [`restart`](Self::restart).
    pub fn crash_at(&self, boundary: u64) {
        self.shared.machine().plans.insert(boundary, Plan::Crash(Victim::Machine));
    }

    /// The process that gets to this boundary is killed there, before, in the middle of or just after what it is.
    pub fn kill_at(&self, boundary: u64) {
        self.shared.machine().plans.insert(boundary, Plan::Crash(Victim::Process));
    }

    /// Does something just before this boundary, while the process that gets there does nothing.
    ///
    /// It is called in the middle of the code under test: it must not use handles of that process.
    pub fn before(&self, boundary: u64, action: impl FnOnce() + Send + 'static) {
        self.shared.machine().plans.insert(boundary, Plan::Before(Box::new(action)));
    }

    /// Does something just after this boundary, before the call returns to the process that made it.
    ///
    /// As with [`before`](Self::before), it must not use handles of that process.
    pub fn after(&self, boundary: u64, action: impl FnOnce() + Send + 'static) {
        self.shared.machine().plans.insert(boundary, Plan::After(Box::new(action)));
    }

    /// The last boundaries in words, a line each, with number, process, what it was, and where.
    #[must_use]
    pub fn story(&self) -> Vec<String> {
        self.shared.machine().story.iter().cloned().collect()
    }

    /// A checksum of all boundaries and all that was written: the same for two runs that are the same.
    #[must_use]
    pub fn digest(&self) -> u32 {
        self.shared.machine().digest
    }

    /// Adds a fault; of several that fit a call, the first strikes.
    pub fn fail(&self, fault: Fault) {
        self.shared.machine().faults.push(fault);
    }

    /// How many calls of this kind there were.
    #[must_use]
    pub fn calls(&self, op: Op) -> u64 {
        self.shared.machine().calls.get(&op).copied().unwrap_or(0)
    }

    /// Forgets the crashes and actions planned for boundaries to come.
    pub fn clear_plans(&self) {
        self.shared.machine().plans.clear();
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.shared.machine().faults.clear();
    }

    /// The system writes a file back on its own and fails: a random part gets to the disk and none of the rest ever
    /// will. The next sync through each open descriptor tells of it, once.
    ///
    /// # Panics
    /// Panics if there is no such file.
    pub fn fail_write_back(&self, path: &Path) {
        let mut machine = self.shared.machine();
        let machine = &mut *machine;
        let node = machine.disk.find(path).expect("the test names a file that is there");
        let file = machine.disk.file(node).expect("the test names a file");
        file.data.fail_to_sync(&mut machine.rng);
        file.failures += 1;
        file.reported = false;
    }

    /// How many bytes of data the disk has room for; without a limit at first.
    pub fn limit_disk(&self, bytes: Option<u64>) {
        self.shared.machine().disk.limit = bytes;
    }

    /// What kind of file system the disk is said to hold.
    pub fn set_file_system(&self, kind: FileSystem) {
        self.shared.machine().file_system = kind;
    }

    /// All files that have a name, in order.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        self.shared.machine().disk.files()
    }

    /// What readers of a file see.
    ///
    /// # Panics
    /// Panics if there is no such file.
    #[must_use]
    pub fn content(&self, path: &Path) -> Vec<u8> {
        let mut machine = self.shared.machine();
        let node = machine.disk.find(path).expect("the test names a file that is there");
        let data = &mut machine.disk.file(node).expect("the test names a file").data;
        let mut content = vec![0; data.len()];
        let read = data.read(&mut content, 0);
        content.truncate(read);
        content
    }

    /// Flips the bits of `mask` in one byte of a file, on the disk and in the page cache. Answers whether the file is
    /// that long.
    ///
    /// # Panics
    /// Panics if there is no such file.
    #[must_use]
    pub fn damage(&self, path: &Path, offset: u64, mask: u8) -> bool {
        let mut machine = self.shared.machine();
        let node = machine.disk.find(path).expect("the test names a file that is there");
        machine.disk.file(node).expect("the test names a file").data.damage(offset, mask)
    }

    /// Steps the wall clock, forth or back.
    pub fn step_wall_clock(&self, by_ms: i64) {
        self.shared.clock.step(by_ms);
    }

    /// Whether tasks are put off at random, which is so at first. Without it they run in the order they were woken.
    pub fn shuffle(&self, shuffle: bool) {
        self.shared.set_shuffle(shuffle);
    }
}

#[cfg(test)]
mod tests;
