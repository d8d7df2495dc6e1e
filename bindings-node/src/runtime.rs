//! The one runtime of the process, on which all threads of JavaScript have their calls run.

use std::sync::{Mutex, PoisonError};

use dl_core::{Error, ErrorKind, Result};
use tokio::runtime::{Builder, Handle, Runtime};

/// How many threads it has, if that is not said: commits and reads have threads of their own.
const THREADS: usize = 2;

/// Says how many threads it has.
const VARIABLE: &str = "DL_NODE_THREADS";

/// Made when it is first needed, and never ended: threads of JavaScript come and go.
static RUNTIME: Mutex<Option<&'static Runtime>> = Mutex::new(None);

/// The runtime.
///
/// # Errors
/// `unavailable` if the system refuses it threads; `invalid-argument` for a number of threads that is none.
pub(crate) fn handle() -> Result<Handle> {
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = *runtime {
        return Ok(runtime.handle().clone());
    }
    let made = Builder::new_multi_thread()
        .worker_threads(threads()?)
        .thread_name("dl-node")
        .enable_all()
        .build()
        .map_err(|error| {
            Error::new(ErrorKind::Unavailable, "the system refused threads to dl").caused_by(error)
        })?;
    Ok(runtime.insert(Box::leak(Box::new(made))).handle().clone())
}

fn threads() -> Result<usize> {
    let Some(text) = std::env::var_os(VARIABLE) else { return Ok(THREADS) };
    text.to_str()
        .and_then(|text| text.parse().ok())
        .filter(|threads| (1..=1_024).contains(threads))
        .ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("{VARIABLE} is not a number from 1 to 1024: {text:?}"),
            )
        })
}
