//! Logs.

use std::ffi::{CString, c_char};

use dl_core::{Log, ReaderOptions, Record, Result, WriterOptions};

use crate::boundary::{answer, boundary};
use crate::completion::call::dl_call;
use crate::dlsn::dl_dlsn;
use crate::error::dl_error;
use crate::forks::Birth;
use crate::handle::{self, Boxed, Object, Out};
use crate::options::{dl_reader_options, dl_writer_options};
use crate::reader::dl_reader;
use crate::record::dl_record;
use crate::text;
use crate::waiting::{Called, block, change, look, start};
use crate::writer::dl_writer;

/// A log: where writers and readers are opened.
pub struct dl_log {
    birth: Birth,
    pub(crate) log: Log,
    name: CString,
}

impl Object for dl_log {
    const NAME: &'static str = "the log";

    fn birth(&self) -> Option<Birth> {
        Some(self.birth)
    }
}

impl Boxed for dl_log {}

impl dl_log {
    pub(crate) fn new(log: Log) -> Self {
        Self { birth: Birth::now(), name: text::to_c(log.name().as_str()), log }
    }
}

/// A verb on a log.
pub(crate) fn on<F>(log: *const dl_log, verb: impl FnOnce(Log) -> F) -> Result<F> {
    Ok(verb(handle::borrow(log)?.log.clone()))
}

pub(crate) fn writer_options(options: *const dl_writer_options) -> Result<WriterOptions> {
    Ok(handle::borrow_or_null(options)?.map(|options| options.settings.values.clone()).unwrap_or_default())
}

pub(crate) fn reader_options(options: *const dl_reader_options) -> Result<ReaderOptions> {
    Ok(handle::borrow_or_null(options)?.map(|options| options.settings.values.clone()).unwrap_or_default())
}

async fn open_writer(log: Log, options: WriterOptions) -> Result<dl_writer> {
    let birth = Birth::now();
    Ok(dl_writer::new(birth, log.open_writer(options).await?))
}

async fn open_reader(log: Log, options: ReaderOptions) -> Result<dl_reader> {
    let birth = Birth::now();
    Ok(dl_reader::new(birth, log.open_reader(options).await?))
}

/// Gives the caller a record, or NULL.
pub(crate) fn put_record(record: Option<Record>, out: Out<*mut dl_record>) {
    out.put(record.map_or(std::ptr::null_mut(), |record| handle::give(dl_record::new(record))));
}

/// The name of the log. It lives as long as the log.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_name(log: *const dl_log) -> *const c_char {
    answer(std::ptr::null(), || Ok(handle::borrow(log)?.name.as_ptr()))
}

/// Frees a log. Writers and readers of it stay open.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_free(log: *mut dl_log) {
    handle::free(log);
}

/// Opens the writer of a log. When it returns, every earlier writer is cut off for good: no append of theirs that is not in
/// the log by then will ever be acknowledged. `options` may be NULL.
///
/// Errors: locked, with the owner, if another holds the log and the option takeover does not allow to take it, or if another
/// took it at the same time; not-found if there is no such log and the option create_log is off.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_open_writer(
    log: *mut dl_log,
    options: *const dl_writer_options,
    timeout_ms: i64,
    writer: *mut *mut dl_writer,
) -> *mut dl_error {
    boundary(|| {
        let options = writer_options(options)?;
        Out::new(writer, "writer")?.give(block(
            timeout_ms,
            change("open_writer"),
            on(log, |log| open_writer(log, options))?,
        ))
    })
}

/// Starts dl_log_open_writer. Take what it answers with dl_call_take_writer. Errors: those of dl_log_open_writer come with
/// the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_open_writer_start(
    log: *mut dl_log,
    options: *const dl_writer_options,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let options = writer_options(options)?;
        start(call, change("open_writer"), on(log, |log| open_writer(log, options))?)
    })
}

/// Opening a reader: one that takes a lock changes who reads.
fn opening(options: &ReaderOptions) -> Called {
    if options.locked { change("open_reader") } else { look("open_reader") }
}

/// Opens a reader. `options` may be NULL: then it reads from the first record to the end.
///
/// Errors: truncated, with the first readable position, if the start lies below it and the options do not say to skip;
/// not-found if there is no such log; for a locked reader locked if another holds the lock and the option takeover does not
/// allow to take it, or if another took it at the same time.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_open_reader(
    log: *mut dl_log,
    options: *const dl_reader_options,
    timeout_ms: i64,
    reader: *mut *mut dl_reader,
) -> *mut dl_error {
    boundary(|| {
        let options = reader_options(options)?;
        Out::new(reader, "reader")?.give(block(
            timeout_ms,
            opening(&options),
            on(log, |log| open_reader(log, options))?,
        ))
    })
}

/// Starts dl_log_open_reader. Take what it answers with dl_call_take_reader. Errors: those of dl_log_open_reader come with
/// the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_open_reader_start(
    log: *mut dl_log,
    options: *const dl_reader_options,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let options = reader_options(options)?;
        start(call, opening(&options), on(log, |log| open_reader(log, options))?)
    })
}

/// Truncates the log below `before`, at most up to the segment that is being written: dl_writer_truncate gets further.
/// `in_force` is the point from then on, below which no reader starts, and may be NULL. Whole segments below are freed.
///
/// Errors: not-found if there is no such log.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_truncate(
    log: *mut dl_log,
    before: dl_dlsn,
    timeout_ms: i64,
    in_force: *mut dl_dlsn,
) -> *mut dl_error {
    boundary(|| {
        let verb = on(log, |log| async move { log.truncate(before.into()).await })?;
        Out::optional(in_force).put(block(timeout_ms, change("truncate"), verb)?.into());
        Ok(())
    })
}

/// Starts dl_log_truncate. Take what it answers with dl_call_take_dlsn. Errors: those of dl_log_truncate come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_truncate_start(
    log: *mut dl_log,
    before: dl_dlsn,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        start(
            call,
            change("truncate"),
            on(log, |log| async move { log.truncate(before.into()).await.map(Some) })?,
        )
    })
}

/// Completes what a writer that is gone left in progress, as opening a writer and closing it would.
///
/// Errors: locked if a writer holds the log.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_recover(log: *mut dl_log, timeout_ms: i64) -> *mut dl_error {
    boundary(|| block(timeout_ms, change("recover"), on(log, |log| async move { log.recover().await })?))
}

/// Starts dl_log_recover. It answers nothing. Errors: those of dl_log_recover come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_recover_start(log: *mut dl_log, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| start(call, change("recover"), on(log, |log| async move { log.recover().await })?))
}

/// Frees what is too old or too much by the options kept with the log, as its writer does while it is open. `in_force` is the
/// point of truncation from then on, and may be NULL.
///
/// Errors: not-found if there is no such log.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_apply_retention(
    log: *mut dl_log,
    timeout_ms: i64,
    in_force: *mut dl_dlsn,
) -> *mut dl_error {
    boundary(|| {
        let verb = on(log, |log| async move { log.apply_retention().await })?;
        Out::optional(in_force).put(block(timeout_ms, change("apply_retention"), verb)?.into());
        Ok(())
    })
}

/// Starts dl_log_apply_retention. Take what it answers with dl_call_take_dlsn. Errors: those of dl_log_apply_retention come
/// with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_apply_retention_start(log: *mut dl_log, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| {
        start(
            call,
            change("apply_retention"),
            on(log, |log| async move { log.apply_retention().await.map(Some) })?,
        )
    })
}
