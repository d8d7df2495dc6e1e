//! Verifying a namespace: what is not as it was written.

use std::ffi::{CString, c_char};
use std::ptr;

use dl_core::{Finding, InProgress, LogName, Namespace, Options, Result, Verification};

use crate::boundary::{answer, boundary};
use crate::completion::call::dl_call;
use crate::dlsn::dl_dlsn;
use crate::error::dl_error;
use crate::handle::{self, Boxed, Object, Out};
use crate::namespace::options_or_default;
use crate::options::dl_namespace_options;
use crate::text;
use crate::waiting::{Effect, block, start};

/// What verifying a namespace found. No findings: every byte that counts is as it was written.
#[derive(Debug)]
pub struct dl_verification {
    found: Verification,
    findings: Vec<dl_finding>,
    in_progress: Vec<dl_in_progress>,
}

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

/// A segment in progress, as the next writer would find it.
#[derive(Debug)]
pub struct dl_in_progress {
    segment: InProgress,
    log: CString,
    owner: Option<CString>,
}

impl Object for dl_verification {
    const NAME: &'static str = "the verification";
}

impl Boxed for dl_verification {}

impl Object for dl_finding {
    const NAME: &'static str = "the finding";
}

impl Object for dl_in_progress {
    const NAME: &'static str = "the segment in progress";
}

impl dl_verification {
    fn new(mut found: Verification) -> Self {
        let findings = std::mem::take(&mut found.findings).into_iter().map(dl_finding::new).collect();
        let in_progress =
            std::mem::take(&mut found.in_progress).into_iter().map(dl_in_progress::new).collect();
        Self { found, findings, in_progress }
    }
}

impl dl_finding {
    fn new(finding: Finding) -> Self {
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

impl dl_in_progress {
    fn new(segment: InProgress) -> Self {
        let (log, owner) = (text::to_c(segment.log.as_str()), segment.owner.as_deref().map(text::to_c));
        Self { segment, log, owner }
    }
}

/// A number for C; -1 if there is none.
fn or_minus_one(number: Option<u64>) -> i64 {
    number.map_or(-1, u64::cast_signed)
}

async fn verify(uri: String, options: Options, log: Option<LogName>) -> Result<dl_verification> {
    Namespace::verify(&uri, options, log.as_ref()).await.map(dl_verification::new)
}

/// The arguments of verifying.
fn verifying(
    uri: *const c_char,
    options: *const dl_namespace_options,
    log: *const c_char,
) -> Result<impl Future<Output = Result<dl_verification>> + Send + 'static> {
    let uri = text::read(uri, "uri")?.to_owned();
    let log = text::read_or_null(log, "log")?.map(LogName::new).transpose()?;
    Ok(verify(uri, options_or_default(options)?, log))
}

/// Reads every byte that belongs to the namespace at a URI (to `log`, unless it is NULL: then of segments only its own), journals
/// and metadata included, and says what is not as it was written. It changes nothing, locks nothing, and works beside processes
/// that write, and where dl_namespace_open fails. `options` may be NULL.
///
/// Errors: not-found if there is no namespace, or no such log in metadata that is whole; unsupported for a namespace that is
/// newer than this library; permission-denied.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_verify(
    uri: *const c_char,
    options: *const dl_namespace_options,
    log: *const c_char,
    timeout_ms: i64,
    verification: *mut *mut dl_verification,
) -> *mut dl_error {
    boundary(|| {
        Out::new(verification, "verification")?.give(block(
            timeout_ms,
            Effect::None,
            verifying(uri, options, log)?,
        ))
    })
}

/// Starts dl_namespace_verify. Take what it answers with dl_call_take_verification.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_verify_start(
    uri: *const c_char,
    options: *const dl_namespace_options,
    log: *const c_char,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, Effect::None, verifying(uri, options, log)?))
}

/// The number of files that were read.
#[unsafe(no_mangle)]
pub extern "C" fn dl_verification_files(verification: *const dl_verification) -> u64 {
    answer(0, || Ok(handle::borrow(verification)?.found.files))
}

/// The bytes that were read.
#[unsafe(no_mangle)]
pub extern "C" fn dl_verification_bytes(verification: *const dl_verification) -> u64 {
    answer(0, || Ok(handle::borrow(verification)?.found.bytes))
}

/// Whether other processes have the namespace open.
#[unsafe(no_mangle)]
pub extern "C" fn dl_verification_is_in_use(verification: *const dl_verification) -> bool {
    answer(false, || Ok(handle::borrow(verification)?.found.in_use))
}

/// How much is not as it was written: the number of findings.
#[unsafe(no_mangle)]
pub extern "C" fn dl_verification_findings_count(verification: *const dl_verification) -> usize {
    answer(0, || Ok(handle::borrow(verification)?.findings.len()))
}

/// The finding at this index, from 0, by file; NULL behind the last. It belongs to the verification.
#[unsafe(no_mangle)]
pub extern "C" fn dl_verification_findings_at(
    verification: *const dl_verification,
    index: usize,
) -> *const dl_finding {
    answer(ptr::null(), || {
        Ok(handle::borrow(verification)?.findings.get(index).map_or(ptr::null(), ptr::from_ref))
    })
}

/// The number of segments that a writer has in progress, or left so.
#[unsafe(no_mangle)]
pub extern "C" fn dl_verification_in_progress_count(verification: *const dl_verification) -> usize {
    answer(0, || Ok(handle::borrow(verification)?.in_progress.len()))
}

/// The segment in progress at this index, from 0; NULL behind the last. It belongs to the verification.
#[unsafe(no_mangle)]
pub extern "C" fn dl_verification_in_progress_at(
    verification: *const dl_verification,
    index: usize,
) -> *const dl_in_progress {
    answer(ptr::null(), || {
        Ok(handle::borrow(verification)?.in_progress.get(index).map_or(ptr::null(), ptr::from_ref))
    })
}

/// Frees a verification.
#[unsafe(no_mangle)]
pub extern "C" fn dl_verification_free(verification: *mut dl_verification) {
    handle::free(verification);
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
