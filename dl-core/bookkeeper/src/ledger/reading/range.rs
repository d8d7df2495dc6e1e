//! Reading a run of entries, in order, within a budget.

use std::collections::VecDeque;
use std::sync::Arc;

use super::entry::{EntryRead, opened};
use super::pieces::Pieces;
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
    pub(super) access: Arc<Access>,
    metadata: Arc<LedgerMetadata>,
    pub(super) options: ReadOptions,
    pub(super) replicas: Replicas,
    pub(super) reads: Ring<EntryRead>,
    /// Behind the last entry to read.
    pub(super) end: u64,
    pub(super) bytes_left: usize,
    delivered: usize,
    /// Bytes of the largest entry seen.
    largest: usize,
    /// What is asked for with one request for many entries.
    pub(super) pieces: Pieces,
    pub(super) ended: bool,
    pub(super) now_ms: u64,
    outputs: VecDeque<ReadingOutput>,
}

/// Which request of a reading an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReadingToken {
    pub(super) entry: u64,
    pub(super) place: usize,
    pub(super) batch: bool,
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
    /// The one behind the last, which came along but does not fit.
    Beyond(Entry),
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
            pieces: Pieces::new(batches),
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
            self.piece_answered(token, answer);
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
        self.give_late_pieces_up();
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
        let reads = self.reads.iter().filter(|read| !read.is_over());
        reads.filter_map(|read| read.speculate_at_ms).chain(self.pieces.next_tick_ms()).min()
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
        self.deliver_pieces();
        if self.ended || (self.reads.is_empty() && self.reads.first() >= self.end) {
            return self.done(Ok(()));
        }
        if !self.pieces.is_empty() {
            return;
        }
        match self.pieces.may_be_asked_for() {
            true => self.ask_pieces(),
            false => self.ask_ahead(),
        }
    }

    /// Whether the next entry would most likely be too much.
    pub(super) fn is_full(&self) -> bool {
        self.delivered > 0 && self.largest > self.bytes_left
    }

    pub(super) fn deliver(&mut self, entry: Entry) {
        let bytes = entry.payload.len();
        self.largest = self.largest.max(bytes);
        if self.delivered > 0 && bytes > self.bytes_left {
            self.outputs.push_back(ReadingOutput::Beyond(entry));
            return self.done(Ok(()));
        }
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
        self.delivered += 1;
        self.outputs.push_back(ReadingOutput::Entry(entry));
        if self.bytes_left == 0 {
            self.done(Ok(()));
        }
    }

    pub(super) fn done(&mut self, result: Result<()>) {
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

    fn order(&self, entry: u64) -> Vec<usize> {
        let (_, ensemble) = self.metadata.ensemble_of(entry_id(entry));
        self.replicas.order(&self.options, self.metadata.quorum, ensemble, entry, self.now_ms)
    }

    /// The places of the bookies that are well, the best first; one at least.
    pub(super) fn well(&self, entry: u64) -> Vec<usize> {
        let mut places = self.order(entry);
        let (_, ensemble) = self.metadata.ensemble_of(entry_id(entry));
        let avoided = |place: &usize| {
            ensemble.get(*place).is_some_and(|bookie| self.replicas.avoids(bookie, self.now_ms))
        };
        let well = places.iter().take_while(|place| !avoided(place)).count();
        places.truncate(well.max(1));
        places
    }

    pub(super) fn bookie(&self, entry: u64, place: usize) -> Option<BookieId> {
        self.metadata.ensemble_of(entry_id(entry)).1.get(place).cloned()
    }

    pub(super) fn avoid(&mut self, entry: u64, place: usize) {
        if let Some(bookie) = self.bookie(entry, place) {
            self.replicas.avoid(&bookie, self.now_ms + self.options.avoid_ms);
        }
    }

    pub(super) fn send(&mut self, token: ReadingToken, request: Request) {
        match self.bookie(token.entry, token.place) {
            Some(to) => self.outputs.push_back(ReadingOutput::Send { to, token, request }),
            None => self.done(Err(Error::corrupt("the ledger's metadata has an ensemble that is too small"))),
        }
    }
}
