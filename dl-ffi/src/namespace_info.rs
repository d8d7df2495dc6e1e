//! What a namespace is, without opening it.

use std::ffi::{CString, c_char};
use std::ptr;

use dl_core::{FormatInfo, Namespace, NamespaceInfo, Options, Result};

use crate::boundary::{answer, boundary};
use crate::completion::call::dl_call;
use crate::error::dl_error;
use crate::handle::{self, Boxed, Object, Out};
use crate::namespace::options_or_default;
use crate::options::dl_namespace_options;
use crate::text;
use crate::waiting::{block, look, start};

/// What a namespace is, seen from outside.
#[derive(Debug)]
pub struct dl_namespace_info {
    info: NamespaceInfo,
    driver: CString,
    /// How the processes name themselves.
    clients: Vec<CString>,
}

impl Object for dl_namespace_info {
    const NAME: &'static str = "the info";
}

impl Boxed for dl_namespace_info {}

impl dl_namespace_info {
    fn new(info: NamespaceInfo) -> Self {
        let clients = info.processes.iter().map(|process| text::to_c(&process.client_id)).collect();
        Self { driver: text::to_c(info.driver), clients, info }
    }
}

async fn inspect(uri: String, options: Options) -> Result<dl_namespace_info> {
    Namespace::inspect(&uri, options).await.map(dl_namespace_info::new)
}

/// The arguments of inspecting.
fn inspecting(
    uri: *const c_char,
    options: *const dl_namespace_options,
) -> Result<impl Future<Output = Result<dl_namespace_info>> + Send + 'static> {
    Ok(inspect(text::read(uri, "uri")?.to_owned(), options_or_default(options)?))
}

/// What the namespace at a URI is: its format, how much it holds, and who has it open. Opens and changes nothing. `options` may
/// be NULL.
///
/// Errors: not-found if there is none; corrupt if the file is damaged that says what it is.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_inspect(
    uri: *const c_char,
    options: *const dl_namespace_options,
    timeout_ms: i64,
    info: *mut *mut dl_namespace_info,
) -> *mut dl_error {
    boundary(|| Out::new(info, "info")?.give(block(timeout_ms, look("inspect"), inspecting(uri, options)?)))
}

/// Starts dl_namespace_inspect. Take what it answers with dl_call_take_namespace_info. Errors: those of dl_namespace_inspect
/// come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_inspect_start(
    uri: *const c_char,
    options: *const dl_namespace_options,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, look("inspect"), inspecting(uri, options)?))
}

/// What of the format there is to tell.
fn format<T>(info: *const dl_namespace_info, otherwise: T, part: impl FnOnce(&FormatInfo) -> T) -> Result<T> {
    Ok(handle::borrow(info)?.info.format.as_ref().map_or(otherwise, part))
}

/// The driver: "memory", "file" or "bookkeeper".
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_info_driver(info: *const dl_namespace_info) -> *const c_char {
    answer(ptr::null(), || Ok(handle::borrow(info)?.driver.as_ptr()))
}

/// Whether it has a format that a file says. If not, its version and features are 0.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_info_has_format(info: *const dl_namespace_info) -> bool {
    answer(false, || Ok(handle::borrow(info)?.info.format.is_some()))
}

/// The version of its format.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_info_format_version(info: *const dl_namespace_info) -> u64 {
    answer(0, || format(info, 0, |format| format.version))
}

/// Features, as bits, that a library which does not know them may ignore.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_info_format_compatible(info: *const dl_namespace_info) -> u64 {
    answer(0, || format(info, 0, |format| format.compatible))
}

/// Features, as bits, with which such a library may only read.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_info_format_read_only_compatible(info: *const dl_namespace_info) -> u64 {
    answer(0, || format(info, 0, |format| format.read_only_compatible))
}

/// Features, as bits, with which such a library may do nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_info_format_incompatible(info: *const dl_namespace_info) -> u64 {
    answer(0, || format(info, 0, |format| format.incompatible))
}

/// Whether this library knows all that it must know to write.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_info_format_is_known(info: *const dl_namespace_info) -> bool {
    answer(false, || format(info, true, |format| format.known))
}

/// The number of its logs; -1 if its metadata cannot be read, or not by this library.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_info_logs(info: *const dl_namespace_info) -> i64 {
    answer(-1, || Ok(handle::borrow(info)?.info.logs.map_or(-1, u64::cast_signed)))
}

/// The number of processes that have it open for writing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_info_processes_count(info: *const dl_namespace_info) -> usize {
    answer(0, || Ok(handle::borrow(info)?.info.processes.len()))
}

/// The process id of the process at this index, from 0; 0 behind the last.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_info_processes_id(info: *const dl_namespace_info, index: usize) -> u32 {
    answer(0, || Ok(handle::borrow(info)?.info.processes.get(index).map_or(0, |process| process.id)))
}

/// How the process at this index, from 0, names itself as the owner of a log; NULL behind the last.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_info_processes_client_id(
    info: *const dl_namespace_info,
    index: usize,
) -> *const c_char {
    answer(ptr::null(), || Ok(text::view(handle::borrow(info)?.clients.get(index))))
}

/// The number of journals.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_info_journals(info: *const dl_namespace_info) -> u64 {
    answer(0, || Ok(handle::borrow(info)?.info.journals))
}

/// The bytes that the journals take.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_info_journal_bytes(info: *const dl_namespace_info) -> u64 {
    answer(0, || Ok(handle::borrow(info)?.info.journal_bytes))
}

/// The number of segment files.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_info_segments(info: *const dl_namespace_info) -> u64 {
    answer(0, || Ok(handle::borrow(info)?.info.segments))
}

/// The bytes that the segment files take.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_info_segment_bytes(info: *const dl_namespace_info) -> u64 {
    answer(0, || Ok(handle::borrow(info)?.info.segment_bytes))
}

/// The bytes that the metadata takes.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_info_metadata_bytes(info: *const dl_namespace_info) -> u64 {
    answer(0, || Ok(handle::borrow(info)?.info.metadata_bytes))
}

/// Frees info.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_info_free(info: *mut dl_namespace_info) {
    handle::free(info);
}
