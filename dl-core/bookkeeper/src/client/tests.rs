//! Whole clients over bookies in memory.

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
}

impl Transport for Fakes {
    fn submit(&self, to: &BookieId, request: &Request, done: Done) {
        let mut state = self.0.lock().unwrap();
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

struct World {
    metadata: Arc<MemoryCluster>,
    fakes: Arc<Fakes>,
    client: BookKeeper,
}

impl World {
    async fn new(bookies: usize) -> Self {
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

    fn kill(&self, id: &BookieId) {
        self.fakes.0.lock().unwrap().bookies.get_mut(id).unwrap().crash();
    }

    fn revive(&self, id: &BookieId) {
        self.fakes.0.lock().unwrap().bookies.get_mut(id).unwrap().up = true;
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

fn three() -> CreateOptions {
    CreateOptions::new(Quorum::new(3, 3, 2).unwrap(), "secret")
}

fn payload(number: u64) -> Bytes {
    Bytes::from(format!("entry {number}"))
}

fn id(number: u64) -> EntryId {
    EntryId::new(number as i64).unwrap()
}

async fn append(writer: &LedgerWriter, numbers: std::ops::Range<u64>) {
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

#[tokio::test]
async fn what_was_written_is_read_back() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    let ledger = writer.id();
    append(&writer, 0..100).await;
    assert_eq!(writer.close().await.unwrap(), Some(id(99)));
    let reader = world.other().await.open(ledger, b"secret").await.unwrap();
    assert_eq!(reader.known(), Confirmed { last: Some(id(99)), closed: true });
    assert_eq!(read(&reader, 0, 100).await, (0..100).map(payload).collect::<Vec<_>>());
    assert_eq!(world.client.list(None, 10).await.unwrap(), [ledger]);
    world.client.delete(ledger).await.unwrap();
    assert_eq!(world.client.metadata(ledger).await.unwrap_err().kind(), ErrorKind::NoSuchLedger);
}

#[tokio::test]
async fn opening_a_ledger_cuts_its_writer_off() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    append(&writer, 0..3).await;
    let reader = world.other().await.open(writer.id(), b"secret").await.unwrap();
    assert_eq!(reader.known(), Confirmed { last: Some(id(2)), closed: true });
    let error = match writer.append(payload(3)).await {
        Ok(ticket) => ticket.await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::LedgerFenced);
    assert_eq!(writer.close().await.unwrap_err().kind(), ErrorKind::LedgerFenced);
}

#[tokio::test]
async fn a_writer_hears_of_a_recovery_that_its_bookies_forgot() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    append(&writer, 0..1).await;
    let known = world.client.metadata(writer.id()).await.unwrap();
    let mut metadata = LedgerMetadata::clone(&known.metadata);
    metadata.state = LedgerState::InRecovery;
    let written = LedgerStore::write(&*world.metadata, writer.id(), &metadata, known.version).await.unwrap();
    assert!(matches!(written, Written::Done(_)));
    writer.0.wait_until_failed().await;
    assert_eq!(writer.try_append(payload(1)).unwrap_err().kind(), ErrorKind::LedgerFenced);
}

#[tokio::test]
async fn a_reader_follows_the_writer_to_the_end() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    let reader = world.other().await.open_without_recovery(writer.id(), b"secret").await.unwrap();
    append(&writer, 0..2).await;
    let confirmed = reader.wait(None).await.unwrap();
    assert_eq!(confirmed, Confirmed { last: Some(id(0)), closed: false }, "entry 1 brought the LAC along");
    assert_eq!(read(&reader, 0, 1).await, [payload(0)]);
    let (confirmed, ()) = tokio::join!(reader.wait(Some(id(0))), async { writer.publish() });
    assert_eq!(confirmed.unwrap().last, Some(id(1)));
    assert_eq!(read(&reader, 0, 2).await, [payload(0), payload(1)]);
    let (end, closed) = tokio::join!(reader.wait(Some(id(1))), writer.close());
    assert_eq!(closed.unwrap(), Some(id(1)));
    assert_eq!(end.unwrap(), Confirmed { last: Some(id(1)), closed: true });
}

#[tokio::test]
async fn a_bookie_that_comes_back_while_another_is_silent_is_asked_again() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    append(&writer, 0..2).await;
    let reader = world.other().await.open_without_recovery(writer.id(), b"secret").await.unwrap();
    let bookies = reader.metadata().metadata.last_ensemble().1.to_vec();
    for entries in [false, true] {
        world.kill(&bookies[0]);
        world.freeze(&bookies[1..if entries { 3 } else { 2 }]);
        let look = async {
            if entries { read(&reader, 0, 1).await.len() } else { reader.refresh().await.map(|_| 1).unwrap() }
        };
        // When this is polled first, one has refused and another is silent. What was asked again meets the same.
        let silence = async {
            assert_eq!(world.lose_patience(), 1);
            let mut lost = 1;
            loop {
                tokio::task::yield_now().await;
                lost += world.lose_patience();
                if lost > 3 {
                    world.revive(&bookies[0]);
                }
            }
        };
        let found: usize = tokio::select! { biased; found = look => found, () = silence => 0 };
        assert_eq!(found, 1);
        world.thaw();
    }
}

#[tokio::test]
async fn who_looks_anew_sees_the_end_and_the_length() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    let other = world.other().await;
    let reader = other.open_without_recovery(writer.id(), b"secret").await.unwrap();
    append(&writer, 0..3).await;
    let length: u64 = (0..3).map(|number| payload(number).len() as u64).sum();
    assert_eq!(reader.refresh().await.unwrap(), Confirmed { last: Some(id(1)), closed: false });
    assert_eq!(reader.length().await.unwrap(), length, "with the entry that is not confirmed yet");
    writer.close().await.unwrap();
    assert_eq!(reader.refresh().await.unwrap(), Confirmed { last: Some(id(2)), closed: true });
    assert_eq!(reader.length().await.unwrap(), length);
    assert_eq!(read(&reader, 0, 3).await, [payload(0), payload(1), payload(2)]);
    assert!(reader.wait(Some(id(2))).await.unwrap().closed);
    other.delete(writer.id()).await.unwrap();
    assert_eq!(reader.refresh().await.unwrap_err().kind(), ErrorKind::NoSuchLedger);
}

