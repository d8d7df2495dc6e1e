//! Which version this is.

use std::ffi::{CStr, c_char};
use std::ptr;

use crate::boundary::answer;

/// The version of the library that is loaded, such as "0.1.0".
#[unsafe(no_mangle)]
pub extern "C" fn dl_library_version() -> *const c_char {
    answer(ptr::null(), || {
        let text = concat!(env!("CARGO_PKG_VERSION"), "\0");
        Ok(CStr::from_bytes_with_nul(text.as_bytes()).map_or(ptr::null(), CStr::as_ptr))
    })
}

#[cfg(test)]
mod tests {
    use crate::codes::{DISTLOG_VERSION_MAJOR, DISTLOG_VERSION_MINOR, DISTLOG_VERSION_PATCH};

    #[test]
    fn the_header_has_the_version_of_the_crate() {
        let header = format!("{DISTLOG_VERSION_MAJOR}.{DISTLOG_VERSION_MINOR}.{DISTLOG_VERSION_PATCH}");
        assert_eq!(header, env!("CARGO_PKG_VERSION"));
    }
}
