//! The logs of a namespace, by their names.

use std::ffi::c_char;

use dl_core::{LogName, Namespace, Result};

use super::{dl_namespace, on};
use crate::boundary::boundary;
use crate::completion::call::dl_call;
use crate::error::dl_error;
use crate::handle::{self, Out};
use crate::log::dl_log;
use crate::text::{self, dl_names};
use crate::waiting::{block, change, look, start};

fn log_name(name: *const c_char, what: &'static str) -> Result<LogName> {
    LogName::new(text::read(name, what)?)
}

async fn open_log(namespace: Namespace, name: LogName) -> Result<dl_log> {
    Ok(dl_log::new(namespace.open_log(&name).await?))
}

async fn list_logs(
    namespace: Namespace,
    prefix: String,
    after: Option<LogName>,
    limit: usize,
) -> Result<dl_names> {
    let listed = namespace.list_logs(&prefix, after.as_ref(), limit).await?;
    Ok(dl_names::new(listed.iter().map(LogName::as_str)))
}

/// The arguments of listing.
fn listing(
    namespace: *const dl_namespace,
    prefix: *const c_char,
    after: *const c_char,
    limit: usize,
) -> Result<impl Future<Output = Result<dl_names>> + Send + 'static> {
    let prefix = text::read_or_null(prefix, "prefix")?.unwrap_or_default().to_owned();
    let after = text::read_or_null(after, "after")?.map(LogName::new).transpose()?;
    on(namespace, |namespace| list_logs(namespace, prefix, after, limit))
}

/// Makes a log.
///
/// Errors: already-exists if it is there; invalid-argument or too-large for a name that no log can have.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_create_log(
    namespace: *mut dl_namespace,
    name: *const c_char,
    timeout_ms: i64,
) -> *mut dl_error {
    boundary(|| {
        let name = log_name(name, "name")?;
        block(
            timeout_ms,
            change("create_log"),
            on(namespace, |it| async move { it.create_log(&name).await })?,
        )
    })
}

/// Starts dl_namespace_create_log. It answers nothing. Errors: those of dl_namespace_create_log come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_create_log_start(
    namespace: *mut dl_namespace,
    name: *const c_char,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let name = log_name(name, "name")?;
        start(call, change("create_log"), on(namespace, |it| async move { it.create_log(&name).await })?)
    })
}

/// Opens a log that exists.
///
/// Errors: not-found if it does not.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_open_log(
    namespace: *mut dl_namespace,
    name: *const c_char,
    timeout_ms: i64,
    log: *mut *mut dl_log,
) -> *mut dl_error {
    boundary(|| {
        let name = log_name(name, "name")?;
        Out::new(log, "log")?.give(block(
            timeout_ms,
            look("open_log"),
            on(namespace, |it| open_log(it, name))?,
        ))
    })
}

/// Starts dl_namespace_open_log. Take what it answers with dl_call_take_log. Errors: those of dl_namespace_open_log come with
/// the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_open_log_start(
    namespace: *mut dl_namespace,
    name: *const c_char,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let name = log_name(name, "name")?;
        start(call, look("open_log"), on(namespace, |it| open_log(it, name))?)
    })
}

/// A log that may not exist yet: calls on it find out, and a writer can make it (the option create_log). Does not wait.
///
/// Errors: invalid-argument or too-large for a name that no log can have.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_log(
    namespace: *mut dl_namespace,
    name: *const c_char,
    log: *mut *mut dl_log,
) -> *mut dl_error {
    boundary(|| {
        let (out, name) = (Out::new(log, "log")?, log_name(name, "name")?);
        out.put_object(dl_log::new(handle::borrow(namespace)?.namespace.log(&name)));
        Ok(())
    })
}

/// Whether a log exists. Errors: invalid-argument for what is no name of a log; timeout; unavailable; closed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_log_exists(
    namespace: *mut dl_namespace,
    name: *const c_char,
    timeout_ms: i64,
    exists: *mut bool,
) -> *mut dl_error {
    boundary(|| {
        let name = log_name(name, "name")?;
        let verb = on(namespace, |it| async move { it.log_exists(&name).await })?;
        Out::new(exists, "exists")?.fill(block(timeout_ms, look("log_exists"), verb))
    })
}

/// Starts dl_namespace_log_exists. Take what it answers with dl_call_take_flag. Errors: those of dl_namespace_log_exists come
/// with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_log_exists_start(
    namespace: *mut dl_namespace,
    name: *const c_char,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let name = log_name(name, "name")?;
        start(call, look("log_exists"), on(namespace, |it| async move { it.log_exists(&name).await })?)
    })
}

/// Takes a log from whoever writes it, frees all it holds and removes it; logs below its name stay.
///
/// Errors: not-found if it does not exist; locked if another writer took it at the same time.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_delete_log(
    namespace: *mut dl_namespace,
    name: *const c_char,
    timeout_ms: i64,
) -> *mut dl_error {
    boundary(|| {
        let name = log_name(name, "name")?;
        block(
            timeout_ms,
            change("delete_log"),
            on(namespace, |it| async move { it.delete_log(&name).await })?,
        )
    })
}

/// Starts dl_namespace_delete_log. It answers nothing. Errors: those of dl_namespace_delete_log come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_delete_log_start(
    namespace: *mut dl_namespace,
    name: *const c_char,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let name = log_name(name, "name")?;
        start(call, change("delete_log"), on(namespace, |it| async move { it.delete_log(&name).await })?)
    })
}

/// Gives a log another name, and moves all that belongs to it; logs below its old name stay where they are.
///
/// Errors: not-found if it does not exist; already-exists if there is one of the new name; locked while a writer or a locked
/// reader holds it.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_rename_log(
    namespace: *mut dl_namespace,
    from: *const c_char,
    to: *const c_char,
    timeout_ms: i64,
) -> *mut dl_error {
    boundary(|| {
        let (from, to) = (log_name(from, "from")?, log_name(to, "to")?);
        let verb = on(namespace, |it| async move { it.rename_log(&from, &to).await })?;
        block(timeout_ms, change("rename_log"), verb)
    })
}

/// Starts dl_namespace_rename_log. It answers nothing. Errors: those of dl_namespace_rename_log come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_rename_log_start(
    namespace: *mut dl_namespace,
    from: *const c_char,
    to: *const c_char,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let (from, to) = (log_name(from, "from")?, log_name(to, "to")?);
        start(call, change("rename_log"), on(namespace, |it| async move { it.rename_log(&from, &to).await })?)
    })
}

/// Lists logs: the full names of those below `prefix` (a path; all logs, if it is empty or NULL) and behind `after` (from the
/// first on, if it is NULL), in byte order, at most `limit`. The next page begins behind the last name of this one.
///
/// Errors: invalid-argument for what is no path or name; timeout; unavailable; closed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_list_logs(
    namespace: *mut dl_namespace,
    prefix: *const c_char,
    after: *const c_char,
    limit: usize,
    timeout_ms: i64,
    names: *mut *mut dl_names,
) -> *mut dl_error {
    boundary(|| {
        let verb = listing(namespace, prefix, after, limit)?;
        Out::new(names, "names")?.give(block(timeout_ms, look("list_logs"), verb))
    })
}

/// Starts dl_namespace_list_logs. Take what it answers with dl_call_take_names. Errors: those of dl_namespace_list_logs come
/// with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_list_logs_start(
    namespace: *mut dl_namespace,
    prefix: *const c_char,
    after: *const c_char,
    limit: usize,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, look("list_logs"), listing(namespace, prefix, after, limit)?))
}
