//! Receipts of appends.

use std::ffi::c_char;
use std::ptr;
use std::sync::OnceLock;

use dl_core::{Dlsn, Durability, Error, ErrorKind, Receipt, Receipts, Result};

use crate::boundary::{answer, boundary};
use crate::codes::{DISTLOG_DURABILITY_MEMORY, DISTLOG_DURABILITY_POWER_LOSS, DISTLOG_DURABILITY_REPLICATED};
use crate::dlsn::dl_dlsn;
use crate::error::dl_error;
use crate::handle::{self, Boxed, Object, Out};

/// The acknowledgement of an append.
#[derive(Debug)]
pub struct dl_receipt {
    receipt: Receipt,
}

/// What became of each record of one call, in its order.
#[derive(Debug)]
pub struct dl_receipts {
    /// Of records that were appended one after another.
    settled: Option<Receipts>,
    /// Why the one behind them was refused.
    refused: Option<Error>,
    /// The same one by one, made for the first who asks for one of them.
    records: OnceLock<Vec<Result<dl_receipt>>>,
}

impl Object for dl_receipt {
    const NAME: &'static str = "the receipt";
}

impl Boxed for dl_receipt {}

impl Object for dl_receipts {
    const NAME: &'static str = "the receipts";
}

impl Boxed for dl_receipts {}

impl dl_receipt {
    pub(crate) fn new(receipt: Receipt) -> Self {
        Self { receipt }
    }
}

impl dl_receipts {
    /// Those of records that are all in the log.
    pub(crate) fn all(receipts: Vec<Receipt>) -> Self {
        let records: Vec<_> = receipts.into_iter().map(|receipt| Ok(dl_receipt::new(receipt))).collect();
        Self { settled: None, refused: None, records: records.into() }
    }

    /// Those of records of which each ended for itself, and why the one behind them was refused.
    pub(crate) fn each(settled: Receipts, refused: Option<Error>) -> Self {
        Self { settled: Some(settled), refused, records: OnceLock::new() }
    }

    fn records(&self) -> &[Result<dl_receipt>] {
        self.records.get_or_init(|| {
            let mut records = Vec::with_capacity(self.count());
            let settled = self.settled.iter().flat_map(Receipts::iter);
            settled.for_each(|receipt| records.push(receipt.map(dl_receipt::new)));
            records.extend(self.refused.clone().map(Err));
            records
        })
    }

    fn count(&self) -> usize {
        let settled = self.settled.as_ref().map_or(0, Receipts::len);
        self.records.get().map_or(settled + usize::from(self.refused.is_some()), Vec::len)
    }

    /// The error of the first that failed.
    fn first_failure(&self) -> Result<()> {
        // Those of a batch are all in the log.
        let mut failures = self.settled.iter().filter_map(Receipts::first_error).chain(self.refused.clone());
        failures.next().map_or(Ok(()), Err)
    }
}

/// The position of the record.
#[unsafe(no_mangle)]
pub extern "C" fn dl_receipt_dlsn(receipt: *const dl_receipt) -> dl_dlsn {
    answer(Dlsn::INVALID.into(), || Ok(handle::borrow(receipt)?.receipt.dlsn.into()))
}

/// The txid of the record.
#[unsafe(no_mangle)]
pub extern "C" fn dl_receipt_txid(receipt: *const dl_receipt) -> i64 {
    answer(-1, || Ok(handle::borrow(receipt)?.receipt.txid))
}

/// The place of the record among all of the log, counted from 0; -1 where Java DistributedLog did not count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_receipt_sequence_id(receipt: *const dl_receipt) -> i64 {
    answer(-1, || Ok(handle::borrow(receipt)?.receipt.sequence_id.map_or(-1, u64::cast_signed)))
}

/// What the record survives: one of DISTLOG_DURABILITY_..., or a larger number that a newer library knows.
#[unsafe(no_mangle)]
pub extern "C" fn dl_receipt_durability(receipt: *const dl_receipt) -> u32 {
    answer(0, || Ok(durability(handle::borrow(receipt)?.receipt.durability).0))
}

/// The name of what the record survives: "memory", "power-loss" or "replicated". It lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn dl_receipt_durability_name(receipt: *const dl_receipt) -> *const c_char {
    answer(ptr::null(), || Ok(durability(handle::borrow(receipt)?.receipt.durability).1.as_ptr()))
}

/// Whether this was a retry of an append that had been acknowledged before.
#[unsafe(no_mangle)]
pub extern "C" fn dl_receipt_is_duplicate(receipt: *const dl_receipt) -> bool {
    answer(false, || Ok(handle::borrow(receipt)?.receipt.duplicate))
}

/// Frees a receipt, but not one that belongs to receipts.
#[unsafe(no_mangle)]
pub extern "C" fn dl_receipt_free(receipt: *mut dl_receipt) {
    handle::free(receipt);
}

/// The number of records that were settled: those of the call, up to the first that was refused.
#[unsafe(no_mangle)]
pub extern "C" fn dl_receipts_count(receipts: *const dl_receipts) -> usize {
    answer(0, || Ok(handle::borrow(receipts)?.count()))
}

/// The receipt of the record at this index, from 0; NULL if that was not acknowledged, and behind the last. It belongs to the
/// receipts.
#[unsafe(no_mangle)]
pub extern "C" fn dl_receipts_at(receipts: *const dl_receipts, index: usize) -> *const dl_receipt {
    answer(ptr::null(), || {
        let record = handle::borrow(receipts)?.records().get(index);
        Ok(record.and_then(|record| record.as_ref().ok()).map_or(ptr::null(), ptr::from_ref))
    })
}

/// The error of the record at this index, from 0; NULL if it was acknowledged.
///
/// Errors: its own; invalid-argument behind the last.
#[unsafe(no_mangle)]
pub extern "C" fn dl_receipts_error(receipts: *const dl_receipts, index: usize) -> *mut dl_error {
    boundary(|| {
        let records = handle::borrow(receipts)?.records();
        let record = records.get(index).ok_or_else(|| {
            let message =
                format!("there is no record {index}: the receipts have {}, counted from 0", records.len());
            Error::new(ErrorKind::InvalidArgument, message)
        })?;
        record.as_ref().map(drop).map_err(Clone::clone)
    })
}

/// The error of the first record that was not acknowledged; NULL if all were. Errors: that of the record is the answer;
/// invalid-argument for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn dl_receipts_first_error(receipts: *const dl_receipts) -> *mut dl_error {
    boundary(|| handle::borrow(receipts)?.first_failure())
}

/// Frees receipts.
#[unsafe(no_mangle)]
pub extern "C" fn dl_receipts_free(receipts: *mut dl_receipts) {
    handle::free(receipts);
}

/// Gives the caller receipts if it wants them, and says whether one is missing.
pub(crate) fn put_receipts(receipts: dl_receipts, out: Out<*mut dl_receipts>) -> Result<()> {
    let failure = receipts.first_failure();
    out.put_object(receipts);
    failure
}

fn durability(durability: Durability) -> (u32, &'static std::ffi::CStr) {
    match durability {
        Durability::Memory => (DISTLOG_DURABILITY_MEMORY, c"memory"),
        Durability::PowerLoss => (DISTLOG_DURABILITY_POWER_LOSS, c"power-loss"),
        Durability::Replicated => (DISTLOG_DURABILITY_REPLICATED, c"replicated"),
        // The core is of the same version: there is no other.
        _ => (u32::MAX, c"unknown"),
    }
}
