//! Writers.

mod append;
mod append_many;
mod append_options;
mod append_record_set;

use std::sync::Arc;

use dl_core::{Result, Writer};

use crate::boundary::{answer, boundary};
use crate::completion::call::dl_call;
use crate::completion::turns::Turns;
use crate::dlsn::dl_dlsn;
use crate::error::dl_error;
use crate::forks::Birth;
use crate::handle::{self, Boxed, Object, Out};
use crate::waiting::{block, change, look, start, start_in_turn};

/// The one writer of a log, open.
///
/// After the first fatal error, fenced above all, every later call returns that error: open a new writer to go on.
/// invalid-argument, too-large, condition-failed, quota-exceeded, busy and storage-full refuse one append and leave the
/// writer as it was.
pub struct dl_writer {
    birth: Birth,
    writer: Writer,
    turns: Arc<Turns>,
}

impl Object for dl_writer {
    const NAME: &'static str = "the writer";

    fn birth(&self) -> Option<Birth> {
        Some(self.birth)
    }
}

impl Boxed for dl_writer {}

impl dl_writer {
    pub(crate) fn new(birth: Birth, writer: Writer) -> Self {
        Self { birth, writer, turns: Arc::default() }
    }
}

/// The order in which calls on a writer are told.
fn turns<'a>(writer: *const dl_writer) -> Result<&'a Arc<Turns>> {
    Ok(&handle::borrow(writer)?.turns)
}

/// A verb on a writer.
fn on<F>(writer: *const dl_writer, verb: impl FnOnce(Writer) -> F) -> Result<F> {
    Ok(verb(handle::borrow(writer)?.writer.clone()))
}

/// Waits until all appends that were called or started before are settled, those too that wait for room.
///
/// Errors: what ended the writer; storage-full if the last of them was refused.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_flush(writer: *mut dl_writer, timeout_ms: i64) -> *mut dl_error {
    boundary(|| block(timeout_ms, look("flush"), on(writer, |it| async move { it.flush().await })?))
}

/// Starts dl_writer_flush. It answers nothing. Errors: those of dl_writer_flush come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_flush_start(writer: *mut dl_writer, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| {
        start_in_turn(turns(writer)?, call, look("flush"), on(writer, |it| async move { it.flush().await })?)
    })
}

/// Truncates the log below `before`; if that lies in the segment being written, the segment is completed first. `in_force` is
/// the point from then on, below which no reader starts, and may be NULL. Whole segments below are freed.
///
/// Errors: what ended the writer.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_truncate(
    writer: *mut dl_writer,
    before: dl_dlsn,
    timeout_ms: i64,
    in_force: *mut dl_dlsn,
) -> *mut dl_error {
    boundary(|| {
        let verb = on(writer, |it| async move { it.truncate(before.into()).await })?;
        Out::optional(in_force).put(block(timeout_ms, change("truncate"), verb)?.into());
        Ok(())
    })
}

/// Starts dl_writer_truncate. Take what it answers with dl_call_take_dlsn. Errors: those of dl_writer_truncate come with the
/// call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_truncate_start(
    writer: *mut dl_writer,
    before: dl_dlsn,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let verb = on(writer, |it| async move { it.truncate(before.into()).await.map(Some) })?;
        start(call, change("truncate"), verb)
    })
}

/// Ends the log for ever: what was appended before stays, every later append, of this or any other writer, fails with sealed.
///
/// Errors: what ended the writer; storage-full if there is no space for the mark, and the log is not sealed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_seal(writer: *mut dl_writer, timeout_ms: i64) -> *mut dl_error {
    boundary(|| block(timeout_ms, change("seal"), on(writer, |it| async move { it.seal().await })?))
}

/// Starts dl_writer_seal. It answers nothing. Errors: those of dl_writer_seal come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_seal_start(writer: *mut dl_writer, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| {
        start_in_turn(turns(writer)?, call, change("seal"), on(writer, |it| async move { it.seal().await })?)
    })
}

/// Settles what was appended, completes the segment and lets the log go.
///
/// Errors: what ended the writer; timeout if it took longer than timeout_ms, and then the writer goes on closing, or if that took
/// longer than the option close_timeout_ms, after which what was not acknowledged fails with closed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_close(writer: *mut dl_writer, timeout_ms: i64) -> *mut dl_error {
    boundary(|| block(timeout_ms, change("close"), on(writer, |it| async move { it.close().await })?))
}

/// Starts dl_writer_close. It answers nothing. Errors: those of dl_writer_close come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_close_start(writer: *mut dl_writer, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| {
        start_in_turn(
            turns(writer)?,
            call,
            change("close"),
            on(writer, |it| async move { it.close().await })?,
        )
    })
}

/// Ends the writer now: all that is not acknowledged fails with closed, and may be in the log or not. Does not wait.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_abort(writer: *mut dl_writer) {
    answer((), || {
        handle::borrow(writer)?.writer.abort();
        Ok(())
    });
}

/// The position of the log's last record, of those that are acknowledged. Answers whether there is one, and writes it then.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_last_dlsn(writer: *const dl_writer, dlsn: *mut dl_dlsn) -> bool {
    answer(false, || {
        let Some(last) = handle::borrow(writer)?.writer.last_dlsn() else { return Ok(false) };
        Out::optional(dlsn).put(last.into());
        Ok(true)
    })
}

/// The txid of the log's last record, of those that are acknowledged; -1 if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_last_txid(writer: *const dl_writer) -> i64 {
    answer(-1, || Ok(handle::borrow(writer)?.writer.last_txid().unwrap_or(-1)))
}

/// Waits until the writer is cut off by another, or ends for any other reason.
///
/// Errors: always one: that which its calls then return, or timeout while it has not ended.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_wait_fenced(writer: *mut dl_writer, timeout_ms: i64) -> *mut dl_error {
    boundary(|| block(timeout_ms, look("fenced"), on(writer, ended)?))
}

/// Starts dl_writer_wait_fenced. The call fails when the writer ends, with the error that its calls then return. Errors:
/// those of dl_writer_wait_fenced come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_wait_fenced_start(
    writer: *mut dl_writer,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, look("fenced"), on(writer, ended)?))
}

/// Does not keep the writer open.
#[allow(clippy::needless_pass_by_value, reason = "a verb takes the writer, and this one lets it go")]
fn ended(writer: Writer) -> impl Future<Output = Result<()>> + Send + 'static {
    let fenced = writer.fenced();
    async move { Err(fenced.await) }
}

/// Frees a writer. One that was not closed is aborted, as soon as no call on it is in flight.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_free(writer: *mut dl_writer) {
    handle::free(writer);
}
