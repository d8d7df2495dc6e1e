//! The one runtime of the process, on which all threads of JavaScript have their calls run.

use std::sync::{Mutex, OnceLock, PoisonError};

use dl_core::{Error, ErrorKind, Result};
use tokio::runtime::{Handle, Runtime};

/// How many threads it has, if that is not said: commits and reads have threads of their own.
const THREADS: usize = 2;

/// Says how many threads it has.
const VARIABLE: &str = "DL_NODE_THREADS";

/// Made by the first call, and never ended: threads of JavaScript come and go.
static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// The runtime.
///
/// # Errors
/// `unavailable` if the system refuses it threads, and the next call tries again; `invalid-argument` for a number of threads
/// that is none.
pub(crate) fn handle() -> Result<&'static Handle> {
    static MAKING: Mutex<()> = Mutex::new(());
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime.handle());
    }
    let _one_at_a_time = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime.handle());
    }
    let made = dl_core::build_runtime("dl-node", threads()?)?;
    Ok(RUNTIME.get_or_init(|| made).handle())
}

/// The runtime, for what follows a call.
pub(crate) fn made() -> &'static Handle {
    RUNTIME.get().expect("the call that this follows made it").handle()
}

/// The runtime, if a call has made it.
pub(crate) fn if_made() -> Option<&'static Handle> {
    RUNTIME.get().map(Runtime::handle)
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
