//! A log: where writers and readers are opened.

use dl_core::{CursorName, Log, Txid};
use napi::bindgen_prelude::BigInt;
use napi_derive::napi;

use crate::byte_streams::{NativeByteReader, NativeByteWriter};
use crate::columns::payload;
use crate::cursor::{NativeCursor, NativeCursorInfo};
use crate::info::{NativeLogInfo, NativeSegment};
use crate::options;
use crate::reader::NativeReader;
use crate::settler::Settler;
use crate::values::{looked_up, number, position};
use crate::watch::NativeSegmentWatcher;
use crate::writer::NativeWriter;

/// A handle on a log.
#[napi]
pub struct NativeLog {
    settler: Settler,
    log: Log,
}

impl NativeLog {
    pub(crate) fn new(settler: &Settler, log: Log) -> Self {
        Self { settler: settler.clone(), log }
    }
}

#[napi]
impl NativeLog {
    /// Its name.
    #[napi(catch_unwind)]
    pub fn name(&self) -> String {
        self.log.name().to_string()
    }

    /// Opens the writer.
    #[napi(catch_unwind)]
    pub fn open_writer(&self, call: f64, options: Vec<String>) {
        let (log, settler) = (self.log.clone(), self.settler.clone());
        self.settler.start(call, async move {
            let writer = log.open_writer(options::of_writer(&options)?).await?;
            Ok(NativeWriter::new(&settler, writer))
        });
    }

    /// Opens a reader.
    #[napi(catch_unwind)]
    pub fn open_reader(&self, call: f64, options: Vec<String>) {
        let (log, settler) = (self.log.clone(), self.settler.clone());
        self.settler.start(call, async move {
            let options = options::of_reader(&options)?;
            let locked = options.locked;
            Ok(NativeReader::new(&settler, log.open_reader(options).await?, locked))
        });
    }

    /// Opens the writer of a stream of bytes.
    #[napi(catch_unwind)]
    pub fn open_byte_writer(&self, call: f64, options: Vec<String>) {
        let (log, settler) = (self.log.clone(), self.settler.clone());
        self.settler.start(call, async move {
            let writer = log.open_byte_writer(options::of_writer(&options)?).await?;
            Ok(NativeByteWriter::new(&settler, writer))
        });
    }

    /// Opens a reader of a stream of bytes.
    #[napi(catch_unwind)]
    pub fn open_byte_reader(&self, call: f64, options: Vec<String>) {
        let (log, settler) = (self.log.clone(), self.settler.clone());
        self.settler.start(call, async move {
            let reader = log.open_byte_reader(options::of_reader(&options)?).await?;
            Ok(NativeByteReader::new(&settler, reader))
        });
    }

    /// What the metadata says about it.
    #[napi(catch_unwind)]
    pub fn info(&self, call: f64) {
        let log = self.log.clone();
        self.settler.start(call, async move { Ok(NativeLogInfo::from(log.info().await?)) });
    }

    /// Its segments.
    #[napi(catch_unwind)]
    pub fn segments(&self, call: f64) {
        let log = self.log.clone();
        self.settler.start(call, async move {
            Ok(log.segments().await?.into_iter().map(NativeSegment::from).collect::<Vec<_>>())
        });
    }

    /// Watches its segments.
    #[napi(catch_unwind)]
    pub fn watch_segments(&self, call: f64) {
        let (log, settler) = (self.log.clone(), self.settler.clone());
        self.settler
            .start(call, async move { Ok(NativeSegmentWatcher::new(&settler, log.watch_segments()?)) });
    }

    /// Truncates it, its open segment excluded.
    #[napi(catch_unwind)]
    pub fn truncate(&self, call: f64, before: String) {
        let log = self.log.clone();
        self.settler
            .start(call, async move { Ok(log.truncate(position("truncate", &before)?).await?.to_string()) });
    }

