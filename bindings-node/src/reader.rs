//! A reader of a log.

use std::mem::take;
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
    /// A fetch ends behind so many: each crossing costs as much as reading a thousand records.
    bytes: usize,
    /// The size of the last batch.
    usual: Size,
    /// What was read and not handed out: by a call that runs, or was given up.
    rows: Rows,
}

impl Reading {
    /// At most `max` rows more and none behind so many bytes: of what is there, or if `wait` of what comes. Before them come those
    /// of a call that was given up while it waited for more.
    async fn rows(&mut self, max: usize, wait: bool) -> dl_core::Result<Rows> {
        if max == 0 || !self.rows.is_empty() {
            // What is here already is a locked reader's only while it has its lock.
            self.reader.next_batch(0, Duration::ZERO).await?;
        }
        if max == 0 {
            return Ok(Rows::default());
        }
        if self.rows.is_empty() {
            self.rows = Rows::new(self.usual);
        }
        while self.rows.is_empty() || (self.rows.len() < max && self.rows.bytes() < self.bytes) {
            let most = PIECE.min(max - self.rows.len());
            let waits = wait && self.rows.is_empty();
            let piece = self.reader.next_batch(most, if waits { LONG } else { Duration::ZERO }).await;
            // Whoever comes next hears of what is wrong behind them.
            let piece =
                piece.or_else(
                    |error| if self.rows.is_empty() { Err(error) } else { Ok(RecordBatch::default()) },
                )?;
            piece.iter().for_each(|record| self.rows.push(record));
            // Who waited gets what came; who did not, what is behind it, too, though it has to be read first.
            let ends = if wait { piece.len() < most } else { piece.is_empty() };
            let waits = waits && piece.is_empty() && self.reader.end().is_none();
            if !waits && ends {
                break;
            }
        }
        Ok(take(&mut self.rows))
    }
}

impl NativeReader {
    pub(crate) fn new(settler: &Settler, reader: Reader, read_ahead_bytes: u64) -> Self {
        let bytes = usize::try_from(read_ahead_bytes).unwrap_or(usize::MAX);
        Self {
            settler: settler.clone(),
            closer: reader.closer(),
            cursor: reader.cursor().cloned(),
            start: reader.position().to_string(),
            reading: Arc::new(Mutex::new(Reading {
                reader,
                bytes,
                usual: Size::default(),
                rows: Rows::default(),
            })),
        }
    }
}

#[napi]
impl NativeReader {
    /// Records, at most `max`: those that are there, or if `wait` the first ones to come. Giving it up loses none.
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
