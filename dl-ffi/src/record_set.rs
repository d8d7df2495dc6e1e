//! The members of a record set.

use bytes::Bytes;
use dl_core::RecordSet;

use crate::boundary::{answer, boundary};
use crate::bytes::dl_bytes;
use crate::error::dl_error;
use crate::handle::{self, Boxed, Object, Out};
use crate::record::dl_record;

/// The members of a record set, in their order.
#[derive(Debug)]
pub struct dl_record_set {
    members: Vec<Bytes>,
}

impl Object for dl_record_set {
    const NAME: &'static str = "the record set";
}

impl Boxed for dl_record_set {}

/// Unpacks the members of a record that is a whole record set: see dl_record_is_record_set. They do not need the record.
///
/// Errors: corrupt if the payload is not that of a record set.
#[unsafe(no_mangle)]
pub extern "C" fn dl_record_set_open(
    record: *const dl_record,
    set: *mut *mut dl_record_set,
) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(set, "set")?;
        let members = RecordSet::open(handle::borrow(record)?.payload())?;
        out.put_object(dl_record_set { members: members.collect::<Result<_, _>>()? });
        Ok(())
    })
}

/// The number of members.
#[unsafe(no_mangle)]
pub extern "C" fn dl_record_set_count(set: *const dl_record_set) -> usize {
    answer(0, || Ok(handle::borrow(set)?.members.len()))
}

/// The payload of the member at this index, from 0; empty behind the last. It lives as long as the set.
#[unsafe(no_mangle)]
pub extern "C" fn dl_record_set_payload(set: *const dl_record_set, index: usize) -> dl_bytes {
    answer(dl_bytes::EMPTY, || {
        let member = handle::borrow(set)?.members.get(index);
        Ok(member.map_or(dl_bytes::EMPTY, |member| dl_bytes::of(member)))
    })
}

/// Frees a record set.
#[unsafe(no_mangle)]
pub extern "C" fn dl_record_set_free(set: *mut dl_record_set) {
    handle::free(set);
}
