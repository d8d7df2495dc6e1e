//! A bookie as the protocol describes it, for one ledger: what it answers, and what survives a crash.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};

use crate::error::{Error, ErrorKind, Result};
use crate::ledger::quorum::last_of;
use crate::protocol::{
    AddRequest, BatchReadResponse, LongPoll, Priority, ReadLacResponse, ReadMode, ReadRequest, ReadResponse,
    Request, Response, Status,
};
use crate::types::{EntryId, MasterKey};

/// A bookie with one ledger.
#[derive(Debug, Default)]
pub(crate) struct FakeBookie {
    pub(crate) up: bool,
    pub(crate) read_only: bool,
    /// Whether a second add of an entry replaces the first: storages differ.
    pub(crate) keeps_last: bool,
    /// What is in memory, which requests see.
    memory: Disk,
    /// What was synced.
    disk: Disk,
    /// Answers that wait for the sync.
    unsynced: Vec<(usize, Result<Response>)>,
    /// Long polls that wait.
    polls: Vec<Poll>,
}

#[derive(Debug)]
struct Poll {
    call: usize,
    question: LongPoll,
    /// Whether the LAC grew, but not beyond what was asked for: then it waits until its time is up.
    forgotten: bool,
}

#[derive(Debug, Default, Clone)]
struct Disk {
    key: Option<MasterKey>,
    entries: BTreeMap<i64, Bytes>,
    fenced: bool,
    /// The highest LAC that an entry or an explicit LAC brought, as a count.
    confirmed: u64,
    explicit: Option<Bytes>,
}

/// What a bookie does with a request.
pub(crate) enum Reaction {
    Answer(Result<Response>),
    /// It answers later.
    Later,
}

impl FakeBookie {
    pub(crate) fn new(keeps_last: bool) -> Self {
        Self { up: true, keeps_last, ..Self::default() }
    }

    pub(crate) fn handle(&mut self, call: usize, request: &Request) -> Reaction {
        match request {
            Request::Add(add) => self.add(call, add),
            Request::Read(read) => self.read(call, read),
            Request::BatchRead(read) => {
                Reaction::Answer(self.batch(read.first, read.max_entries, read.max_bytes))
            }
            Request::WriteLac(write) => {
                if self.read_only {
                    return refuse(Status::ReadOnly);
                }
                if !self.key_fits(write.key) {
                    return refuse(Status::Unauthorized);
                }
                let confirmed = write.lac.map_or(0, |lac| lac.number() as u64 + 1);
                if confirmed >= self.memory.confirmed {
                    self.memory.explicit = Some(write.body.clone());
                }
                self.confirm(confirmed);
                self.after_sync(call, Ok(Response::WriteLac))
            }
            Request::ReadLac(_) => Reaction::Answer(self.lac()),
            Request::Force(_) => self.after_sync(call, Ok(Response::Force)),
            _ => refuse(Status::BadRequest),
        }
    }

    /// Makes all durable; answers what waited for it.
    pub(crate) fn sync(&mut self) -> Vec<(usize, Result<Response>)> {
        self.disk = self.memory.clone();
        std::mem::take(&mut self.unsynced)
    }

    pub(crate) fn has_unsynced(&self) -> bool {
        self.up && !self.unsynced.is_empty()
    }

    /// Loses what was not synced.
    pub(crate) fn crash(&mut self) {
        self.up = false;
        self.memory = self.disk.clone();
        self.unsynced.clear();
        self.polls.clear();
    }

    /// Damages a byte of an entry.
    pub(crate) fn damage(&mut self, entry: u64) -> bool {
        let key = entry as i64;
        let Some(body) = self.memory.entries.get(&key) else {
            return false;
        };
        let mut damaged = body.to_vec();
        let last = damaged.len() - 1;
        damaged[last] ^= 1;
        let damaged = Bytes::from(damaged);
        self.memory.entries.insert(key, damaged.clone());
        self.disk.entries.insert(key, damaged);
        true
    }

    /// Loses an entry.
    pub(crate) fn forget(&mut self, entry: u64) {
        let key = entry as i64;
        self.memory.entries.remove(&key);
        self.disk.entries.remove(&key);
    }

    /// Stores an entry as the cluster's own repair does.
    pub(crate) fn repair(&mut self, entry: u64, body: Bytes) {
        self.memory.entries.insert(entry as i64, body.clone());
        self.disk.entries.insert(entry as i64, body);
    }

    /// Answers the long polls whose time is over, or whose wait is.
    pub(crate) fn answer_polls(&mut self, timed_out: bool) -> Vec<(usize, Result<Response>)> {
        let (confirmed, fenced) = (self.memory.confirmed, self.memory.fenced);
        let woken = |poll: &Poll| fenced || confirmed > count(poll.question.previous_lac);
        let done = |poll: &Poll| timed_out || (!poll.forgotten && woken(poll));
        let (ready, waiting) = std::mem::take(&mut self.polls).into_iter().partition::<Vec<_>, _>(done);
        self.polls = waiting;
        ready.into_iter().map(|poll| (poll.call, self.polled(&poll.question))).collect()
    }

