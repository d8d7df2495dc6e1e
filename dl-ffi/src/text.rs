//! Text that goes in and out: UTF-8 with a NUL behind it.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use dl_core::{Error, ErrorKind, Result};

use crate::boundary::answer;
use crate::handle::{self, Boxed, Object, null};

/// The text of the caller.
///
/// # Errors
/// `invalid-argument` for NULL, or what is not UTF-8.
pub(crate) fn read<'a>(text: *const c_char, name: &'static str) -> Result<&'a str> {
    if text.is_null() {
        return Err(null(name));
    }
    // SAFETY: by the rules of the header it ends in NUL and stays as it is until the call is over.
    unsafe { CStr::from_ptr(text) }.to_str().map_err(|error| {
        Error::new(ErrorKind::InvalidArgument, format!("{name} is not UTF-8")).caused_by(error)
    })
}

/// The text of the caller, or `None` for NULL.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_or_null<'a>(text: *const c_char, name: &'static str) -> Result<Option<&'a str>> {
    if text.is_null() { Ok(None) } else { read(text, name).map(Some) }
}

/// Text as C has it. What follows a NUL, which none of ours has, is cut off.
pub(crate) fn to_c(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}

/// A pointer to text that lives on; NULL if there is none.
pub(crate) fn view(text: Option<&CString>) -> *const c_char {
    text.map_or(ptr::null(), |text| text.as_ptr())
}

/// Values by name, as texts that live as long as it.
#[derive(Debug)]
pub(crate) struct Texts(Vec<(CString, CString)>);

impl Texts {
    pub(crate) fn new<V: AsRef<str>>(pairs: impl IntoIterator<Item = (&'static str, V)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (to_c(name), to_c(value.as_ref()))).collect())
    }

    /// The name at this index, from 0; NULL behind the last.
    pub(crate) fn name(&self, index: usize) -> *const c_char {
        view(self.0.get(index).map(|(name, _)| name))
    }

    /// The value of this name; NULL if it has none.
    pub(crate) fn value(&self, name: &str) -> *const c_char {
        let found = self.0.iter().find(|(known, _)| known.to_bytes() == name.as_bytes());
        view(found.map(|(_, value)| value))
    }
}

/// Names, in order.
#[derive(Debug)]
pub struct dl_names {
    names: Vec<CString>,
}

impl Object for dl_names {
    const NAME: &'static str = "the list of names";
}

impl Boxed for dl_names {}

impl dl_names {
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self { names: names.map(to_c).collect() }
    }
}

/// The number of names.
#[unsafe(no_mangle)]
pub extern "C" fn dl_names_count(names: *const dl_names) -> usize {
    answer(0, || Ok(handle::borrow(names)?.names.len()))
}

/// The name at this index, from 0; NULL behind the last.
#[unsafe(no_mangle)]
pub extern "C" fn dl_names_at(names: *const dl_names, index: usize) -> *const c_char {
    answer(ptr::null(), || Ok(view(handle::borrow(names)?.names.get(index))))
}

/// Frees a list of names.
#[unsafe(no_mangle)]
pub extern "C" fn dl_names_free(names: *mut dl_names) {
    handle::free(names);
}
