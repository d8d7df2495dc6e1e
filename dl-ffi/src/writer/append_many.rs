//! Appends of many records with one call.

use dl_core::{Condition, Error, ErrorKind, MAX_PAYLOAD_BYTES, NewRecord, Result, Txid, Writer};

use super::append_options::dl_append_options;
use super::{dl_writer, turns};
use crate::boundary::boundary;
use crate::bytes::{array, check_length, copy_all, dl_bytes};
use crate::completion::call::dl_call;
use crate::error::dl_error;
use crate::handle::{self, Out};
use crate::receipt::{dl_receipts, put_receipts};
use crate::waiting::{block, change, start_in_turn};

const APPEND_MANY: &str = "append_many";

/// In an array of txids: the record has none of its own.
const NO_TXID: i64 = -1;

/// Several records of one call.
struct Several {
    writer: Writer,
    records: Vec<NewRecord>,
    /// Why the record behind those is refused, if there is one that is too large.
    refused: Option<Error>,
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
        let mut views = array(payloads, count, "payloads")?;
        let mut refused = None;
        for (index, view) in views.iter().enumerate() {
            if let Err(error) = check_length(view.length, MAX_PAYLOAD_BYTES) {
                (views, refused) = (&views[..index], Some(error));
                break;
            }
        }
        let payloads = copy_all(views, MAX_PAYLOAD_BYTES)?;
        let shared = options.and_then(|options| options.txid);
        let txids = if txids.is_null() { &[] } else { array(txids, count, "txids")? };
        let mut records = Vec::with_capacity(count);
        for (index, payload) in payloads.enumerate() {
            let own = txids.get(index).filter(|txid| **txid != NO_TXID);
            let txid = own.map(|txid| Txid::new(*txid)).transpose()?.or(shared);
            records.push(txid.into_iter().fold(NewRecord::new(payload), NewRecord::txid));
        }
        Ok(Self { writer, records, refused, condition: options.and_then(|options| options.condition) })
    }

    /// Each for itself, up to the first that is refused.
    async fn append_many(self) -> Result<dl_receipts> {
        if self.condition.is_some() {
            let message = "records of which each is appended for itself have no condition; append a batch";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let Self { writer, records, refused: too_large, .. } = self;
        let (ticket, refused) = writer.append_many(&records).await;
        // What they had is copied; the writer stays open until they are settled.
        drop(records);
        let mut receipts = ticket.await;
        receipts.extend(refused.or(too_large).map(|error| Err(error.during(APPEND_MANY))));
        drop(writer);
        Ok(dl_receipts::each(receipts))
    }

    /// All or none.
    async fn append_batch(self) -> Result<dl_receipts> {
        if let Some(error) = self.refused {
            return Err(error);
        }
        let ticket = self.writer.append_batch(self.records, self.condition).await?;
        Ok(dl_receipts::all(ticket.await?))
    }
}

/// Appends many records with one call, each for itself, in their order, and waits until all are settled. It ends at the first
/// record that is refused: those behind that are not appended. `txids` is an array of as many, of which -1 stands for none, or
/// NULL; `options` and `receipts` may be NULL.
///
/// Errors: that of the first record that was not acknowledged. Then `receipts` is written too, if it is not NULL: it says what
/// became of each, the refused one last. It is not when the call failed as a whole, with invalid-argument, timeout or closed,
/// before it looked at the records.
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
        put_receipts(block(timeout_ms, change(APPEND_MANY), verb)?, out)
    })
}

/// Starts dl_writer_append_many. Take what it answers with dl_call_take_receipts, and ask dl_receipts_first_error. Errors:
/// those of dl_writer_append_many come with the call.
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
        start_in_turn(turns(writer)?, call, change(APPEND_MANY), verb)
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
        Out::optional(receipts).give(block(timeout_ms, change("append_batch"), verb))
    })
}

/// Starts dl_writer_append_batch. Take what it answers with dl_call_take_receipts. Errors: those of dl_writer_append_batch
/// come with the call.
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
        start_in_turn(turns(writer)?, call, change("append_batch"), verb)
    })
}
