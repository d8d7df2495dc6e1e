//! The error object.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use dl_core::{Error, ErrorKind};

use crate::boundary::{answer, boundary};
use crate::dlsn::dl_dlsn;
use crate::handle::{self, Boxed, Object, Out};
use crate::text::{self, Texts};

/// What went wrong, to what, and what to do next.
///
/// Every question may be asked of NULL, which is no error: kind 0, no text, nothing to retry.
#[derive(Debug)]
pub struct dl_error {
    error: Error,
    /// All of it as one text, for people.
    text: CString,
    message: CString,
    operation: Option<CString>,
    context: Texts,
}

impl Object for dl_error {
    const NAME: &'static str = "the error";
}

impl Boxed for dl_error {}

impl dl_error {
    pub(crate) fn new(error: Error) -> Self {
        Self {
            text: text::to_c(&error.to_string()),
            message: text::to_c(error.message()),
            operation: error.operation().map(text::to_c),
            context: Texts::new(error.context()),
            error,
        }
    }
}

/// Makes an error of the caller's own, of a kind DISTLOG_ERROR_..., for a layer above that refuses something itself: internal if
/// there is no such kind. NULL for the message is an empty one.
///
/// Errors: that is the answer itself; invalid-argument if the message is not UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn dl_error_new(kind: u32, message: *const c_char) -> *mut dl_error {
    boundary(|| {
        let message = text::read_or_null(message, "message")?.unwrap_or_default();
        let kind = u16::try_from(kind).ok().and_then(ErrorKind::from_number).unwrap_or(ErrorKind::Internal);
        Err(Error::new(kind, message.to_owned()))
    })
}

/// The number of the kind: one of DISTLOG_ERROR_..., which are never given another meaning, or a larger one that a newer
/// library or server sent.
#[unsafe(no_mangle)]
pub extern "C" fn dl_error_kind(error: *const dl_error) -> u32 {
    answer(0, || Ok(handle::borrow(error)?.error.number().into()))
}

/// The name of the kind, such as "not-found". It lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn dl_error_name(error: *const dl_error) -> *const c_char {
    answer(ptr::null(), || Ok(name_of(handle::borrow(error)?.error.kind()).as_ptr()))
}

/// All of the error as one text: kind, operation, message and context.
#[unsafe(no_mangle)]
pub extern "C" fn dl_error_text(error: *const dl_error) -> *const c_char {
    answer(ptr::null(), || Ok(handle::borrow(error)?.text.as_ptr()))
}

/// What happened, and what to do next.
#[unsafe(no_mangle)]
pub extern "C" fn dl_error_message(error: *const dl_error) -> *const c_char {
    answer(ptr::null(), || Ok(handle::borrow(error)?.message.as_ptr()))
}

/// The operation that failed, such as "append"; NULL if none is named.
#[unsafe(no_mangle)]
pub extern "C" fn dl_error_operation(error: *const dl_error) -> *const c_char {
    answer(ptr::null(), || Ok(text::view(handle::borrow(error)?.operation.as_ref())))
}

/// Whether the same call may succeed later.
#[unsafe(no_mangle)]
pub extern "C" fn dl_error_is_retryable(error: *const dl_error) -> bool {
    answer(false, || Ok(handle::borrow(error)?.error.is_retryable()))
}

/// Whether the operation could have taken effect although it failed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_error_may_have_taken_effect(error: *const dl_error) -> bool {
    answer(false, || Ok(handle::borrow(error)?.error.may_have_taken_effect()))
}

/// The log that it happened to; NULL if none is named.
#[unsafe(no_mangle)]
pub extern "C" fn dl_error_log(error: *const dl_error) -> *const c_char {
    answer(ptr::null(), || Ok(handle::borrow(error)?.context.value("log")))
}

/// How the writer or reader that holds the log or cursor named itself, for fenced and locked; NULL where it is not known.
#[unsafe(no_mangle)]
pub extern "C" fn dl_error_owner(error: *const dl_error) -> *const c_char {
    answer(ptr::null(), || Ok(handle::borrow(error)?.context.value("owner")))
}

