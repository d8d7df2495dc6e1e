use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::codec::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::adds::AddKind;
use crate::ledger::quorum::entries_to;
use crate::ledger::sim::{FakeBookie, Reaction};
use crate::ledger::testing::{access, bookies};
use crate::metadata::{LedgerMetadata, LedgerState};
use crate::protocol::{Request, Response};
use crate::types::{BookieId, DigestType, EntryId, Quorum};

/// Bookies with a ledger.
struct Cluster {
    metadata: Arc<LedgerMetadata>,
    bookies: Vec<FakeBookie>,
    /// Who does not answer at all, and who says that it is down.
    frozen: Vec<usize>,
    down: Vec<usize>,
    batches: bool,
    /// Who was asked for what: the entry, or `None` for a batch.
    asked: Vec<(usize, Option<i64>)>,
    /// What the reader has learned.
    replicas: Replicas,
}

impl Cluster {
    /// A ledger with so many entries, each carrying the LAC before it.
    fn new(quorum: (usize, usize, usize), entries: u64) -> Self {
        let quorum = Quorum::new(quorum.0, quorum.1, quorum.2).unwrap();
        let ids = bookies(0..quorum.ensemble());
        let metadata = LedgerMetadata::new(quorum, DigestType::Crc32c, Bytes::new(), ids).unwrap();
        let fakes = (0..quorum.ensemble()).map(|_| FakeBookie::new(true)).collect();
        let mut cluster = Self {
            metadata: Arc::new(metadata),
            bookies: fakes,
            frozen: Vec::new(),
            down: Vec::new(),
            batches: true,
            asked: Vec::new(),
            replicas: Replicas::default(),
        };
        (0..entries).for_each(|entry| cluster.add(entry));
        cluster
    }

    fn add(&mut self, entry: u64) {
        for place in crate::ledger::quorum::write_set(self.metadata.quorum, entry) {
            self.add_to(place, entry);
        }
    }

    fn add_to(&mut self, place: usize, entry: u64) {
        self.bookies[place].handle(0, &access().add(entry, body(entry, entry), AddKind::Plain));
        self.bookies[place].sync();
    }

    /// What a bookie answers, if it does.
    fn ask(&mut self, to: &BookieId, request: &Request) -> Option<Result<Response>> {
        let at = bookies(0..self.bookies.len()).iter().position(|id| id == to).unwrap();
        let entry = match request {
            Request::Read(read) => read.entry.map(EntryId::number),
            _ => None,
        };
        self.asked.push((at, entry));
        if self.frozen.contains(&at) {
            return None;
        }
        if self.down.contains(&at) {
            return Some(Err(Error::new(ErrorKind::Unavailable, "down")));
        }
        if matches!(request, Request::BatchRead(_)) && !self.batches {
            return Some(Err(Error::new(ErrorKind::Unsupported, "not in this version")));
        }
        match self.bookies[at].handle(0, request) {
            Reaction::Answer(answer) => Some(answer),
            Reaction::Later => None,
        }
    }

    fn read(
        &mut self,
        entries: std::ops::Range<u64>,
        bytes: usize,
        options: ReadOptions,
    ) -> (Vec<Entry>, Result<()>) {
        let (metadata, replicas) = (self.metadata.clone(), self.replicas.clone());
        let mut reading = Reading::new(access(), metadata, options, replicas, entries, bytes, 0).unwrap();
        let mut found = Vec::new();
        loop {
            match reading.poll() {
                Some(ReadingOutput::Send { to, token, request }) => {
                    if let Some(answer) = self.ask(&to, &request) {
                        reading.answer(token, answer);
                    }
                }
                Some(ReadingOutput::Entry(entry)) => found.push(entry),
                Some(ReadingOutput::Done(result)) => {
                    self.replicas = reading.into_replicas();
                    return (found, result);
                }
                None => reading.tick(reading.next_tick_ms().expect("it waits for something")),
            }
        }
    }
}

fn body(entry: u64, confirmed: u64) -> crate::protocol::EncodedEntry {
    access().seal(entry, confirmed, (entry + 1) * 100, payload(entry))
}

fn payload(entry: u64) -> Bytes {
    Bytes::from(vec![entry as u8; 100])
}

fn single() -> ReadOptions {
    ReadOptions { batches: false, ..ReadOptions::default() }
}

fn numbers(found: &[Entry]) -> Vec<u64> {
    assert!(found.iter().all(|entry| entry.payload == payload(entries_to(entry.id.previous()))));
    found.iter().map(|entry| entries_to(entry.id.previous())).collect()
}

