//! The two ends of a stream of bytes.

use std::sync::Arc;

use dl_core::{ByteReader, ByteWriter};
use napi::bindgen_prelude::{BigInt, Buffer};
use napi_derive::napi;
use tokio::sync::Mutex;

use crate::columns::{name_of, payload};
use crate::error::{NativeError, out_of_range};
use crate::settler::Settler;

/// The writing end. One call at a time uses it; the others stand in line.
#[napi]
pub struct NativeByteWriter {
    settler: Settler,
    writer: Arc<Mutex<ByteWriter>>,
    /// How far it is, and what ends it, whatever call has it.
    position: Box<dyn Fn() -> u64 + Send + Sync>,
    abort: Box<dyn Fn() + Send + Sync>,
}

/// The reading end. One call at a time uses it; the others stand in line.
#[napi]
pub struct NativeByteReader {
    settler: Settler,
    reader: Arc<Mutex<ByteReader>>,
    start: u64,
}

/// Bytes that were read.
#[napi(object, object_from_js = false)]
pub struct Chunk {
    /// The bytes; none at the end.
    pub data: Option<Buffer>,
    /// The offset behind them.
    pub position: BigInt,
    /// How the reader ended, if it has.
    pub end: Option<String>,
}

impl NativeByteWriter {
    pub(crate) fn new(settler: &Settler, writer: ByteWriter) -> Self {
        Self {
            settler: settler.clone(),
            position: Box::new(writer.locator()),
            abort: Box::new(writer.aborter()),
            writer: Arc::new(Mutex::new(writer)),
        }
    }
}

impl NativeByteReader {
    pub(crate) fn new(settler: &Settler, reader: ByteReader) -> Self {
        let start = reader.position();
        Self { settler: settler.clone(), reader: Arc::new(Mutex::new(reader)), start }
    }
}

#[napi]
impl NativeByteWriter {
    /// The offset behind what was written and not refused.
    #[napi(catch_unwind)]
    pub fn position(&self) -> BigInt {
        BigInt::from((self.position)())
    }

    /// Writes bytes; answers the offset behind them.
    #[napi(catch_unwind)]
    pub fn write(&self, call: f64, data: &[u8]) {
        let (writer, data) = (self.writer.clone(), data.to_vec());
        self.settler.start(call, async move {
            let mut writer = writer.lock().await;
            writer.write(data).await?;
            Ok(BigInt::from(writer.position()))
        });
    }

    /// Waits until what was written is durable.
    #[napi(catch_unwind)]
    pub fn flush(&self, call: f64) {
        let writer = self.writer.clone();
        self.settler.start(call, async move { writer.lock().await.flush().await });
    }

    /// Ends the stream for ever.
    #[napi(catch_unwind)]
    pub fn seal(&self, call: f64) {
        let writer = self.writer.clone();
        self.settler.start(call, async move { writer.lock().await.seal().await });
    }

    /// Waits until what was written is durable, and lets the log go.
    #[napi(catch_unwind)]
    pub fn close(&self, call: f64) {
        let writer = self.writer.clone();
        self.settler.start(call, async move { writer.lock().await.close().await });
    }

    /// Ends the writer now, and the calls that use it.
    #[napi(catch_unwind)]
    pub fn abort(&self) {
        (self.abort)();
    }

    /// Waits for the error that ends the writer, and answers it as a result.
    #[napi(catch_unwind)]
    pub fn fenced(&self, call: f64) {
        let writer = self.writer.clone();
        self.settler.start(call, async move {
            let fenced = writer.lock().await.fenced();
            // Who waits does not keep the writer.
            drop(writer);
            Ok(NativeError::from(fenced.await))
        });
    }
}

impl Drop for NativeByteWriter {
    /// Also where a call still has the writer: what JavaScript let go of is over.
    fn drop(&mut self) {
        (self.abort)();
    }
}

#[napi]
impl NativeByteReader {
    /// The offset at which it starts.
    #[napi(catch_unwind)]
    pub fn start(&self) -> BigInt {
        BigInt::from(self.start)
    }

    /// The next bytes. Giving it up loses none.
    #[napi(catch_unwind)]
    pub fn fetch(&self, call: f64) {
        let reader = self.reader.clone();
        self.settler.start(call, async move {
            let mut reader = reader.lock().await;
            let data = reader.next_chunk().await?;
            Ok(Chunk {
                data: data.as_ref().map(payload),
                position: BigInt::from(reader.position()),
                end: reader.end().map(|end| name_of(end).to_owned()),
            })
        });
    }

    /// Answers when the reads before have ended, and fails if nothing can be read any more.
    #[napi(catch_unwind)]
    pub fn look(&self, call: f64) {
        let reader = self.reader.clone();
        self.settler.start(call, async move { reader.lock().await.read(&mut []).await.map(drop) });
    }

    /// Goes to an offset.
    #[napi(catch_unwind)]
    pub fn seek(&self, call: f64, offset: BigInt) {
        let reader = self.reader.clone();
        self.settler.start(call, async move {
            let (negative, offset, lossless) = offset.get_u64();
            if negative || !lossless {
                return Err(out_of_range("offset"));
            }
            reader.lock().await.seek(offset).await
        });
    }

    /// Ends the reader once no call uses it.
    #[napi(catch_unwind)]
    pub fn close(&self, call: f64) {
        let reader = self.reader.clone();
        self.settler.start(call, async move { reader.lock().await.close().await });
    }
}
