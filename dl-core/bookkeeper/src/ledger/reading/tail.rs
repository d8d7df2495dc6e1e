//! Waiting for a ledger to grow.

use std::collections::VecDeque;
use std::sync::Arc;

use super::ReadOptions;
use crate::codec::Entry;
use crate::error::{ErrorKind, Result};
use crate::ledger::access::Access;
use crate::ledger::quorum::{check_size, entries_to};
use crate::metadata::{LedgerMetadata, LedgerState};
use crate::protocol::{ReadResponse, Request, Response};
use crate::types::{BookieId, Quorum};

/// The first pause before a bookie that had nothing to say is asked again, and the longest.
const FIRST_PAUSE_MS: u64 = 2;
const LONGEST_PAUSE_MS: u64 = 50;

/// Follows how far a ledger is confirmed. Driven as a [`Writer`](crate::machine::Writer) is, for as long as there is a
/// reader.
///
/// Bookies hold its questions until they know more. It asks so many of them at once that each ack quorum has one of them:
/// what is acknowledged is heard of whichever bookies are slow. A bookie is asked one question at a time, for more than
/// itself knows: with its next news it forgets whoever asked for more than those are, and answers when the question's time
/// is up.
pub struct Tail {
    access: Arc<Access>,
    options: ReadOptions,
    quorum: Quorum,
    places: Vec<Place>,
    /// Answers about an earlier ensemble do not count as answers of this one.
    generation: u32,
    confirmed: u64,
    closed: bool,
    waiting: bool,
    now_ms: u64,
    outputs: VecDeque<TailOutput>,
}

/// A bookie of the last ensemble.
#[derive(Debug)]
struct Place {
    bookie: BookieId,
    asked: bool,
    asked_ms: u64,
    /// More than how many confirmed entries it was asked for.
    asked_from: u64,
    /// How many it knows of; `None` until it has said so, and again when it may have forgotten.
    told: Option<u64>,
    /// How often it failed in a row, or had nothing new at once, and until when it is left alone for that.
    failures: u32,
    rests_until_ms: u64,
}

/// Which request an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TailToken {
    generation: u32,
    place: usize,
}

/// What is to be done, in this order.
#[derive(Debug)]
pub enum TailOutput {
    /// Send this and pass the answer in.
    Send {
        /// Whom to.
        to: BookieId,
        /// What comes back with the answer.
        token: TailToken,
        /// What.
        request: Request,
    },
    /// A confirmed entry that came along.
    Entry(Entry),
    /// So many entries are confirmed now, which are more than before; or the ledger is closed with so many.
    Confirmed {
        /// How many.
        entries: u64,
        /// Whether there will be no more.
        closed: bool,
        /// The bookie that said so, if one did.
        told_by: Option<BookieId>,
    },
}

impl Tail {
    /// Follows a ledger of which so many entries are known to be confirmed.
    ///
    /// # Errors
    /// `unsupported` if the ensemble is too large.
    pub fn new(
        access: Arc<Access>,
        metadata: &LedgerMetadata,
        options: ReadOptions,
        confirmed: u64,
    ) -> Result<Self> {
        check_size(metadata.quorum)?;
        let mut tail = Self {
            access,
            options,
            quorum: metadata.quorum,
            places: Vec::new(),
            generation: 0,
            confirmed,
            closed: false,
            waiting: false,
            now_ms: 0,
            outputs: VecDeque::new(),
        };
        tail.adopt(metadata);
        Ok(tail)
    }

    /// Starts to wait for more than is known.
    pub fn wait(&mut self) {
        if !self.closed {
            self.waiting = true;
            self.ask();
        }
    }

    /// Stops to wait. What was asked is answered all the same.
    pub fn stop(&mut self) {
        self.waiting = false;
    }

    /// How many entries are known to be confirmed, and whether there will be no more.
    #[must_use]
    pub fn known(&self) -> (u64, bool) {
        (self.confirmed, self.closed)
    }

    /// So many entries are confirmed, as was learned elsewhere.
    pub fn learn(&mut self, entries: u64) {
        self.learn_from(entries, None);
    }

    fn learn_from(&mut self, entries: u64, told_by: Option<BookieId>) {
        if entries > self.confirmed && !self.closed {
            self.confirmed = entries;
            self.waiting = false;
            self.outputs.push_back(TailOutput::Confirmed { entries, closed: false, told_by });
        }
    }

    /// Takes newer metadata: other bookies, or the end.
    pub fn adopt(&mut self, metadata: &LedgerMetadata) {
        if let LedgerState::Closed { last_entry, .. } = metadata.state {
            if !self.closed {
                self.closed = true;
                self.waiting = false;
                self.confirmed = entries_to(last_entry);
                let (entries, told_by) = (self.confirmed, None);
                self.outputs.push_back(TailOutput::Confirmed { entries, closed: true, told_by });
            }
            return;
        }
        let (first, ensemble) = metadata.last_ensemble();
        if ensemble.iter().ne(self.places.iter().map(|place| &place.bookie)) {
            self.generation += 1;
            let place = |bookie: &BookieId| Place {
                bookie: bookie.clone(),
                asked: false,
                asked_ms: 0,
                asked_from: 0,
                told: None,
                failures: 0,
                rests_until_ms: 0,
            };
            self.places = ensemble.iter().map(place).collect();
        }
        // An ensemble begins behind what was acknowledged.
        self.learn(entries_to(first.previous()));
        if self.waiting {
            self.ask();
        }
    }

