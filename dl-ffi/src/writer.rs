//! Writers.

use std::ffi::c_char;
use std::sync::Arc;

use dl_core::{
    Compression, Condition, Error, ErrorKind, MAX_PAYLOAD_BYTES, NewRecord, NewRecordSet, Receipt, Result,
    Ticket, Txid, Writer,
};

use crate::boundary::{answer, boundary};
use crate::bytes::{array, copy_all, dl_bytes};
use crate::completion::call::dl_call;
use crate::completion::turns::Turns;
use crate::dlsn::dl_dlsn;
use crate::error::dl_error;
use crate::forks::Birth;
use crate::handle::{self, Boxed, Object, Out};
use crate::receipt::{dl_receipt, dl_receipts, put_receipts};
use crate::text;
use crate::waiting::{Deadline, Effect, block, block_until, start, start_in_turn};

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

/// What an append may ask for. One thread at a time fills it.
#[derive(Debug, Default)]
pub struct dl_append_options {
    txid: Option<Txid>,
    condition: Option<Condition>,
}

impl Object for dl_append_options {
    const NAME: &'static str = "the options";
}

impl Boxed for dl_append_options {}

/// Makes options that ask for nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_append_options_new() -> *mut dl_append_options {
    answer(std::ptr::null_mut(), || Ok(handle::give(dl_append_options::default())))
}

/// Sets the txid of the record. Without it that is the wall clock in milliseconds, held at the last txid of the log when the
/// clock is behind it.
///
/// Errors: invalid-argument if it is not 0 to 2^63 - 2.
#[unsafe(no_mangle)]
pub extern "C" fn dl_append_options_set_txid(options: *mut dl_append_options, txid: i64) -> *mut dl_error {
    boundary(|| {
        handle::borrow_mut(options)?.txid = Some(Txid::new(txid)?);
        Ok(())
    })
}

/// The append fails with condition-failed unless the last record of the log then has this position: judged after all earlier
/// appends of this writer.
#[unsafe(no_mangle)]
pub extern "C" fn dl_append_options_set_expected_last(
    options: *mut dl_append_options,
    dlsn: dl_dlsn,
) -> *mut dl_error {
    boundary(|| {
        handle::borrow_mut(options)?.condition = Some(Condition::Last(dlsn.into()));
        Ok(())
    })
}

/// The append fails with condition-failed unless the log then holds no record.
#[unsafe(no_mangle)]
pub extern "C" fn dl_append_options_set_expected_empty(options: *mut dl_append_options) -> *mut dl_error {
    boundary(|| {
        handle::borrow_mut(options)?.condition = Some(Condition::Empty);
        Ok(())
    })
}

/// Frees options.
#[unsafe(no_mangle)]
pub extern "C" fn dl_append_options_free(options: *mut dl_append_options) {
    handle::free(options);
}

/// One append, as it was asked for.
struct Single {
    writer: Writer,
    record: NewRecord,
    condition: Option<Condition>,
}

impl Single {
    fn new(writer: *const dl_writer, payload: dl_bytes, options: *const dl_append_options) -> Result<Self> {
        let writer = handle::borrow(writer)?.writer.clone();
        let options = handle::borrow_or_null(options)?;
        let record = NewRecord::new(payload.copy(MAX_PAYLOAD_BYTES)?);
        let record = options.and_then(|options| options.txid).into_iter().fold(record, NewRecord::txid);
        Ok(Self { writer, record, condition: options.and_then(|options| options.condition) })
    }

    async fn place(self) -> Result<Ticket> {
        match self.condition {
            None => self.writer.append(self.record).await,
            Some(condition) => self.writer.append_if(self.record, condition).await,
        }
    }

    async fn append(self) -> Result<dl_receipt> {
        let writer = self.writer.clone();
        let ticket = self.place().await?;
        settled(writer, ticket).await
    }

    /// Waits on the thread of the caller.
    fn append_blocking(self, timeout_ms: i64) -> Result<Receipt> {
        if timeout_ms < 0 && self.condition.is_none() {
            return self.writer.blocking_append(self.record);
        }
        let deadline = Deadline::new(timeout_ms);
        let placed = block_until(deadline, Effect::None, self.place());
        let ticket = placed.map_err(|error| if timeout_ms == 0 { busy(error) } else { error })?;
        block_until(deadline, Effect::Possible, ticket)
    }
}

