//! Readers of streams of bytes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use dl_core::{ByteReader, End, Log, ReaderOptions, Result};
use tokio::sync::Notify;

use crate::boundary::{answer, boundary};
use crate::bytes::dl_buffer;
use crate::completion::call::dl_call;
use crate::error::dl_error;
use crate::forks::Birth;
use crate::handle::{self, Boxed, Object, Out, give};
use crate::log::{dl_log, on as on_log, reader_options};
use crate::options::dl_reader_options;
use crate::reader::end_number;
use crate::turn_taking::TurnTaking;
use crate::unread::{Source, Underway, Unread, unless_given_back};
use crate::waiting::{block, change, look, start};

/// Reads a log as a stream of bytes, from any offset on. Delivers durable bytes only; one that follows waits at the end for
/// more.
pub struct dl_byte_reader {
    stream: Arc<Stream>,
}

/// What a byte reader shares with its calls in flight.
struct Stream {
    birth: Birth,
    reader: TurnTaking<ByteReader>,
    seen: Mutex<Seen>,
    /// Wakes the one that reads when chunks are given back.
    given_back: Notify,
}

/// What can be said without the reader, which a call may have.
struct Seen {
    /// Of the reader, behind what was returned.
    position: u64,
    end: Option<End>,
    /// How often the reader had gone somewhere else.
    sought: u64,
    /// Chunks that were read for a call that nobody wanted any more. They come first.
    returned: VecDeque<Chunk>,
    underway: Underway<u64>,
}

/// Bytes, and the offset of the first.
pub(crate) struct Chunk {
    /// How often the reader had gone somewhere else when it was read: it comes back only where that is so still.
    sought: u64,
    offset: u64,
    pub(crate) bytes: Bytes,
}

impl Object for dl_byte_reader {
    const NAME: &'static str = "the reader";

    fn birth(&self) -> Option<Birth> {
        Some(self.stream.birth)
    }
}

impl Boxed for dl_byte_reader {}

impl Source<Chunk> for Stream {
    fn take_back(&self, chunks: Vec<Chunk>) {
        let mut seen = self.seen();
        let sought = seen.sought;
        for chunk in chunks.into_iter().filter(|chunk| chunk.sought == sought) {
            seen.underway.ended(chunk.offset);
            seen.returned.push_back(chunk);
        }
        seen.returned.make_contiguous().sort_by_key(|chunk| chunk.offset);
        drop(seen);
        self.given_back.notify_one();
    }

    fn arrived(&self, chunks: &[Chunk]) {
        let mut seen = self.seen();
        for chunk in chunks {
            if chunk.sought == seen.sought {
                seen.underway.ended(chunk.offset);
            }
        }
    }
}

async fn open(log: Log, options: ReaderOptions) -> Result<dl_byte_reader> {
    let birth = Birth::now();
    let reader = log.open_byte_reader(options).await?;
    let seen = Seen {
        position: reader.position(),
        end: reader.end(),
        sought: 0,
        returned: VecDeque::new(),
        underway: Underway::default(),
    };
    let (reader, seen, given_back) = (TurnTaking::new(reader), seen.into(), Notify::new());
    Ok(dl_byte_reader { stream: Arc::new(Stream { birth, reader, seen, given_back }) })
}

impl Stream {
    async fn read(self: Arc<Self>, most: usize) -> Result<Unread<Chunk>> {
        self.next("read", most).await
    }

    async fn next_chunk(self: Arc<Self>) -> Result<Unread<Chunk>> {
        self.next("next_chunk", usize::MAX).await
    }

    /// The next bytes, at most so many; none at the end.
    async fn next(self: Arc<Self>, operation: &'static str, most: usize) -> Result<Unread<Chunk>> {
        let chunk = self.reader.run(operation, async |reader| {
            let chunk = loop {
                if self.has_returned() {
                    reader.read(&mut []).await?;
                    return Ok(self.seen().take_one());
                }
                if let Some(chunk) = unless_given_back(&self.given_back, reader.next_chunk()).await {
                    break chunk;
                }
            };
            let mut seen = self.seen();
            (seen.position, seen.end) = (reader.position(), reader.end());
            let Some(bytes) = chunk? else { return Ok(None) };
            let (sought, offset) = (seen.sought, seen.position - bytes.len() as u64);
            seen.underway.leaves(offset);
            Ok(Some(Chunk { sought, offset, bytes }))
        });
        let mut chunk = chunk.await?;
        if let Some(first) = &mut chunk
            && first.bytes.len() > most
        {
            let rest = first.bytes.split_off(most);
            self.take_back(vec![Chunk {
                sought: first.sought,
                offset: first.offset + most as u64,
                bytes: rest,
            }]);
        }
        Ok(Unread::new(self, chunk.into_iter().collect()))
    }

    async fn seek(self: Arc<Self>, offset: u64) -> Result<()> {
        let seek = self.reader.run("seek", async |reader| {
            reader.seek(offset).await?;
            let mut seen = self.seen();
            let sought = seen.sought + 1;
            let (returned, underway) = (VecDeque::new(), Underway::default());
            *seen = Seen { position: offset, end: reader.end(), sought, returned, underway };
            Ok(())
        });
        seek.await
    }

    async fn close(self: Arc<Self>) -> Result<()> {
        let close = self.reader.close(async |reader| {
            self.seen().returned.clear();
            reader.close().await
        });
        close.await
    }

