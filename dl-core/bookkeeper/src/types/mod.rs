//! The nouns: ids, digests, keys and quorums, as types that refuse bad values. No I/O.

mod digest;
mod ids;
mod keys;
mod quorum;

pub use digest::DigestType;
pub use ids::{BookieId, EntryId, LedgerId};
pub use keys::MasterKey;
pub(crate) use keys::sha1_of;
pub use quorum::Quorum;