    /// The first position with this txid or a larger one.
    #[napi(catch_unwind)]
    pub fn dlsn_at_txid(&self, call: f64, txid: BigInt) {
        let log = self.log.clone();
        self.settler.start(call, async move {
            let txid =
                number(&txid, "txid").and_then(Txid::new).map_err(|error| error.during("dlsn_at_txid"))?;
            Ok(log.dlsn_at_txid(txid).await?.map(|dlsn| dlsn.to_string()))
        });
    }

    /// Its first record.
    #[napi(catch_unwind)]
    pub fn first_record(&self, call: f64) {
        let log = self.log.clone();
        self.settler.start(call, async move { Ok(looked_up(log.first_record().await?)) });
    }

    /// Its last record.
    #[napi(catch_unwind)]
    pub fn last_record(&self, call: f64) {
        let log = self.log.clone();
        self.settler.start(call, async move { Ok(looked_up(log.last_record().await?)) });
    }

    /// The number of its records between two positions.
    #[napi(catch_unwind)]
    pub fn count(&self, call: f64, from: Option<String>, until: Option<String>) {
        let log = self.log.clone();
        self.settler.start(call, async move {
            let bound = |text: Option<String>| text.map(|text| position("count_between", &text)).transpose();
            let count = match (bound(from)?, bound(until)?) {
                (None, None) => log.count().await?,
                (from, until) => log.count_between(from, until).await?,
            };
            Ok(BigInt::from(count))
        });
    }

    /// Completes what a writer that is gone left.
    #[napi(catch_unwind)]
    pub fn recover(&self, call: f64) {
        let log = self.log.clone();
        self.settler.start(call, async move { log.recover().await });
    }

    /// Frees what is too old or too much.
    #[napi(catch_unwind)]
    pub fn apply_retention(&self, call: f64) {
        let log = self.log.clone();
        self.settler.start(call, async move { Ok(log.apply_retention().await?.to_string()) });
    }

    /// The options kept with it: names and texts in turn.
    #[napi(catch_unwind)]
    pub fn options(&self, call: f64) {
        let log = self.log.clone();
        self.settler.start(call, async move {
            let texts = log.options().await?.texts();
            Ok(texts.into_iter().flat_map(|(name, text)| [name.to_owned(), text]).collect::<Vec<_>>())
        });
    }

    /// Replaces the options kept with it.
    #[napi(catch_unwind)]
    pub fn set_options(&self, call: f64, options: Vec<String>) {
        let log = self.log.clone();
        self.settler.start(call, async move {
            log.set_options(options::of_log(&options)?)
                .await
                .map_err(|error| options::as_written(error, &options))
        });
    }

    /// A handle on a cursor.
    #[napi(catch_unwind)]
    pub fn cursor(&self, call: f64, name: String) {
        let (log, settler) = (self.log.clone(), self.settler.clone());
        self.settler.start(call, async move {
            let cursor = log.cursor(&CursorName::new(&name)?).await?;
            Ok(NativeCursor::new(&settler, cursor))
        });
    }

    /// Its cursors.
    #[napi(catch_unwind)]
    pub fn cursors(&self, call: f64) {
        let log = self.log.clone();
        self.settler.start(call, async move {
            Ok(log.cursors().await?.into_iter().map(NativeCursorInfo::from).collect::<Vec<_>>())
        });
    }

    /// The bytes that the user keeps with it.
    #[napi(catch_unwind)]
    pub fn user_metadata(&self, call: f64) {
        let log = self.log.clone();
        self.settler.start(call, async move { Ok(payload(&log.user_metadata().await?)) });
    }

    /// Sets the bytes that the user keeps with it.
    #[napi(catch_unwind)]
    pub fn set_user_metadata(&self, call: f64, data: &[u8]) {
        let (log, data) = (self.log.clone(), data.to_vec());
        self.settler.start(call, async move { log.set_user_metadata(data).await });
    }
}
