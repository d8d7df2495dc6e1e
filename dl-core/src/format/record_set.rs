//! Record sets: many payloads in one record, packed and compressed together.

use std::fmt;

use bytes::Bytes;

use super::compression::{Body, compress, length};
use crate::error::{Error, Result};
use crate::types::{Compression, MAX_ENTRY_BYTES, MAX_PAYLOAD_BYTES, Txid};

/// Bytes in front of a set's body.
const HEADER_BYTES: usize = 16;
/// Bytes in front of each member.
const LENGTH_BYTES: usize = 4;
/// Version 1 in bits 12-15.
const VERSION: i32 = 0x1000;
const VERSION_MASK: i32 = 0xf000;

/// A record set to append: payloads that become records of their own, with one txid, and are stored as one record.
///
/// DistributedLog's way to pack many small records, alone or with LZ4. Readers get the members one by one, each with its
/// position, unless they ask for the set.
#[derive(Clone, PartialEq, Eq)]
pub struct NewRecordSet {
    pub(crate) payload: Bytes,
    pub(crate) members: u32,
    pub(crate) txid: Option<Txid>,
}

impl NewRecordSet {
    /// Packs payloads.
    ///
    /// # Errors
    /// `invalid-argument` without any; `too-large` if one is over
    /// [`MAX_PAYLOAD_BYTES`], if the set is over it once it is compressed, or if it is over [`MAX_ENTRY_BYTES`]
    /// before. A set takes 16 bytes and 4 for each payload besides these.
    pub fn pack<M: AsRef<[u8]>>(payloads: &[M], compression: Compression) -> Result<Self> {
        let largest = payloads.iter().map(|payload| payload.as_ref().len()).max().unwrap_or(0);
        if largest > MAX_PAYLOAD_BYTES {
            return Err(Error::too_large(format!(
                "a member of a record set has {largest} bytes; the most is {MAX_PAYLOAD_BYTES}: split it"
            )));
        }
        let payload = encode_record_set(payloads, compression)?;
        let members = RecordSet::count(&payload)?;
        Ok(Self { payload, members, txid: None })
    }

    /// Sets the txid of all members. Appending the set fails with `invalid-argument` if it is smaller than the log's last.
    #[must_use]
    pub fn txid(mut self, txid: Txid) -> Self {
        self.txid = Some(txid);
        self
    }
}

impl fmt::Debug for NewRecordSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("NewRecordSet");
        debug.field("members", &self.members).field("bytes", &self.payload.len()).field("txid", &self.txid);
        debug.finish()
    }
}

/// The members of a record set, from the payload of the record that carries it.
///
/// Yields their payloads in order, or an error `corrupt` and then nothing more.
#[derive(Debug, Clone)]
pub struct RecordSet {
    body: Bytes,
    at: usize,
    left: u32,
}

/// Packs payloads into the payload of a record of kind `RecordSet`.
///
/// # Errors
/// `invalid-argument` without members, which a set with LZ4 cannot express; `too-large` if the set does not fit into a
/// record.
pub(crate) fn encode_record_set<M: AsRef<[u8]>>(members: &[M], codec: Compression) -> Result<Bytes> {
    if members.is_empty() {
        return Err(Error::invalid_argument("a record set needs at least one member"));
    }
    let plain_bytes = members.iter().fold(HEADER_BYTES, |sum, member| {
        sum.saturating_add(LENGTH_BYTES).saturating_add(member.as_ref().len())
    });
    if plain_bytes > MAX_ENTRY_BYTES {
        return Err(too_large(plain_bytes, MAX_ENTRY_BYTES));
    }
    let mut plain = Vec::with_capacity(plain_bytes);
    plain.resize(HEADER_BYTES, 0);
    for member in members {
        plain.extend_from_slice(&word(member.as_ref().len()));
        plain.extend_from_slice(member.as_ref());
    }
    let compressed = match codec {
        Compression::None => None,
        Compression::Lz4 => compress(&plain, HEADER_BYTES),
    };
    let codec = if compressed.is_some() { codec } else { Compression::None };
    let mut set = compressed.unwrap_or(plain);
    let stored_bytes = set.len() - HEADER_BYTES;
    set[..4].copy_from_slice(&(VERSION | codec.code()).to_be_bytes());
    set[4..8].copy_from_slice(&word(members.len()));
    set[8..12].copy_from_slice(&word(plain_bytes - HEADER_BYTES));
    set[12..16].copy_from_slice(&word(stored_bytes));
    if set.len() > MAX_PAYLOAD_BYTES {
        return Err(too_large(set.len(), MAX_PAYLOAD_BYTES));
    }
    Ok(Bytes::from(set))
}

