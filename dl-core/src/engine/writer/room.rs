//! How much may be in flight: the room of one writer, and the budget that the writers of a namespace share.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use crate::engine::guard;

/// Records and the bytes they take, headers included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    pub(crate) records: usize,
    pub(crate) bytes: usize,
}

impl Usage {
    pub(crate) fn add(&mut self, other: Self) {
        self.records += other.records;
        self.bytes += other.bytes;
    }

    pub(crate) fn subtract(&mut self, other: Self) {
        self.records -= other.records;
        self.bytes -= other.bytes;
    }
}

/// The room of one writer. Whoever finds none stands in line.
#[derive(Debug)]
pub(crate) struct Room {
    limit: Usage,
    used: Usage,
    line: Line,
    /// Where the first in line stands in the line for the budget, if there too: whoever is behind it here does not stand there.
    at_budget: Place,
}

impl Room {
    pub(crate) fn new(limit: Usage) -> Self {
        Self { limit, used: Usage::default(), line: Line::default(), at_budget: None }
    }

    /// Whether the caller, with its place in the line if it has one, may take this much now. What is larger than
    /// the limit may go when it is alone.
    pub(crate) fn fits(&self, usage: Usage, place: Place) -> bool {
        let records = self.used.records + usage.records <= self.limit.records;
        let bytes = self.used.bytes + usage.bytes <= self.limit.bytes;
        self.line.is_first(place) && (self.used.records == 0 || (records && bytes))
    }

    /// How many of these records the caller, with its place in the line if it has one, may take now, the first of them on, and
    /// what they take: no more than `most`, unless that is the first alone.
    pub(crate) fn fitting(
        &self,
        usages: impl Iterator<Item = Usage>,
        most: Usage,
        place: Place,
    ) -> (usize, Usage) {
        let mut total = Usage::default();
        for usage in usages {
            let Usage { records, bytes } =
                Usage { records: total.records + usage.records, bytes: total.bytes + usage.bytes };
            let fits = if total.records == 0 {
                self.fits(usage, place)
            } else {
                let left = |limit: usize, used: usize| limit.saturating_sub(used);
                records <= most.records.min(left(self.limit.records, self.used.records))
                    && bytes <= most.bytes.min(left(self.limit.bytes, self.used.bytes))
            };
            if !fits {
                break;
            }
            total = Usage { records, bytes };
        }
        (total.records, total)
    }

    pub(crate) fn take(&mut self, usage: Usage) {
        self.used.add(usage);
    }

    /// Gives room back; answers who has to look again.
    pub(crate) fn give_back(&mut self, usage: Usage) -> Option<Waker> {
        self.used.subtract(usage);
        self.line.first()
    }

    /// Puts the caller into the line, or renews its waker.
    pub(crate) fn wait(&mut self, place: &mut Place, waker: &Waker) {
        self.line.wait(place, waker);
    }

    /// Takes the caller out of the line; answers who has to look again.
    pub(crate) fn leave(&mut self, place: &mut Place) -> Option<Waker> {
        self.line.leave(place)
    }

    /// Whether this is the place of the first in line.
    pub(crate) fn leads(&self, place: Place) -> bool {
        place.is_some() && self.line.waiting.front().map(|(first, _)| *first) == place
    }

    /// The place of the first in line in the line for the budget. Whoever empties it has to leave that line.
    pub(crate) fn at_budget(&mut self) -> &mut Place {
        &mut self.at_budget
    }

    /// Everyone in line has to look again, and keeps its place.
    pub(crate) fn wake_all(&self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.line.waiting.iter().map(|(_, waker)| waker.clone()));
    }

    /// Empties the line: everyone has to look again.
    pub(crate) fn dissolve(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(std::mem::take(&mut self.line.waiting).into_iter().map(|(_, waker)| waker));
    }

    pub(crate) fn used(&self) -> Usage {
        self.used
    }

    /// The place that the next one to join the line gets.
    pub(crate) fn end_of_line(&self) -> u64 {
        self.line.next
    }

    /// The place of the first in line: whoever had an earlier one has left.
    pub(crate) fn head_of_line(&self) -> u64 {
        self.line.waiting.front().map_or(self.line.next, |(first, _)| *first)
    }
}

/// The bytes that all writers of a namespace may have in flight.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
    /// The length of the line, to be read without its lock.
    waiting: AtomicUsize,
    line: Mutex<Line>,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, used: AtomicUsize::new(0), waiting: AtomicUsize::new(0), line: Mutex::default() }
    }

    /// Takes bytes if they are left and nobody stands in front. More than the limit may go when it is alone.
    pub(crate) fn try_take(&self, bytes: usize, place: Place) -> bool {
        if self.waiting.load(Ordering::SeqCst) > 0 && !guard(&self.line).is_first(place) {
            return false;
        }
        let fits = |used: usize| (used == 0 || used + bytes <= self.limit).then(|| used + bytes);
        self.used.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fits).is_ok()
    }

    /// Puts the caller into the line, or renews its waker. It has to try once more afterwards.
    pub(crate) fn wait(&self, place: &mut Place, waker: &Waker) {
        let mut line = guard(&self.line);
        line.wait(place, waker);
        self.waiting.store(line.waiting.len(), Ordering::SeqCst);
    }

    /// Takes the caller out of the line; answers who has to look again.
    pub(crate) fn leave(&self, place: &mut Place) -> Option<Waker> {
        (*place)?;
        let mut line = guard(&self.line);
        let next = line.leave(place);
        self.waiting.store(line.waiting.len(), Ordering::SeqCst);
        next
    }

    /// Gives bytes back; answers who has to look again.
    pub(crate) fn give_back(&self, bytes: usize) -> Option<Waker> {
        self.used.fetch_sub(bytes, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) == 0 { None } else { guard(&self.line).first() }
    }

    #[cfg(test)]
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::SeqCst)
    }
}

