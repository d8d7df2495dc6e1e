//! What the tests of ledgers share.

use std::ops::Range;
use std::sync::Arc;

use super::access::Access;
use crate::types::{BookieId, DigestType, LedgerId};

/// Bookies by their numbers.
pub(crate) fn bookies(numbers: Range<usize>) -> Vec<BookieId> {
    numbers.map(|number| BookieId::new(&format!("bk{number}:3181")).unwrap()).collect()
}

/// Ledger 1 with an empty password.
pub(crate) fn access() -> Arc<Access> {
    Arc::new(Access::new(LedgerId::new(1).unwrap(), DigestType::Crc32c, b""))
}
