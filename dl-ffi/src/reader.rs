//! Readers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dl_core::{Cursor, Dlsn, End, Error, ErrorKind, Reader, ReaderCloser, Record, RecordBatch, Result};
use tokio::sync::Notify;

use crate::boundary::{answer, boundary};
use crate::codes::{DISTLOG_END_BOUND, DISTLOG_END_END, DISTLOG_END_SEALED};
use crate::completion::call::dl_call;
use crate::cursor::dl_cursor;
use crate::dlsn::dl_dlsn;
use crate::error::dl_error;
use crate::forks::Birth;
use crate::handle::{self, Boxed, Object, Out, give};
use crate::record::{dl_record, dl_records};
use crate::runtime::within;
use crate::unread::{Source, Underway, Unread, unless_given_back};
use crate::waiting::{Deadline, block, change, long_duration, look, start};

/// Reads a log from some position on, in order: acknowledged records only, none twice, none left out.
///
/// Calls that read at the same time get their records in turn; who wants them in order reads with one call at a time.
pub struct dl_reader {
    stream: Arc<Stream>,
}

/// What a reader shares with its calls in flight.
struct Stream {
    birth: Birth,
    reader: tokio::sync::Mutex<Reader>,
    closer: ReaderCloser,
    cursor: Option<Cursor>,
    seen: Mutex<Seen>,
    /// Wakes the one that reads when records are given back.
    given_back: Notify,
}

/// What can be said without the reader, which a call may have.
struct Seen {
    position: Dlsn,
    end: Option<End>,
    /// Records that were read for a call that nobody wanted any more. They come first.
    returned: VecDeque<Record>,
    underway: Underway<Dlsn>,
}

impl Object for dl_reader {
    const NAME: &'static str = "the reader";

    fn birth(&self) -> Option<Birth> {
        Some(self.stream.birth)
    }
}

impl Boxed for dl_reader {}

impl dl_reader {
    pub(crate) fn new(birth: Birth, reader: Reader) -> Self {
        let seen = Seen {
            position: reader.position(),
            end: reader.end(),
            returned: VecDeque::new(),
            underway: Underway::default(),
        };
        let (closer, cursor) = (reader.closer(), reader.cursor().cloned());
        let (reader, seen, given_back) = (reader.into(), seen.into(), Notify::new());
        Self { stream: Arc::new(Stream { birth, closer, cursor, reader, seen, given_back }) }
    }
}

impl Source<Record> for Stream {
    fn take_back(&self, records: Vec<Record>) {
        let mut seen = self.seen();
        if let Some(first) = records.first() {
            seen.underway.ended(first.dlsn);
        }
        seen.returned.extend(records);
        seen.returned.make_contiguous().sort_by_key(|record| record.dlsn);
        drop(seen);
        self.given_back.notify_one();
    }

    fn arrived(&self, records: &[Record]) {
        if let Some(first) = records.first() {
            self.seen().underway.ended(first.dlsn);
        }
    }
}

impl Source<RecordBatch> for Stream {
    fn take_back(&self, batches: Vec<RecordBatch>) {
        Source::<Record>::take_back(self, batches.iter().flat_map(RecordBatch::shares).collect());
    }

    fn arrived(&self, batches: &[RecordBatch]) {
        if let Some(first) = batches.first().and_then(beginning) {
            self.seen().underway.ended(first);
        }
    }
}

impl Stream {
    async fn next(self: Arc<Self>) -> Result<Unread<Record>> {
        let mut reader = self.reader.lock().await;
        loop {
            self.check(&mut reader).await.map_err(|error| error.during("next"))?;
            let returned = self.seen().take_one();
            if let Some(returned) = returned {
                return Ok(Unread::new(self.clone(), vec![returned]));
            }
            if let Some(next) = unless_given_back(&self.given_back, reader.next()).await {
                self.look(&reader, next.as_ref().ok().and_then(|next| next.as_ref()).map(|next| next.dlsn));
                return Ok(Unread::new(self.clone(), next?.into_iter().collect()));
            }
        }
    }

    async fn next_batch(self: Arc<Self>, most: usize, wait: Duration) -> Result<Unread<RecordBatch>> {
        let deadline = Deadline::of(wait);
        let free = self.reader.try_lock().ok();
        let reader = if free.is_some() { free } else { within(wait, self.reader.lock()).await };
        let Some(mut reader) = reader else { return Ok(Unread::new(self.clone(), Vec::new())) };
        loop {
            self.check(&mut reader).await?;
            let returned = self.seen().take(most);
            if !returned.is_empty() {
                return Ok(Unread::new(self.clone(), vec![returned]));
            }
            let next = reader.next_batch(most, deadline.left().unwrap_or(wait));
            if let Some(records) = unless_given_back(&self.given_back, next).await {
                self.look(&reader, records.as_ref().ok().and_then(beginning));
                return Ok(Unread::new(self.clone(), vec![records?]));
            }
        }
    }

    /// Whether records that were given back may still be handed out: a reader without its lock, or whose namespace is closed, has
    /// none.
    async fn check(&self, reader: &mut Reader) -> Result<()> {
        if !self.seen().returned.is_empty() {
            reader.next_batch(0, Duration::ZERO).await?;
        }
        Ok(())
    }

    async fn close(self: Arc<Self>) -> Result<()> {
        self.closer.close();
        self.seen().returned.clear();
        self.reader.lock().await.close().await
    }

