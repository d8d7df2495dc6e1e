//! The requests of one connection, from the caller to the answer: a state machine without I/O.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::keys::{Admission, Keys};
use super::reply::{Reply, Settled};
use crate::codec::{Answer, Frame, ProtocolVersion, RequestKey};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{Operation, Request};
use crate::types::{BookieId, EntryId, LedgerId};

/// Bounds of what is in flight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) frame_bytes: usize,
    pub(super) bytes: usize,
    pub(super) requests: usize,
}

/// The requests of one connection that have not ended, with what they take of its budget.
pub(super) struct Calls {
    bookie: BookieId,
    version: ProtocolVersion,
    bounds: Bounds,
    next_number: u64,
    open: BTreeMap<u64, OpenCall>,
    deadlines: BTreeSet<(Duration, u64)>,
    /// What is to be sent; numbers whose request has ended meanwhile are passed over.
    queue: VecDeque<u64>,
    keys: Keys,
    bytes: usize,
    broken: Option<Error>,
}

struct OpenCall {
    key: RequestKey,
    operation: Operation,
    ledger: Option<LedgerId>,
    entry: Option<EntryId>,
    has_effect: bool,
    deadline: Duration,
    bytes: usize,
    /// `None` once it is given out to be sent.
    frame: Option<Frame>,
    /// When it was given out.
    sent: Duration,
    reply: Reply,
}

impl Calls {
    pub(super) fn new(bookie: BookieId, version: ProtocolVersion, bounds: Bounds) -> Self {
        Self {
            bookie,
            version,
            bounds,
            next_number: 1,
            open: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            queue: VecDeque::new(),
            keys: Keys::default(),
            bytes: 0,
            broken: None,
        }
    }

    /// Takes a request in and answers with its number; or gives the reply back with the reason why not.
    pub(super) fn add(
        &mut self,
        request: &Request,
        deadline: Duration,
        reply: Reply,
    ) -> std::result::Result<u64, Settled> {
        let number = self.next_number;
        let (frame, key) = match self.admit(request, number) {
            Ok(admitted) => admitted,
            Err(error) => return Err(Settled { reply, result: Err(error.at_bookie(&self.bookie)) }),
        };
        self.next_number += 1;
        let call = OpenCall {
            key,
            operation: request.operation(),
            ledger: request.ledger(),
            entry: request.entry(),
            has_effect: request.has_effect(),
            deadline,
            bytes: request.cost_bytes(),
            frame: Some(frame),
            sent: Duration::ZERO,
            reply,
        };
        self.bytes += call.bytes;
        self.open.insert(number, call);
        self.deadlines.insert((deadline, number));
        match self.keys.admit(key, number, request) {
            Admission::Send => self.queue.push_back(number),
            Admission::Hold => self.check_stuck(key),
        }
        Ok(number)
    }

    fn admit(&self, request: &Request, number: u64) -> Result<(Frame, RequestKey)> {
        if matches!(request, Request::Auth(_) | Request::StartTls) {
            return Err(Error::invalid_argument("a connection does this by itself; set it in its options"));
        }
        let full = self.open.len() >= self.bounds.requests
            || self.bytes.saturating_add(request.cost_bytes()) > self.bounds.bytes;
        if full && !self.open.is_empty() {
            let message = format!(
                "{} requests with {} bytes wait for this bookie; try again when some have ended",
                self.open.len(),
                self.bytes
            );
            return Err(Error::new(ErrorKind::Busy, message));
        }
        self.version.encode_request(request, number, self.bounds.frame_bytes)
    }

    /// The next frame to send.
    pub(super) fn next_frame(&mut self, now: Duration) -> Option<Frame> {
        while let Some(number) = self.queue.pop_front() {
            if let Some(call) = self.open.get_mut(&number) {
                call.sent = now;
                return call.frame.take();
            }
        }
        None
    }

