//! A reader of a log.

use std::sync::Arc;
use std::time::Duration;

use dl_core::{Reader, ReaderCloser};
use napi_derive::napi;

use crate::columns::Batch;
use crate::cursor::NativeCursor;
use crate::reading::{Asked, Reading};
use crate::settler::Settler;

/// An open reader.
#[napi]
pub struct NativeReader {
    settler: Settler,
    reading: Arc<Reading>,
    closer: ReaderCloser,
    cursor: Option<dl_core::Cursor>,
    start: String,
}

impl NativeReader {
    /// Of a reader of which batches are made ready, unless it is `locked`.
    pub(crate) fn new(settler: &Settler, reader: Reader, locked: bool) -> Self {
        let bytes = usize::try_from(reader.read_ahead_bytes()).unwrap_or(usize::MAX);
        Self {
            settler: settler.clone(),
            closer: reader.closer(),
            cursor: reader.cursor().cloned(),
            start: reader.position().to_string(),
            reading: Arc::new(Reading::new(settler, reader, bytes, !locked)),
        }
    }
}

#[napi]
impl NativeReader {
    /// Records, at most `max`: those that are there, or the first ones to come within `wait` milliseconds. Giving it up loses none.
    /// What is ready, if `ready` says that it may be that, it answers at once, though it be more than `max`, and settles no call.
    #[napi(catch_unwind)]
    pub fn fetch(&self, call: f64, max: u32, wait: f64, ready: bool) -> Option<Batch> {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let wait = Duration::try_from_secs_f64(wait / 1_000.0).unwrap_or(Duration::MAX);
        self.reading.fetch(Asked { call, max, wait }, ready)
    }

    /// The position at which it was opened.
    #[napi(catch_unwind)]
    pub fn start(&self) -> String {
        self.start.clone()
    }

    /// The cursor it was opened with.
    #[napi(catch_unwind)]
    pub fn cursor(&self) -> Option<NativeCursor> {
        self.cursor.as_ref().map(|cursor| NativeCursor::new(&self.settler, cursor.clone()))
    }

    /// Ends the reader and the call that waits on it.
    #[napi(catch_unwind)]
    pub fn close(&self, call: f64) {
        self.closer.close();
        self.reading.closing();
        let reading = self.reading.clone();
        self.settler.start(call, async move { reading.close().await });
    }
}
