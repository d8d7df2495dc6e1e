//! Writers of streams of bytes.

use std::sync::Arc;

use bytes::Bytes;
use dl_core::{ByteWriter, Log, Result, WriterOptions};

use crate::boundary::{answer, boundary};
use crate::bytes::dl_bytes;
use crate::completion::call::dl_call;
use crate::error::dl_error;
use crate::forks::Birth;
use crate::handle::{self, Boxed, Object, Out};
use crate::log::{dl_log, on as on_log, writer_options};
use crate::options::dl_writer_options;
use crate::turn_taking::TurnTaking;
use crate::waiting::{block, change, for_call, look, start};

/// The most bytes that are copied for one call.
const MOST_BYTES: usize = 1 << 30;

/// Appends bytes to a log, which a byte reader reads as one run. The one writer of the log.
///
/// storage-full refuses what was not yet durable and leaves the writer as it was: go on from its position. After any other
/// error of a write every later call returns it.
pub struct dl_byte_writer {
    stream: Arc<Stream>,
}

/// What a byte writer shares with its calls in flight.
struct Stream {
    birth: Birth,
    writer: TurnTaking<ByteWriter>,
    position: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl Object for dl_byte_writer {
    const NAME: &'static str = "the writer";

    fn birth(&self) -> Option<Birth> {
        Some(self.stream.birth)
    }
}

impl Boxed for dl_byte_writer {}

async fn open(log: Log, options: WriterOptions) -> Result<dl_byte_writer> {
    let birth = Birth::now();
    let writer = log.open_byte_writer(options).await?;
    let position = Box::new(writer.locator());
    Ok(dl_byte_writer { stream: Arc::new(Stream { birth, writer: TurnTaking::new(writer), position }) })
}

impl Stream {
    async fn write(self: Arc<Self>, bytes: Bytes) -> Result<()> {
        self.writer.run("write", async |writer| writer.write(bytes).await).await
    }

    async fn flush(self: Arc<Self>) -> Result<()> {
        self.writer.run("flush", async |writer| writer.flush().await).await
    }

    async fn seal(self: Arc<Self>) -> Result<()> {
        self.writer.run("seal", async |writer| writer.seal().await).await
    }

    async fn close(self: Arc<Self>) -> Result<()> {
        self.writer.finish(async |writer| writer.close().await).await
    }

    /// Ends what is on its way, and the writer.
    async fn abort(self: Arc<Self>) -> Result<()> {
        let abort = async |writer: &mut ByteWriter| {
            writer.abort();
            Ok(())
        };
        self.writer.close(abort).await
    }

    /// Fails when the writer ends.
    async fn ended(self: Arc<Self>) -> Result<()> {
        let ended = self.writer.run("fenced", async |writer| Ok(writer.fenced())).await?;
        Err(ended.await)
    }
}

/// A verb on a byte writer.
fn on<F>(writer: *const dl_byte_writer, verb: impl FnOnce(Arc<Stream>) -> F) -> Result<F> {
    Ok(verb(handle::borrow(writer)?.stream.clone()))
}

/// Opens the writer of a log to write a stream of bytes, in chunks whose txids are the offsets behind them, as DistributedLog
/// does. It goes on at the end of what is there. `options` may be NULL.
///
/// Errors: as dl_log_open_writer; invalid-argument if the txids in the log are seen not to be offsets.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_open_byte_writer(
    log: *mut dl_log,
    options: *const dl_writer_options,
    timeout_ms: i64,
    writer: *mut *mut dl_byte_writer,
) -> *mut dl_error {
    boundary(|| {
        let options = writer_options(options)?;
        Out::new(writer, "writer")?.give(block(
            timeout_ms,
            change("open_byte_writer"),
            on_log(log, |log| open(log, options))?,
        ))
    })
}

/// Starts dl_log_open_byte_writer. Take what it answers with dl_call_take_byte_writer. Errors: those of
/// dl_log_open_byte_writer come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_open_byte_writer_start(
    log: *mut dl_log,
    options: *const dl_writer_options,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let options = writer_options(options)?;
        start(call, change("open_byte_writer"), on_log(log, |log| open(log, options))?)
    })
}