    /// The entry that survives a crash.
    pub(crate) fn durable(&self, entry: u64) -> Option<&Bytes> {
        self.disk.entries.get(&(entry as i64))
    }

    fn add(&mut self, call: usize, add: &AddRequest) -> Reaction {
        if self.read_only && add.priority == Priority::Normal {
            return refuse(Status::ReadOnly);
        }
        if !self.key_fits(add.key) {
            return refuse(Status::Unauthorized);
        }
        if self.memory.fenced && !add.recovery {
            return refuse(Status::Fenced);
        }
        let body = add.body.to_bytes();
        let confirmed = (&body[16..24]).get_i64() + 1;
        let entry = add.entry.number();
        if self.keeps_last || !self.memory.entries.contains_key(&entry) {
            self.memory.entries.insert(entry, body);
        }
        self.confirm(confirmed as u64);
        if add.deferred_sync {
            return Reaction::Answer(Ok(Response::Add));
        }
        self.after_sync(call, Ok(Response::Add))
    }

    fn read(&mut self, call: usize, read: &ReadRequest) -> Reaction {
        match &read.mode {
            ReadMode::Plain => Reaction::Answer(self.find(read.entry, true)),
            ReadMode::Fence(key) => {
                if !self.key_fits(*key) {
                    return refuse(Status::Unauthorized);
                }
                self.memory.fenced = true;
                let answer = self.find(read.entry, false);
                self.after_sync(call, answer)
            }
            ReadMode::LongPoll(poll) => {
                if self.memory.key.is_none() {
                    return refuse(Status::NoLedger);
                }
                if self.memory.confirmed > count(poll.previous_lac) || poll.timeout.is_none() {
                    return Reaction::Answer(self.polled(poll));
                }
                self.polls.push(Poll { call, question: poll.clone(), forgotten: false });
                Reaction::Later
            }
        }
    }

    fn find(&self, entry: Option<EntryId>, with_lac: bool) -> Result<Response> {
        if self.memory.key.is_none() {
            return Err(Status::NoLedger.to_error());
        }
        let found = match entry {
            Some(entry) => self.memory.entries.get_key_value(&entry.number()),
            None => self.memory.entries.last_key_value(),
        };
        let (_, body) = found.ok_or_else(|| Status::NoEntry.to_error())?;
        let max_lac = with_lac.then(|| last_of(self.memory.confirmed));
        Ok(Response::Read(ReadResponse { entry, body: Some(body.clone()), max_lac, lac_updated_ms: None }))
    }

    fn polled(&self, poll: &LongPoll) -> Result<Response> {
        let next = EntryId::after(poll.previous_lac);
        let is_confirmed = self.memory.confirmed > count(poll.previous_lac);
        let body = self.memory.entries.get(&next.number()).filter(|_| is_confirmed).cloned();
        let entry = body.as_ref().map(|_| next);
        let max_lac = Some(last_of(self.memory.confirmed));
        Ok(Response::Read(ReadResponse { entry, body, max_lac, lac_updated_ms: None }))
    }

    fn batch(&self, first: EntryId, max_entries: u32, max_bytes: usize) -> Result<Response> {
        if self.memory.key.is_none() {
            return Err(Status::NoLedger.to_error());
        }
        let (mut bodies, mut bytes) = (Vec::new(), 36);
        while let Some(body) = self.memory.entries.get(&(first.number() + bodies.len() as i64)) {
            bytes += 4 + body.len();
            let full = max_entries > 0 && bodies.len() >= max_entries as usize;
            if full || (bytes > max_bytes && !bodies.is_empty()) {
                break;
            }
            bodies.push(body.clone());
        }
        if bodies.is_empty() {
            return Err(Status::NoEntry.to_error());
        }
        Ok(Response::BatchRead(BatchReadResponse { first, bodies }))
    }

    fn lac(&self) -> Result<Response> {
        let explicit_lac = self.memory.explicit.clone();
        let last_entry = self.memory.entries.last_key_value().map(|(_, body)| body.clone());
        if explicit_lac.is_none() && last_entry.is_none() {
            return Err(Status::NoEntry.to_error());
        }
        Ok(Response::ReadLac(ReadLacResponse { explicit_lac, last_entry }))
    }

    fn after_sync(&mut self, call: usize, answer: Result<Response>) -> Reaction {
        self.unsynced.push((call, answer));
        Reaction::Later
    }

    fn key_fits(&mut self, key: MasterKey) -> bool {
        *self.memory.key.get_or_insert(key) == key
    }

    fn confirm(&mut self, confirmed: u64) {
        if confirmed > self.memory.confirmed {
            self.memory.confirmed = confirmed;
            let passed = |poll: &&mut Poll| confirmed <= count(poll.question.previous_lac);
            self.polls.iter_mut().filter(passed).for_each(|poll| poll.forgotten = true);
        }
    }
}

fn count(lac: Option<EntryId>) -> u64 {
    lac.map_or(0, |lac| lac.number() as u64 + 1)
}

fn refuse(status: Status) -> Reaction {
    Reaction::Answer(Err(status.to_error()))
}

/// The error of a call to a bookie that cannot be reached.
pub(crate) fn unreachable() -> Error {
    Error::new(ErrorKind::Unavailable, "the bookie is down")
}
