//! What a verification found, one thing at a time.

use std::ffi::{CString, c_char};
use std::ptr;

use dl_core::Finding;

use super::or_minus_one;
use crate::boundary::answer;
use crate::handle::{self, Object, Out};
use crate::text;

/// One thing that is not as it was written, or not where it belongs.
#[derive(Debug)]
pub struct dl_finding {
    finding: Finding,
    severity: CString,
    subject: CString,
    message: CString,
    file: Option<CString>,
    log: Option<CString>,
    kept: Option<CString>,
    safe: Vec<CString>,
}

impl Object for dl_finding {
    const NAME: &'static str = "the finding";
}

impl dl_finding {
    pub(super) fn new(finding: Finding) -> Self {
        Self {
            severity: text::to_c(finding.severity.name()),
            subject: text::to_c(finding.subject.name()),
            message: text::to_c(&finding.message),
            file: finding.file.as_ref().map(|file| text::to_c(&file.to_string_lossy())),
            log: finding.log.as_ref().map(|log| text::to_c(log.as_str())),
            kept: finding.kept.as_deref().map(text::to_c),
            safe: finding.safe.iter().map(|command| text::to_c(command)).collect(),
            finding,
        }
    }
}

/// How bad it is: "notice", if no acknowledged record depends on it, or "damage".
#[unsafe(no_mangle)]
pub extern "C" fn dl_finding_severity(finding: *const dl_finding) -> *const c_char {
    answer(ptr::null(), || Ok(handle::borrow(finding)?.severity.as_ptr()))
}

/// What kind of file it is about: "format", "control", "metadata", "journal", "segment", or "stranger" for one that is not the
/// namespace's.
#[unsafe(no_mangle)]
pub extern "C" fn dl_finding_subject(finding: *const dl_finding) -> *const c_char {
    answer(ptr::null(), || Ok(handle::borrow(finding)?.subject.as_ptr()))
}

/// What is wrong, in words.
#[unsafe(no_mangle)]
pub extern "C" fn dl_finding_message(finding: *const dl_finding) -> *const c_char {
    answer(ptr::null(), || Ok(handle::borrow(finding)?.message.as_ptr()))
}

/// The file; NULL if it is about what several say.
#[unsafe(no_mangle)]
pub extern "C" fn dl_finding_file(finding: *const dl_finding) -> *const c_char {
    answer(ptr::null(), || Ok(text::view(handle::borrow(finding)?.file.as_ref())))
}

/// The place in the file; -1 if it is about all of it.
#[unsafe(no_mangle)]
pub extern "C" fn dl_finding_offset(finding: *const dl_finding) -> i64 {
    answer(-1, || Ok(or_minus_one(handle::borrow(finding)?.finding.offset)))
}

/// The segment, as its store calls it; -1 if it is about none.
#[unsafe(no_mangle)]
pub extern "C" fn dl_finding_segment_id(finding: *const dl_finding) -> i64 {
    answer(-1, || Ok(handle::borrow(finding)?.finding.segment_id.map_or(-1, dl_core::SegmentId::get)))
}

/// The log that the segment belongs to; NULL where it is not known.
#[unsafe(no_mangle)]
pub extern "C" fn dl_finding_log(finding: *const dl_finding) -> *const c_char {
    answer(ptr::null(), || Ok(text::view(handle::borrow(finding)?.log.as_ref())))
}

/// The number of the segment in its log; -1 where it is not known.
#[unsafe(no_mangle)]
pub extern "C" fn dl_finding_segment(finding: *const dl_finding) -> i64 {
    answer(-1, || Ok(handle::borrow(finding)?.finding.segment.unwrap_or(-1)))
}

/// The number of runs of entries of the segment that are whole.
#[unsafe(no_mangle)]
pub extern "C" fn dl_finding_whole_entries_count(finding: *const dl_finding) -> usize {
    answer(0, || Ok(handle::borrow(finding)?.finding.whole_entries.len()))
}

/// The run of whole entries at this index, from 0: its first and its last entry. Answers whether there is one, and writes them
/// then; either may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn dl_finding_whole_entries_at(
    finding: *const dl_finding,
    index: usize,
    first: *mut u64,
    last: *mut u64,
) -> bool {
    answer(false, || {
        let run = handle::borrow(finding)?.finding.whole_entries.get(index).copied();
        let Some((from, to)) = run else { return Ok(false) };
        Out::optional(first).put(from);
        Out::optional(last).put(to);
        Ok(true)
    })
}

/// What is provably kept, in words; NULL if nothing is known of that.
#[unsafe(no_mangle)]
pub extern "C" fn dl_finding_kept(finding: *const dl_finding) -> *const c_char {
    answer(ptr::null(), || Ok(text::view(handle::borrow(finding)?.kept.as_ref())))
}

/// The number of commands that are safe to run.
#[unsafe(no_mangle)]
pub extern "C" fn dl_finding_safe_count(finding: *const dl_finding) -> usize {
    answer(0, || Ok(handle::borrow(finding)?.safe.len()))
}

/// The safe command at this index, from 0; NULL behind the last.
#[unsafe(no_mangle)]
pub extern "C" fn dl_finding_safe_at(finding: *const dl_finding, index: usize) -> *const c_char {
    answer(ptr::null(), || Ok(text::view(handle::borrow(finding)?.safe.get(index))))
}
