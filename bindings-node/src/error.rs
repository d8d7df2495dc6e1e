//! Errors on their way to JavaScript, where a class for each kind is made of them.

use std::error::Error as _;

use dl_core::{Error, ErrorKind};
use napi_derive::napi;

/// An error as plain values.
#[napi(object, object_from_js = false)]
pub struct NativeError {
    /// The name of its kind; also tells it from other values.
    pub kind: String,
    /// Its number.
    pub number: u16,
    /// What happened and what to do next.
    pub message: String,
    /// The operation that failed.
    pub operation: Option<String>,
    /// Keys and values in turn.
    pub context: Vec<String>,
    /// The position it speaks of, as text.
    pub dlsn: Option<String>,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// Whether it could have taken effect although it failed.
    pub may_have_taken_effect: bool,
    /// What it was caused by, innermost last.
    pub causes: Vec<String>,
    /// The receipts of the records of the call that were acknowledged.
    pub receipts: Option<napi::bindgen_prelude::BigInt64Array>,
}

impl From<Error> for NativeError {
    fn from(error: Error) -> Self {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        Self {
            kind: error.kind().name().to_owned(),
            number: error.number(),
            message: error.message().to_owned(),
            operation: error.operation().map(str::to_owned),
            context: error.context().flat_map(|(key, value)| [key.to_owned(), value.to_owned()]).collect(),
            dlsn: error.dlsn().map(|dlsn| dlsn.to_string()),
            retryable: error.is_retryable(),
            may_have_taken_effect: error.may_have_taken_effect(),
            causes,
            receipts: None,
        }
    }
}

/// A call that its caller gave up.
pub(crate) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the caller gave the call up").maybe_effective()
}

/// A call that a panic ended.
pub(crate) fn panicked() -> Error {
    Error::new(ErrorKind::Internal, "a bug in dl ended the call; please report it").maybe_effective()
}

/// A number that JavaScript has and the log has not.
pub(crate) fn out_of_range(what: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("the {what} is out of the range of 64 bits"))
}
