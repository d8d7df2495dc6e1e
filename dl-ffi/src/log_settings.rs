//! What is kept with a log: its options, and bytes of the user.

use bytes::Bytes;
use dl_core::{Log, LogOptions, Result};

use crate::boundary::boundary;
use crate::bytes::{dl_buffer, dl_bytes};
use crate::completion::call::dl_call;
use crate::error::dl_error;
use crate::handle::{self, Out};
use crate::log::{dl_log, on};
use crate::options::{Settings, dl_log_options};
use crate::waiting::{block, change, for_call, look, start};

/// The most bytes of the user that are copied for a call; what a log can hold is less.
const MOST_BYTES: usize = 1 << 30;

async fn options(log: Log) -> Result<dl_log_options> {
    Ok(dl_log_options { settings: Settings::of(log.options().await?) })
}

async fn user_metadata(log: Log) -> Result<dl_buffer> {
    log.user_metadata().await.map(dl_buffer::new)
}

fn setting_options(
    log: *const dl_log,
    options: *const dl_log_options,
) -> Result<impl Future<Output = Result<()>> + Send + 'static> {
    let options: LogOptions = handle::borrow(options)?.settings.values.clone();
    on(log, |log| async move { log.set_options(options).await })
}

fn setting_user_metadata(
    log: *const dl_log,
    data: dl_bytes,
) -> Result<impl Future<Output = Result<()>> + Send + 'static> {
    let data: Bytes = for_call("set_user_metadata", data.copy(MOST_BYTES))?;
    on(log, |log| async move { log.set_user_metadata(data).await })
}

/// The options kept with the log; the defaults, if none were set.
///
/// Errors: not-found if there is no such log.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_get_options(
    log: *mut dl_log,
    timeout_ms: i64,
    options: *mut *mut dl_log_options,
) -> *mut dl_error {
    boundary(|| {
        Out::new(options, "options")?.give(block(timeout_ms, look("options"), on(log, self::options)?))
    })
}

/// Starts dl_log_get_options. Take what it answers with dl_call_take_log_options. Errors: those of dl_log_get_options come
/// with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_get_options_start(log: *mut dl_log, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| start(call, look("options"), on(log, options)?))
}

/// Replaces the options kept with the log. Writers that are opened from now on go by them.
///
/// Errors: not-found if there is no such log.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_set_options(
    log: *mut dl_log,
    options: *const dl_log_options,
    timeout_ms: i64,
) -> *mut dl_error {
    boundary(|| block(timeout_ms, change("set_options"), setting_options(log, options)?))
}

/// Starts dl_log_set_options. It answers nothing. Errors: those of dl_log_set_options come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_set_options_start(
    log: *mut dl_log,
    options: *const dl_log_options,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, change("set_options"), setting_options(log, options)?))
}

/// Bytes that the user keeps with the log; empty if none were set.
///
/// Errors: not-found if there is no such log.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_get_user_metadata(
    log: *mut dl_log,
    timeout_ms: i64,
    data: *mut *mut dl_buffer,
) -> *mut dl_error {
    boundary(|| {
        Out::new(data, "data")?.give(block(timeout_ms, look("user_metadata"), on(log, user_metadata)?))
    })
}

/// Starts dl_log_get_user_metadata. Take what it answers with dl_call_take_buffer. Errors: those of dl_log_get_user_metadata
/// come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_get_user_metadata_start(log: *mut dl_log, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| start(call, look("user_metadata"), on(log, user_metadata)?))
}

/// Sets the bytes that the user keeps with the log, at most 524288; none removes them.
///
/// Errors: not-found if there is no such log; too-large for more.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_set_user_metadata(
    log: *mut dl_log,
    data: dl_bytes,
    timeout_ms: i64,
) -> *mut dl_error {
    boundary(|| block(timeout_ms, change("set_user_metadata"), setting_user_metadata(log, data)?))
}

/// Starts dl_log_set_user_metadata. It answers nothing. Errors: those of dl_log_set_user_metadata come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_set_user_metadata_start(
    log: *mut dl_log,
    data: dl_bytes,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, change("set_user_metadata"), setting_user_metadata(log, data)?))
}
