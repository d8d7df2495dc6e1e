//! The segments that a verification found in progress.

use std::ffi::{CString, c_char};
use std::ptr;

use dl_core::InProgress;

use super::or_minus_one;
use crate::boundary::answer;
use crate::dlsn::dl_dlsn;
use crate::handle::{self, Object, Out};
use crate::text;

/// A segment in progress, as the next writer would find it.
#[derive(Debug)]
pub struct dl_in_progress {
    segment: InProgress,
    log: CString,
    owner: Option<CString>,
}

impl Object for dl_in_progress {
    const NAME: &'static str = "the segment in progress";
}

impl dl_in_progress {
    pub(super) fn new(segment: InProgress) -> Self {
        let (log, owner) = (text::to_c(segment.log.as_str()), segment.owner.as_deref().map(text::to_c));
        Self { segment, log, owner }
    }
}

/// Its log.
#[unsafe(no_mangle)]
pub extern "C" fn dl_in_progress_log(segment: *const dl_in_progress) -> *const c_char {
    answer(ptr::null(), || Ok(handle::borrow(segment)?.log.as_ptr()))
}

/// Its number.
#[unsafe(no_mangle)]
pub extern "C" fn dl_in_progress_segment(segment: *const dl_in_progress) -> i64 {
    answer(-1, || Ok(handle::borrow(segment)?.segment.segment))
}

/// What it is called in its store.
#[unsafe(no_mangle)]
pub extern "C" fn dl_in_progress_segment_id(segment: *const dl_in_progress) -> i64 {
    answer(-1, || Ok(handle::borrow(segment)?.segment.segment_id.get()))
}

/// The number of its entries that are provably kept.
#[unsafe(no_mangle)]
pub extern "C" fn dl_in_progress_entries(segment: *const dl_in_progress) -> u64 {
    answer(0, || Ok(handle::borrow(segment)?.segment.entries))
}

/// The number of records in them; -1 if the last entry is only in a journal.
#[unsafe(no_mangle)]
pub extern "C" fn dl_in_progress_records(segment: *const dl_in_progress) -> i64 {
    answer(-1, || Ok(or_minus_one(handle::borrow(segment)?.segment.records)))
}

/// The position of the last of them, which may be a control record. Answers whether there is one that is known, and writes it
/// then.
#[unsafe(no_mangle)]
pub extern "C" fn dl_in_progress_last_dlsn(segment: *const dl_in_progress, dlsn: *mut dl_dlsn) -> bool {
    answer(false, || {
        let Some(last) = handle::borrow(segment)?.segment.last_dlsn else { return Ok(false) };
        Out::optional(dlsn).put(last.into());
        Ok(true)
    })
}

/// Bytes behind them that are no whole entry: they were never acknowledged, or power was lost.
#[unsafe(no_mangle)]
pub extern "C" fn dl_in_progress_unfinished_bytes(segment: *const dl_in_progress) -> u64 {
    answer(0, || Ok(handle::borrow(segment)?.segment.unfinished_bytes))
}

/// How the writer that holds the log named itself; NULL if there is none, or it let go of the log.
#[unsafe(no_mangle)]
pub extern "C" fn dl_in_progress_owner(segment: *const dl_in_progress) -> *const c_char {
    answer(ptr::null(), || Ok(text::view(handle::borrow(segment)?.owner.as_ref())))
}

/// Whether that writer's process lives.
#[unsafe(no_mangle)]
pub extern "C" fn dl_in_progress_owner_is_alive(segment: *const dl_in_progress) -> bool {
    answer(false, || Ok(handle::borrow(segment)?.segment.owner_alive))
}
