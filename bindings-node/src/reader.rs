//! A reader of a log.

use std::sync::Arc;
use std::time::Duration;

use dl_core::{Reader, ReaderCloser};
use napi_derive::napi;
use tokio::sync::Mutex;

use crate::columns::{Rows, Size};
use crate::cursor::NativeCursor;
use crate::settler::Settler;

/// A wait that is as good as for ever, after which it is waited again.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// An open reader. One call at a time uses it; the others stand in line.
#[napi]
pub struct NativeReader {
    settler: Settler,
    reading: Arc<Mutex<Reading>>,
    closer: ReaderCloser,
    cursor: Option<dl_core::Cursor>,
    start: String,
}

/// What calls use one at a time.
struct Reading {
    reader: Reader,
    /// The size of the last batch.
    usual: Size,
}

impl NativeReader {
    pub(crate) fn new(settler: &Settler, reader: Reader) -> Self {
        Self {
            settler: settler.clone(),
            closer: reader.closer(),
            cursor: reader.cursor().cloned(),
            start: reader.position().to_string(),
            reading: Arc::new(Mutex::new(Reading { reader, usual: Size::default() })),
        }
    }
}

#[napi]
impl NativeReader {
    /// Records, at most `max`: those within reach, or if `wait` the first ones to come. Giving it up loses none.
    #[napi(catch_unwind)]
    pub fn fetch(&self, call: f64, max: u32, wait: bool) {
        let reading = self.reading.clone();
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        self.settler.start_elsewhere(call, async move {
            let mut reading = reading.lock().await;
            let Reading { reader, usual } = &mut *reading;
            let mut rows = Rows::new(*usual);
            loop {
                let wait_for = if wait { LONG } else { Duration::ZERO };
                for record in &reader.next_batch(max, wait_for).await? {
                    rows.push(record);
                }
                if !wait || !rows.is_empty() || reader.end().is_some() {
                    *usual = rows.size();
                    return Ok(rows.batch(reader.position(), reader.end()));
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
        let reading = self.reading.clone();
        self.settler.start(call, async move { reading.lock().await.reader.close().await });
    }
}
