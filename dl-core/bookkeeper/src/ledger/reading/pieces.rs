//! Requests for many entries at once: what is to be read is cut into pieces, and each bookie is asked for another.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

use super::entry::EntryRead;
use super::range::{Reading, ReadingToken};
use crate::error::{ErrorKind, Result};
use crate::protocol::Response;

/// A piece is worth a request of its own from this size on.
const MIN_PIECE_BYTES: usize = 128 << 10;

/// What a bookie counts for an entry beyond its payload, at most: a length, four numbers, and the digest.
const AROUND_BYTES: usize = 4 + 4 * 8 + 20;

/// The most that one request may bring: it has to fit into a frame.
const MAX_PIECE_BYTES: usize = 4 << 20;

/// The pieces that were asked for, in the order of their entries, none missing between them.
pub(super) struct Pieces {
    /// Not, or no longer: entries are read one by one.
    off: bool,
    asked: VecDeque<Piece>,
}

struct Piece {
    first: u64,
    end: u64,
    place: usize,
    /// When to go on without it.
    until_ms: Option<u64>,
    /// What came. Entries in front of it may still be on their way.
    bodies: Option<Vec<Bytes>>,
}

impl Pieces {
    pub(super) fn new(may_be_asked_for: bool) -> Self {
        Self { off: !may_be_asked_for, asked: VecDeque::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    pub(super) fn may_be_asked_for(&self) -> bool {
        !self.off
    }

    pub(super) fn next_tick_ms(&self) -> Option<u64> {
        self.asked.iter().filter(|piece| piece.bodies.is_none()).filter_map(|piece| piece.until_ms).min()
    }

    fn add(&mut self, piece: Piece) {
        let at = self.asked.partition_point(|other| other.first < piece.first);
        self.asked.insert(at, piece);
    }

    /// The piece that an answer is for, unless it was given up.
    fn find(&self, token: ReadingToken) -> Option<usize> {
        let asked = |piece: &Piece| {
            piece.first == token.entry && piece.place == token.place && piece.bodies.is_none()
        };
        self.asked.iter().position(asked)
    }

    /// Goes on one by one from this piece on.
    fn give_up(&mut self, piece: usize) {
        self.off = true;
        self.asked.truncate(piece);
    }
}

impl Reading {
    /// Asks for what fits into the budget: of one bookie, while it is not known how large entries are or if they are few,
    /// else of each that is well for its part.
    pub(super) fn ask_pieces(&mut self) {
        if self.is_full() {
            return self.done(Ok(()));
        }
        let first = self.reads.next();
        let places = self.well(first);
        let (pieces, piece) = self.plan(places.len());
        for (at, start) in (first..self.end).step_by(piece).take(pieces).enumerate() {
            let end = if pieces == 1 { self.end } else { self.end.min(start + piece as u64) };
            self.ask_piece(start..end, self.bytes_left / pieces, &places[at..]);
        }
    }

    /// In how many pieces to ask for what fits into the budget, and how many entries each has.
    fn plan(&self, bookies: usize) -> (usize, usize) {
        let Some(entry_bytes) = self.replicas.entry_bytes() else { return (1, usize::MAX) };
        let left = usize::try_from(self.end - self.reads.next()).unwrap_or(usize::MAX);
        let entries = (self.bytes_left / entry_bytes).min(left).max(1);
        let pieces = (entries.saturating_mul(entry_bytes.get()) / MIN_PIECE_BYTES).min(bookies).max(1);
        (pieces, entries.div_ceil(pieces))
    }

    /// What a bookie may answer with, to give so much payload: it counts what is around that, too.
    fn answer_bytes(&self, payload: usize) -> usize {
        let entries = self.replicas.entry_bytes().map_or(1, |bytes| payload / bytes + 1);
        payload.saturating_add(entries.saturating_mul(AROUND_BYTES)).clamp(1, MAX_PIECE_BYTES)
    }

    /// Asks the first of these places for entries.
    fn ask_piece(&mut self, entries: Range<u64>, payload: usize, places: &[usize]) {
        let Range { start: first, end } = entries;
        let Some(place) = places.first().copied() else {
            return;
        };
        let until_ms = (self.options.speculate_ms > 0).then(|| self.now_ms + self.options.speculate_ms);
        self.pieces.add(Piece { first, end, place, until_ms, bodies: None });
        let count = u32::try_from(end - first).unwrap_or(u32::MAX);
        let request = self.access.read_batch(first, count, self.answer_bytes(payload));
        self.send(ReadingToken { entry: first, place, batch: true }, request);
    }

    /// What is in a piece that fails is read one by one, from all replicas, and so is what lies behind it.
    pub(super) fn piece_answered(&mut self, token: ReadingToken, answer: Result<Response>) {
        let Some(at) = self.pieces.find(token) else {
            return;
        };
        let bodies = match answer {
            Ok(Response::BatchRead(batch)) if !batch.bodies.is_empty() => batch.bodies,
            Ok(_) => return self.pieces.give_up(at),
            Err(error) => {
                self.pieces.give_up(at);
                self.avoid(token.entry, token.place);
                // The bookie knows what was asked; it may just not have the entries yet.
                let understood = matches!(error.kind(), ErrorKind::NoSuchEntry | ErrorKind::NoSuchLedger);
                return self.replicas.batch_ended(understood);
            }
        };
        self.replicas.batch_ended(true);
        if let Some(piece) = self.pieces.asked.get_mut(at) {
            piece.bodies = Some(bodies);
        }
    }

    /// Goes on one by one in place of pieces that have not come in time.
    pub(super) fn give_late_pieces_up(&mut self) {
        let now_ms = self.now_ms;
        let late =
            |piece: &Piece| piece.bodies.is_none() && piece.until_ms.is_some_and(|until| now_ms >= until);
        let Some(at) = self.pieces.asked.iter().position(late) else {
            return;
        };
        if let Some(Piece { first, place, .. }) = self.pieces.asked.get(at) {
            let (first, place) = (*first, *place);
            self.avoid(first, place);
        }
        self.pieces.give_up(at);
    }

    /// Delivers the pieces at the front that have come.
    pub(super) fn deliver_pieces(&mut self) {
        while !self.ended && self.pieces.asked.front().is_some_and(|piece| piece.bodies.is_some()) {
            let Some(piece) = self.pieces.asked.pop_front() else {
                return;
            };
            let end = piece.end;
            self.deliver_piece(piece);
            let next = self.reads.next();
            if self.ended || next >= end {
                continue;
            }
            // The bookie gave less than was asked for, or what is damaged.
            if !self.pieces.may_be_asked_for() {
                // What lies behind would be taken for what is missing here.
                return self.pieces.give_up(0);
            }
            if self.is_full() {
                return self.done(Ok(()));
            }
            self.ask_piece(next..end, self.bytes_left, &self.well(next));
        }
    }

    /// Delivers the entries of a piece up to one that is damaged, which is read from other replicas.
    fn deliver_piece(&mut self, piece: Piece) {
        let Piece { first, end, place, bodies, .. } = piece;
        let (mut entries, mut bytes) = (0, 0);
        for body in bodies.into_iter().flatten() {
            let entry = self.reads.next();
            if entry >= end || self.ended {
                break;
            }
            let Ok(found) = self.access.open(Some(entry), &body) else {
                self.pieces.give_up(0);
                return self.avoid(first, place);
            };
            (entries, bytes) = (entries + 1, bytes + found.payload.len());
            self.reads.push(EntryRead::new(Vec::new()));
            self.reads.pop();
            self.deliver(found);
        }
        self.replicas.learn_size(entries, bytes);
        if let Some(bookie) = self.bookie(first, place) {
            self.replicas.good(&bookie);
        }
    }
}
