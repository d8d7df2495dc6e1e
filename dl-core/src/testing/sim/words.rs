//! Shared words of a simulated machine.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::clock::at_most;
use super::process::Process;
use crate::seams::{BoxFuture, Words};

/// A wait ends after this long, as the real one does.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Words that all processes share.
pub(super) struct Region {
    pub(super) words: Vec<AtomicU64>,
    bells: Mutex<BTreeMap<usize, Arc<Notify>>>,
}

impl Region {
    pub(super) fn new(words: usize) -> Self {
        Self { words: (0..words).map(|_| AtomicU64::new(0)).collect(), bells: Mutex::default() }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.words.len() as u64 * 8
    }

    pub(super) fn values(&self) -> impl Iterator<Item = u64> {
        self.words.iter().map(|word| word.load(Ordering::Acquire))
    }

    /// Takes the words from what the file holds from `begin` on.
    pub(super) fn load_from(&self, file: &[u8], begin: usize) {
        let bytes = file.get(begin..).unwrap_or_default();
        for (word, bytes) in self.words.iter().zip(bytes.as_chunks().0) {
            word.store(u64::from_ne_bytes(*bytes), Ordering::Release);
        }
    }

    fn bell(&self, index: usize) -> Arc<Notify> {
        Arc::clone(self.bells.lock().unwrap_or_else(PoisonError::into_inner).entry(index).or_default())
    }
}

/// Words as one process maps them.
pub(super) struct SimWords {
    process: Arc<Process>,
    region: Arc<Region>,
    count: usize,
    /// What a dead process sees: nothing that its remains do may reach the living.
    grave: OnceLock<Vec<AtomicU64>>,
}

impl SimWords {
    pub(super) fn new(process: Arc<Process>, region: Arc<Region>, count: usize) -> Self {
        Self { process, region, count, grave: OnceLock::new() }
    }
}

impl Words for SimWords {
    fn words(&self) -> &[AtomicU64] {
        if self.process.is_alive() {
            return &self.region.words[..self.count];
        }
        self.grave.get_or_init(|| self.region.values().take(self.count).map(AtomicU64::new).collect())
    }

    fn wake(&self, index: usize) {
        if self.process.is_alive() {
            self.region.bell(index).notify_waiters();
        }
    }

    fn wait(&self, index: usize, seen: u32) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let bell = self.region.bell(index);
            let mut rung = std::pin::pin!(bell.notified());
            // From here on a wake counts: nothing is missed between the look at the word and the wait.
            rung.as_mut().enable();
            if self.words()[index].load(Ordering::Acquire) as u32 == seen {
                at_most(LONGEST_WAIT, rung).await;
            }
        })
    }
}
