//! Reading a run of entries, in order, within a budget.

use std::collections::VecDeque;
use std::sync::Arc;

use super::entry::{EntryRead, opened};
use super::{ReadOptions, Replicas};
use crate::codec::Entry;
use crate::error::{Error, Result};
use crate::ledger::access::Access;
use crate::ledger::quorum::{check_size, entry_id};
use crate::ledger::ring::Ring;
use crate::metadata::LedgerMetadata;
use crate::protocol::{Request, Response};
use crate::types::BookieId;

/// What an entry is taken to have before any was seen.
const GUESS_BYTES: usize = 16 << 10;

/// Reads entries, the next while the first are awaited. Driven as a [`Writer`](crate::machine::Writer) is.
pub struct Reading {
    access: Arc<Access>,
    metadata: Arc<LedgerMetadata>,
    options: ReadOptions,
    replicas: Replicas,
    reads: Ring<EntryRead>,
    /// Behind the last entry to read.
    end: u64,
    bytes_left: usize,
    delivered: usize,
    /// Bytes of the largest entry seen.
    largest: usize,
    batch: Batch,
    ended: bool,
    now_ms: u64,
    outputs: VecDeque<ReadingOutput>,
}

/// Whether entries are read with one request for many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Batch {
    /// Not, or no longer.
    Off,
    Idle,
    /// This place was asked, and when to go on without it.
    Asked {
        place: usize,
        until_ms: Option<u64>,
    },
}

/// Which request of a reading an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReadingToken {
    entry: u64,
    place: usize,
    batch: bool,
}

/// What is to be done for a reading, in this order.
#[derive(Debug)]
pub enum ReadingOutput {
    /// Send this and pass the answer in; each request is answered at some time.
    Send {
        /// Whom to.
        to: BookieId,
        /// What comes back with the answer.
        token: ReadingToken,
        /// What.
        request: Request,
    },
    /// The next entry.
    Entry(Entry),
    /// That was all: the budget is used up, the end was reached, or the entry that is next cannot be read.
    Done(Result<()>),
}

impl Reading {
    /// Reads entries from `first` up to but not with `end`, as many as fit into `max_bytes` of payload but one at least.
    /// Only what is confirmed may be read: of other entries nobody can say whether they are there.
    ///
    /// # Errors
    /// `unsupported` if the ensemble is too large.
    pub fn new(
        access: Arc<Access>,
        metadata: Arc<LedgerMetadata>,
        options: ReadOptions,
        replicas: Replicas,
        entries: std::ops::Range<u64>,
        max_bytes: usize,
        now_ms: u64,
    ) -> Result<Self> {
        let quorum = metadata.quorum;
        check_size(quorum)?;
        let everywhere = quorum.ensemble() == quorum.write();
        let batches = options.batches && !options.parallel && everywhere && replicas.takes_batches();
        let mut reading = Self {
            access,
            metadata,
            options,
            replicas,
            reads: Ring::new(entries.start),
            end: entries.end,
            bytes_left: max_bytes,
            delivered: 0,
            largest: 0,
            batch: if batches { Batch::Idle } else { Batch::Off },
            ended: false,
            now_ms,
            outputs: VecDeque::new(),
        };
        reading.go_on();
        Ok(reading)
    }

    /// Takes the answer to a request, or what kept it from being answered.
    pub fn answer(&mut self, token: ReadingToken, answer: Result<Response>) {
        if self.ended {
            return;
        }
        if token.batch {
            self.batch_answered(token, answer);
        } else {
            self.entry_answered(token, answer);
        }
        self.go_on();
    }

    /// Says what time it is, in milliseconds from some fixed moment, and does what is due.
    pub fn tick(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
        if self.ended {
            return;
        }
        if let Batch::Asked { place, until_ms: Some(until_ms) } = self.batch
            && self.now_ms >= until_ms
        {
            self.avoid(self.reads.first(), place);
            self.batch = Batch::Off;
        }
        let now_ms = self.now_ms;
        let due = |read: &EntryRead| read.speculate_at_ms.is_some_and(|at| now_ms >= at) && !read.is_over();
        let late: Vec<u64> =
            self.reads.iter_mut().filter(|(_, read)| due(read)).map(|(entry, _)| entry).collect();
        for entry in late {
            let slow = self.reads.find(entry).map(|read| read.waiting()).unwrap_or_default();
            slow.iter().for_each(|place| self.avoid(entry, place));
            self.ask(entry);
        }
        self.go_on();
    }

    /// When [`tick`](Self::tick) has something to do, if it does.
    #[must_use]
    pub fn next_tick_ms(&self) -> Option<u64> {
        let batch = match self.batch {
            Batch::Asked { until_ms, .. } => until_ms,
            _ => None,
        };
        let reads = self.reads.iter().filter(|read| !read.is_over());
        reads.filter_map(|read| read.speculate_at_ms).chain(batch).min()
    }

    /// The next thing to do for the reading.
    pub fn poll(&mut self) -> Option<ReadingOutput> {
        self.outputs.pop_front()
    }

    /// What was learned of the bookies, for the next reading.
    #[must_use]
    pub fn into_replicas(self) -> Replicas {
        self.replicas
    }