/// Writes all of these bytes behind what was written before, and waits for nothing but room. They are durable, in order, once
/// dl_byte_writer_flush returns.
///
/// Errors: timeout after a first part of them may have been written: dl_byte_writer_position says how much; storage-full if
/// earlier bytes were refused, and then these are too; or what ended the writer.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_writer_write(
    writer: *mut dl_byte_writer,
    bytes: dl_bytes,
    timeout_ms: i64,
) -> *mut dl_error {
    boundary(|| {
        let bytes = for_call("write", bytes.copy(MOST_BYTES))?;
        block(timeout_ms, change("write"), on(writer, |it| it.write(bytes))?)
    })
}

/// Starts dl_byte_writer_write. It answers nothing. Errors: those of dl_byte_writer_write come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_writer_write_start(
    writer: *mut dl_byte_writer,
    bytes: dl_bytes,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let bytes = for_call("write", bytes.copy(MOST_BYTES))?;
        start(call, change("write"), on(writer, |it| it.write(bytes))?)
    })
}

/// Waits until everything that was written is durable.
///
/// Errors: what ended the writer; storage-full if bytes were refused, after which dl_byte_writer_position is where the durable
/// ones end.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_writer_flush(writer: *mut dl_byte_writer, timeout_ms: i64) -> *mut dl_error {
    boundary(|| block(timeout_ms, look("flush"), on(writer, Stream::flush)?))
}

/// Starts dl_byte_writer_flush. It answers nothing. Errors: those of dl_byte_writer_flush come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_writer_flush_start(
    writer: *mut dl_byte_writer,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, look("flush"), on(writer, Stream::flush)?))
}

/// The offset behind what was written: that of the next byte.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_writer_position(writer: *const dl_byte_writer) -> u64 {
    answer(0, || Ok((handle::borrow(writer)?.stream.position)()))
}

/// Ends the stream for ever: readers are told at its end, and nobody can append to the log any more.
///
/// Errors: as dl_byte_writer_flush, and the log is not sealed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_writer_seal(writer: *mut dl_byte_writer, timeout_ms: i64) -> *mut dl_error {
    boundary(|| block(timeout_ms, change("seal"), on(writer, Stream::seal)?))
}

/// Starts dl_byte_writer_seal. It answers nothing. Errors: those of dl_byte_writer_seal come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_writer_seal_start(
    writer: *mut dl_byte_writer,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, change("seal"), on(writer, Stream::seal)?))
}

/// Waits until what was written is durable, completes the segment and lets the log go.
///
/// Errors: as dl_writer_close; storage-full if bytes were refused.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_writer_close(writer: *mut dl_byte_writer, timeout_ms: i64) -> *mut dl_error {
    boundary(|| block(timeout_ms, change("close"), on(writer, Stream::close)?))
}

/// Starts dl_byte_writer_close. It answers nothing. Errors: those of dl_byte_writer_close come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_writer_close_start(
    writer: *mut dl_byte_writer,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, change("close"), on(writer, Stream::close)?))
}

/// Ends the writer now, and every call on it with closed: what is not durable may be in the log, up to some byte, or not.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_writer_abort(writer: *mut dl_byte_writer) {
    answer((), || block(-1, change("abort"), on(writer, Stream::abort)?));
}

/// Waits until the writer is cut off by another, or ends for any other reason.
///
/// Errors: always one: that which its calls then return, or timeout while it has not ended.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_writer_wait_fenced(writer: *mut dl_byte_writer, timeout_ms: i64) -> *mut dl_error {
    boundary(|| block(timeout_ms, look("fenced"), on(writer, Stream::ended)?))
}

/// Starts dl_byte_writer_wait_fenced. The call fails when the writer ends, with the error that its calls then return. Errors:
/// those of dl_byte_writer_wait_fenced come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_writer_wait_fenced_start(
    writer: *mut dl_byte_writer,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, look("fenced"), on(writer, Stream::ended)?))
}

/// Frees a byte writer. One that was not closed is aborted, as soon as no call on it is in flight.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_writer_free(writer: *mut dl_byte_writer) {
    handle::free(writer);
}