/// What became of an append. The writer stays open until then, though the caller frees it.
async fn settled(writer: Writer, ticket: Ticket) -> Result<dl_receipt> {
    let receipt = ticket.await;
    drop(writer);
    receipt.map(dl_receipt::new)
}

/// There was no room, and the caller did not wait for any.
fn busy(error: Error) -> Error {
    if error.kind() == ErrorKind::Timeout {
        Error::new(ErrorKind::Busy, "too much is in flight; wait for acknowledgements").during("append")
    } else {
        error
    }
}

/// In an array of txids: the record has none of its own.
const NO_TXID: i64 = -1;

/// Several records of one call.
struct Several {
    writer: Writer,
    records: Vec<NewRecord>,
    condition: Option<Condition>,
}

impl Several {
    fn new(
        writer: *const dl_writer,
        payloads: *const dl_bytes,
        txids: *const i64,
        count: usize,
        options: *const dl_append_options,
    ) -> Result<Self> {
        let writer = handle::borrow(writer)?.writer.clone();
        let options = handle::borrow_or_null(options)?;
        let payloads = copy_all(array(payloads, count, "payloads")?, MAX_PAYLOAD_BYTES)?;
        let shared = options.and_then(|options| options.txid);
        let txids = if txids.is_null() { &[] } else { array(txids, count, "txids")? };
        let mut records = Vec::with_capacity(count);
        for (index, payload) in payloads.enumerate() {
            let own = txids.get(index).filter(|txid| **txid != NO_TXID);
            let txid = own.map(|txid| Txid::new(*txid)).transpose()?.or(shared);
            records.push(txid.into_iter().fold(NewRecord::new(payload), NewRecord::txid));
        }
        Ok(Self { writer, records, condition: options.and_then(|options| options.condition) })
    }

    /// Each for itself.
    async fn append_many(self) -> Result<dl_receipts> {
        if self.condition.is_some() {
            let message = "records of which each is appended for itself have no condition; append a batch";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let mut tickets = Vec::with_capacity(self.records.len());
        for record in self.records {
            tickets.push(self.writer.append(record).await);
        }
        let mut receipts = Vec::with_capacity(tickets.len());
        // From the last on: entries are settled in order, so this waits once, and not for one entry after another.
        for ticket in tickets.into_iter().rev() {
            receipts.push(match ticket {
                Ok(ticket) => ticket.await,
                Err(error) => Err(error),
            });
        }
        receipts.reverse();
        Ok(dl_receipts::each(receipts))
    }

    /// All or none.
    async fn append_batch(self) -> Result<dl_receipts> {
        let ticket = self.writer.append_batch(self.records, self.condition).await?;
        Ok(dl_receipts::all(ticket.await?))
    }
}

/// A record set, as it was asked for.
struct Set {
    writer: Writer,
    set: NewRecordSet,
    condition: Option<Condition>,
}

impl Set {
    fn new(
        writer: *const dl_writer,
        payloads: *const dl_bytes,
        count: usize,
        compression: *const c_char,
        options: *const dl_append_options,
    ) -> Result<Self> {
        let writer = handle::borrow(writer)?.writer.clone();
        let options = handle::borrow_or_null(options)?;
        let compression = text::read_or_null(compression, "compression")?;
        let compression = compression.map_or(Ok(Compression::None), str::parse)?;
        let payloads = array(payloads, count, "payloads")?;
        let members = payloads.iter().map(|payload| payload.read()).collect::<Result<Vec<_>>>()?;
        let set = NewRecordSet::pack(&members, compression)?;
        let set = options.and_then(|options| options.txid).into_iter().fold(set, NewRecordSet::txid);
        Ok(Self { writer, set, condition: options.and_then(|options| options.condition) })
    }

