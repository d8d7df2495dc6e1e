//! Verifying a namespace: what is not as it was written.

mod finding;
mod in_progress;

use std::ffi::c_char;
use std::ptr;

use dl_core::{LogName, Namespace, Options, Result, Verification};

use crate::boundary::{answer, boundary};
use crate::completion::call::dl_call;
use crate::error::dl_error;
use crate::handle::{self, Boxed, Object, Out};
use crate::namespace::options_or_default;
use crate::options::dl_namespace_options;
use crate::text;
use crate::waiting::{block, look, start};

pub use finding::dl_finding;
pub use in_progress::dl_in_progress;

/// What verifying a namespace found. No findings: every byte that counts is as it was written.
#[derive(Debug)]
pub struct dl_verification {
    found: Verification,
    findings: Vec<dl_finding>,
    in_progress: Vec<dl_in_progress>,
}

impl Object for dl_verification {
    const NAME: &'static str = "the verification";
}

impl Boxed for dl_verification {}

impl dl_verification {
    fn new(mut found: Verification) -> Self {
        let findings = std::mem::take(&mut found.findings).into_iter().map(dl_finding::new).collect();
        let in_progress =
            std::mem::take(&mut found.in_progress).into_iter().map(dl_in_progress::new).collect();
        Self { found, findings, in_progress }
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
            look("verify"),
            verifying(uri, options, log)?,
        ))
    })
}

/// Starts dl_namespace_verify. Take what it answers with dl_call_take_verification. Errors: those of dl_namespace_verify come
/// with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_verify_start(
    uri: *const c_char,
    options: *const dl_namespace_options,
    log: *const c_char,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, look("verify"), verifying(uri, options, log)?))
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
