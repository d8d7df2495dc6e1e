//! Taking what a call answered, by the type of its answer.

use dl_core::{Dlsn, Result};

use super::call::dl_call;
use crate::boundary::boundary;
use crate::bytes::dl_buffer;
use crate::dlsn::dl_dlsn;
use crate::error::dl_error;
use crate::handle::{self, Boxed, Out, give};
use crate::log::dl_log;
use crate::namespace::dl_namespace;
use crate::reader::dl_reader;
use crate::receipt::{dl_receipt, dl_receipts};
use crate::record::{Unread, dl_record, dl_records};
use crate::text::dl_names;
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

/// Takes the record that a call answers; NULL where there is none. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_record(call: *mut dl_call, record: *mut *mut dl_record) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(record, "record")?;
        let unread: Unread = handle::borrow(call)?.take()?;
        out.put(unread.read().pop().map_or(std::ptr::null_mut(), |record| give(dl_record::new(record))));
        Ok(())
    })
}

/// Takes the records that a call answers. Errors: as dl_call_take_count.
#[unsafe(no_mangle)]
pub extern "C" fn dl_call_take_records(call: *mut dl_call, records: *mut *mut dl_records) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(records, "records")?;
        let unread: Unread = handle::borrow(call)?.take()?;
        out.put(give(dl_records::new(unread.read())));
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
