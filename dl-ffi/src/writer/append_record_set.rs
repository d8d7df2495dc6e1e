//! Appends of record sets.

use std::ffi::c_char;

use dl_core::{Compression, Condition, NewRecordSet, Result, Writer};

use super::append_options::dl_append_options;
use super::{dl_writer, turns};
use crate::boundary::boundary;
use crate::bytes::{array, dl_bytes};
use crate::completion::call::dl_call;
use crate::error::dl_error;
use crate::handle::{self, Out};
use crate::receipt::dl_receipts;
use crate::text;
use crate::waiting::{block, change, for_call, start_in_turn};

const APPEND_RECORD_SET: &str = "append_record_set";

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
        let verb =
            for_call(APPEND_RECORD_SET, Set::new(writer, payloads, count, compression, options))?.append();
        Out::optional(receipts).give(block(timeout_ms, change(APPEND_RECORD_SET), verb))
    })
}

/// Starts dl_writer_append_record_set. Take what it answers with dl_call_take_receipts. Errors: those of
/// dl_writer_append_record_set come with the call.
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
        let verb =
            for_call(APPEND_RECORD_SET, Set::new(writer, payloads, count, compression, options))?.append();
        start_in_turn(turns(writer)?, call, change(APPEND_RECORD_SET), verb)
    })
}
