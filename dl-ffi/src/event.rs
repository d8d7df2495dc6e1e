//! Events, and the function of the caller's that gets them.

use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dl_core::{Event, Level, Result};
use tokio::task::block_in_place;

use crate::boundary::answer;
use crate::codes::{DISTLOG_LEVEL_ERROR, DISTLOG_LEVEL_INFO, DISTLOG_LEVEL_WARN};
use crate::completion::call::UserData;
use crate::handle::{self, Object, null};
use crate::text;

/// Something that an operator wants to hear of, such as a writer that was cut off or a sync that failed. docs/metrics.md lists
/// them. It lives while the function runs that is told of it.
#[derive(Debug)]
pub struct dl_event {
    target: CString,
    level: Level,
    message: CString,
    kind: u16,
    /// All of it as one text, for people.
    text: CString,
    context: BTreeMap<&'static str, CString>,
}

/// A function that is told of events. `user_data` is the pointer that was given with it.
pub type dl_event_hook = Option<unsafe extern "C" fn(user_data: *mut c_void, event: *const dl_event)>;

/// A function that is told of events, and its pointer.
pub(crate) struct Hook {
    function: unsafe extern "C" fn(*mut c_void, *const dl_event),
    user_data: UserData,
    /// Held while the function runs, so that whoever ends it knows that it has returned.
    ended: Mutex<bool>,
}

/// Ends a hook when it is dropped: with the namespace, or with an opening that failed or was given up.
pub(crate) struct Telling(pub(crate) Arc<Hook>);

impl Object for dl_event {
    const NAME: &'static str = "the event";
}

impl dl_event {
    fn new(event: &Event) -> Self {
        Self {
            target: text::to_c(event.target()),
            level: event.level(),
            message: text::to_c(event.message()),
            kind: event.kind().map_or(0, dl_core::ErrorKind::number),
            text: text::to_c(&event.to_string()),
            context: event.context().map(|(key, value)| (key, text::to_c(value))).collect(),
        }
    }
}

impl Hook {
    /// The hook of the caller.
    ///
    /// # Errors
    /// `invalid-argument` for NULL.
    pub(crate) fn new(function: dl_event_hook, user_data: *mut c_void) -> Result<Self> {
        let function = function.ok_or_else(|| null("hook"))?;
        Ok(Self { function, user_data: UserData(user_data), ended: Mutex::new(false) })
    }

    /// Tells the function. It may take its time, and call what it likes: nobody counts on the thread meanwhile.
    pub(crate) fn tell(&self, event: &Event) {
        let event = dl_event::new(event);
        block_in_place(|| {
            let ended = self.ended();
            if !*ended {
                // SAFETY: by the rules of the header the function may be called with its pointer, on a thread of ours,
                // until it is ended.
                unsafe { (self.function)(self.user_data.0, &raw const event) };
            }
        });
    }

    fn ended(&self) -> MutexGuard<'_, bool> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        *self.0.ended() = true;
    }
}

/// Area and name, such as "writer.fenced". It never changes.
#[unsafe(no_mangle)]
pub extern "C" fn dl_event_target(event: *const dl_event) -> *const c_char {
    answer(ptr::null(), || Ok(handle::borrow(event)?.target.as_ptr()))
}

/// How much it matters: one of DISTLOG_LEVEL_....
#[unsafe(no_mangle)]
pub extern "C" fn dl_event_level(event: *const dl_event) -> u32 {
    answer(0, || {
        Ok(match handle::borrow(event)?.level {
            Level::Info => DISTLOG_LEVEL_INFO,
            Level::Warn => DISTLOG_LEVEL_WARN,
            _ => DISTLOG_LEVEL_ERROR,
        })
    })
}

/// What happened, in words that may change.
#[unsafe(no_mangle)]
pub extern "C" fn dl_event_message(event: *const dl_event) -> *const c_char {
    answer(ptr::null(), || Ok(handle::borrow(event)?.message.as_ptr()))
}

/// The kind of the error behind it: one of DISTLOG_ERROR_...; 0 if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn dl_event_kind(event: *const dl_event) -> u32 {
    answer(0, || Ok(handle::borrow(event)?.kind.into()))
}

/// What it happened to: the value of a key; NULL if it has none of this key. docs/metrics.md says which keys each target has: "log",
/// "segment", "owner", "file", "entries", "records", "journals", "segments" and "ms". Behind an error ("error" is its message) are
/// also all keys of the error, such as "entry" and "offset" of damage.
#[unsafe(no_mangle)]
pub extern "C" fn dl_event_context(event: *const dl_event, key: *const c_char) -> *const c_char {
    answer(ptr::null(), || Ok(text::view(handle::borrow(event)?.context.get(text::read(key, "key")?))))
}

/// All of it as one line: level, target, message and context.
#[unsafe(no_mangle)]
pub extern "C" fn dl_event_text(event: *const dl_event) -> *const c_char {
    answer(ptr::null(), || Ok(handle::borrow(event)?.text.as_ptr()))
}