    async fn append(self) -> Result<dl_receipts> {
        let ticket = self.writer.append_record_set(self.set, self.condition).await?;
        Ok(dl_receipts::all(ticket.await?))
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

/// Appends a record and waits until it is durable. `options` and `receipt` may be NULL.
///
/// A thread that appends alone, without bound and condition, writes and syncs itself, which is the fastest way for one record
/// after another. Errors: busy if there is no room and timeout_ms is 0; timeout; invalid-argument for a txid below the last
/// one; too-large; condition-failed with the actual last position; storage-full; or what ended the writer.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_append(
    writer: *mut dl_writer,
    payload: dl_bytes,
    options: *const dl_append_options,
    timeout_ms: i64,
    receipt: *mut *mut dl_receipt,
) -> *mut dl_error {
    boundary(|| {
        let appended = Single::new(writer, payload, options)?.append_blocking(timeout_ms)?;
        Out::optional(receipt).put_object(dl_receipt::new(appended));
        Ok(())
    })
}

/// Starts dl_writer_append. Take what it answers with dl_call_take_receipt.
///
/// Appends get their places in the order in which they are started, and those that succeed are done in this order too, before
/// a later flush, seal or close is. When too much is in flight the call waits for room, in
/// line with others; dl_writer_try_append_start does not.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_append_start(
    writer: *mut dl_writer,
    payload: dl_bytes,
    options: *const dl_append_options,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        start_in_turn(turns(writer)?, call, Effect::Possible, Single::new(writer, payload, options)?.append())
    })
}

/// Starts an append if there is room for it now. Take what it answers with dl_call_take_receipt.
///
/// Errors: busy if there is no room: wait until an earlier call is done; else as dl_writer_append, at once where that is known.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_try_append_start(
    writer: *mut dl_writer,
    payload: dl_bytes,
    options: *const dl_append_options,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        Out::new(call, "call")?;
        let placed = block(0, Effect::None, Single::new(writer, payload, options)?.place());
        let verb = settled(handle::borrow(writer)?.writer.clone(), placed.map_err(busy)?);
        start_in_turn(turns(writer)?, call, Effect::Possible, verb)
    })
}

/// Appends many records with one call, each for itself, in their order, and waits until all are settled. `txids` is an array
/// of as many, of which -1 stands for none, or NULL; `options` and `receipts` may be NULL.
///
/// Errors: that of the first record that was not acknowledged. Then `receipts` is written too, if it is not NULL: it says what
/// became of each. It is not when the call failed as a whole, with invalid-argument, too-large, timeout or closed, before it
/// looked at the records.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_append_many(
    writer: *mut dl_writer,
    payloads: *const dl_bytes,
    txids: *const i64,
    count: usize,
    options: *const dl_append_options,
    timeout_ms: i64,
    receipts: *mut *mut dl_receipts,
) -> *mut dl_error {
    boundary(|| {
        let out = Out::optional(receipts);
        let verb = Several::new(writer, payloads, txids, count, options)?.append_many();
        put_receipts(block(timeout_ms, Effect::Possible, verb)?, out)
    })
}

/// Starts dl_writer_append_many. Take what it answers with dl_call_take_receipts, and ask dl_receipts_first_error.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_append_many_start(
    writer: *mut dl_writer,
    payloads: *const dl_bytes,
    txids: *const i64,
    count: usize,
    options: *const dl_append_options,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let verb = Several::new(writer, payloads, txids, count, options)?.append_many();
        start_in_turn(turns(writer)?, call, Effect::Possible, verb)
    })
}

/// Appends records that are all in the log, in consecutive slots, or none of them, and waits until they are durable. `txids`
/// is an array of as many, of which -1 stands for none, or NULL; `options` and `receipts` may be NULL.
///
/// Errors: as dl_writer_append; too-large if they take more than an entry, with 20 bytes for each header.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_append_batch(
    writer: *mut dl_writer,
    payloads: *const dl_bytes,
    txids: *const i64,
    count: usize,
    options: *const dl_append_options,
    timeout_ms: i64,
    receipts: *mut *mut dl_receipts,
) -> *mut dl_error {
    boundary(|| {
        let verb = Several::new(writer, payloads, txids, count, options)?.append_batch();
        Out::optional(receipts).give(block(timeout_ms, Effect::Possible, verb))
    })
}