    /// Takes the answer to a request, or what kept it from being answered.
    pub fn answer(&mut self, token: TailToken, answer: Result<Response>) {
        let (now_ms, held_ms) = (self.now_ms, self.options.poll_ms / 2);
        let from = self.places.get(token.place).filter(|_| token.generation == self.generation);
        let from = from.map(|place| place.bookie.clone());
        let told = match &answer {
            Ok(Response::Read(read)) => self.heard(read, from),
            _ => 0,
        };
        let place = self.places.get_mut(token.place).filter(|_| token.generation == self.generation);
        if let Some(place) = place {
            place.asked = false;
            let looked = place.told.is_none();
            // Who failed may have started anew, and lost what was not synced.
            place.told = answer.is_ok().then_some(told);
            match &answer {
                // Such a question is answered at once.
                Ok(_) if looked => {}
                // Also where another bookie told the same first: it had something to say.
                Ok(_) if told > place.asked_from || now_ms.saturating_sub(place.asked_ms) >= held_ms => {
                    place.failures = 0;
                }
                // Of a ledger that is fenced a bookie may have no more to tell, ever.
                Ok(_) => place.rest(LONGEST_PAUSE_MS, now_ms),
                // It may hear of the ledger at any time.
                Err(error) if matches!(error.kind(), ErrorKind::NoSuchLedger | ErrorKind::NoSuchEntry) => {
                    place.rest(LONGEST_PAUSE_MS, now_ms);
                }
                Err(_) => place.rest(20 * LONGEST_PAUSE_MS, now_ms),
            }
        }
        if self.waiting {
            self.ask();
        }
    }

    /// Says what time it is, in milliseconds from some fixed moment, and does what is due.
    pub fn tick(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
        if self.waiting {
            self.ask();
        }
    }

    /// When [`tick`](Self::tick) has something to do, if it does.
    #[must_use]
    pub fn next_tick_ms(&self) -> Option<u64> {
        let resting = self.places.iter().filter(|place| !place.asked && place.rests_until_ms > self.now_ms);
        resting.map(|place| place.rests_until_ms).min().filter(|_| self.waiting)
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<TailOutput> {
        self.outputs.pop_front()
    }

    /// Learns from an answer; answers how many entries it says are confirmed.
    fn heard(&mut self, read: &ReadResponse, from: Option<BookieId>) -> u64 {
        let confirmed = read.max_lac.map_or(0, entries_to);
        // What a bookie says of the LAC is taken as it is; an entry has to be what its digest says.
        if let (Some(entry), Some(body)) = (read.entry, &read.body) {
            let number = entries_to(entry.previous());
            // One that was known before came along with an earlier answer, or was asked for since.
            if (self.confirmed..confirmed).contains(&number) {
                let entry = self.access.open(Some(number), body).ok();
                self.outputs.extend(entry.map(TailOutput::Entry));
            }
        }
        self.learn_from(confirmed, from);
        confirmed
    }

    /// Has so many bookies hold a question that each ack quorum has one of them; where not every bookie has every entry,
    /// all of them.
    fn ask(&mut self) {
        let quorum = self.quorum;
        let everywhere = quorum.ensemble() == quorum.write();
        let enough = if everywhere { quorum.ensemble() - quorum.ack() + 1 } else { quorum.ensemble() };
        // Counting those that were asked and are well: one that has been silent for long may be frozen.
        let mut asked = self.places.iter().filter(|place| place.asked).count();
        for (index, place) in self.places.iter_mut().enumerate() {
            if asked >= enough {
                return;
            }
            if !place.asked && place.rests_until_ms <= self.now_ms {
                place.asked = true;
                place.asked_ms = self.now_ms;
                place.asked_from = place.told.unwrap_or(self.confirmed);
                asked += 1;
                let token = TailToken { generation: self.generation, place: index };
                let hold_ms = place.told.map(|_| self.options.poll_ms);
                let request = self.access.poll(place.asked_from, hold_ms);
                self.outputs.push_back(TailOutput::Send { to: place.bookie.clone(), token, request });
            }
        }
    }
}

impl Place {
    /// Leaves the bookie alone for a while, longer each time.
    fn rest(&mut self, longest_ms: u64, now_ms: u64) {
        self.failures = self.failures.saturating_add(1);
        let pause = FIRST_PAUSE_MS.saturating_mul(1 << self.failures.min(16)).min(longest_ms);
        self.rests_until_ms = now_ms.saturating_add(pause);
    }
}