    /// Notes how far the reader is, and where what it read begins, which is on its way now.
    fn look(&self, reader: &Reader, read: Option<Dlsn>) {
        let mut seen = self.seen();
        (seen.position, seen.end) = (reader.position(), reader.end());
        if let Some(first) = read {
            seen.underway.leaves(first);
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a batch begins.
fn beginning(batch: &RecordBatch) -> Option<Dlsn> {
    batch.get(0).map(|first| first.dlsn)
}

impl Seen {
    fn take(&mut self, most: usize) -> RecordBatch {
        let count = most.min(self.returned.len());
        let taken: RecordBatch = self.returned.drain(..count).collect();
        if let Some(first) = beginning(&taken) {
            self.underway.leaves(first);
        }
        taken
    }

    fn take_one(&mut self) -> Option<Record> {
        let record = self.returned.pop_front()?;
        self.underway.leaves(record.dlsn);
        Some(record)
    }

    /// Everything below has got to the caller.
    fn position(&self) -> Dlsn {
        let returned = self.returned.front().map(|record| record.dlsn);
        let first = returned.into_iter().chain(self.underway.first()).min();
        first.unwrap_or(self.position)
    }
}

/// The number of an end; 0 for none.
pub(crate) fn end_number(end: Option<End>) -> u32 {
    match end {
        None => 0,
        Some(End::Bound) => DISTLOG_END_BOUND,
        Some(End::Sealed) => DISTLOG_END_SEALED,
        Some(_) => DISTLOG_END_END,
    }
}

/// A verb on a reader.
fn on<F>(reader: *const dl_reader, verb: impl FnOnce(Arc<Stream>) -> F) -> Result<F> {
    Ok(verb(handle::borrow(reader)?.stream.clone()))
}

/// Reads the next record. `record` is NULL at the end, about which dl_reader_end says more. A reader that follows waits for
/// one.
///
/// Errors: timeout if the time runs out before there is one, and none is lost; corrupt with segment, entry and place if
/// stored bytes are not what was written; truncated with the first readable position if a truncation overtook the reader;
/// not-found if the log was deleted; fenced if a locked reader lost its lock; closed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_next(
    reader: *mut dl_reader,
    timeout_ms: i64,
    record: *mut *mut dl_record,
) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(record, "record")?;
        let unread = block(timeout_ms, look("next"), on(reader, Stream::next)?)?;
        out.put(unread.read().pop().map_or(std::ptr::null_mut(), |record| give(dl_record::new(record))));
        Ok(())
    })
}

/// Starts dl_reader_next. Take what it answers with dl_call_take_record. Errors: those of dl_reader_next come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_next_start(reader: *mut dl_reader, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| start(call, look("next"), on(reader, Stream::next)?))
}

/// Reads up to `max` records: at least one, unless the reader ends or `wait_ms` passes before there is any, which is no error.
/// With 0 it reads what is there and waits for nothing more; a negative one waits without bound. No payload is copied.
///
/// Errors: as dl_reader_next.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_next_batch(
    reader: *mut dl_reader,
    max: usize,
    wait_ms: i64,
    records: *mut *mut dl_records,
) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(records, "records")?;
        let verb = on(reader, |it| it.next_batch(max, long_duration(wait_ms)))?;
        out.put(give(block(-1, look("next_batch"), verb)?.into()));
        Ok(())
    })
}

/// Starts dl_reader_next_batch. Take what it answers with dl_call_take_records. Errors: those of dl_reader_next_batch come
/// with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_next_batch_start(
    reader: *mut dl_reader,
    max: usize,
    wait_ms: i64,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, look("next_batch"), on(reader, |it| it.next_batch(max, long_duration(wait_ms)))?))
}

/// Where the next record will be, or before it: everything below was delivered. What a call has that is done is delivered when it
/// is taken.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_position(reader: *const dl_reader) -> dl_dlsn {
    answer(Dlsn::INVALID.into(), || Ok(handle::borrow(reader)?.stream.seen().position().into()))
}

/// How the reader ended: one of DISTLOG_END_..., 0 while it has not.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_end(reader: *const dl_reader) -> u32 {
    answer(0, || {
        let seen = handle::borrow(reader)?.stream.seen();
        Ok(end_number(seen.end.filter(|_| seen.returned.is_empty())))
    })
}

/// The cursor that the reader was opened with. That of a locked reader moves only while the reader has its lock. Does not wait.
///
/// Errors: not-found if the reader has none.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_cursor(reader: *const dl_reader, cursor: *mut *mut dl_cursor) -> *mut dl_error {
    boundary(|| {
        let (out, stream) = (Out::new(cursor, "cursor")?, &handle::borrow(reader)?.stream);
        let none = || Error::new(ErrorKind::NotFound, "the reader was opened without a cursor");
        out.put_object(dl_cursor::new(stream.birth, stream.cursor.clone().ok_or_else(none)?));
        Ok(())
    })
}

/// Closes a reader, and lets its lock go: calls that wait, and every later one, fail with closed.
///
/// Errors: what letting the lock go ran into; it then ends with the namespace or this process.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_close(reader: *mut dl_reader, timeout_ms: i64) -> *mut dl_error {
    boundary(|| block(timeout_ms, change("close"), on(reader, Stream::close)?))
}

/// Starts dl_reader_close. It answers nothing. Errors: those of dl_reader_close come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_close_start(reader: *mut dl_reader, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| start(call, change("close"), on(reader, Stream::close)?))
}

/// Frees a reader. One that was not closed lets its lock go soon.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_free(reader: *mut dl_reader) {
    handle::free(reader);
}
