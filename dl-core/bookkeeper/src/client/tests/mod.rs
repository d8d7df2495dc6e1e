//! Whole clients over bookies in memory.

mod closing;
mod greeting;
mod readers;
mod writers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;

use super::cluster::Cluster;
use super::post::{Done, Transport};
use super::*;
use crate::cluster::{MemoryCluster, Version, Watch, Written};
use crate::ledger::sim::{FakeBookie, Reaction};
use crate::metadata::LedgerState;
use crate::protocol::Request;
use crate::types::{BookieId, EntryId, Quorum};

/// Bookies in memory, which sync at once.
#[derive(Default)]
struct Fakes(Mutex<State>);

#[derive(Default)]
struct State {
    bookies: BTreeMap<BookieId, FakeBookie>,
    waiting: BTreeMap<usize, Done>,
    next: usize,
    /// Bookies that keep what they get and answer when they are thawed.
    frozen: BTreeSet<BookieId>,
    kept: Vec<(BookieId, Request, Done)>,
    /// Bookies that let nobody in.
    refusing: BTreeSet<BookieId>,
    demanding: BTreeSet<BookieId>,
    /// How many requests for entries were sent.
    fetches: usize,
}

impl Transport for Fakes {
    fn submit(&self, to: &BookieId, request: &Request, done: Done) {
        let mut state = self.0.lock().unwrap();
        state.fetches += usize::from(matches!(request, Request::Read(_) | Request::BatchRead(_)));
        if state.frozen.contains(to) {
            state.kept.push((to.clone(), request.clone(), done));
            return;
        }
        let answers = state.serve(to, request, done);
        drop(state);
        answers.into_iter().for_each(|(done, answer)| done(answer));
    }
}

impl State {
    fn serve(
        &mut self,
        to: &BookieId,
        request: &Request,
        done: Done,
    ) -> Vec<(Done, Result<crate::protocol::Response>)> {
        if self.refusing.contains(to) {
            return vec![(done, Err(Error::new(ErrorKind::Security, "no TLS with it")))];
        }
        if self.demanding.contains(to) {
            return vec![(done, Err(crate::protocol::Status::Unauthorized.to_error()))];
        }
        let Some(bookie) = self.bookies.get_mut(to).filter(|bookie| bookie.up) else {
            return vec![(done, Err(Error::new(ErrorKind::Unavailable, "the bookie is down")))];
        };
        let call = self.next;
        self.next += 1;
        let mut answers = Vec::new();
        match bookie.handle(call, request) {
            Reaction::Answer(answer) => answers.push((done, answer)),
            Reaction::Later => {
                self.waiting.insert(call, done);
            }
        }
        for (call, answer) in bookie.sync().into_iter().chain(bookie.answer_polls(false)) {
            answers.extend(self.waiting.remove(&call).map(|done| (done, answer)));
        }
        answers
    }
}

pub(super) struct World {
    pub(super) metadata: Arc<MemoryCluster>,
    fakes: Arc<Fakes>,
    pub(super) client: BookKeeper,
}

impl World {
    pub(super) async fn new(bookies: usize) -> Self {
        Self::with(bookies, ClientOptions::default()).await
    }

    async fn with(bookies: usize, options: ClientOptions) -> Self {
        let (metadata, fakes) = (Arc::new(MemoryCluster::new()), Arc::new(Fakes::default()));
        for id in crate::ledger::testing::bookies(0..bookies) {
            metadata.register(id.clone(), "nowhere:1", true);
            fakes.0.lock().unwrap().bookies.insert(id, FakeBookie::new(true));
        }
        let client = Self::client(&metadata, &fakes, options).await;
        Self { metadata, fakes, client }
    }

    async fn client(metadata: &Arc<MemoryCluster>, fakes: &Arc<Fakes>, options: ClientOptions) -> BookKeeper {
        let seams = Seams::system();
        let cluster = Cluster::over(metadata.clone(), metadata.clone(), fakes.clone(), options, seams);
        BookKeeper(cluster.await.unwrap())
    }

    /// Another process.
    async fn other(&self) -> BookKeeper {
        Self::client(&self.metadata, &self.fakes, ClientOptions::default()).await
    }

    pub(super) fn kill(&self, id: &BookieId) {
        self.fakes.0.lock().unwrap().bookies.get_mut(id).unwrap().crash();
    }

    /// Has a bookie hold something else as this entry.
    pub(super) fn damage(&self, id: &BookieId, entry: u64) {
        assert!(self.fakes.0.lock().unwrap().bookies.get_mut(id).unwrap().damage(entry));
    }

    /// Has a bookie lose an entry.
    pub(super) fn forget(&self, id: &BookieId, entry: u64) {
        self.fakes.0.lock().unwrap().bookies.get_mut(id).unwrap().forget(entry);
    }

    pub(super) fn revive(&self, id: &BookieId) {
        self.fakes.0.lock().unwrap().bookies.get_mut(id).unwrap().up = true;
    }

    fn refuse(&self, ids: &[BookieId]) {
        self.fakes.0.lock().unwrap().refusing.extend(ids.iter().cloned());
    }

    /// Has bookies want a name and a password.
    fn demand_names(&self, ids: &[BookieId]) {
        self.fakes.0.lock().unwrap().demanding.extend(ids.iter().cloned());
    }

    fn freeze(&self, ids: &[BookieId]) {
        self.fakes.0.lock().unwrap().frozen.extend(ids.iter().cloned());
    }

    /// What a frozen bookie was asked ends as if it had been silent for too long; answers how much that was.
    fn lose_patience(&self) -> usize {
        let kept = std::mem::take(&mut self.fakes.0.lock().unwrap().kept);
        let silent = || Err(Error::new(ErrorKind::Unavailable, "the bookie has been silent for too long"));
        kept.into_iter().map(|(_, _, done)| done(silent())).count()
    }

    fn fetches(&self) -> usize {
        self.fakes.0.lock().unwrap().fetches
    }

    fn thaw(&self) {
        let mut state = self.fakes.0.lock().unwrap();
        state.frozen.clear();
        let kept = std::mem::take(&mut state.kept);
        let served: Vec<_> =
            kept.into_iter().flat_map(|(to, request, done)| state.serve(&to, &request, done)).collect();
        drop(state);
        served.into_iter().for_each(|(done, answer)| done(answer));
    }
}

pub(super) fn three() -> CreateOptions {
    CreateOptions::new(Quorum::new(3, 3, 2).unwrap(), "secret")
}

pub(super) fn payload(number: u64) -> Bytes {
    Bytes::from(format!("entry {number}"))
}

pub(super) fn id(number: u64) -> EntryId {
    EntryId::new(number as i64).unwrap()
}

pub(super) async fn append(writer: &LedgerWriter, numbers: std::ops::Range<u64>) {
    let mut tickets = Vec::new();
    for number in numbers.clone() {
        tickets.push(writer.append(payload(number)).await.unwrap());
    }
    for (number, ticket) in numbers.zip(tickets) {
        assert_eq!(ticket.await.unwrap(), id(number));
    }
}

async fn read(reader: &LedgerReader, from: u64, to: u64) -> Vec<Bytes> {
    let mut found = Vec::new();
    while (found.len() as u64) < to - from {
        let next = id(from + found.len() as u64);
        let entries = reader.read(next, id(to - 1), 1 << 20).await.unwrap();
        assert!(!entries.is_empty());
        found.extend(entries.into_iter().map(|entry| entry.payload));
    }
    found
}