    /// What an answer settles: nothing if its request has ended meanwhile.
    ///
    /// # Errors
    /// `corrupt` if the answer is one to another kind of request: the connection is of no use any more.
    pub(super) fn answer(&mut self, answer: Answer) -> Result<Option<Settled>> {
        let (number, next) = self.keys.answered(answer.key);
        self.queue.extend(next);
        let Some(number) = number else { return Ok(None) };
        match self.open.get(&number) {
            None => return Ok(None),
            Some(call) if call.operation != answer.operation || call.frame.is_some() => {
                return Err(Error::corrupt("the bookie answered what it was not asked"));
            }
            Some(_) => {}
        }
        let result = answer.outcome.map_err(|status| status.to_error());
        Ok(self.take(number).map(|call| self.settle(call, result)))
    }

    /// Ends the requests whose time is up. `received` is when anything was received last.
    pub(super) fn expire(&mut self, now: Duration, received: Duration) -> Vec<Settled> {
        let mut settled = Vec::new();
        while let Some(&(deadline, number)) = self.deadlines.first() {
            if deadline > now {
                break;
            }
            let Some(call) = self.take(number) else { break };
            if call.frame.is_some() {
                self.withdraw(call.key, number);
            } else if received <= call.sent {
                self.give_up("the bookie has been silent for too long");
            } else {
                self.check_stuck(call.key);
            }
            let error = Error::new(ErrorKind::Timeout, "the bookie did not answer in time");
            settled.push(self.fail(call, error));
        }
        settled
    }

    /// Whether the connection is of no use any more.
    pub(super) const fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Why the connection is of no use any more, once.
    pub(super) fn take_broken(&mut self) -> Option<Error> {
        self.broken.take()
    }

    /// Ends every request with this error.
    pub(super) fn fail_all(&mut self, error: &Error) -> Vec<Settled> {
        self.keys.clear();
        self.queue.clear();
        self.deadlines.clear();
        self.bytes = 0;
        self.broken = None;
        let open = std::mem::take(&mut self.open);
        open.into_values().map(|call| self.fail(call, error.clone())).collect()
    }

    /// Ends a request that nobody waits for any more. One that was sent may still take effect.
    pub(super) fn cancel(&mut self, number: u64) -> Option<Settled> {
        let call = self.take(number)?;
        if call.frame.is_some() {
            self.withdraw(call.key, number);
        } else {
            self.check_stuck(call.key);
        }
        Some(self.fail(call, Error::new(ErrorKind::Closed, "the request was given up")))
    }

    /// When the next request runs out of time.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Whether there is something to send.
    pub(super) fn has_queued(&self) -> bool {
        self.queue.iter().any(|number| self.open.contains_key(number))
    }

    /// Requests that have not ended, and their bytes.
    pub(super) fn in_flight(&self) -> (usize, usize) {
        (self.open.len(), self.bytes)
    }

    fn withdraw(&mut self, key: RequestKey, number: u64) {
        let next = self.keys.withdraw(key, number);
        self.queue.extend(next);
    }

    /// Gives the connection up if a request is held back behind others that have all ended: their answers, which may never
    /// come, could not be told from its own.
    fn check_stuck(&mut self, key: RequestKey) {
        if self.keys.is_stuck(key, |number| self.open.contains_key(&number)) {
            self.give_up("a late answer could be taken for another's: connecting anew");
        }
    }

    fn give_up(&mut self, why: &'static str) {
        self.broken.get_or_insert(Error::new(ErrorKind::Unavailable, why));
    }

    fn take(&mut self, number: u64) -> Option<OpenCall> {
        let call = self.open.remove(&number)?;
        self.deadlines.remove(&(call.deadline, number));
        self.bytes -= call.bytes;
        Some(call)
    }

    fn fail(&self, call: OpenCall, error: Error) -> Settled {
        let maybe_effective = call.has_effect && call.frame.is_none();
        let error = if maybe_effective { error.maybe_effective() } else { error };
        self.settle(call, Err(error))
    }

    /// Names what the error is about.
    fn settle(&self, call: OpenCall, result: Result<crate::protocol::Response>) -> Settled {
        let result = result.map_err(|error| {
            let error = error.at_bookie(&self.bookie);
            let error = call.ledger.map_or(error.clone(), |ledger| error.of_ledger(ledger));
            call.entry.map_or(error.clone(), |entry| error.of_entry(entry))
        });
        Settled { reply: call.reply, result }
    }
}
