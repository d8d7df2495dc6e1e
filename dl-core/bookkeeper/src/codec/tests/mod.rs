//! The codec beside what Java wrote, and beside itself.

mod any;
mod frames;
mod golden;

use bytes::Bytes;

use crate::types::{EntryId, LedgerId};

pub(super) fn hex(text: &str) -> Bytes {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

pub(super) fn ledger(number: i64) -> LedgerId {
    LedgerId::new(number).unwrap()
}

pub(super) fn entry(number: i64) -> EntryId {
    EntryId::new(number).unwrap()
}
