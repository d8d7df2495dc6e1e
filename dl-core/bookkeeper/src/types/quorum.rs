//! How many bookies hold a ledger, and which of them hold an entry.

use std::fmt;

use crate::error::{Error, Result};
use crate::types::EntryId;

/// The sizes of a ledger's quorums: `ensemble >= write >= ack >= 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quorum {
    ensemble: usize,
    write: usize,
    ack: usize,
}

impl Quorum {
    /// The largest ensemble.
    pub const MAX_ENSEMBLE: usize = 1_024;

    /// Checks the sizes.
    ///
    /// # Errors
    /// `invalid-argument` unless `ensemble >= write >= ack >= 1`, and for more than [`Quorum::MAX_ENSEMBLE`] bookies.
    pub fn new(ensemble: usize, write: usize, ack: usize) -> Result<Self> {
        if ack == 0 || write < ack || ensemble < write || ensemble > Self::MAX_ENSEMBLE {
            return Err(Error::invalid_argument(format!(
                "an ensemble of {ensemble}, a write quorum of {write} and an ack quorum of {ack} cannot be: each is at \
                 least the next, the last at least 1"
            )));
        }
        Ok(Self { ensemble, write, ack })
    }

    /// Bookies that hold the ledger, each a part of it.
    #[must_use]
    pub const fn ensemble(self) -> usize {
        self.ensemble
    }

    /// Bookies that each entry is sent to.
    #[must_use]
    pub const fn write(self) -> usize {
        self.write
    }

    /// Bookies that must have an entry before it is acknowledged.
    #[must_use]
    pub const fn ack(self) -> usize {
        self.ack
    }

    /// Places in the ensemble of the bookies that an entry is sent to, in that order.
    pub fn write_set(self, entry: EntryId) -> impl Iterator<Item = usize> + Clone {
        // Both numbers are not negative, and the remainder is below the ensemble's size.
        let first = (entry.number() % self.ensemble as i64) as usize;
        (first..first + self.write).map(move |place| place % self.ensemble)
    }
}

impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.ensemble, self.write, self.ack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_checked() {
        assert_eq!(Quorum::new(3, 3, 2).unwrap().to_string(), "3/3/2");
        for (ensemble, write, ack) in [(0, 0, 0), (1, 1, 0), (1, 2, 1), (2, 1, 2), (1_025, 1, 1)] {
            assert!(Quorum::new(ensemble, write, ack).is_err());
        }
    }

    #[test]
    fn entries_go_round_the_ensemble() {
        let quorum = Quorum::new(4, 3, 2).unwrap();
        let set = |entry| quorum.write_set(EntryId::new(entry).unwrap()).collect::<Vec<_>>();
        assert_eq!([set(0), set(2), set(7)], [vec![0, 1, 2], vec![2, 3, 0], vec![3, 0, 1]]);
        assert_eq!(set(i64::MAX), [3, 0, 1]);
    }
}
