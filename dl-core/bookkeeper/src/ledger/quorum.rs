//! How many answers decide: coverage, absence, and sets of places of an ensemble.

use crate::error::{Error, ErrorKind, Result};
use crate::types::{EntryId, Quorum};

/// The most bookies an ensemble may have for this client: a set of its places is one word.
pub(crate) const MAX_PLACES: usize = 64;

/// # Errors
/// `unsupported` for an ensemble that is larger than a set of places can be.
pub(crate) fn check_size(quorum: Quorum) -> Result<()> {
    if quorum.ensemble() <= MAX_PLACES {
        return Ok(());
    }
    let message =
        format!("the ledger has quorum of {quorum}; this client works with up to {MAX_PLACES} bookies");
    Err(Error::new(ErrorKind::Unsupported, message))
}

/// The entry with this number. Machines count entries: a ledger with `n` of them has `0..n`, and the LAC of `n`
/// confirmed ones is the one before `n`.
pub(crate) fn entry_id(number: u64) -> EntryId {
    EntryId::new(i64::try_from(number).unwrap_or(i64::MAX)).expect("it is not negative")
}

/// The last of so many entries.
pub(crate) fn last_of(entries: u64) -> Option<EntryId> {
    entries.checked_sub(1).map(entry_id)
}

/// How many entries there are up to and with this one.
pub(crate) fn entries_to(last: Option<EntryId>) -> u64 {
    last.map_or(0, |last| last.number().unsigned_abs() + 1)
}

/// The places of the ensemble that hold this entry, in order of preference.
pub(crate) fn write_set(quorum: Quorum, entry: u64) -> impl Iterator<Item = usize> + Clone {
    quorum.write_set(entry_id(entry))
}

/// How many of a write set may fail before its entry can no longer be acknowledged.
pub(crate) fn spare(quorum: Quorum) -> usize {
    quorum.write() - quorum.ack()
}

/// How many of a write set have to say that they never had an entry until it is certain that it was never acknowledged:
/// those left are too few for an ack quorum.
pub(crate) fn absent(quorum: Quorum) -> usize {
    quorum.write() - quorum.ack() + 1
}

/// Whether those places that answered leave no write set with enough silent members to form an ack quorum.
///
/// Then an old writer completes nothing more without one of them, and each entry it completed is on one of them. "An
/// ack quorum answered" is weaker: with ensemble 3, write quorum 3, ack quorum 1 it takes all three.
pub(crate) fn covered(quorum: Quorum, answered: PlaceSet) -> bool {
    let silent = |entry| write_set(quorum, entry).filter(|place| !answered.has(*place)).count();
    (0..quorum.ensemble() as u64).all(|entry| silent(entry) < quorum.ack())
}

/// A set of places of an ensemble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PlaceSet(u64);

impl PlaceSet {
    /// The places below this number.
    pub(crate) fn first(count: usize) -> Self {
        (0..count).collect()
    }

    /// Adds a place, which is below 64.
    pub(crate) fn add(&mut self, place: usize) {
        self.0 |= 1 << place;
    }

    /// Takes a place out.
    pub(crate) fn remove(&mut self, place: usize) {
        self.0 &= !(1 << place);
    }

    /// Whether the place is in the set.
    pub(crate) fn has(self, place: usize) -> bool {
        place < MAX_PLACES && self.0 & (1 << place) != 0
    }

    /// How many there are.
    pub(crate) fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there are none.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The places, ascending.
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_PLACES).filter(move |place| self.has(*place))
    }
}

impl FromIterator<usize> for PlaceSet {
    fn from_iter<T: IntoIterator<Item = usize>>(places: T) -> Self {
        let mut set = Self::default();
        places.into_iter().for_each(|place| set.add(place));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [(usize, usize, usize); 7] =
        [(1, 1, 1), (2, 2, 1), (3, 3, 2), (3, 2, 2), (3, 3, 1), (5, 3, 2), (4, 2, 1)];

    fn quorum(ensemble: usize, write: usize, ack: usize) -> Quorum {
        Quorum::new(ensemble, write, ack).unwrap()
    }

    /// The rule said in another way: each ack quorum of each write set has a member that answered.
    #[test]
    fn covered_means_that_the_silent_cannot_acknowledge() {
        for (ensemble, write, ack) in SIZES {
            let quorum = quorum(ensemble, write, ack);
            for answered in 0..1_u64 << ensemble {
                let answered = PlaceSet(answered);
                let could_acknowledge = (0..ensemble as u64).any(|entry| {
                    let set = PlaceSet::from_iter(write_set(quorum, entry)).0;
                    let acks = (0..1_u64 << ensemble).filter(|acks| acks.count_ones() as usize == ack);
                    acks.filter(|acks| acks & set == *acks).any(|acks| acks & answered.0 == 0)
                });
                assert_eq!(covered(quorum, answered), !could_acknowledge, "{quorum} {answered:?}");
            }
        }
    }

    #[test]
    fn coverage_is_more_than_an_ack_quorum_of_answers() {
        assert!(!covered(quorum(3, 3, 1), PlaceSet::first(2)), "the third could acknowledge alone");
        assert!(covered(quorum(3, 3, 1), PlaceSet::first(3)));
        assert!(!covered(quorum(3, 3, 2), PlaceSet::first(1)));
        assert!(covered(quorum(3, 3, 2), PlaceSet::first(2)));
        assert!(!covered(quorum(4, 2, 1), PlaceSet::first(3)), "place 3 is in a write set of its own");
        assert!(
            !covered(quorum(5, 3, 2), [0, 1, 2].into_iter().collect()),
            "3 and 4 could acknowledge entry 3"
        );
        assert!(
            !covered(quorum(5, 3, 2), [0, 2, 4].into_iter().collect()),
            "1 and 3 could acknowledge entry 1"
        );
        assert!(covered(quorum(5, 3, 2), PlaceSet::first(4)));
    }
}
