//! Appends of many records with one call.

use dl_core::{Condition, Error, ErrorKind, ManyTicket, NewRecord, NewRecordView, Result, Txid, Writer};

use super::append_options::dl_append_options;
use super::{dl_writer, turns};
use crate::boundary::boundary;
use crate::bytes::{array, check_payload, copy_payloads, dl_bytes};
use crate::completion::call::dl_call;
use crate::error::dl_error;
use crate::handle::{self, Out};
use crate::receipt::{dl_receipts, put_receipts};
use crate::waiting::{block, change, for_call, place_in_turn, start_in_turn};

const APPEND_MANY: &str = "append_many";
const APPEND_BATCH: &str = "append_batch";

/// In an array of txids: the record has none of its own.
const NO_TXID: i64 = -1;

/// Records of one call, where the caller has them.
struct Shown<'a> {
    writer: Writer,
    payloads: &'a [dl_bytes],
    /// Why the record behind those is refused, if there is one that is too large.
    refused: Option<Error>,
    /// One for each, or none at all.
    txids: &'a [i64],
    /// That of records that have none of their own.
    txid: Option<Txid>,
    condition: Option<Condition>,
}

impl<'a> Shown<'a> {
    /// # Errors
    /// Those by which the call fails as a whole.
    fn new(
        writer: *const dl_writer,
        payloads: *const dl_bytes,
        txids: *const i64,
        count: usize,
        options: *const dl_append_options,
    ) -> Result<Self> {
        let writer = handle::borrow(writer)?.writer.clone();
        let options = handle::borrow_or_null(options)?;
        let mut payloads = array(payloads, count, "payloads")?;
        let txids = if txids.is_null() { &[] } else { array(txids, count, "txids")? };
        let mut refused = None;
        for (index, payload) in payloads.iter().enumerate() {
            if let Err(error) = check_payload(payload.length) {
                (payloads, refused) = (&payloads[..index], Some(error));
                break;
            }
            payload.read()?;
            if let Some(txid) = txids.get(index).filter(|txid| **txid != NO_TXID) {
                Txid::new(*txid)?;
            }
        }
        let (txid, condition) = options.map_or((None, None), |options| (options.txid, options.condition));
        Ok(Self { writer, payloads, refused, txids, txid, condition })
    }

    fn txid(&self, index: usize) -> Option<Txid> {
        // They were checked: what is none is NO_TXID.
        self.txids.get(index).and_then(|txid| Txid::new(*txid).ok()).or(self.txid)
    }

    fn views(&self) -> impl Iterator<Item = NewRecordView<'a>> {
        self.payloads.iter().enumerate().map(|(index, payload)| {
            // They were checked.
            let view = NewRecordView::new(payload.read().unwrap_or_default());
            self.txid(index).into_iter().fold(view, NewRecordView::txid)
        })
    }

    /// Copies, from this record on.
    fn copies(&self, from: usize) -> Result<Vec<NewRecord>> {
        let payloads = copy_payloads(self.payloads.get(from..).unwrap_or_default())?;
        let records = (from..).zip(payloads).map(|(index, payload)| {
            self.txid(index).into_iter().fold(NewRecord::new(payload), NewRecord::txid)
        });
        Ok(records.collect())
    }

    /// Gives as many of them their places as there is room for now. Answers a ticket for those, and copies of the rest.
    fn place(&self) -> Result<(ManyTicket, Vec<NewRecord>)> {
        let placed = self.writer.try_append_many(self.views());
        let rest = if placed.len() == self.payloads.len() { Vec::new() } else { self.copies(placed.len())? };
        Ok((placed, rest))
    }

    /// Each for itself, up to the first that is refused. Those for which there is room have their places when this returns; the rest
    /// waits.
    fn append_many(self) -> Result<impl Future<Output = Result<dl_receipts>> + Send + use<>> {
        let message = "records of which each is appended for itself have no condition; append a batch";
        let records = match self.condition {
            None => Ok(self.place()?),
            Some(_) => Err(Error::new(ErrorKind::InvalidArgument, message).during(APPEND_MANY)),
        };
        let Self { writer, refused: too_large, .. } = self;
        Ok(async move {
            let (placed, rest) = records?;
            // The writer stays open until they are settled.
            let (settled, refused) = writer.append_rest(placed, rest).await;
            drop(writer);
            Ok(dl_receipts::each(settled, refused.or(too_large).map(|error| error.during(APPEND_MANY))))
        })
    }

    /// All or none.
    fn append_batch(self) -> Result<impl Future<Output = Result<dl_receipts>> + Send + use<>> {
        let records = self.copies(0)?;
        let Self { writer, refused, condition, .. } = self;
        Ok(async move {
            if let Some(error) = refused {
                return Err(error.during(APPEND_BATCH));
            }
            let ticket = writer.append_batch(records, condition).await?;
            Ok(dl_receipts::all(ticket.await?))
        })
    }
}

/// Appends many records with one call, each for itself, in their order, and waits until all are settled. It ends at the first
/// record that is refused: those behind that are not appended. `txids` is an array of as many, of which -1 stands for none, or
/// NULL; `options` and `receipts` may be NULL.
///
/// Errors: that of the first record that was not acknowledged. Then `receipts` is written too, if it is not NULL: it says what
/// became of each, a refused one last. One that had its place and could not be stored, as with storage-full, ends nothing: those
/// behind it may be acknowledged. `receipts` is not written when the call failed as a whole, with invalid-argument, timeout or closed,
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
        let shown = for_call(APPEND_MANY, Shown::new(writer, payloads, txids, count, options))?;
        let verb = shown.append_many()?;
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
        let shown = for_call(APPEND_MANY, Shown::new(writer, payloads, txids, count, options))?;
        place_in_turn(turns(writer)?, call, change(APPEND_MANY), || shown.append_many())
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
        let shown = for_call(APPEND_BATCH, Shown::new(writer, payloads, txids, count, options))?;
        let verb = shown.append_batch()?;
        Out::optional(receipts).give(block(timeout_ms, change(APPEND_BATCH), verb))
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
        let shown = for_call(APPEND_BATCH, Shown::new(writer, payloads, txids, count, options))?;
        let verb = shown.append_batch()?;
        start_in_turn(turns(writer)?, call, change(APPEND_BATCH), verb)
    })
}
