//! What the metadata says about a log and its segments.

use std::ffi::{CString, c_char};
use std::ptr;

use dl_core::{Dlsn, Log, LogInfo, Result, SegmentInfo, SegmentTruncation};

use crate::boundary::{answer, boundary};
use crate::codes::{DISTLOG_TRUNCATION_BELOW, DISTLOG_TRUNCATION_NONE, DISTLOG_TRUNCATION_WHOLE};
use crate::completion::call::dl_call;
use crate::dlsn::dl_dlsn;
use crate::error::dl_error;
use crate::handle::{self, Boxed, Object, Out};
use crate::log::{dl_log, on};
use crate::text;
use crate::waiting::{block, look, start};

/// What the metadata says about a log.
#[derive(Debug)]
pub struct dl_log_info {
    info: LogInfo,
    name: CString,
    owner: Option<CString>,
}

/// What the metadata says about a segment.
#[derive(Debug)]
pub struct dl_segment {
    info: SegmentInfo,
}

/// Segments of a log, oldest first.
#[derive(Debug)]
pub struct dl_segments {
    segments: Vec<dl_segment>,
}

impl Object for dl_log_info {
    const NAME: &'static str = "the info";
}

impl Boxed for dl_log_info {}

impl Object for dl_segment {
    const NAME: &'static str = "the segment";
}

impl Object for dl_segments {
    const NAME: &'static str = "the segments";
}

impl Boxed for dl_segments {}

impl dl_log_info {
    fn new(info: LogInfo) -> Self {
        let (name, owner) = (text::to_c(info.name.as_str()), info.owner.as_deref().map(text::to_c));
        Self { info, name, owner }
    }
}

impl dl_segments {
    pub(crate) fn new(segments: Vec<SegmentInfo>) -> Self {
        Self { segments: segments.into_iter().map(|info| dl_segment { info }).collect() }
    }
}

async fn info(log: Log) -> Result<dl_log_info> {
    log.info().await.map(dl_log_info::new)
}

async fn segments(log: Log) -> Result<dl_segments> {
    log.segments().await.map(dl_segments::new)
}

/// What the metadata says about the log.
///
/// Errors: not-found if there is no such log.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_get_info(
    log: *mut dl_log,
    timeout_ms: i64,
    info: *mut *mut dl_log_info,
) -> *mut dl_error {
    boundary(|| Out::new(info, "info")?.give(block(timeout_ms, look("info"), on(log, self::info)?)))
}

/// Starts dl_log_get_info. Take what it answers with dl_call_take_log_info. Errors: those of dl_log_get_info come with the
/// call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_get_info_start(log: *mut dl_log, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| start(call, look("info"), on(log, info)?))
}

/// The segments of the log, truncated ones that are still kept included.
///
/// Errors: not-found if there is no such log.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_list_segments(
    log: *mut dl_log,
    timeout_ms: i64,
    segments: *mut *mut dl_segments,
) -> *mut dl_error {
    boundary(|| {
        Out::new(segments, "segments")?.give(block(timeout_ms, look("segments"), on(log, self::segments)?))
    })
}

/// Starts dl_log_list_segments. Take what it answers with dl_call_take_segments. Errors: those of dl_log_list_segments come
/// with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_list_segments_start(log: *mut dl_log, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| start(call, look("segments"), on(log, segments)?))
}

/// The name of the log.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_info_name(info: *const dl_log_info) -> *const c_char {
    answer(ptr::null(), || Ok(handle::borrow(info)?.name.as_ptr()))
}

/// A number that tells the log from an earlier one of the same name.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_info_incarnation(info: *const dl_log_info) -> u64 {
    answer(0, || Ok(handle::borrow(info)?.info.incarnation))
}

/// The number of its segments, truncated ones that are still kept included.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_info_segments(info: *const dl_log_info) -> usize {
    answer(0, || Ok(handle::borrow(info)?.info.segments))
}

/// Whether a segment is in progress: a writer is open, or was and did not end it.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_info_is_in_progress(info: *const dl_log_info) -> bool {
    answer(false, || Ok(handle::borrow(info)?.info.in_progress))
}

/// Whether it was sealed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_info_is_sealed(info: *const dl_log_info) -> bool {
    answer(false, || Ok(handle::borrow(info)?.info.sealed))
}

/// The point of truncation: no record below it is read.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_info_first_readable(info: *const dl_log_info) -> dl_dlsn {
    answer(Dlsn::INVALID.into(), || Ok(handle::borrow(info)?.info.first_readable.into()))
}

/// The largest txid of its completed segments; -1 if it never had a record, and of a sealed log.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_info_max_txid(info: *const dl_log_info) -> i64 {
    answer(-1, || Ok(handle::borrow(info)?.info.max_txid.unwrap_or(-1)))
}

