//! Which bookies get a ledger's entries.

mod quarantine;
mod racks;
#[cfg(test)]
mod tests;

use crate::error::Result;
use crate::types::{BookieId, Quorum};

pub use quarantine::QuarantineOptions;
pub use racks::{OneRack, RackAware, Topology};

/// Chooses bookies. Its calls look at what is known and never wait. Times are milliseconds from one fixed moment.
pub trait Placement: Send + Sync + 'static {
    /// Bookies for a new ledger, none of them twice.
    ///
    /// # Errors
    /// `not-enough-bookies`.
    fn ensemble(&self, quorum: Quorum, now_ms: u64) -> Result<Vec<BookieId>>;

    /// A bookie for one place of an ensemble, from none that is in it. `None` if there is no other that can be expected
    /// to work.
    fn replacement(
        &self,
        quorum: Quorum,
        ensemble: &[BookieId],
        place: usize,
        now_ms: u64,
    ) -> Option<BookieId>;

    /// A bookie did not do what it was asked, or could not be reached.
    fn failed(&self, bookie: &BookieId, now_ms: u64);
}