#[test]
fn entries_are_read_in_order_from_wherever_they_are() {
    for quorum in [(1, 1, 1), (3, 3, 2), (5, 3, 2), (4, 2, 1)] {
        for options in [single(), ReadOptions::default(), ReadOptions { parallel: true, ..single() }] {
            let mut cluster = Cluster::new(quorum, 20);
            let (found, result) = cluster.read(3..20, 1 << 20, options);
            result.unwrap();
            assert_eq!(numbers(&found), (3..20).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_budget_bounds_what_is_read_but_one_entry_comes_always() {
    for options in [single(), ReadOptions::default()] {
        for (bytes, expected) in [(1, 1), (100, 1), (299, 2), (300, 3)] {
            let mut cluster = Cluster::new((3, 3, 2), 10);
            let (found, result) = cluster.read(0..10, bytes, options);
            result.unwrap();
            assert_eq!(found.len(), expected, "{bytes} bytes");
        }
    }
}

#[test]
fn one_request_brings_many_entries_where_every_bookie_has_all() {
    let mut cluster = Cluster::new((3, 3, 2), 50);
    cluster.read(0..50, 1 << 20, ReadOptions::default()).1.unwrap();
    assert_eq!(cluster.asked.len(), 1);
    let mut striped = Cluster::new((3, 2, 2), 50);
    striped.read(0..50, 1 << 20, ReadOptions::default()).1.unwrap();
    assert_eq!(striped.asked.len(), 50);
    let mut old = Cluster::new((3, 3, 2), 50);
    old.batches = false;
    let (found, result) = old.read(0..50, 1 << 20, ReadOptions::default());
    result.unwrap();
    assert_eq!((found.len(), old.asked.len()), (50, 51), "one by one after the refusal");
    for (reads, asked) in [(2, 51 * 3), (1, 51 * 3 + 50)] {
        (0..reads).for_each(|_| old.read(0..50, 1 << 20, ReadOptions::default()).1.unwrap());
        assert_eq!(old.asked.len(), asked, "it is tried three times");
    }
}

#[test]
fn a_reader_keeps_to_one_bookie_while_it_is_well() {
    let mut cluster = Cluster::new((3, 3, 2), 10);
    cluster.read(0..10, 1 << 20, single()).1.unwrap();
    assert!(cluster.asked.iter().all(|(bookie, _)| *bookie == cluster.asked[0].0), "{:?}", cluster.asked);
    let mut spread = Cluster::new((3, 3, 2), 10);
    spread.read(0..10, 1 << 20, ReadOptions { sticky: false, ..single() }).1.unwrap();
    assert!((0..3).all(|bookie| spread.asked.iter().any(|(asked, _)| *asked == bookie)));
}

#[test]
fn another_replica_is_asked_when_one_fails_or_is_slow() {
    for options in [single(), ReadOptions::default()] {
        let mut cluster = Cluster::new((3, 3, 2), 10);
        (cluster.down, cluster.frozen) = (vec![0], vec![1]);
        let (found, result) = cluster.read(0..10, 1 << 20, options);
        result.unwrap();
        assert_eq!(numbers(&found), (0..10).collect::<Vec<_>>());
    }
}

#[test]
fn a_damaged_entry_is_read_from_another_replica() {
    for options in [single(), ReadOptions::default()] {
        let mut cluster = Cluster::new((3, 3, 2), 5);
        assert!(cluster.bookies[0].damage(2) && cluster.bookies[1].damage(2));
        let (found, result) = cluster.read(0..5, 1 << 20, options);
        result.unwrap();
        assert_eq!(numbers(&found), [0, 1, 2, 3, 4]);
    }
}

#[test]
fn an_entry_that_is_damaged_everywhere_is_reported_with_its_bookie_after_those_before_it() {
    for options in [single(), ReadOptions::default()] {
        let mut cluster = Cluster::new((3, 3, 2), 5);
        assert!((0..3).all(|bookie| cluster.bookies[bookie].damage(2)));
        let (found, result) = cluster.read(0..5, 1 << 20, options);
        assert_eq!(numbers(&found), [0, 1]);
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.entry()), (ErrorKind::DigestMismatch, EntryId::new(2).ok()));
        assert!(error.bookie().is_some());
        cluster.down = vec![1];
        let (_, result) = cluster.read(2..5, 1 << 20, options);
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Unavailable, "the one that is down may be good");
    }
}

#[test]
fn there_is_no_such_entry_only_if_all_say_so() {
    let mut cluster = Cluster::new((3, 3, 2), 2);
    assert_eq!(cluster.read(2..3, 100, single()).1.unwrap_err().kind(), ErrorKind::NoSuchEntry);
    cluster.down = vec![2];
    assert_eq!(cluster.read(2..3, 100, single()).1.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[test]
fn entries_that_were_copied_by_the_cluster_are_accepted() {
    let mut cluster = Cluster::new((3, 3, 2), 5);
    (0..3).for_each(|bookie| cluster.bookies[bookie].repair(1, body(1, 5).to_bytes()));
    let (found, result) = cluster.read(0..5, 1 << 20, single());
    result.unwrap();
    assert_eq!(found[1].lac, EntryId::new(4).ok(), "a LAC above the entry's own id");
}

fn last(cluster: &mut Cluster) -> Result<u64> {
    let mut last = LastConfirmed::new(access(), &cluster.metadata).unwrap();
    loop {
        match last.poll().expect("it ends") {
            LastOutput::Send { to, token, request } => {
                if let Some(answer) = cluster.ask(&to, &request) {
                    last.answer(token, answer);
                }
            }
            LastOutput::Done(result) => return result,
        }
    }
}

#[test]
fn the_lac_is_the_highest_of_bookies_that_cover_the_ensemble() {
    let mut cluster = Cluster::new((3, 3, 2), 5);
    assert_eq!(last(&mut cluster).unwrap(), 4, "that of the last entry");
    cluster.bookies[2].handle(0, &access().write_lac(5));
    cluster.down = vec![0];
    assert_eq!(last(&mut cluster).unwrap(), 5, "an explicit one");
    cluster.down = vec![0, 1];
    assert_eq!(last(&mut cluster).unwrap_err().kind(), ErrorKind::Unavailable);
    let metadata = Arc::make_mut(&mut cluster.metadata);
    metadata.state = LedgerState::Closed { last_entry: EntryId::new(2).ok(), length: 300 };
    assert_eq!(last(&mut cluster).unwrap(), 3, "a closed ledger asks nobody");
    assert_eq!(last(&mut Cluster::new((3, 2, 2), 0)).unwrap(), 0);
}

/// Answers whatever can be answered; what the tail then knows.
fn follow(cluster: &mut Cluster, tail: &mut Tail, held: &mut Vec<(usize, TailToken)>) -> Vec<u64> {
    let mut news = Vec::new();
    while let Some(output) = tail.poll() {
        match output {
            TailOutput::Send { to, token, request } => match cluster.ask(&to, &request) {
                Some(answer) => tail.answer(token, answer),
                None => held.push((cluster.asked.last().unwrap().0, token)),
            },
            TailOutput::Entry(entry) => news.push(1_000 + entries_to(entry.id.previous())),
            TailOutput::Confirmed { entries, .. } => news.push(entries),
        }
    }
    news
}

#[test]
fn a_tail_hears_of_each_entry_through_a_bookie_of_every_ack_quorum() {
    let mut cluster = Cluster::new((3, 3, 2), 2);
    let mut tail = Tail::new(access(), &cluster.metadata, ReadOptions::default(), 1).unwrap();
    let mut held = Vec::new();
    tail.wait();
    assert!(follow(&mut cluster, &mut tail, &mut held).is_empty());
    assert_eq!(held.len(), 2, "any two of three meet every ack quorum");
    cluster.add(2);
    let (bookie, token) = held.remove(1);
    let answer = cluster.bookies[bookie].answer_polls(false).remove(0).1;
    tail.answer(token, answer);
    assert_eq!(follow(&mut cluster, &mut tail, &mut held), [1_001, 2], "entry 1 came along");
    assert_eq!(tail.known(), (2, false));
    tail.wait();
    follow(&mut cluster, &mut tail, &mut held);
    assert_eq!(held.iter().filter(|(at, _)| *at == held[0].0).count(), 1, "one question to each at a time");
}

#[test]
fn a_tail_asks_again_at_once_whoever_told_the_news_first() {
    let mut cluster = Cluster::new((3, 3, 2), 2);
    let mut tail = Tail::new(access(), &cluster.metadata, ReadOptions::default(), 1).unwrap();
    let mut held = Vec::new();
    tail.wait();
    follow(&mut cluster, &mut tail, &mut held);
    for entry in 2..20 {
        cluster.add(entry);
        let mut news = Vec::new();
        for (bookie, token) in std::mem::take(&mut held) {
            let answer = cluster.bookies[bookie].answer_polls(false).remove(0).1;
            tail.answer(token, answer);
            news.extend(follow(&mut cluster, &mut tail, &mut held));
            tail.wait();
        }
        news.extend(follow(&mut cluster, &mut tail, &mut held));
        assert_eq!(news, [999 + entry, entry], "the entry comes along once");
        assert_eq!((held.len(), tail.next_tick_ms()), (2, None), "behind entry {entry}");
    }
}

/// Has the bookies answer the questions that they hold and that are due; what the tail then knows.
fn hear(cluster: &mut Cluster, tail: &mut Tail, held: &mut Vec<(usize, TailToken)>) -> Vec<u64> {
    let mut news = Vec::new();
    for (bookie, token) in std::mem::take(held) {
        match cluster.bookies[bookie].answer_polls(false).pop() {
            Some((_, answer)) => tail.answer(token, answer),
            None => held.push((bookie, token)),
        }
        news.extend(follow(cluster, tail, held));
        tail.wait();
        news.extend(follow(cluster, tail, held));
    }
    news
}

#[test]
fn a_tail_hears_of_each_entry_from_a_bookie_that_was_behind() {
    let mut cluster = Cluster::new((3, 3, 2), 2);
    let mut tail = Tail::new(access(), &cluster.metadata, ReadOptions::default(), 1).unwrap();
    let mut held = Vec::new();
    tail.wait();
    follow(&mut cluster, &mut tail, &mut held);
    for entry in 2..4 {
        cluster.add_to(0, entry);
        assert_eq!(hear(&mut cluster, &mut tail, &mut held), [999 + entry, entry]);
    }
    for entry in 2..4 {
        cluster.add_to(1, entry);
        assert!(hear(&mut cluster, &mut tail, &mut held).is_empty());
    }
    // The first one takes no more.
    cluster.add_to(1, 4);
    assert_eq!(hear(&mut cluster, &mut tail, &mut held), [1_003, 4]);
}

#[test]
fn a_tail_that_begins_ahead_of_the_bookies_it_asks_hears_of_each_entry() {
    let mut cluster = Cluster::new((3, 3, 2), 2);
    cluster.add_to(2, 2);
    let mut tail = Tail::new(access(), &cluster.metadata, ReadOptions::default(), 2).unwrap();
    let mut held = Vec::new();
    tail.wait();
    follow(&mut cluster, &mut tail, &mut held);
    for (entry, news) in [(2, vec![]), (3, vec![1_002, 3]), (4, vec![1_003, 4])] {
        cluster.add_to(0, entry);
        assert_eq!(hear(&mut cluster, &mut tail, &mut held), news, "entry {entry}");
    }
}

#[test]
fn a_tail_asks_another_bookie_where_one_fails_and_all_where_entries_are_striped() {
    let mut cluster = Cluster::new((3, 3, 2), 2);
    cluster.down = vec![0];
    let mut tail = Tail::new(access(), &cluster.metadata, ReadOptions::default(), 1).unwrap();
    let mut held = Vec::new();
    tail.wait();
    follow(&mut cluster, &mut tail, &mut held);
    assert_eq!(held.iter().map(|(bookie, _)| *bookie).collect::<Vec<_>>(), [1, 2]);

    let mut striped = Cluster::new((4, 2, 2), 4);
    let mut tail = Tail::new(access(), &striped.metadata, ReadOptions::default(), 3).unwrap();
    held.clear();
    tail.wait();
    follow(&mut striped, &mut tail, &mut held);
    assert_eq!(held.len(), 4);
}

#[test]
fn a_tail_of_a_ledger_that_no_bookie_knows_asks_again_soon() {
    let mut cluster = Cluster::new((3, 3, 2), 0);
    let mut tail = Tail::new(access(), &cluster.metadata, ReadOptions::default(), 0).unwrap();
    let mut held = Vec::new();
    tail.wait();
    follow(&mut cluster, &mut tail, &mut held);
    assert_eq!(tail.next_tick_ms(), Some(4));
    cluster.add(0);
    cluster.add(1);
    tail.tick(4);
    assert_eq!(follow(&mut cluster, &mut tail, &mut held)[..2], [1_000, 1]);
}

#[test]
fn a_tail_learns_the_end_from_the_metadata() {
    let mut cluster = Cluster::new((3, 3, 2), 3);
    let mut tail = Tail::new(access(), &cluster.metadata, ReadOptions::default(), 2).unwrap();
    tail.wait();
    follow(&mut cluster, &mut tail, &mut Vec::new());
    let mut metadata = LedgerMetadata::clone(&cluster.metadata);
    metadata.state = LedgerState::Closed { last_entry: EntryId::new(2).ok(), length: 300 };
    tail.adopt(&metadata);
    assert_eq!(follow(&mut cluster, &mut tail, &mut Vec::new()), [3]);
    assert_eq!(tail.known(), (3, true));
}
