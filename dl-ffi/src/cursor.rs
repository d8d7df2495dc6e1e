//! Cursors.

use std::ffi::{CString, c_char};
use std::ptr;

use dl_core::{Cursor, CursorInfo, CursorName, Log, Result};

use crate::boundary::{answer, boundary};
use crate::completion::call::dl_call;
use crate::completion::take::put_dlsn;
use crate::dlsn::dl_dlsn;
use crate::error::dl_error;
use crate::forks::Birth;
use crate::handle::{self, Boxed, Object, Out};
use crate::log::dl_log;
use crate::text;
use crate::waiting::{block, change, look, start};

/// A named place in a log: the last record that somebody has processed. Kept durably with the log, for all processes.
///
/// A reader with the option cursor starts behind it. While a locked reader has the cursor, only the one from
/// dl_reader_cursor changes it: every other fails with locked, and that one with fenced once the reader lost its lock.
pub struct dl_cursor {
    birth: Birth,
    cursor: Cursor,
    name: CString,
}

/// A cursor as it was found.
#[derive(Debug)]
pub struct dl_cursor_info {
    info: CursorInfo,
    name: CString,
    owner: Option<CString>,
}

/// Cursors of a log, in byte order of their names.
#[derive(Debug)]
pub struct dl_cursors {
    cursors: Vec<dl_cursor_info>,
}

impl Object for dl_cursor {
    const NAME: &'static str = "the cursor";

    fn birth(&self) -> Option<Birth> {
        Some(self.birth)
    }
}

impl Boxed for dl_cursor {}

impl Object for dl_cursor_info {
    const NAME: &'static str = "the cursor";
}

impl Object for dl_cursors {
    const NAME: &'static str = "the cursors";
}

impl Boxed for dl_cursors {}

impl dl_cursor {
    pub(crate) fn new(birth: Birth, cursor: Cursor) -> Self {
        Self { birth, name: text::to_c(cursor.name().as_str()), cursor }
    }
}

impl dl_cursor_info {
    fn new(info: CursorInfo) -> Self {
        let (name, owner) = (text::to_c(info.name.as_str()), info.owner.as_deref().map(text::to_c));
        Self { info, name, owner }
    }
}

async fn open(log: Log, name: CursorName) -> Result<dl_cursor> {
    Ok(dl_cursor::new(Birth::now(), log.cursor(&name).await?))
}

async fn list(log: Log) -> Result<dl_cursors> {
    let cursors = log.cursors().await?.into_iter().map(dl_cursor_info::new).collect();
    Ok(dl_cursors { cursors })
}

/// A verb on a cursor.
fn on<F>(cursor: *const dl_cursor, verb: impl FnOnce(Cursor) -> F) -> Result<F> {
    Ok(verb(handle::borrow(cursor)?.cursor.clone()))
}

fn on_log<F>(log: *const dl_log, verb: impl FnOnce(Log) -> F) -> Result<F> {
    crate::log::on(log, verb)
}

fn cursor_name(name: *const c_char) -> Result<CursorName> {
    CursorName::new(text::read(name, "name")?)
}

/// The cursor of this name, which need not exist: its first move makes it.
///
/// Errors: not-found if there is no such log; invalid-argument or too-large for a name that no cursor can have.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_open_cursor(
    log: *mut dl_log,
    name: *const c_char,
    timeout_ms: i64,
    cursor: *mut *mut dl_cursor,
) -> *mut dl_error {
    boundary(|| {
        let name = cursor_name(name)?;
        Out::new(cursor, "cursor")?.give(block(
            timeout_ms,
            look("cursor"),
            on_log(log, |log| open(log, name))?,
        ))
    })
}

/// Starts dl_log_open_cursor. Take what it answers with dl_call_take_cursor. Errors: those of dl_log_open_cursor come with
/// the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_open_cursor_start(
    log: *mut dl_log,
    name: *const c_char,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let name = cursor_name(name)?;
        start(call, look("cursor"), on_log(log, |log| open(log, name))?)
    })
}

/// Lists the cursors of the log.
///
/// Errors: not-found if there is no such log; corrupt if a cursor holds something else than a position.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_list_cursors(
    log: *mut dl_log,
    timeout_ms: i64,
    cursors: *mut *mut dl_cursors,
) -> *mut dl_error {
    boundary(|| Out::new(cursors, "cursors")?.give(block(timeout_ms, look("cursors"), on_log(log, list)?)))
}

/// Starts dl_log_list_cursors. Take what it answers with dl_call_take_cursors. Errors: those of dl_log_list_cursors come with
/// the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_list_cursors_start(log: *mut dl_log, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| start(call, look("cursors"), on_log(log, list)?))
}

/// The name of a cursor. It lives as long as the cursor.
#[unsafe(no_mangle)]
pub extern "C" fn dl_cursor_name(cursor: *const dl_cursor) -> *const c_char {
    answer(ptr::null(), || Ok(handle::borrow(cursor)?.name.as_ptr()))
}

/// The record that was processed last. `found` says whether there is one: not if the cursor was never moved, or there is none
/// of this name.
///
/// Errors: not-found if the log is gone; corrupt if something else than a position is stored.
#[unsafe(no_mangle)]
pub extern "C" fn dl_cursor_position(
    cursor: *mut dl_cursor,
    timeout_ms: i64,
    dlsn: *mut dl_dlsn,
    found: *mut bool,
) -> *mut dl_error {
    boundary(|| {
        let (out, found) = (Out::new(dlsn, "dlsn")?, Out::new(found, "found")?);
        let verb = on(cursor, |it| async move { it.position().await })?;
        put_dlsn(block(timeout_ms, look("position"), verb)?, out, found);
        Ok(())
    })
}

