//! Entries on their way to the bookies of an ensemble: who has each, and which may be counted as stored.

use std::sync::Arc;

use super::access::Access;
use super::quorum::{PlaceSet, spare, write_set};
use super::ring::Ring;
use crate::protocol::{EncodedEntry, Request};
use crate::types::{BookieId, Quorum};

/// Entries in order, each with the answers of its write set. Writers and recoveries share it; they differ in how an
/// ensemble is changed.
#[derive(Debug)]
pub(crate) struct Adds {
    access: Arc<Access>,
    kind: AddKind,
    quorum: Quorum,
    places: Vec<Place>,
    pending: Ring<Add>,
    bytes: usize,
}

/// How an entry is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddKind {
    /// By the writer; refused once the ledger is fenced, and durable when answered.
    Plain,
    /// By the writer, answered before it is durable.
    Deferred,
    /// By a recovery, in spite of the fence.
    Recovery,
}

/// A place in the ensemble and who has it now.
#[derive(Debug)]
struct Place {
    bookie: BookieId,
    /// How often the place changed hands. Answers for an earlier holder do not count.
    generation: u32,
}

/// An entry on its way.
#[derive(Debug)]
pub(crate) struct Add {
    body: EncodedEntry,
    /// Bytes of payload of the ledger up to and with this entry.
    pub(crate) length: u64,
    /// When it was added.
    pub(crate) since_ms: u64,
    acked: PlaceSet,
    failed: PlaceSet,
}

/// Whom an add was sent to, to be given back with the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddTarget {
    pub(crate) entry: u64,
    pub(crate) place: usize,
    pub(crate) generation: u32,
}

/// An add to send.
#[derive(Debug)]
pub(crate) struct AddSend {
    pub(crate) to: BookieId,
    pub(crate) target: AddTarget,
    pub(crate) request: Request,
}

impl Adds {
    pub(crate) fn new(
        access: Arc<Access>,
        kind: AddKind,
        quorum: Quorum,
        ensemble: &[BookieId],
        first: u64,
    ) -> Self {
        let places = ensemble.iter().map(|bookie| Place { bookie: bookie.clone(), generation: 0 }).collect();
        Self { access, kind, quorum, places, pending: Ring::new(first), bytes: 0 }
    }

    /// Sends the next entry to its whole write set.
    pub(crate) fn push(&mut self, body: EncodedEntry, length: u64, now_ms: u64, sends: &mut Vec<AddSend>) {
        let entry = self.pending.next();
        let all = write_set(self.quorum, entry).collect();
        self.bytes += body.len();
        let mut add =
            Add { body, length, since_ms: now_ms, acked: PlaceSet::default(), failed: PlaceSet::default() };
        add.send(entry, all, &To { access: &self.access, kind: self.kind, places: &self.places }, sends);
        self.pending.push(add);
    }

    /// A bookie has the entry. Answers whether that counts: not if its place has another holder by now.
    pub(crate) fn stored(&mut self, target: AddTarget) -> bool {
        if !self.is_current(target) {
            return false;
        }
        if let Some(add) = self.pending.find(target.entry) {
            add.acked.add(target.place);
            add.failed.remove(target.place);
        }
        true
    }

    /// A bookie does not have the entry, or nobody knows. Answers whether that concerns the present holder of the place.
    pub(crate) fn failed(&mut self, target: AddTarget) -> bool {
        if !self.is_current(target) {
            return false;
        }
        if let Some(add) = self.pending.find(target.entry).filter(|add| !add.acked.has(target.place)) {
            add.failed.add(target.place);
        }
        true
    }

    /// Puts bookies into places of the ensemble. Whatever the earlier holders of these places answered no longer counts,
    /// and the new ones get every entry on its way that belongs to them.
    pub(crate) fn replace(&mut self, ensemble: &[BookieId], sends: &mut Vec<AddSend>) {
        let mut changed = PlaceSet::default();
        for (index, (place, bookie)) in self.places.iter_mut().zip(ensemble).enumerate() {
            if place.bookie != *bookie {
                *place = Place { bookie: bookie.clone(), generation: place.generation.wrapping_add(1) };
                changed.add(index);
            }
        }
        for (entry, add) in self.pending.iter_mut() {
            let moved: PlaceSet = write_set(self.quorum, entry).filter(|place| changed.has(*place)).collect();
            add.send(
                entry,
                moved,
                &To { access: &self.access, kind: self.kind, places: &self.places },
                sends,
            );
        }
    }

    /// Sends what failed once more to whom it was sent.
    pub(crate) fn resend(&mut self, sends: &mut Vec<AddSend>) {
        for (entry, add) in self.pending.iter_mut() {
            add.send(
                entry,
                add.failed,
                &To { access: &self.access, kind: self.kind, places: &self.places },
                sends,
            );
        }
    }

    /// Takes the oldest entry if an ack quorum has it.
    pub(crate) fn pop_stored(&mut self) -> Option<Add> {
        if self.pending.front()?.acked.count() < self.quorum.ack() {
            return None;
        }
        let add = self.pending.pop()?;
        self.bytes -= add.body.len();
        Some(add)
    }