#[tokio::test]
async fn a_dead_bookie_is_replaced_and_nothing_is_lost() {
    let world = World::new(4).await;
    let writer = world.client.create(three()).await.unwrap();
    let ledger = writer.id();
    append(&writer, 0..10).await;
    let known = world.client.metadata(ledger).await.unwrap();
    let members = known.metadata.last_ensemble().1;
    world.kill(&members[1]);
    append(&writer, 10..20).await;
    writer.close().await.unwrap();
    let reader = world.other().await.open(ledger, b"secret").await.unwrap();
    let metadata = reader.metadata().metadata;
    assert!(!metadata.last_ensemble().1.contains(&members[1]), "{metadata:?}");
    assert_eq!(read(&reader, 0, 20).await, (0..20).map(payload).collect::<Vec<_>>());
}

#[tokio::test]
async fn with_three_bookies_a_ledger_goes_on_without_one_and_is_recovered_without_one() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    world.kill(&crate::ledger::testing::bookies(0..1)[0]);
    append(&writer, 0..10).await;
    let reader = world.other().await.open(writer.id(), b"secret").await.unwrap();
    assert_eq!(read(&reader, 0, 10).await, (0..10).map(payload).collect::<Vec<_>>());
}

#[tokio::test]
async fn appends_wait_for_room() {
    let mut options = ClientOptions::default();
    options.writer.entries_in_flight = 2;
    let world = World::with(3, options).await;
    let writer = world.client.create(three()).await.unwrap();
    let ids = crate::ledger::testing::bookies(0..3);
    world.freeze(&ids);
    let first = writer.append(payload(0)).await.unwrap();
    let second = writer.append(payload(1)).await.unwrap();
    assert_eq!(writer.try_append(payload(2)).unwrap_err().kind(), ErrorKind::Busy);
    let (third, ()) = tokio::join!(writer.append(payload(2)), async { world.thaw() });
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (id(0), id(1)));
    assert_eq!(third.unwrap().await.unwrap(), id(2));
}

#[tokio::test]
async fn a_dropped_writer_settles_its_tickets_and_leaves_the_ledger_to_be_recovered() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    let ledger = writer.id();
    append(&writer, 0..2).await;
    world.freeze(&crate::ledger::testing::bookies(0..3));
    let ticket = writer.append(payload(2)).await.unwrap();
    drop(writer);
    assert_eq!(ticket.await.unwrap_err().kind(), ErrorKind::Closed);
    world.thaw();
    let reader = world.client.open(ledger, b"secret").await.unwrap();
    assert_eq!(reader.known().last, Some(id(2)), "it was on its way");
}

