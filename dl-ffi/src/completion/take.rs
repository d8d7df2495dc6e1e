//! Taking what a call answered, by the type of its answer.

use dl_core::{Dlsn, LogChange, Record, RecordBatch, Result, SegmentInfo};

use super::call::dl_call;
use crate::boundary::boundary;
use crate::byte_reader::{Chunk, dl_byte_reader};
use crate::byte_writer::dl_byte_writer;
use crate::bytes::dl_buffer;
use crate::cursor::{dl_cursor, dl_cursors};
use crate::dlsn::dl_dlsn;
use crate::error::dl_error;
use crate::handle::{self, Boxed, Out, give};
use crate::log::{dl_log, put_record};
use crate::log_info::{dl_log_info, dl_segments};
use crate::namespace::dl_namespace;
use crate::namespace_info::dl_namespace_info;
use crate::options::dl_log_options;
use crate::reader::dl_reader;
use crate::receipt::{dl_receipt, dl_receipts};
use crate::record::{dl_record, dl_records};
use crate::text::dl_names;
use crate::unread::Unread;
use crate::verification::dl_verification;
use crate::watch::{dl_log_change, only};
use crate::writer::dl_writer;

/// Takes the object that a call answers.
fn take<T: Boxed + 'static>(call: *const dl_call, out: *mut *mut T, name: &'static str) -> Result<()> {
    let (call, out) = (handle::borrow(call)?, Out::new(out, name)?);
    out.put(give(call.take::<T>()?));
    Ok(())
}

/// Takes the number that a call answers.
///
/// Errors: that of the call; busy if it is not done; invalid-argument if it answers something else, or was taken from.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_count(call: *mut dl_call, count: *mut u64) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(count, "count")?;
        out.put(handle::borrow(call)?.take()?);
        Ok(())
    })
}

/// Takes the yes or no that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_flag(call: *mut dl_call, flag: *mut bool) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(flag, "flag")?;
        out.put(handle::borrow(call)?.take()?);
        Ok(())
    })
}

/// Takes the position that a call answers. `found` says whether there is one, and may be NULL where there always is. Errors:
/// as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_dlsn(
    call: *mut dl_call,
    dlsn: *mut dl_dlsn,
    found: *mut bool,
) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(dlsn, "dlsn")?;
        put_dlsn(handle::borrow(call)?.take()?, out, Out::optional(found));
        Ok(())
    })
}

/// Writes a position, if there is one.
pub(crate) fn put_dlsn(dlsn: Option<Dlsn>, out: Out<dl_dlsn>, found: Out<bool>) {
    found.put(dlsn.is_some());
    if let Some(dlsn) = dlsn {
        out.put(dlsn.into());
    }
}

/// Takes the receipt that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_receipt(call: *mut dl_call, receipt: *mut *mut dl_receipt) -> *mut dl_error {
    boundary(|| take(call, receipt, "receipt"))
}

/// Takes the receipts that a call answers. Errors: as dl_call_take_count; those of single records are in the receipts.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_receipts(
    call: *mut dl_call,
    receipts: *mut *mut dl_receipts,
) -> *mut dl_error {
    boundary(|| take(call, receipts, "receipts"))
}

/// Takes the record that a call answers, of a reader or of a log; NULL where there is none. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_record(call: *mut dl_call, record: *mut *mut dl_record) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(record, "record")?;
        let call = handle::borrow(call)?;
        let record = match call.take_if::<Unread<Record>>()? {
            Some(unread) => unread.read().pop(),
            None => call.take::<Option<Record>>()?,
        };
        put_record(record, out);
        Ok(())
    })
}

/// Takes the records that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_records(call: *mut dl_call, records: *mut *mut dl_records) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(records, "records")?;
        let unread: Unread<RecordBatch> = handle::borrow(call)?.take()?;
        out.put(give(unread.into()));
        Ok(())
    })
}

/// Takes the names that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_names(call: *mut dl_call, names: *mut *mut dl_names) -> *mut dl_error {
    boundary(|| take(call, names, "names"))
}

