//! Reads and tails alone, over bookies that are answered by hand.

mod reads;
mod tails;

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
    /// What came along and did not fit.
    beyond: Vec<Entry>,
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
            beyond: Vec::new(),
            replicas: Replicas::default(),
        };
        (0..entries).for_each(|entry| cluster.send(entry));
        cluster.bookies.iter_mut().for_each(|bookie| drop(bookie.sync()));
        cluster
    }

    fn add(&mut self, entry: u64) {
        self.send(entry);
        self.bookies.iter_mut().for_each(|bookie| drop(bookie.sync()));
    }

    fn send(&mut self, entry: u64) {
        for place in crate::ledger::quorum::write_set(self.metadata.quorum, entry) {
            self.bookies[place].handle(0, &access().add(entry, body(entry, entry), AddKind::Plain));
        }
    }

    fn add_large(&mut self, entry: u64, bytes: usize) {
        let body = access().seal(entry, entry, (entry + 1) * 100, Bytes::from(vec![0; bytes]));
        for bookie in &mut self.bookies {
            bookie.handle(0, &access().add(entry, body.clone(), AddKind::Plain));
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
                Some(ReadingOutput::Beyond(entry)) => self.beyond.push(entry),
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