    /// Whether there are chunks that were given back. Without its namespace, the reader has none.
    fn has_returned(&self) -> bool {
        !self.seen().returned.is_empty()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn take_one(&mut self) -> Option<Chunk> {
        let chunk = self.returned.pop_front()?;
        self.underway.leaves(chunk.offset);
        Some(chunk)
    }

    /// Everything below has got to the caller.
    fn position(&self) -> u64 {
        let returned = self.returned.front().map(|chunk| chunk.offset);
        let first = returned.into_iter().chain(self.underway.first()).min();
        first.unwrap_or(self.position)
    }
}

/// A verb on a byte reader.
fn on<F>(reader: *const dl_byte_reader, verb: impl FnOnce(Arc<Stream>) -> F) -> Result<F> {
    Ok(verb(handle::borrow(reader)?.stream.clone()))
}

/// Opens a reader of the stream of bytes that a byte writer wrote. In its options, which may be NULL, "txid:N" starts at the
/// byte with the offset N, a DLSN at the start of a chunk, "earliest" at the first byte that was not truncated, and "latest"
/// behind the last; count and until count chunks.
///
/// Errors: invalid-argument if the txids in the log are seen not to be offsets; not-found if there is no such log.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_open_byte_reader(
    log: *mut dl_log,
    options: *const dl_reader_options,
    timeout_ms: i64,
    reader: *mut *mut dl_byte_reader,
) -> *mut dl_error {
    boundary(|| {
        let options = reader_options(options)?;
        Out::new(reader, "reader")?.give(block(
            timeout_ms,
            look("open_byte_reader"),
            on_log(log, |log| open(log, options))?,
        ))
    })
}

/// Starts dl_log_open_byte_reader. Take what it answers with dl_call_take_byte_reader. Errors: those of
/// dl_log_open_byte_reader come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_open_byte_reader_start(
    log: *mut dl_log,
    options: *const dl_reader_options,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let options = reader_options(options)?;
        start(call, look("open_byte_reader"), on_log(log, |log| open(log, options))?)
    })
}

/// Reads bytes into `buffer`: up to `length`, at least one, unless that is 0 or this is the end, about which
/// dl_byte_reader_end says more; `count` is then 0. A reader that follows waits for one. It has no sister that ends in _start:
/// dl_byte_reader_next_chunk_start does that.
///
/// Errors: timeout, and no byte is lost; invalid-argument if the log turns out to be no stream of bytes; truncated if the bytes
/// were truncated and the options do not say to skip; else as dl_reader_next.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_reader_read(
    reader: *mut dl_byte_reader,
    buffer: *mut u8,
    length: usize,
    timeout_ms: i64,
    count: *mut usize,
) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(count, "count")?;
        let buffer = Out::new(buffer, "buffer")?;
        if length == 0 {
            handle::borrow(reader)?;
            out.put(0);
            return Ok(());
        }
        let chunk = block(timeout_ms, look("read"), on(reader, |it| it.read(length))?)?.read().pop();
        let bytes = chunk.map(|chunk| chunk.bytes).unwrap_or_default();
        buffer.put_all(&bytes);
        out.put(bytes.len());
        Ok(())
    })
}

/// The next bytes without copying them: what is left of the chunk at the position. `chunk` is NULL at the end. Errors: as
/// dl_byte_reader_read.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_reader_next_chunk(
    reader: *mut dl_byte_reader,
    timeout_ms: i64,
    chunk: *mut *mut dl_buffer,
) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(chunk, "chunk")?;
        let unread = block(timeout_ms, look("next_chunk"), on(reader, Stream::next_chunk)?)?;
        out.put(unread.read().pop().map_or(std::ptr::null_mut(), |chunk| give(dl_buffer::new(chunk.bytes))));
        Ok(())
    })
}

/// Starts dl_byte_reader_next_chunk. Take what it answers with dl_call_take_chunk. Errors: those of dl_byte_reader_next_chunk
/// come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_reader_next_chunk_start(
    reader: *mut dl_byte_reader,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, look("next_chunk"), on(reader, Stream::next_chunk)?))
}

/// The offset of the next byte.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_reader_position(reader: *const dl_byte_reader) -> u64 {
    answer(0, || Ok(handle::borrow(reader)?.stream.seen().position()))
}

/// Goes to an offset, in either direction. One behind the last byte is the end for now: a reader that follows waits there
/// until that byte is written. Errors: as dl_log_open_byte_reader; the reader is then where it was.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_reader_seek(
    reader: *mut dl_byte_reader,
    offset: u64,
    timeout_ms: i64,
) -> *mut dl_error {
    boundary(|| block(timeout_ms, look("seek"), on(reader, |it| it.seek(offset))?))
}

/// Starts dl_byte_reader_seek. It answers nothing. Errors: those of dl_byte_reader_seek come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_reader_seek_start(
    reader: *mut dl_byte_reader,
    offset: u64,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, look("seek"), on(reader, |it| it.seek(offset))?))
}

/// How the reader ended: one of DISTLOG_END_..., 0 while it has not, or is somewhere else since.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_reader_end(reader: *const dl_byte_reader) -> u32 {
    answer(0, || {
        let seen = handle::borrow(reader)?.stream.seen();
        Ok(end_number(seen.end.filter(|_| seen.returned.is_empty())))
    })
}

/// Closes a reader: calls that wait, and every later one, fail with closed. Errors: timeout; the reader is closed all the
/// same.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_reader_close(reader: *mut dl_byte_reader, timeout_ms: i64) -> *mut dl_error {
    boundary(|| block(timeout_ms, change("close"), on(reader, Stream::close)?))
}

/// Starts dl_byte_reader_close. It answers nothing. Errors: those of dl_byte_reader_close come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_reader_close_start(
    reader: *mut dl_byte_reader,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, change("close"), on(reader, Stream::close)?))
}

/// Frees a byte reader.
#[unsafe(no_mangle)]
pub extern "C" fn dl_byte_reader_free(reader: *mut dl_byte_reader) {
    handle::free(reader);
}
