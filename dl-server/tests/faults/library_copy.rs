//! A library that has a copy of the core in it, as the library of another language would.
#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test's helper, reached by its symbol"
)]

use std::ffi::{CStr, c_char, c_int};

use dl_core::{Namespace, Options};

/// Opens the namespace at a URI and keeps it open; answers 0 or the number of the error.
///
/// # Safety
/// `uri` is a string of C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dl_test_open(uri: *const c_char) -> c_int {
    // SAFETY: so says the caller.
    let uri = unsafe { CStr::from_ptr(uri) }.to_str().unwrap().to_owned();
    // On a thread of its own: the caller may be in a runtime, of another copy.
    let opened = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let opened = runtime.block_on(Namespace::open(&uri, Options::default()));
        std::mem::forget(runtime);
        opened
    });
    match opened.join().unwrap() {
        Ok(namespace) => {
            std::mem::forget(namespace);
            0
        }
        Err(error) => c_int::from(error.number()),
    }
}