    /// Delivers what has come, in order, and asks for more while there is room for it.
    fn go_on(&mut self) {
        while !self.ended {
            let first = self.reads.first();
            let Some(outcome) = self.reads.find(first).and_then(EntryRead::outcome) else {
                break;
            };
            self.reads.pop();
            match outcome {
                Ok(entry) => self.deliver(entry),
                Err(error) => self.done(Err(error.of_ledger(self.access.id()).of_entry(entry_id(first)))),
            }
        }
        if self.ended || (self.reads.is_empty() && self.reads.first() >= self.end) {
            return self.done(Ok(()));
        }
        match self.batch {
            Batch::Off => self.ask_ahead(),
            Batch::Idle => self.ask_batch(),
            Batch::Asked { .. } => {}
        }
    }

    fn deliver(&mut self, entry: Entry) {
        let bytes = entry.payload.len();
        self.largest = self.largest.max(bytes);
        if self.delivered > 0 && bytes > self.bytes_left {
            return self.done(Ok(()));
        }
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
        self.delivered += 1;
        self.outputs.push_back(ReadingOutput::Entry(entry));
        if self.bytes_left == 0 {
            self.done(Ok(()));
        }
    }

    fn done(&mut self, result: Result<()>) {
        if !self.ended {
            self.ended = true;
            self.outputs.push_back(ReadingOutput::Done(result));
        }
    }

    fn ask_ahead(&mut self) {
        let likely = if self.largest == 0 { GUESS_BYTES } else { self.largest };
        while self.reads.next() < self.end && self.reads.len() < self.options.entries_ahead.max(1) {
            let fits = self.reads.len().saturating_add(1).saturating_mul(likely) <= self.bytes_left;
            if !fits && !self.reads.is_empty() {
                return;
            }
            if !fits && self.delivered > 0 {
                return self.done(Ok(()));
            }
            let entry = self.reads.next();
            let order = self.order(entry);
            let replicas = if self.options.parallel { order.len() } else { 1 };
            self.reads.push(EntryRead::new(order));
            (0..replicas).for_each(|_| self.ask(entry));
        }
    }

    /// Asks the next replica of an entry.
    fn ask(&mut self, entry: u64) {
        let speculate_at = (self.options.speculate_ms > 0).then(|| self.now_ms + self.options.speculate_ms);
        let Some(read) = self.reads.find(entry) else {
            return;
        };
        let place = read.next_place();
        read.speculate_at_ms = if place.is_some() { speculate_at } else { None };
        if let Some(place) = place {
            let request = self.access.read(entry);
            self.send(ReadingToken { entry, place, batch: false }, request);
        }
    }

    fn entry_answered(&mut self, token: ReadingToken, answer: Result<Response>) {
        let result = opened(&self.access, token.entry, answer);
        let Some(bookie) = self.bookie(token.entry, token.place) else {
            return;
        };
        match &result {
            Ok(_) => self.replicas.good(&bookie),
            Err(_) => self.avoid(token.entry, token.place),
        }
        let failed = result.is_err();
        let Some(read) = self.reads.find(token.entry) else {
            return;
        };
        read.answered(token.place, &bookie, result);
        if failed && !read.is_waiting() {
            self.ask(token.entry);
        }
    }

    fn ask_batch(&mut self) {
        let entry = self.reads.next();
        let Some(place) = self.order(entry).first().copied() else {
            return;
        };
        let until_ms = (self.options.speculate_ms > 0).then(|| self.now_ms + self.options.speculate_ms);
        self.batch = Batch::Asked { place, until_ms };
        let count = u32::try_from(self.end - entry).unwrap_or(u32::MAX);
        let request = self.access.read_batch(entry, count, self.bytes_left.clamp(1, MAX_BATCH_BYTES));
        self.send(ReadingToken { entry, place, batch: true }, request);
    }

    /// Takes the good entries at the front of a batch. What is not good is read one by one, from all replicas.
    fn batch_answered(&mut self, token: ReadingToken, answer: Result<Response>) {
        let asked = matches!(self.batch, Batch::Asked { place, .. } if place == token.place);
        if !asked || token.entry != self.reads.next() {
            return;
        }
        self.batch = Batch::Off;
        self.replicas.batch_ended(answer.is_ok());
        let Ok(Response::BatchRead(batch)) = answer else {
            return;
        };
        for body in batch.bodies {
            let entry = self.reads.next();
            if entry >= self.end || self.ended {
                break;
            }
            let Ok(found) = self.access.open(Some(entry), &body) else {
                return self.avoid(token.entry, token.place);
            };
            self.reads.push(EntryRead::new(Vec::new()));
            self.reads.pop();
            self.deliver(found);
            self.batch = Batch::Idle;
        }
        if let Some(bookie) = self.bookie(token.entry, token.place) {
            self.replicas.good(&bookie);
        }
    }

    fn order(&self, entry: u64) -> Vec<usize> {
        let (_, ensemble) = self.metadata.ensemble_of(entry_id(entry));
        self.replicas.order(&self.options, self.metadata.quorum, ensemble, entry, self.now_ms)
    }

    fn bookie(&self, entry: u64, place: usize) -> Option<BookieId> {
        self.metadata.ensemble_of(entry_id(entry)).1.get(place).cloned()
    }

    fn avoid(&mut self, entry: u64, place: usize) {
        if let Some(bookie) = self.bookie(entry, place) {
            self.replicas.avoid(&bookie, self.now_ms + self.options.avoid_ms);
        }
    }

    fn send(&mut self, token: ReadingToken, request: Request) {
        match self.bookie(token.entry, token.place) {
            Some(to) => self.outputs.push_back(ReadingOutput::Send { to, token, request }),
            None => self.done(Err(Error::corrupt("the ledger's metadata has an ensemble that is too small"))),
        }
    }
}

/// The most that one batch may bring: it has to fit into a frame.
const MAX_BATCH_BYTES: usize = 4 << 20;
