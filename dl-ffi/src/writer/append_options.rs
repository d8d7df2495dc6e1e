//! What an append may ask for.

use dl_core::{Condition, Txid};

use crate::boundary::{answer, boundary};
use crate::dlsn::dl_dlsn;
use crate::error::dl_error;
use crate::handle::{self, Boxed, Object};

/// What an append may ask for. One thread at a time fills it.
#[derive(Debug, Default)]
pub struct dl_append_options {
    pub(super) txid: Option<Txid>,
    pub(super) condition: Option<Condition>,
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
///
/// Errors: invalid-argument if the options are NULL.
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

/// The append fails with condition-failed unless the log then holds no record. Errors: invalid-argument if the options are
/// NULL.
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
