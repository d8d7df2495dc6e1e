//! Entries and LAC records as they are stored: ids, LAC, length, digest, payload.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::error::{Error, ErrorKind, Result};
use crate::protocol::EncodedEntry;
use crate::types::{DigestType, EntryId, LedgerId, sha1_of};

/// Ledger, entry, LAC and length, eight bytes each.
const HEADER_BYTES: usize = 32;

/// Ledger and LAC, eight bytes each.
const LAC_HEADER_BYTES: usize = 16;

const MAX_DIGEST_BYTES: usize = 20;

/// An entry that was read and whose digest is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The ledger.
    pub ledger: LedgerId,
    /// Its number.
    pub id: EntryId,
    /// The LAC that the writer knew when it sent the entry. Entries that were copied by the cluster's own repair may have
    /// one above their own number.
    pub lac: Option<EntryId>,
    /// Bytes of all payloads of the ledger up to this one.
    pub length: u64,
    /// The payload.
    pub payload: Bytes,
}

/// Makes and checks the entries of ledgers with one digest type and password. Cheap to clone.
#[derive(Clone)]
pub struct EntryCodec(Digest);

#[derive(Clone)]
enum Digest {
    Crc32,
    Mac(Box<Hmac<Sha1>>),
    Crc32c,
    Dummy,
}

impl EntryCodec {
    /// A codec for ledgers with this digest type and password. Only [`DigestType::Mac`] uses the password.
    #[must_use]
    pub fn new(digest: DigestType, password: &[u8]) -> Self {
        Self(match digest {
            DigestType::Crc32 => Digest::Crc32,
            DigestType::Crc32c => Digest::Crc32c,
            DigestType::Dummy => Digest::Dummy,
            DigestType::Mac => {
                let key = sha1_of(b"mac", password);
                Digest::Mac(Box::new(Hmac::new_from_slice(&key).expect("a MAC takes keys of any length")))
            }
        })
    }

    /// The digest type.
    #[must_use]
    pub const fn digest_type(&self) -> DigestType {
        match self.0 {
            Digest::Crc32 => DigestType::Crc32,
            Digest::Mac(_) => DigestType::Mac,
            Digest::Crc32c => DigestType::Crc32c,
            Digest::Dummy => DigestType::Dummy,
        }
    }

    /// Bytes in front of each payload.
    #[must_use]
    pub const fn overhead_bytes(&self) -> usize {
        HEADER_BYTES + self.digest_type().bytes()
    }

    /// An entry ready to be sent. `length` counts the payloads of the ledger up to and with this one.
    #[must_use]
    pub fn seal(
        &self,
        ledger: LedgerId,
        entry: EntryId,
        lac: Option<EntryId>,
        length: u64,
        payload: Bytes,
    ) -> EncodedEntry {
        let mut head = BytesMut::with_capacity(self.overhead_bytes());
        head.put_i64(ledger.number());
        head.put_i64(entry.number());
        head.put_i64(EntryId::to_wire(lac));
        head.put_u64(length);
        let (digest, bytes) = self.digest(&head, &payload);
        head.extend_from_slice(&digest[..bytes]);
        EncodedEntry { head: head.freeze(), payload }
    }

    /// Checks an entry that a bookie sent and takes it apart. `wanted` is what was asked for; `None` is the last one.
    ///
    /// # Errors
    /// `digest-mismatch` if the bytes are not what the writer wrote, or are those of another entry.
    pub fn open(&self, ledger: LedgerId, wanted: Option<EntryId>, stored: &Bytes) -> Result<Entry> {
        let place = |error: Error| {
            let error = error.of_ledger(ledger);
            wanted.map_or(error.clone(), |entry| error.of_entry(entry))
        };
        self.take_apart(ledger, wanted, stored.clone()).map_err(|message| {
            place(Error::new(ErrorKind::DigestMismatch, format!("{message}; another replica may be good")))
        })
    }

    /// A LAC ready to be sent.
    #[must_use]
    pub fn seal_lac(&self, ledger: LedgerId, lac: Option<EntryId>) -> Bytes {
        let mut record = BytesMut::with_capacity(LAC_HEADER_BYTES + MAX_DIGEST_BYTES);
        record.put_i64(ledger.number());
        record.put_i64(EntryId::to_wire(lac));
        let (digest, bytes) = self.digest(&record, &[]);
        record.extend_from_slice(&digest[..bytes]);
        record.freeze()
    }

    /// Checks a LAC that a bookie sent.
    ///
    /// # Errors
    /// `digest-mismatch` if the bytes are not what the writer wrote, or are of another ledger.
    pub fn open_lac(&self, ledger: LedgerId, stored: &[u8]) -> Result<Option<EntryId>> {
        let wrong = || {
            let message = "a LAC is not what its digest says; another replica may be good";
            Error::new(ErrorKind::DigestMismatch, message).of_ledger(ledger)
        };
        let (header, digest) = stored.split_at_checked(LAC_HEADER_BYTES).ok_or_else(wrong)?;
        let (expected, bytes) = self.digest(header, &[]);
        let mut numbers = header;
        if digest != &expected[..bytes] || numbers.get_i64() != ledger.number() {
            return Err(wrong());
        }
        EntryId::from_wire(numbers.get_i64()).map_err(|_| wrong())
    }

    fn take_apart(
        &self,
        ledger: LedgerId,
        wanted: Option<EntryId>,
        mut stored: Bytes,
    ) -> std::result::Result<Entry, &'static str> {
        if stored.len() < self.overhead_bytes() {
            return Err("an entry is cut short");
        }
        let mut header = stored.split_to(HEADER_BYTES);
        let digest = stored.split_to(self.digest_type().bytes());
        let (expected, bytes) = self.digest(&header, &stored);
        if digest != expected[..bytes] {
            return Err("an entry is not what its digest says");
        }
        if header.get_i64() != ledger.number() {
            return Err("an entry is one of another ledger");
        }
        let id = EntryId::new(header.get_i64()).map_err(|_| "an entry has no number")?;
        if wanted.is_some_and(|wanted| wanted != id) {
            return Err("an entry is not the one that was asked for");
        }
        let lac = EntryId::from_wire(header.get_i64()).map_err(|_| "an entry has a LAC that cannot be")?;
        let length = u64::try_from(header.get_i64()).map_err(|_| "an entry has a negative length")?;
        Ok(Entry { ledger, id, lac, length, payload: stored })
    }

    /// The digest of these bytes in a row, and how many bytes it has.
    fn digest(&self, header: &[u8], payload: &[u8]) -> ([u8; MAX_DIGEST_BYTES], usize) {
        let mut digest = [0; MAX_DIGEST_BYTES];
        let bytes = self.digest_type().bytes();
        match &self.0 {
            Digest::Crc32 => {
                let mut hasher = crc32fast::Hasher::new();
                hasher.update(header);
                hasher.update(payload);
                digest[..bytes].copy_from_slice(&u64::from(hasher.finalize()).to_be_bytes());
            }
            Digest::Mac(keyed) => {
                let mac = Hmac::clone(keyed).chain_update(header).chain_update(payload);
                digest.copy_from_slice(&mac.finalize().into_bytes());
            }
            Digest::Crc32c => {
                let crc = crc32c::crc32c_append(crc32c::crc32c(header), payload);
                digest[..bytes].copy_from_slice(&crc.to_be_bytes());
            }
            Digest::Dummy => {}
        }
        (digest, bytes)
    }
}

/// Without the key.
impl std::fmt::Debug for EntryCodec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EntryCodec({})", self.digest_type())
    }
}
