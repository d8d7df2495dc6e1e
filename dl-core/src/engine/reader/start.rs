//! Where a reader begins.

use std::sync::Arc;

use crate::engine::scan::{Kinds, SegmentScan};
use crate::engine::segments::{Segment, SegmentList};
use crate::engine::{Engine, queries};
use crate::error::{Error, Result};
use crate::options::{OnTruncated, ReaderOptions, Start};
use crate::store::TailState;
use crate::types::{Dlsn, LogName};

/// The position of the first record to deliver, or below it. It is the first behind `processed`, if there is that.
///
/// # Errors
/// `truncated` with the first readable position, if the start lies below it and the options do not say to skip; `unsupported`
/// if there are segments from there on whose records have no positions of their own.
pub(super) async fn find(
    engine: &Arc<Engine>,
    log: &LogName,
    options: &ReaderOptions,
    processed: Option<Dlsn>,
) -> Result<Dlsn> {
    let list = SegmentList::read(&*engine.stores.metadata, log).await?;
    if let Some(processed) = processed {
        return above_truncation(log, &list, processed.next(), options.on_truncated, beginning(engine));
    }
    let behind_unnumbered = match options.from {
        Start::Latest => true,
        Start::Dlsn(dlsn) => dlsn >= Dlsn::FIRST,
        Start::Earliest | Start::Txid(_) => false,
    };
    if !behind_unnumbered && list.iter().any(|segment| segment.metadata.version == 1) {
        let message = "the log begins with segments of version 1, which have no numbers, so that their records have no \
                       positions of their own; start at 1:0:0, and read those with Java's DistributedLog";
        return Err(Error::unsupported(message).with("log", log));
    }
    match options.from {
        Start::Earliest => Ok(list.first_readable()),
        Start::Latest => end_of(engine, &list).await,
        Start::Dlsn(dlsn) => above_truncation(log, &list, dlsn, options.on_truncated, beginning(engine)),
        Start::Txid(txid) => match queries::at_txid(engine, log, &list, txid).await? {
            Some(first) => Ok(first.dlsn),
            None => end_of(engine, &list).await,
        },
    }
}

/// The position of the first record of a log.
pub(super) fn beginning(engine: &Engine) -> Dlsn {
    Dlsn::new(engine.stores.segments.first_number().get(), 0, 0)
}

/// The position, if it does not lie below the point of truncation, else what the options say. The first record that the
/// log ever had was at `beginning`.
pub(super) fn above_truncation(
    log: &LogName,
    list: &SegmentList,
    position: Dlsn,
    on_truncated: OnTruncated,
    beginning: Dlsn,
) -> Result<Dlsn> {
    let first = list.first_readable();
    // Who has read a segment to its end misses nothing of it when it is truncated.
    let position = if position < first { list.past_ends(position) } else { position };
    // In front of the first record that a log can have, there was nothing to truncate.
    if position >= first || first <= Dlsn::FIRST || first == beginning || on_truncated == OnTruncated::Skip {
        return Ok(position.max(first));
    }
    let message =
        "the position lies below the point of truncation; start at the first readable one, or skip to it";
    Err(Error::truncated(message).with("log", log).with("position", position).at(first))
}

/// The position of the first record that is not visible yet.
async fn end_of(engine: &Engine, list: &SegmentList) -> Result<Dlsn> {
    let mut end = match list.newest_completed() {
        Some(segment) => Dlsn::new(segment.metadata.number.saturating_add(1), 0, 0),
        None if list.len() == 0 => beginning(engine),
        None => list.first_readable(),
    };
    // Two are in progress during a roll. The newer one gets entries only when the older one gets no more.
    for segment in list.in_progress() {
        let tail = engine.stores.segments.open(segment.metadata.segment_id).await?.tail().await?;
        let number = segment.metadata.number;
        let entries = i64::try_from(tail.entries).unwrap_or(i64::MAX);
        if tail.state == TailState::Closed {
            end = Dlsn::new(number.saturating_add(1), 0, 0);
        } else if entries > 0 {
            end = Dlsn::new(number, entries, 0);
        }
    }
    Ok(end)
}

/// The sequence id of the first record of segment `number`, which has records; hugely negative where Java did not count.
pub(super) async fn sequence_id_of(engine: &Engine, log: &LogName, number: i64) -> Result<i64> {
    let list = SegmentList::read(&*engine.stores.metadata, log).await?;
    let mut next = None;
    for segment in list.iter().filter(|segment| segment.metadata.number <= number) {
        let first = list.first_sequence_id(&segment.metadata).or(next);
        if segment.metadata.number == number {
            return Ok(first.unwrap_or(i64::MIN));
        }
        next = match first {
            Some(first) if !segment.metadata.is_completed() => {
                Some(first.wrapping_add(records_in(engine, log, segment).await?))
            }
            _ => None,
        };
    }
    Ok(i64::MIN)
}

/// The number of records of a segment in progress that gets no more.
async fn records_in(engine: &Engine, log: &LogName, segment: &Segment) -> Result<i64> {
    let scan = SegmentScan::open(&*engine.stores.segments, log, &segment.metadata).await?;
    let last = scan.last(scan.entries().await?, Kinds::Any).await?;
    Ok(last.map_or(0, |last| last.position.into()))
}
