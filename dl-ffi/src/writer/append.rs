//! Appends of one record.

use dl_core::{Condition, Error, NewRecord, Receipt, Result, Ticket, Writer};

use super::append_options::dl_append_options;
use super::{dl_writer, turns};
use crate::boundary::boundary;
use crate::bytes::dl_bytes;
use crate::completion::call::dl_call;
use crate::error::dl_error;
use crate::handle::{self, Out};
use crate::receipt::dl_receipt;
use crate::waiting::{Deadline, block_until, change, for_call, look, place_in_turn, start_in_turn};

const APPEND: &str = "append";
const TRY_APPEND: &str = "try_append";

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
        let record = NewRecord::new(payload.copy_payload()?);
        let record = options.and_then(|options| options.txid).into_iter().fold(record, NewRecord::txid);
        Ok(Self { writer, record, condition: options.and_then(|options| options.condition) })
    }

    async fn place(self) -> Result<Ticket> {
        match self.condition {
            None => self.writer.append(self.record).await,
            Some(condition) => self.writer.append_if(self.record, condition).await,
        }
    }

    /// Without waiting for room, nor for what there is to find out about an error.
    fn place_now(self) -> Result<Ticket> {
        match self.condition {
            None => self.writer.try_append(self.record),
            Some(condition) => self.writer.try_append_if(self.record, condition),
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
        let ticket = match timeout_ms {
            0 => self.place_now().map_err(|error| error.during(APPEND))?,
            _ => block_until(deadline, look(APPEND), self.place())?,
        };
        block_until(deadline, change(APPEND), ticket)
    }
}

/// What became of an append. The writer stays open until then, though the caller frees it.
async fn settled(writer: Writer, ticket: Ticket) -> Result<dl_receipt> {
    let receipt = ticket.await;
    drop(writer);
    receipt.map(dl_receipt::new)
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
        let appended =
            for_call(APPEND, Single::new(writer, payload, options))?.append_blocking(timeout_ms)?;
        Out::optional(receipt).put_object(dl_receipt::new(appended));
        Ok(())
    })
}

/// Starts dl_writer_append. Take what it answers with dl_call_take_receipt.
///
/// Appends get their places in the order in which they are started, and those that succeed are done in this order too, before
/// a later flush, seal or close is. When too much is in flight the call waits for room, in line with others;
/// dl_writer_try_append_start does not. Errors: those of dl_writer_append come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_append_start(
    writer: *mut dl_writer,
    payload: dl_bytes,
    options: *const dl_append_options,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let single = for_call(APPEND, Single::new(writer, payload, options))?;
        start_in_turn(turns(writer)?, call, change(APPEND), single.append())
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
        let named = |error: Error| error.during(TRY_APPEND);
        let single = Single::new(writer, payload, options).map_err(named)?;
        // Its turn among all calls and its place in the log are one step: it is told of in the order of the log.
        place_in_turn(turns(writer)?, call, change(TRY_APPEND), || {
            let writer = single.writer.clone();
            let ticket = single.place_now().map_err(named)?;
            Ok(async move { settled(writer, ticket).await.map_err(named) })
        })
    })
}
