//! Watchers of a namespace and of a log.

use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::Arc;

use dl_core::{LogChange, LogWatcher, Result, SegmentWatcher};

use crate::boundary::{answer, boundary};
use crate::codes::{DISTLOG_CHANGE_CREATED, DISTLOG_CHANGE_DELETED, DISTLOG_CHANGE_LISTED};
use crate::completion::call::dl_call;
use crate::error::dl_error;
use crate::forks::Birth;
use crate::handle::{self, Boxed, Object, Out};
use crate::log::dl_log;
use crate::log_info::dl_segments;
use crate::namespace::dl_namespace;
use crate::text;
use crate::unread::Unread;
use crate::waiting::{block, look, start};
use crate::watching::{Watching, nothing};

/// Tells of the logs below a prefix: first of those that are there, then of each that comes or goes, by whatever process.
pub struct dl_log_watcher {
    watching: Arc<Watching<LogWatcher>>,
}

/// Tells of the segments of a log: first which there are, then which there are after each change.
pub struct dl_segment_watcher {
    watching: Arc<Watching<SegmentWatcher>>,
}

/// What happened to a log.
#[derive(Debug)]
pub struct dl_log_change {
    kind: u32,
    name: Option<CString>,
}

impl Object for dl_log_watcher {
    const NAME: &'static str = "the watcher";

    fn birth(&self) -> Option<Birth> {
        Some(self.watching.birth)
    }
}

impl Boxed for dl_log_watcher {}

impl Object for dl_segment_watcher {
    const NAME: &'static str = "the watcher";

    fn birth(&self) -> Option<Birth> {
        Some(self.watching.birth)
    }
}

impl Boxed for dl_segment_watcher {}

impl Object for dl_log_change {
    const NAME: &'static str = "the change";
}

impl Boxed for dl_log_change {}

impl dl_log_change {
    pub(crate) fn new(change: LogChange) -> Self {
        let (kind, name) = match change {
            LogChange::Created(name) => (DISTLOG_CHANGE_CREATED, Some(name)),
            LogChange::Deleted(name) => (DISTLOG_CHANGE_DELETED, Some(name)),
            LogChange::Listed => (DISTLOG_CHANGE_LISTED, None),
            // The core is of the same version: there is no other.
            _ => (u32::MAX, None),
        };
        Self { kind, name: name.map(|name| text::to_c(name.as_str())) }
    }
}

fn on_logs<F>(
    watcher: *const dl_log_watcher,
    verb: impl FnOnce(Arc<Watching<LogWatcher>>) -> F,
) -> Result<F> {
    Ok(verb(handle::borrow(watcher)?.watching.clone()))
}

fn on_segments<F>(
    watcher: *const dl_segment_watcher,
    verb: impl FnOnce(Arc<Watching<SegmentWatcher>>) -> F,
) -> Result<F> {
    Ok(verb(handle::borrow(watcher)?.watching.clone()))
}

/// The one thing that was read.
pub(crate) fn only<T>(unread: Unread<T>) -> Result<T> {
    unread.read().pop().ok_or_else(nothing)
}

/// Watches the logs below `prefix` (a path; all logs, if it is empty or NULL). Does not wait.
///
/// Errors: invalid-argument for a prefix that no log can have, such as a//b; unavailable if the system lacks the means, such as a
/// thread, to hear of changes made elsewhere.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_watch_logs(
    namespace: *mut dl_namespace,
    prefix: *const c_char,
    watcher: *mut *mut dl_log_watcher,
) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(watcher, "watcher")?;
        let prefix = text::read_or_null(prefix, "prefix")?.unwrap_or_default();
        let _entered = crate::runtime::enter();
        let watching = Watching::new(handle::borrow(namespace)?.namespace.watch_logs(prefix)?);
        out.put_object(dl_log_watcher { watching });
        Ok(())
    })
}

/// The next change; waits for one, and loses none.
///
/// Errors: timeout; closed when the namespace is.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_watcher_next(
    watcher: *mut dl_log_watcher,
    timeout_ms: i64,
    change: *mut *mut dl_log_change,
) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(change, "change")?;
        let next = block(timeout_ms, look("next"), on_logs(watcher, Watching::next)?)?;
        out.put_object(dl_log_change::new(only(next)?));
        Ok(())
    })
}

/// Starts dl_log_watcher_next. Take what it answers with dl_call_take_log_change. Errors: those of dl_log_watcher_next come
/// with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_watcher_next_start(
    watcher: *mut dl_log_watcher,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, look("next"), on_logs(watcher, Watching::next)?))
}

/// Ends the watching: calls that wait, and every later one, fail with closed. Does not wait.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_watcher_close(watcher: *mut dl_log_watcher) {
    answer((), || {
        handle::borrow(watcher)?.watching.end();
        Ok(())
    });
}

/// Frees a watcher.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_watcher_free(watcher: *mut dl_log_watcher) {
    handle::free(watcher);
}

/// What happened: one of DISTLOG_CHANGE_..., or a larger number that a newer library knows.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_change_kind(change: *const dl_log_change) -> u32 {
    answer(0, || Ok(handle::borrow(change)?.kind))
}

/// The log it happened to; NULL for DISTLOG_CHANGE_LISTED.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_change_name(change: *const dl_log_change) -> *const c_char {
    answer(ptr::null(), || Ok(text::view(handle::borrow(change)?.name.as_ref())))
}

/// Frees a change.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_change_free(change: *mut dl_log_change) {
    handle::free(change);
}

/// Watches the segments of a log. Does not wait. Errors: unavailable as for dl_namespace_watch_logs.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_watch_segments(
    log: *mut dl_log,
    watcher: *mut *mut dl_segment_watcher,
) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(watcher, "watcher")?;
        let _entered = crate::runtime::enter();
        out.put_object(dl_segment_watcher {
            watching: Watching::new(handle::borrow(log)?.log.watch_segments()?),
        });
        Ok(())
    })
}

/// The segments of the log: at first those that are there, then waits until they are different from what it answered last:
/// one was begun, completed, truncated or freed.
///
/// Errors: timeout; not-found when there is no such log, or no longer; closed when the namespace is.
#[unsafe(no_mangle)]
pub extern "C" fn dl_segment_watcher_next(
    watcher: *mut dl_segment_watcher,
    timeout_ms: i64,
    segments: *mut *mut dl_segments,
) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(segments, "segments")?;
        let next = block(timeout_ms, look("next"), on_segments(watcher, Watching::next)?)?;
        out.put_object(dl_segments::new(only(next)?));
        Ok(())
    })
}

/// Starts dl_segment_watcher_next. Take what it answers with dl_call_take_segments. Errors: those of dl_segment_watcher_next
/// come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_segment_watcher_next_start(
    watcher: *mut dl_segment_watcher,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, look("next"), on_segments(watcher, Watching::next)?))
}

/// Ends the watching: calls that wait, and every later one, fail with closed. Does not wait.
#[unsafe(no_mangle)]
pub extern "C" fn dl_segment_watcher_close(watcher: *mut dl_segment_watcher) {
    answer((), || {
        handle::borrow(watcher)?.watching.end();
        Ok(())
    });
}

/// Frees a watcher.
#[unsafe(no_mangle)]
pub extern "C" fn dl_segment_watcher_free(watcher: *mut dl_segment_watcher) {
    handle::free(watcher);
}