/// Starts dl_cursor_position. Take what it answers with dl_call_take_dlsn. Errors: those of dl_cursor_position come with the
/// call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_cursor_position_start(cursor: *mut dl_cursor, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| start(call, look("position"), on(cursor, |it| async move { it.position().await })?))
}

/// Moves a cursor forward to the record that was processed last, and makes it if there is none. `in_force` is the durable
/// position from then on, which may be NULL: a later one if the cursor stands there already, for it is never moved back.
///
/// Whether there is a record at the position is not checked: one behind the end of the log skips every record to come up to it.
///
/// Errors: locked if a locked reader has the cursor; fenced if this is the cursor of one that lost its lock; not-found if the
/// log is gone.
#[unsafe(no_mangle)]
pub extern "C" fn dl_cursor_advance(
    cursor: *mut dl_cursor,
    to: dl_dlsn,
    timeout_ms: i64,
    in_force: *mut dl_dlsn,
) -> *mut dl_error {
    boundary(|| {
        let verb = on(cursor, |it| async move { it.advance(to.into()).await })?;
        Out::optional(in_force).put(block(timeout_ms, change("advance"), verb)?.into());
        Ok(())
    })
}

/// Starts dl_cursor_advance. Take what it answers with dl_call_take_dlsn. Errors: those of dl_cursor_advance come with the
/// call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_cursor_advance_start(
    cursor: *mut dl_cursor,
    to: dl_dlsn,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        start(call, change("advance"), on(cursor, |it| async move { it.advance(to.into()).await.map(Some) })?)
    })
}

/// Moves a cursor to this position, also back, and makes it if there is none. The position is not checked, as in
/// dl_cursor_advance. Errors: as dl_cursor_advance.
#[unsafe(no_mangle)]
pub extern "C" fn dl_cursor_reset(cursor: *mut dl_cursor, to: dl_dlsn, timeout_ms: i64) -> *mut dl_error {
    boundary(|| {
        block(timeout_ms, change("reset"), on(cursor, |it| async move { it.reset(to.into()).await })?)
    })
}

/// Starts dl_cursor_reset. It answers nothing. Errors: those of dl_cursor_reset come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_cursor_reset_start(
    cursor: *mut dl_cursor,
    to: dl_dlsn,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, change("reset"), on(cursor, |it| async move { it.reset(to.into()).await })?))
}

/// Removes a cursor. Moving it later makes it anew.
///
/// Errors: not-found if there is none; locked while a locked reader has it, this one's included.
#[unsafe(no_mangle)]
pub extern "C" fn dl_cursor_delete(cursor: *mut dl_cursor, timeout_ms: i64) -> *mut dl_error {
    boundary(|| block(timeout_ms, change("delete"), on(cursor, |it| async move { it.delete().await })?))
}

/// Starts dl_cursor_delete. It answers nothing. Errors: those of dl_cursor_delete come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_cursor_delete_start(cursor: *mut dl_cursor, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| start(call, change("delete"), on(cursor, |it| async move { it.delete().await })?))
}

/// Frees a cursor, which stays where it is.
#[unsafe(no_mangle)]
pub extern "C" fn dl_cursor_free(cursor: *mut dl_cursor) {
    handle::free(cursor);
}

/// The number of cursors.
#[unsafe(no_mangle)]
pub extern "C" fn dl_cursors_count(cursors: *const dl_cursors) -> usize {
    answer(0, || Ok(handle::borrow(cursors)?.cursors.len()))
}

/// The cursor at this index, from 0; NULL behind the last. It belongs to the cursors.
#[unsafe(no_mangle)]
pub extern "C" fn dl_cursors_at(cursors: *const dl_cursors, index: usize) -> *const dl_cursor_info {
    answer(ptr::null(), || Ok(handle::borrow(cursors)?.cursors.get(index).map_or(ptr::null(), ptr::from_ref)))
}

/// Frees cursors.
#[unsafe(no_mangle)]
pub extern "C" fn dl_cursors_free(cursors: *mut dl_cursors) {
    handle::free(cursors);
}

/// The name of the cursor.
#[unsafe(no_mangle)]
pub extern "C" fn dl_cursor_info_name(info: *const dl_cursor_info) -> *const c_char {
    answer(ptr::null(), || Ok(handle::borrow(info)?.name.as_ptr()))
}

/// The record that was processed last. Answers whether there is one, and writes it then.
#[unsafe(no_mangle)]
pub extern "C" fn dl_cursor_info_position(info: *const dl_cursor_info, dlsn: *mut dl_dlsn) -> bool {
    answer(false, || {
        let Some(position) = handle::borrow(info)?.info.position else { return Ok(false) };
        Out::optional(dlsn).put(position.into());
        Ok(true)
    })
}

/// How the locked reader that has the cursor named itself; NULL if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn dl_cursor_info_owner(info: *const dl_cursor_info) -> *const c_char {
    answer(ptr::null(), || Ok(text::view(handle::borrow(info)?.owner.as_ref())))
}
