//! A reader of a log.

use std::sync::Arc;
use std::time::Duration;

use dl_core::{Reader, ReaderCloser, RecordBatch};
use napi_derive::napi;
use tokio::sync::Mutex;

use crate::columns::{Rows, Size};
use crate::cursor::NativeCursor;
use crate::settler::Settler;

/// A wait that is as good as for ever, after which it is waited again.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// How many records the core makes a batch of: few enough that they stay in the processor's cache until they are copied.
const PIECE: usize = 256;

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

impl Reading {
    /// At most `max` rows: of what is within reach, or if `wait` of what comes.
    async fn rows(&mut self, max: usize, wait: bool) -> dl_core::Result<Rows> {
        let mut rows = Rows::new(self.usual);
        loop {
            let most = PIECE.min(max - rows.len());
            let waits = wait && rows.is_empty();
            let piece = self.reader.next_batch(most, if waits { LONG } else { Duration::ZERO }).await;
            // Whoever comes next hears of what is wrong behind them.
            let piece = piece
                .or_else(|error| if rows.is_empty() { Err(error) } else { Ok(RecordBatch::default()) })?;
            piece.iter().for_each(|record| rows.push(record));
            let waits = waits && piece.is_empty() && self.reader.end().is_none();
            if rows.len() == max || (!waits && piece.len() < most) {
                return Ok(rows);
            }
        }
    }
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
            let rows = reading.rows(max, wait).await?;
            reading.usual = rows.size();
            Ok(rows.batch(reading.reader.position(), reading.reader.end()))
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
