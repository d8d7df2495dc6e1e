//! Namespaces.

mod logs;

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use dl_core::{Namespace, Options, Result};

use crate::boundary::boundary;
use crate::bytes::dl_buffer;
use crate::completion::call::dl_call;
use crate::error::dl_error;
use crate::event::{Hook, Telling, dl_event_hook};
use crate::forks::Birth;
use crate::handle::{self, Boxed, Object, Out};
use crate::options::dl_namespace_options;
use crate::text;
use crate::waiting::{block, change, look, start};

/// An open namespace: logs, by their names.
///
/// A directory may be open in many processes, and more than once in each.
pub struct dl_namespace {
    birth: Birth,
    pub(crate) namespace: Namespace,
    /// Whom it tells of events.
    _telling: Option<Telling>,
}

impl Object for dl_namespace {
    const NAME: &'static str = "the namespace";

    fn birth(&self) -> Option<Birth> {
        Some(self.birth)
    }
}

impl Boxed for dl_namespace {}

/// Opens a namespace.
async fn open(uri: String, options: Options, telling: Option<Telling>) -> Result<dl_namespace> {
    let birth = Birth::now();
    let namespace = match &telling {
        None => Namespace::open(&uri, options).await?,
        Some(Telling(hook)) => {
            let hook = hook.clone();
            Namespace::open_with_events(&uri, options, move |event| hook.tell(event)).await?
        }
    };
    Ok(dl_namespace { birth, namespace, _telling: telling })
}

/// Options of the caller's, or those that nobody set.
pub(crate) fn options_or_default(options: *const dl_namespace_options) -> Result<Options> {
    let options = handle::borrow_or_null(options)?.map(|options| options.settings.values.clone());
    Ok(options.unwrap_or_default())
}

/// The arguments of opening.
fn opening(
    uri: *const c_char,
    options: *const dl_namespace_options,
) -> Result<impl Future<Output = Result<dl_namespace>> + Send + 'static> {
    Ok(open(text::read(uri, "uri")?.to_owned(), options_or_default(options)?, None))
}

/// The arguments of opening with a function that is told of events.
fn opening_with_events(
    uri: *const c_char,
    options: *const dl_namespace_options,
    hook: dl_event_hook,
    user_data: *mut c_void,
) -> Result<impl Future<Output = Result<dl_namespace>> + Send + 'static> {
    let telling = Telling(Arc::new(Hook::new(hook, user_data)?));
    Ok(open(text::read(uri, "uri")?.to_owned(), options_or_default(options)?, Some(telling)))
}

/// A verb on a namespace, with all that it needs.
fn on<T, F: Future<Output = Result<T>>>(
    namespace: *const dl_namespace,
    verb: impl FnOnce(Namespace) -> F,
) -> Result<F> {
    Ok(verb(handle::borrow(namespace)?.namespace.clone()))
}

async fn metrics_text(namespace: Namespace, by_log: bool) -> Result<dl_buffer> {
    let snapshot = if by_log { namespace.metrics_by_log().await } else { namespace.metrics().await };
    Ok(dl_buffer::new(snapshot.to_prometheus_text()))
}

/// Opens the namespace at a URI, such as "memory:name" or "file:///path". Options in its query win over `options`, which may
/// be NULL.
///
/// Errors: invalid-argument for a URI or an option that cannot be right; unsupported for a driver that this build does not
/// have, or a directory it must not use; not-found if there is none and create_namespace is off.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_open(
    uri: *const c_char,
    options: *const dl_namespace_options,
    timeout_ms: i64,
    namespace: *mut *mut dl_namespace,
) -> *mut dl_error {
    boundary(|| {
        Out::new(namespace, "namespace")?.give(block(timeout_ms, change("open"), opening(uri, options)?))
    })
}

/// Starts dl_namespace_open. Take what it answers with dl_call_take_namespace. Errors: those of dl_namespace_open come with
/// the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_open_start(
    uri: *const c_char,
    options: *const dl_namespace_options,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, change("open"), opening(uri, options)?))
}

/// As dl_namespace_open, with a function that is told of events: what an operator wants to hear of, such as a writer that was
/// cut off, a segment that was recovered, a sync that failed.
///
/// It is called for one event after another, on threads of the library, never inside of a function of this header. It may call any
/// of these, but must not close or free this namespace, or end the call that opens it, which would wait for itself; it must
/// return, not throw or jump. Events that come faster than it returns are dropped and counted. What happened before
/// dl_namespace_close is told before that returns, and nothing is told any more once dl_namespace_free has returned, or once this
/// has failed: so long `user_data` has to live.
///
/// Errors: as dl_namespace_open.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_open_with_events(
    uri: *const c_char,
    options: *const dl_namespace_options,
    hook: dl_event_hook,
    user_data: *mut c_void,
    timeout_ms: i64,
    namespace: *mut *mut dl_namespace,
) -> *mut dl_error {
    boundary(|| {
        let opening = opening_with_events(uri, options, hook, user_data)?;
        Out::new(namespace, "namespace")?.give(block(timeout_ms, change("open"), opening))
    })
}

/// Starts dl_namespace_open_with_events. Take what it answers with dl_call_take_namespace. Errors: those of
/// dl_namespace_open_with_events come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_open_with_events_start(
    uri: *const c_char,
    options: *const dl_namespace_options,
    hook: dl_event_hook,
    user_data: *mut c_void,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, change("open"), opening_with_events(uri, options, hook, user_data)?))
}

/// Closes a namespace: every pending call on it, its logs, writers and readers ends with closed. Close writers first: what
/// they have in flight may be in the log or not, as after dl_writer_abort.
///
/// Errors: what the driver reports.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_close(namespace: *mut dl_namespace, timeout_ms: i64) -> *mut dl_error {
    boundary(|| block(timeout_ms, change("close"), on(namespace, |it| async move { it.close().await })?))
}

/// Starts dl_namespace_close. It answers nothing. Errors: those of dl_namespace_close come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_close_start(
    namespace: *mut dl_namespace,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, change("close"), on(namespace, |it| async move { it.close().await })?))
}

/// Frees a namespace. Close it first. Logs, writers and readers of it stay usable, and are freed by themselves.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_free(namespace: *mut dl_namespace) {
    handle::free(namespace);
}

/// What the namespace counted and measured since it was opened, as Prometheus text; `by_log` adds those of each log with an
/// open writer or reader.
///
/// Errors: timeout; closed when the namespace is.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_metrics_text(
    namespace: *mut dl_namespace,
    by_log: bool,
    timeout_ms: i64,
    text: *mut *mut dl_buffer,
) -> *mut dl_error {
    boundary(|| {
        let verb = on(namespace, |namespace| metrics_text(namespace, by_log))?;
        Out::new(text, "text")?.give(block(timeout_ms, look("metrics"), verb))
    })
}

/// Starts dl_namespace_metrics_text. Take what it answers with dl_call_take_buffer. Errors: those of
/// dl_namespace_metrics_text come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_metrics_text_start(
    namespace: *mut dl_namespace,
    by_log: bool,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, look("metrics"), on(namespace, |namespace| metrics_text(namespace, by_log))?))
}
