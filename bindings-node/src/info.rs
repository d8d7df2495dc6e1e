//! What the metadata says about a log and its segments.

use dl_core::{LogInfo, SegmentEnd, SegmentInfo, SegmentTruncation};
use napi::bindgen_prelude::BigInt;
use napi_derive::napi;

/// What the metadata says about a log.
#[napi(object, object_from_js = false)]
pub struct NativeLogInfo {
    /// Its name.
    pub name: String,
    /// Tells it from an earlier one of the same name.
    pub incarnation: BigInt,
    /// The number of its segments.
    pub segments: f64,
    /// Whether one is in progress.
    pub in_progress: bool,
    /// Whether it was sealed.
    pub sealed: bool,
    /// The point of truncation, as text.
    pub first_readable: String,
    /// The largest txid of its completed segments.
    pub max_txid: Option<BigInt>,
    /// How its writer named itself.
    pub owner: Option<String>,
}

/// What the metadata says about a segment.
#[napi(object, object_from_js = false)]
pub struct NativeSegment {
    /// Its number.
    pub number: BigInt,
    /// What it is called in its store.
    pub id: BigInt,
    /// `none`, `whole`, or the position below which it was truncated.
    pub truncation: String,
    /// A lower bound of the txids of its records.
    pub first_txid: BigInt,
    /// The sequence id of its first record.
    pub first_sequence_id: Option<BigInt>,
    /// What completion said.
    pub completed: Option<NativeSegmentEnd>,
}

/// The end of a completed segment.
#[napi(object, object_from_js = false)]
pub struct NativeSegmentEnd {
    /// The number of its records.
    pub records: BigInt,
    /// The txid of its last record.
    pub last_txid: BigInt,
    /// The position of its last record, as text.
    pub last_dlsn: Option<String>,
    /// When it was completed, in milliseconds since 1970 UTC.
    pub completed_ms: f64,
}

impl From<LogInfo> for NativeLogInfo {
    fn from(info: LogInfo) -> Self {
        Self {
            name: info.name.to_string(),
            incarnation: BigInt::from(info.incarnation),
            // Exact: more segments than a double counts do not fit anywhere.
            #[expect(clippy::cast_precision_loss)]
            segments: info.segments as f64,
            in_progress: info.in_progress,
            sealed: info.sealed,
            first_readable: info.first_readable.to_string(),
            max_txid: info.max_txid.map(BigInt::from),
            owner: info.owner,
        }
    }
}

impl From<SegmentInfo> for NativeSegment {
    fn from(info: SegmentInfo) -> Self {
        Self {
            number: BigInt::from(info.number),
            id: BigInt::from(info.id.get()),
            truncation: match info.truncation {
                SegmentTruncation::None => "none".to_owned(),
                SegmentTruncation::Whole => "whole".to_owned(),
                SegmentTruncation::Below(dlsn) => dlsn.to_string(),
            },
            first_txid: BigInt::from(info.first_txid),
            first_sequence_id: info.first_sequence_id.map(BigInt::from),
            completed: info.completed.map(NativeSegmentEnd::from),
        }
    }
}

impl From<SegmentEnd> for NativeSegmentEnd {
    fn from(end: SegmentEnd) -> Self {
        Self {
            records: BigInt::from(end.records),
            last_txid: BigInt::from(end.last_txid),
            last_dlsn: end.last_dlsn.map(|dlsn| dlsn.to_string()),
            // Exact for the next 285,000 years.
            #[expect(clippy::cast_precision_loss)]
            completed_ms: end.completed_ms as f64,
        }
    }
}