/// A place in a line; `None` outside.
pub(crate) type Place = Option<u64>;

/// Those who wait, first come first served.
#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<(u64, Waker)>,
    next: u64,
}

impl Line {
    fn is_first(&self, place: Place) -> bool {
        self.waiting.front().is_none_or(|(first, _)| Some(*first) == place)
    }

    fn first(&self) -> Option<Waker> {
        self.waiting.front().map(|(_, waker)| waker.clone())
    }

    fn wait(&mut self, place: &mut Place, waker: &Waker) {
        let index = place.and_then(|place| self.find(place));
        if let Some((_, known)) = index.and_then(|index| self.waiting.get_mut(index)) {
            known.clone_from(waker);
        } else {
            self.waiting.push_back((self.next, waker.clone()));
            *place = Some(self.next);
            self.next += 1;
        }
    }

    /// Places are given in order.
    fn find(&self, place: u64) -> Option<usize> {
        self.waiting.binary_search_by_key(&place, |(known, _)| *known).ok()
    }

    fn leave(&mut self, place: &mut Place) -> Option<Waker> {
        let place = place.take()?;
        let index = self.find(place)?;
        self.waiting.remove(index);
        if index == 0 { self.first() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn usage(records: usize, bytes: usize) -> Usage {
        Usage { records, bytes }
    }

    #[test]
    fn room_is_bounded_by_records_and_bytes_but_one_always_fits() {
        let mut room = Room::new(usage(2, 100));
        assert!(room.fits(usage(1, 500), None), "alone");
        room.take(usage(1, 60));
        assert!(
            room.fits(usage(1, 40), None) && !room.fits(usage(1, 41), None) && !room.fits(usage(2, 2), None)
        );
        assert!(room.give_back(usage(1, 60)).is_none());
        assert_eq!(room.used(), Usage::default());
    }

    #[test]
    fn of_many_as_many_are_taken_as_fit() {
        let mut room = Room::new(usage(4, 100));
        let many = |bytes: usize| std::iter::repeat_n(usage(1, bytes), 9);
        let plenty = usage(50, 1_000);
        assert_eq!(room.fitting(many(10), plenty, None), (4, usage(4, 40)));
        assert_eq!(room.fitting(many(40), plenty, None), (2, usage(2, 80)));
        assert_eq!(room.fitting(many(500), plenty, None), (1, usage(1, 500)), "alone");
        assert_eq!(room.fitting(many(10), usage(2, 15), None), (1, usage(1, 10)));
        room.take(usage(3, 90));
        assert_eq!(room.fitting(many(10), plenty, None), (1, usage(1, 10)));
        assert_eq!(room.fitting(many(11), plenty, None), (0, usage(0, 0)));
        let mut place = None;
        room.wait(&mut place, Waker::noop());
        assert_eq!(room.fitting(many(1), plenty, None).0, 0, "nobody jumps the line");
        assert_eq!(room.fitting(many(10), plenty, place), (1, usage(1, 10)));
    }

    #[test]
    fn the_line_is_served_in_order_and_can_be_left() {
        let mut room = Room::new(usage(1, 100));
        room.take(usage(1, 1));
        let (mut first, mut second) = (None, None);
        room.wait(&mut first, Waker::noop());
        room.wait(&mut second, Waker::noop());
        room.wait(&mut first, Waker::noop());
        assert!(room.give_back(usage(1, 1)).is_some());
        assert!(room.fits(usage(1, 1), first) && !room.fits(usage(1, 1), second));
        assert!(!room.fits(usage(1, 1), None), "nobody jumps the line");
        assert_eq!((room.head_of_line(), room.end_of_line()), (0, 2));
        assert!(room.leave(&mut first).is_some(), "the next one is woken");
        assert_eq!((room.head_of_line(), room.end_of_line()), (1, 2));
        assert!(room.fits(usage(1, 1), second));
        room.leave(&mut second);
        assert_eq!((room.head_of_line(), room.end_of_line()), (2, 2));
    }

    #[test]
    fn the_budget_is_shared_and_fair() {
        let budget = Arc::new(Budget::new(10));
        assert!(budget.try_take(8, None) && !budget.try_take(3, None));
        let mut place = None;
        budget.wait(&mut place, Waker::noop());
        assert!(!budget.try_take(1, None), "someone stands in front");
        assert!(!budget.try_take(3, place));
        assert!(budget.give_back(8).is_some());
        assert!(budget.try_take(3, place));
        assert!(budget.leave(&mut place).is_none());
        assert!(budget.try_take(7, None));
        assert_eq!(budget.used(), 10);
    }
}