/// Takes the bytes that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_buffer(call: *mut dl_call, buffer: *mut *mut dl_buffer) -> *mut dl_error {
    boundary(|| take(call, buffer, "buffer"))
}

/// Takes the namespace that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_namespace(
    call: *mut dl_call,
    namespace: *mut *mut dl_namespace,
) -> *mut dl_error {
    boundary(|| take(call, namespace, "namespace"))
}

/// Takes the info on a namespace that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_namespace_info(
    call: *mut dl_call,
    info: *mut *mut dl_namespace_info,
) -> *mut dl_error {
    boundary(|| take(call, info, "info"))
}

/// Takes the verification that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_verification(
    call: *mut dl_call,
    verification: *mut *mut dl_verification,
) -> *mut dl_error {
    boundary(|| take(call, verification, "verification"))
}

/// Takes the log that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_log(call: *mut dl_call, log: *mut *mut dl_log) -> *mut dl_error {
    boundary(|| take(call, log, "log"))
}

/// Takes the writer that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_writer(call: *mut dl_call, writer: *mut *mut dl_writer) -> *mut dl_error {
    boundary(|| take(call, writer, "writer"))
}

/// Takes the reader that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_reader(call: *mut dl_call, reader: *mut *mut dl_reader) -> *mut dl_error {
    boundary(|| take(call, reader, "reader"))
}

/// Takes the info on a log that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_log_info(call: *mut dl_call, info: *mut *mut dl_log_info) -> *mut dl_error {
    boundary(|| take(call, info, "info"))
}

/// Takes the options of a log that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_log_options(
    call: *mut dl_call,
    options: *mut *mut dl_log_options,
) -> *mut dl_error {
    boundary(|| take(call, options, "options"))
}

/// Takes the cursor that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_cursor(call: *mut dl_call, cursor: *mut *mut dl_cursor) -> *mut dl_error {
    boundary(|| take(call, cursor, "cursor"))
}

/// Takes the cursors that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_cursors(call: *mut dl_call, cursors: *mut *mut dl_cursors) -> *mut dl_error {
    boundary(|| take(call, cursors, "cursors"))
}

/// Takes the byte writer that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_byte_writer(
    call: *mut dl_call,
    writer: *mut *mut dl_byte_writer,
) -> *mut dl_error {
    boundary(|| take(call, writer, "writer"))
}

/// Takes the byte reader that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_byte_reader(
    call: *mut dl_call,
    reader: *mut *mut dl_byte_reader,
) -> *mut dl_error {
    boundary(|| take(call, reader, "reader"))
}

/// Takes the segments that a call answers, of a log or of a watcher. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_segments(
    call: *mut dl_call,
    segments: *mut *mut dl_segments,
) -> *mut dl_error {
    boundary(|| {
        let (call, out) = (handle::borrow(call)?, Out::new(segments, "segments")?);
        let segments = match call.take_if::<Unread<Vec<SegmentInfo>>>()? {
            Some(unread) => dl_segments::new(only(unread)?),
            None => call.take::<dl_segments>()?,
        };
        out.put_object(segments);
        Ok(())
    })
}

/// Takes the change that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_log_change(
    call: *mut dl_call,
    change: *mut *mut dl_log_change,
) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(change, "change")?;
        let unread: Unread<LogChange> = handle::borrow(call)?.take()?;
        out.put_object(dl_log_change::new(only(unread)?));
        Ok(())
    })
}

/// Takes the chunk of bytes that a call answers; NULL at the end. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_chunk(call: *mut dl_call, chunk: *mut *mut dl_buffer) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(chunk, "chunk")?;
        let unread: Unread<Chunk> = handle::borrow(call)?.take()?;
        let bytes = unread.read().pop().map(|chunk| chunk.bytes);
        out.put(bytes.map_or(std::ptr::null_mut(), |bytes| give(dl_buffer::new(bytes))));
        Ok(())
    })
}