/// How its writer named itself; NULL if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_info_owner(info: *const dl_log_info) -> *const c_char {
    answer(ptr::null(), || Ok(text::view(handle::borrow(info)?.owner.as_ref())))
}

/// Frees info.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_info_free(info: *mut dl_log_info) {
    handle::free(info);
}

/// The number of segments.
#[unsafe(no_mangle)]
pub extern "C" fn dl_segments_count(segments: *const dl_segments) -> usize {
    answer(0, || Ok(handle::borrow(segments)?.segments.len()))
}

/// The segment at this index, from 0; NULL behind the last. It belongs to the segments.
#[unsafe(no_mangle)]
pub extern "C" fn dl_segments_at(segments: *const dl_segments, index: usize) -> *const dl_segment {
    answer(ptr::null(), || {
        Ok(handle::borrow(segments)?.segments.get(index).map_or(ptr::null(), ptr::from_ref))
    })
}

/// Frees segments.
#[unsafe(no_mangle)]
pub extern "C" fn dl_segments_free(segments: *mut dl_segments) {
    handle::free(segments);
}

/// Its number; 0 for the oldest ones that Java DistributedLog wrote.
#[unsafe(no_mangle)]
pub extern "C" fn dl_segment_number(segment: *const dl_segment) -> i64 {
    answer(-1, || Ok(handle::borrow(segment)?.info.number))
}

/// What it is called in its store.
#[unsafe(no_mangle)]
pub extern "C" fn dl_segment_id(segment: *const dl_segment) -> i64 {
    answer(-1, || Ok(handle::borrow(segment)?.info.id.get()))
}

/// How much of it was truncated: one of DISTLOG_TRUNCATION_.... For DISTLOG_TRUNCATION_BELOW the position goes into `below`,
/// which may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn dl_segment_truncation(segment: *const dl_segment, below: *mut dl_dlsn) -> u32 {
    answer(DISTLOG_TRUNCATION_NONE, || {
        Ok(match handle::borrow(segment)?.info.truncation {
            SegmentTruncation::None => DISTLOG_TRUNCATION_NONE,
            SegmentTruncation::Below(dlsn) => {
                Out::optional(below).put(dlsn.into());
                DISTLOG_TRUNCATION_BELOW
            }
            SegmentTruncation::Whole => DISTLOG_TRUNCATION_WHOLE,
        })
    })
}

/// A lower bound of the txids of its records.
#[unsafe(no_mangle)]
pub extern "C" fn dl_segment_first_txid(segment: *const dl_segment) -> i64 {
    answer(-1, || Ok(handle::borrow(segment)?.info.first_txid))
}

/// The sequence id of its first record; -1 where it is not counted or not known.
#[unsafe(no_mangle)]
pub extern "C" fn dl_segment_first_sequence_id(segment: *const dl_segment) -> i64 {
    answer(-1, || Ok(handle::borrow(segment)?.info.first_sequence_id.map_or(-1, u64::cast_signed)))
}

/// Whether it was completed. What completion said are its records, last txid, last position and time.
#[unsafe(no_mangle)]
pub extern "C" fn dl_segment_is_completed(segment: *const dl_segment) -> bool {
    answer(false, || Ok(handle::borrow(segment)?.info.completed.is_some()))
}

/// The number of its records; -1 if it was not completed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_segment_records(segment: *const dl_segment) -> i64 {
    answer(-1, || Ok(handle::borrow(segment)?.info.completed.map_or(-1, |end| end.records.cast_signed())))
}

/// The txid of its last record; -1 if it was not completed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_segment_last_txid(segment: *const dl_segment) -> i64 {
    answer(-1, || Ok(handle::borrow(segment)?.info.completed.map_or(-1, |end| end.last_txid)))
}

/// The position of its last record, which may be a control record. Answers whether there is one, and writes it then.
#[unsafe(no_mangle)]
pub extern "C" fn dl_segment_last_dlsn(segment: *const dl_segment, dlsn: *mut dl_dlsn) -> bool {
    answer(false, || {
        let last = handle::borrow(segment)?.info.completed.and_then(|end| end.last_dlsn);
        let Some(last) = last else { return Ok(false) };
        Out::optional(dlsn).put(last.into());
        Ok(true)
    })
}

/// When it was completed, in milliseconds since 1970 UTC; -1 if it was not.
#[unsafe(no_mangle)]
pub extern "C" fn dl_segment_completed_ms(segment: *const dl_segment) -> i64 {
    answer(-1, || Ok(handle::borrow(segment)?.info.completed.map_or(-1, |end| end.completed_ms)))
}