    /// Whether some entry can get no ack quorum from the present ensemble without being sent again.
    pub(crate) fn is_stuck(&self) -> bool {
        self.pending.iter().any(|add| add.failed.count() > spare(self.quorum))
    }

    /// Forgets all that is on its way.
    pub(crate) fn clear(&mut self) {
        self.pending.clear();
        self.bytes = 0;
    }

    pub(crate) fn oldest(&self) -> Option<&Add> {
        self.pending.front()
    }

    /// The oldest entry on its way, or the next if there is none.
    pub(crate) fn first(&self) -> u64 {
        self.pending.first()
    }

    pub(crate) fn next(&self) -> u64 {
        self.pending.next()
    }

    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Bytes on their way, counted once, not for each replica.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn bookie(&self, place: usize) -> Option<&BookieId> {
        self.places.get(place).map(|place| &place.bookie)
    }

    /// A target of no entry for the present holder of a place, for calls other than adds.
    pub(crate) fn holder(&self, place: usize) -> Option<(BookieId, u32)> {
        self.places.get(place).map(|place| (place.bookie.clone(), place.generation))
    }

    pub(crate) fn ensemble(&self) -> Vec<BookieId> {
        self.places.iter().map(|place| place.bookie.clone()).collect()
    }

    fn is_current(&self, target: AddTarget) -> bool {
        self.places.get(target.place).is_some_and(|place| place.generation == target.generation)
    }
}

/// What it takes to send an add.
struct To<'a> {
    access: &'a Access,
    kind: AddKind,
    places: &'a [Place],
}

impl Add {
    /// Sends the entry to these places, whose answers count from now.
    fn send(&mut self, entry: u64, places: PlaceSet, to: &To<'_>, sends: &mut Vec<AddSend>) {
        for (index, place) in to.places.iter().enumerate().filter(|(index, _)| places.has(*index)) {
            self.acked.remove(index);
            self.failed.remove(index);
            let target = AddTarget { entry, place: index, generation: place.generation };
            let request = to.access.add(entry, self.body.clone(), to.kind);
            sends.push(AddSend { to: place.bookie.clone(), target, request });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::testing::{access, bookies};

    fn adds(ensemble: usize, write: usize, ack: usize) -> Adds {
        let quorum = Quorum::new(ensemble, write, ack).unwrap();
        Adds::new(access(), AddKind::Plain, quorum, &bookies(0..ensemble), 0)
    }

    fn push(adds: &mut Adds) -> Vec<AddTarget> {
        let mut sends = Vec::new();
        let body = EncodedEntry::whole(bytes::Bytes::from_static(b"entry"));
        adds.push(body, 5, 0, &mut sends);
        sends.into_iter().map(|send| send.target).collect()
    }

    #[test]
    fn an_entry_is_stored_when_an_ack_quorum_has_it() {
        let mut adds = adds(3, 3, 2);
        let sent = push(&mut adds);
        assert!(adds.stored(sent[0]) && adds.stored(sent[0]));
        assert!(adds.pop_stored().is_none(), "one bookie twice is not two");
        assert!(adds.stored(sent[2]));
        assert_eq!(adds.pop_stored().map(|add| add.length), Some(5));
        assert_eq!((adds.first(), adds.bytes(), adds.is_empty()), (1, 0, true));
    }

    #[test]
    fn answers_of_a_replaced_bookie_do_not_count() {
        let mut adds = adds(3, 3, 2);
        let sent = push(&mut adds);
        adds.stored(sent[0]);
        let mut sends = Vec::new();
        let mut ensemble = adds.ensemble();
        ensemble[0] = bookies(7..8).remove(0);
        adds.replace(&ensemble, &mut sends);
        assert_eq!(sends.len(), 1, "only the new bookie gets it");
        assert!(!adds.stored(sent[0]) && !adds.failed(sent[0]));
        adds.stored(sent[1]);
        assert!(adds.pop_stored().is_none(), "the acknowledgement of the replaced bookie was unset");
        assert!(adds.stored(sends[0].target));
        assert!(adds.pop_stored().is_some());
    }

    #[test]
    fn a_bookie_that_returns_to_its_place_is_asked_again() {
        let mut adds = adds(2, 2, 2);
        let sent = push(&mut adds);
        let (old, mut new) = (adds.ensemble(), adds.ensemble());
        new[1] = bookies(7..8).remove(0);
        let mut sends = Vec::new();
        adds.replace(&new, &mut sends);
        adds.replace(&old, &mut sends);
        assert!(!adds.stored(sent[1]), "that was two changes ago");
        assert!(adds.stored(sends[1].target));
    }

    #[test]
    fn an_entry_is_stuck_when_too_few_are_left() {
        let mut adds = adds(3, 3, 2);
        let sent = push(&mut adds);
        adds.failed(sent[0]);
        assert!(!adds.is_stuck());
        adds.failed(sent[1]);
        assert!(adds.is_stuck());
        let mut sends = Vec::new();
        adds.resend(&mut sends);
        assert_eq!(sends.iter().map(|send| send.target).collect::<Vec<_>>(), sent[..2]);
        assert!(!adds.is_stuck());
    }
}
