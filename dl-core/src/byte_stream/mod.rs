//! A log as a stream of bytes, in DistributedLog's way: each record is a chunk, and its txid is the offset behind it.
//!
//! So the first byte has the offset 0, and an offset is found by a search for a txid. Nothing marks such a log; both ends
//! check that the txids are offsets wherever they come by.

mod reader;
mod writer;

pub use reader::ByteReader;
pub use writer::ByteWriter;

use crate::error::{Error, Result};
use crate::log::Log;
use crate::options::Start;
use crate::types::{Dlsn, Record, Txid};

/// The offset of a chunk's first byte.
fn start_of(chunk: &Record) -> Result<u64> {
    let end = u64::try_from(chunk.txid).map_err(|_| no_offsets(chunk))?;
    end.checked_sub(chunk.payload.len() as u64).ok_or_else(|| no_offsets(chunk))
}

/// Where the record whose txid is the first above this offset is looked for: the chunk that holds the byte there.
fn at(offset: u64) -> Result<Start> {
    let txid = i64::try_from(offset).ok().and_then(|offset| offset.checked_add(1)).unwrap_or(i64::MAX);
    Txid::new(txid).map(Start::Txid).map_err(|_| {
        Error::invalid_argument(format!("the offset {offset} is not in 0..=2^63-3")).during("byte_stream")
    })
}

/// The offset of the first byte of an untruncated log, or of the first one left.
async fn first_offset(log: &Log) -> Result<u64> {
    let Some(first) = log.record_at(Start::Earliest).await? else { return end_of(log).await };
    let start = start_of(&first)?;
    if start > 0 && !is_truncated(log).await? { Err(no_offsets(&first)) } else { Ok(start) }
}

/// The offset behind the last byte.
async fn end_of(log: &Log) -> Result<u64> {
    let txid = match log.last_record().await? {
        Some(last) => {
            start_of(&last)?;
            last.txid
        }
        // What was truncated counts.
        None => log.info().await?.max_txid.unwrap_or(0),
    };
    Ok(u64::try_from(txid).unwrap_or(0))
}

async fn is_truncated(log: &Log) -> Result<bool> {
    Ok(log.info().await?.first_readable > Dlsn::FIRST)
}

#[cold]
fn no_offsets(chunk: &Record) -> Error {
    Error::invalid_argument("the log is not a stream of bytes: the txids of its records are not offsets")
        .with("txid", chunk.txid)
        .with("payload_bytes", chunk.payload.len())
        .at(chunk.dlsn)
}