/// The position that the error speaks of: the first readable one for truncated, the actual last one for condition-failed.
/// Answers whether there is one, and writes it then.
#[unsafe(no_mangle)]
pub extern "C" fn dl_error_dlsn(error: *const dl_error, dlsn: *mut dl_dlsn) -> bool {
    answer(false, || {
        let Some(found) = handle::borrow(error)?.error.dlsn() else { return Ok(false) };
        Out::optional(dlsn).put(found.into());
        Ok(true)
    })
}

/// What else the operation was about: the value of a key such as "segment", "entry", "file" or "offset"; NULL if it has none.
#[unsafe(no_mangle)]
pub extern "C" fn dl_error_context(error: *const dl_error, key: *const c_char) -> *const c_char {
    answer(ptr::null(), || Ok(handle::borrow(error)?.context.value(text::read(key, "key")?)))
}

/// The key at this index, from 0, of those that dl_error_context has a value for; NULL behind the last.
#[unsafe(no_mangle)]
pub extern "C" fn dl_error_context_key(error: *const dl_error, index: usize) -> *const c_char {
    answer(ptr::null(), || Ok(handle::borrow(error)?.context.name(index)))
}

/// A copy of an error, of the caller's; NULL of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn dl_error_clone(error: *const dl_error) -> *mut dl_error {
    answer(ptr::null_mut(), || Ok(handle::give(dl_error::new(handle::borrow(error)?.error.clone()))))
}

/// Frees an error.
#[unsafe(no_mangle)]
pub extern "C" fn dl_error_free(error: *mut dl_error) {
    handle::free(error);
}

/// The name of a kind with a NUL behind it.
fn name_of(kind: ErrorKind) -> &'static CStr {
    use dl_core::ErrorKind::*;
    match kind {
        InvalidArgument => c"invalid-argument",
        NotFound => c"not-found",
        AlreadyExists => c"already-exists",
        Fenced => c"fenced",
        Sealed => c"sealed",
        Truncated => c"truncated",
        ConditionFailed => c"condition-failed",
        TooLarge => c"too-large",
        Closed => c"closed",
        Cancelled => c"cancelled",
        Timeout => c"timeout",
        Unavailable => c"unavailable",
        StorageFull => c"storage-full",
        Corrupt => c"corrupt",
        PermissionDenied => c"permission-denied",
        Unauthenticated => c"unauthenticated",
        QuotaExceeded => c"quota-exceeded",
        Unsupported => c"unsupported",
        Locked => c"locked",
        Busy => c"busy",
        _ => c"internal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_numbers_and_names_of_the_core() {
        let code = include_str!("codes.rs");
        for kind in ErrorKind::ALL {
            assert_eq!(name_of(kind).to_str().unwrap(), kind.name());
            let constant = kind.name().to_uppercase().replace('-', "_");
            let line = format!("pub const DISTLOG_ERROR_{constant}: u32 = {};", kind.number());
            assert!(code.contains(&line), "{line}");
        }
    }

    #[test]
    fn a_kind_that_there_is_not_is_internal() {
        for (given, kind) in
            [(999, ErrorKind::Internal), (0, ErrorKind::Internal), (u32::MAX, ErrorKind::Internal)]
                .into_iter()
                .chain(ErrorKind::ALL.map(|kind| (kind.number().into(), kind)))
        {
            let error = dl_error_new(given, c"x".as_ptr());
            assert_eq!(dl_error_kind(error), u32::from(kind.number()));
            dl_error_free(error);
        }
    }

    #[test]
    fn null_is_no_error() {
        let null = ptr::null();
        assert_eq!(dl_error_kind(null), 0);
        assert!(
            dl_error_name(null).is_null() && dl_error_text(null).is_null() && dl_error_owner(null).is_null()
        );
        assert!(!dl_error_is_retryable(null) && !dl_error_dlsn(null, ptr::null_mut()));
        dl_error_free(ptr::null_mut());
    }
}