/// Starts dl_writer_append_batch. Take what it answers with dl_call_take_receipts.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_append_batch_start(
    writer: *mut dl_writer,
    payloads: *const dl_bytes,
    txids: *const i64,
    count: usize,
    options: *const dl_append_options,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let verb = Several::new(writer, payloads, txids, count, options)?.append_batch();
        start_in_turn(turns(writer)?, call, Effect::Possible, verb)
    })
}

/// Appends a record set, as DistributedLog's: all of its members are in the log, in consecutive slots and with one txid, or
/// none. `compression` is "none" or "lz4", NULL for none; `options` and `receipts`, one for each member, may be NULL.
///
/// Errors: as dl_writer_append; too-large if the packed members take more than a record.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_append_record_set(
    writer: *mut dl_writer,
    payloads: *const dl_bytes,
    count: usize,
    compression: *const c_char,
    options: *const dl_append_options,
    timeout_ms: i64,
    receipts: *mut *mut dl_receipts,
) -> *mut dl_error {
    boundary(|| {
        let verb = Set::new(writer, payloads, count, compression, options)?.append();
        Out::optional(receipts).give(block(timeout_ms, Effect::Possible, verb))
    })
}

/// Starts dl_writer_append_record_set. Take what it answers with dl_call_take_receipts.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_append_record_set_start(
    writer: *mut dl_writer,
    payloads: *const dl_bytes,
    count: usize,
    compression: *const c_char,
    options: *const dl_append_options,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let verb = Set::new(writer, payloads, count, compression, options)?.append();
        start_in_turn(turns(writer)?, call, Effect::Possible, verb)
    })
}

/// Waits until all appends that have their places are settled.
///
/// Errors: what ended the writer; storage-full if the last of them was refused.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_flush(writer: *mut dl_writer, timeout_ms: i64) -> *mut dl_error {
    boundary(|| block(timeout_ms, Effect::None, on(writer, |it| async move { it.flush().await })?))
}

/// Starts dl_writer_flush. It answers nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_flush_start(writer: *mut dl_writer, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| {
        start_in_turn(turns(writer)?, call, Effect::None, on(writer, |it| async move { it.flush().await })?)
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
        Out::optional(in_force).put(block(timeout_ms, Effect::Possible, verb)?.into());
        Ok(())
    })
}

/// Starts dl_writer_truncate. Take what it answers with dl_call_take_dlsn.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_truncate_start(
    writer: *mut dl_writer,
    before: dl_dlsn,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let verb = on(writer, |it| async move { it.truncate(before.into()).await.map(Some) })?;
        start(call, Effect::Possible, verb)
    })
}

/// Ends the log for ever: what was appended before stays, every later append, of this or any other writer, fails with sealed.
///
/// Errors: what ended the writer; storage-full if there is no space for the mark, and the log is not sealed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_seal(writer: *mut dl_writer, timeout_ms: i64) -> *mut dl_error {
    boundary(|| block(timeout_ms, Effect::Possible, on(writer, |it| async move { it.seal().await })?))
}

/// Starts dl_writer_seal. It answers nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_seal_start(writer: *mut dl_writer, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| {
        start_in_turn(
            turns(writer)?,
            call,
            Effect::Possible,
            on(writer, |it| async move { it.seal().await })?,
        )
    })
}

/// Settles what was appended, completes the segment and lets the log go.
///
/// Errors: what ended the writer; timeout if it took longer than timeout_ms or the option close_timeout_ms, after which what
/// was not acknowledged fails with closed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_close(writer: *mut dl_writer, timeout_ms: i64) -> *mut dl_error {
    boundary(|| block(timeout_ms, Effect::Possible, on(writer, |it| async move { it.close().await })?))
}

/// Starts dl_writer_close. It answers nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_close_start(writer: *mut dl_writer, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| {
        start_in_turn(
            turns(writer)?,
            call,
            Effect::Possible,
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
    boundary(|| block(timeout_ms, Effect::None, on(writer, ended)?))
}

/// Starts dl_writer_wait_fenced. The call fails when the writer ends, with the error that its calls then return.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_wait_fenced_start(
    writer: *mut dl_writer,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, Effect::None, on(writer, ended)?))
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
