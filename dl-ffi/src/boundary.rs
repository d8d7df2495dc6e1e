//! The edge between C and Rust: no panic crosses it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use dl_core::{Error, ErrorKind, Result};

use crate::error::dl_error;
use crate::handle::give;

/// Runs the body of a function that can fail. Answers its error as an object of the caller's, NULL if there is none.
pub(crate) fn boundary(body: impl FnOnce() -> Result<()>) -> *mut dl_error {
    match caught(body) {
        Ok(()) => ptr::null_mut(),
        Err(error) => give(dl_error::new(error)),
    }
}

/// Runs the body of a function that answers something else than an error; `otherwise`, if it fails.
pub(crate) fn answer<T>(otherwise: T, body: impl FnOnce() -> Result<T>) -> T {
    caught(body).unwrap_or(otherwise)
}

/// Runs something whose panic becomes an error of the kind internal.
pub(crate) fn caught<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    // What the body leaves half done is behind locks of ours that are not poisoned by it, or is never used again.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(panicked(&*panic)))
}

/// The error for a panic.
fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
    let message = "a bug in dl: it panicked; please report it with what is in this error";
    Error::new(ErrorKind::Internal, message)
        .with("panic", text.unwrap_or("without a message"))
        .maybe_effective()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let error = caught::<()>(|| panic!("number {}", 7)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert_eq!(error.context_value("panic"), Some("number 7"));
        assert_eq!(answer(3, || panic!("text")), 3);
    }

    /// A symbol without it would let a panic unwind into C.
    #[test]
    fn every_exported_function_runs_in_it() {
        let mut functions = 0;
        for (path, code) in sources() {
            let mut parts = code.split("#[unsafe(no_mangle)]");
            parts.next();
            for function in parts {
                let body = function.split_once("{\n").map_or("", |(_, body)| body).trim_start();
                let inside = ["boundary(", "answer(", "handle::free("];
                assert!(inside.iter().any(|start| body.starts_with(start)), "{path}: {function}");
                functions += 1;
            }
        }
        assert!(functions > 40, "found only {functions}");
    }

    /// Of every function that can fail, the header says with what.
    #[test]
    fn every_function_that_can_fail_says_its_errors() {
        let mut functions = 0;
        for (path, code) in sources() {
            let mut before = "";
            for part in code.split("#[unsafe(no_mangle)]") {
                let can_fail = part
                    .split_once("{\n")
                    .is_some_and(|(_, body)| body.trim_start().starts_with("boundary("));
                if can_fail && !before.is_empty() {
                    let doc: String =
                        before.lines().rev().take_while(|line| line.starts_with("///")).collect();
                    let name = part.split('(').next().unwrap_or_default();
                    assert!(doc.contains("Errors:"), "{path}:{name} does not say its errors");
                    functions += 1;
                }
                before = part;
            }
        }
        assert!(functions > 200, "found only {functions}");
    }

    fn sources() -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            #[allow(clippy::disallowed_methods, reason = "the test reads this crate")]
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    #[allow(clippy::disallowed_methods, reason = "the test reads this crate")]
                    let code = std::fs::read_to_string(&path).unwrap();
                    // What follows is this test.
                    let code = code.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
                    found.push((path.display().to_string(), code));
                }
            }
        }
        found
    }
}