#[tokio::test]
async fn errors_say_what_is_wrong() {
    let world = World::new(2).await;
    let error = world.client.create(three()).await.map(|writer| writer.id()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotEnoughBookies);
    let options = CreateOptions::new(Quorum::new(2, 2, 2).unwrap(), "secret");
    let writer = world.client.create(options).await.unwrap();
    let wrong = world.client.open(writer.id(), b"guess").await.map(|reader| reader.id()).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Unauthorized);
    let nowhere = LedgerId::new(99).unwrap();
    let gone = world.client.open(nowhere, b"secret").await.map(|reader| reader.id()).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NoSuchLedger);
}

/// A metadata store that fails the next read, or never ends it, when it is told to.
struct Failing {
    store: Arc<MemoryCluster>,
    fails: AtomicBool,
    hangs: AtomicBool,
}

#[async_trait]
impl LedgerStore for Failing {
    async fn new_id(&self) -> Result<LedgerId> {
        self.store.new_id().await
    }

    async fn create(&self, id: LedgerId, metadata: &LedgerMetadata) -> Result<Version> {
        self.store.create(id, metadata).await
    }

    async fn read(&self, id: LedgerId) -> Result<Option<Versioned>> {
        if self.hangs.swap(false, Ordering::Relaxed) {
            return std::future::pending().await;
        }
        if self.fails.swap(false, Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::MetadataStore, "it does not answer"));
        }
        self.store.read(id).await
    }

    async fn write(&self, id: LedgerId, metadata: &LedgerMetadata, expected: Version) -> Result<Written> {
        self.store.write(id, metadata, expected).await
    }

    async fn delete(&self, id: LedgerId) -> Result<()> {
        self.store.delete(id).await
    }

    async fn list(&self, after: Option<LedgerId>, limit: usize) -> Result<Vec<LedgerId>> {
        self.store.list(after, limit).await
    }

    fn watch(&self, id: LedgerId) -> Result<Watch> {
        LedgerStore::watch(&*self.store, id)
    }
}

#[tokio::test]
async fn news_of_the_metadata_is_not_lost_when_the_store_fails_or_the_call_is_dropped() {
    let world = World::new(3).await;
    let (fails, hangs) = (AtomicBool::new(false), AtomicBool::new(false));
    let store = Arc::new(Failing { store: world.metadata.clone(), fails, hangs });
    let options = ClientOptions::default();
    let seams = Seams::system();
    let cluster =
        Cluster::over(store.clone(), world.metadata.clone(), world.fakes.clone(), options, seams).await;
    let client = BookKeeper(cluster.unwrap());
    let writer = world.client.create(three()).await.unwrap();
    append(&writer, 0..1).await;
    let reader = client.open_without_recovery(writer.id(), b"secret").await.unwrap();
    writer.close().await.unwrap();
    store.fails.store(true, Ordering::Relaxed);
    assert_eq!(reader.wait(Some(id(0))).await.unwrap_err().kind(), ErrorKind::MetadataStore);
    store.hangs.store(true, Ordering::Relaxed);
    let wait_once = async || {
        tokio::select! { biased; found = reader.wait(Some(id(0))) => Some(found.unwrap()), () = async {} => None }
    };
    assert_eq!(wait_once().await, None);
    assert!(!store.hangs.load(Ordering::Relaxed), "it was dropped while it read");
    assert_eq!(wait_once().await, Some(Confirmed { last: Some(id(0)), closed: true }));
}

/// What a writer's owner heard.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl WriterEvents for Heard {
    fn acknowledged(&self, last: EntryId) {
        self.0.lock().unwrap().push(format!("acknowledged {last}"));
    }

    fn failed(&self, from: EntryId, error: &Error) {
        self.0.lock().unwrap().push(format!("failed {from} {}", error.kind()));
    }
}

#[tokio::test]
async fn events_come_in_order_and_the_failure_once() {
    let world = World::new(3).await;
    let heard = Arc::new(Heard::default());
    let writer = world.client.create_with(three(), Some(heard.clone())).await.unwrap();
    assert_eq!(writer.append_quietly(payload(0)).unwrap(), id(0));
    assert_eq!(writer.append_quietly(payload(1)).unwrap(), id(1));
    world.other().await.recover(writer.id(), b"secret").await.unwrap();
    let refused = writer.append_quietly(payload(2)).err().map(|error| error.kind());
    assert!(refused.is_none_or(|kind| kind == ErrorKind::LedgerFenced));
    writer.0.wait_until_failed().await;
    assert_eq!(*heard.0.lock().unwrap(), ["acknowledged 0", "acknowledged 1", "failed 2 ledger-fenced"]);
}