impl RecordSet {
    /// Opens a set; decompresses it if need be.
    ///
    /// # Errors
    /// `corrupt` if the payload is not that of a record set.
    pub fn open(payload: &Bytes) -> Result<Self> {
        let (left, body) = header(payload)?;
        Ok(Self { body: body.open(payload, HEADER_BYTES, MAX_ENTRY_BYTES)?, at: 0, left })
    }

    /// How many members a set has, from its header alone.
    pub(crate) fn count(payload: &[u8]) -> Result<u32> {
        header(payload).map(|(count, _)| count)
    }

    fn take(&mut self) -> Result<Bytes> {
        let rest = &self.body[self.at..];
        let (prefix, rest) =
            rest.split_first_chunk().ok_or_else(|| corrupt("ends before its last member"))?;
        let member_bytes = length(*prefix)? as usize;
        if member_bytes > rest.len() {
            return Err(corrupt("has a member that runs past its end"));
        }
        if self.left == 1 && member_bytes < rest.len() {
            return Err(corrupt("has bytes behind its last member"));
        }
        let start = self.at + LENGTH_BYTES;
        self.at = start + member_bytes;
        self.left -= 1;
        Ok(self.body.slice(start..self.at))
    }
}

impl Iterator for RecordSet {
    type Item = Result<Bytes>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let member = self.take();
        if member.is_err() {
            self.left = 0;
        }
        Some(member)
    }
}

/// The number of members and what is said about the body.
fn header(payload: &[u8]) -> Result<(u32, Body)> {
    let Some(&[m0, m1, m2, m3, c0, c1, c2, c3, d0, d1, d2, d3, s0, s1, s2, s3]) = payload.first_chunk()
    else {
        return Err(corrupt("is shorter than its header"));
    };
    let metadata = i32::from_be_bytes([m0, m1, m2, m3]);
    if metadata & VERSION_MASK != VERSION {
        return Err(corrupt("has an unknown version"));
    }
    let count = length([c0, c1, c2, c3])?;
    let body = Body {
        codec: Compression::from_code(metadata)?,
        decompressed_bytes: length([d0, d1, d2, d3])?,
        stored_bytes: length([s0, s1, s2, s3])?,
    };
    if body.decompressed_bytes as usize > MAX_ENTRY_BYTES {
        return Err(corrupt("is larger than any can be"));
    }
    // Each member has a length in front, so a count cannot lie far: readers reserve slots by it.
    if count > body.decompressed_bytes / LENGTH_BYTES as u32 {
        return Err(corrupt("has more members than its size allows"));
    }
    Ok((count, body))
}

/// A length as stored; every caller has checked it against a limit far below 2^31.
fn word(length: usize) -> [u8; 4] {
    (length as u32).to_be_bytes()
}

#[cold]
fn too_large(bytes: usize, limit: usize) -> Error {
    Error::too_large(format!("the record set takes {bytes} bytes, but at most {limit} fit; use smaller sets"))
}

#[cold]
fn corrupt(what: &'static str) -> Error {
    Error::corrupt(format!("a record set {what}"))
}
