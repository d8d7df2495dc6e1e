//! A reader of a log.

use std::sync::Arc;
use std::time::Duration;

use dl_core::{Reader, ReaderCloser};
use napi_derive::napi;
use tokio::sync::Mutex;

use crate::columns::Batch;
use crate::cursor::NativeCursor;
use crate::port::Settler;

/// A wait that is as good as for ever, after which it is waited again.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// An open reader. One call at a time uses it; the others stand in line.
#[napi]
pub struct NativeReader {
    settler: Settler,
    reader: Arc<Mutex<Reader>>,
    closer: ReaderCloser,
    cursor: Option<dl_core::Cursor>,
    start: String,
}

impl NativeReader {
    pub(crate) fn new(settler: &Settler, reader: Reader) -> Self {
        Self {
            settler: settler.clone(),
            closer: reader.closer(),
            cursor: reader.cursor().cloned(),
            start: reader.position().to_string(),
            reader: Arc::new(Mutex::new(reader)),
        }
    }
}

#[napi]
impl NativeReader {
    /// Records, at most `max`: those within reach, or if `wait` the first ones to come. Giving it up loses none.
    #[napi(catch_unwind)]
    pub fn fetch(&self, call: f64, max: u32, wait: bool) {
        let reader = self.reader.clone();
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        self.settler.start_elsewhere(call, async move {
            let mut reader = reader.lock().await;
            loop {
                let records = reader.next_batch(max, if wait { LONG } else { Duration::ZERO }).await?;
                if !wait || !records.is_empty() || reader.end().is_some() {
                    return Ok(Batch::new(&records, reader.position(), reader.end()));
                }
            }
        });
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
        let reader = self.reader.clone();
        self.settler.start(call, async move { reader.lock().await.close().await });
    }
}
