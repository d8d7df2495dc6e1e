//! All metrics of a namespace at one moment: what was counted, and what is looked up only now.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::Result;
use crate::telemetry::{
    Descriptor, LOG_IN_FLIGHT_BYTES, LOG_IN_FLIGHT_RECORDS, LOG_READER_LAG_ENTRIES, Metric, Snapshot,
};
use crate::types::LogName;

use super::Engine;
use super::reader::Seat;
use super::segments::SegmentList;
use super::writer::Usage;

/// What each log has in flight, and how many entries its reader furthest behind has before it.
#[derive(Default)]
struct Logs {
    in_flight: BTreeMap<LogName, Usage>,
    lags: BTreeMap<LogName, u64>,
}

/// Takes a snapshot; with values of each open log, if so asked.
pub(crate) async fn take(engine: &Arc<Engine>, by_log: bool) -> Snapshot {
    let logs = look(engine).await;
    let metrics = &engine.telemetry.metrics;
    let mut in_flight = Usage::default();
    logs.in_flight.values().for_each(|usage| in_flight.add(*usage));
    metrics.in_flight_records.set(in_flight.records as u64);
    metrics.in_flight_bytes.set(in_flight.bytes as u64);
    metrics.writers_open.set(engine.writers.all().len() as u64);
    metrics.readers_open.set(engine.readers.all().len() as u64);
    metrics.reader_lag_entries.set(logs.lags.values().copied().max().unwrap_or(0));
    let mut read = metrics.read();
    if by_log {
        read.extend(logs.metrics());
    }
    Snapshot::new(read)
}

async fn look(engine: &Arc<Engine>) -> Logs {
    let mut logs = Logs::default();
    for writer in engine.writers.all() {
        logs.in_flight.entry(writer.log().clone()).or_default().add(writer.in_flight());
    }
    let mut seats: BTreeMap<LogName, Vec<Arc<Seat>>> = BTreeMap::new();
    for seat in engine.readers.all() {
        seats.entry(seat.log().clone()).or_default().push(seat);
    }
    for (log, seats) in seats {
        // What cannot be looked up now, because the log is gone or the namespace closed, is no lag.
        let entries = entries(engine, &log).await.unwrap_or_default();
        let lag = seats.iter().map(|seat| behind(&entries, seat)).max().unwrap_or(0);
        logs.lags.insert(log, lag);
    }
    logs
}

/// How many entries each segment of a log has, truncated ones left out.
async fn entries(engine: &Engine, log: &LogName) -> Result<BTreeMap<i64, u64>> {
    let list = SegmentList::read(&*engine.stores.metadata, log).await?;
    let mut entries = BTreeMap::new();
    for segment in list.readable().iter().map(|segment| &segment.metadata) {
        let known = segment.completed.map(|completed| completed.last_entry.saturating_add(1));
        let count = match known {
            Some(count) => u64::try_from(count).unwrap_or(0),
            None => engine.stores.segments.open(segment.segment_id).await?.tail().await?.entries,
        };
        entries.insert(segment.number, count);
    }
    Ok(entries)
}

fn behind(entries: &BTreeMap<i64, u64>, seat: &Seat) -> u64 {
    let (number, delivered) = seat.place();
    let left = entries
        .range(number..)
        .map(|(segment, count)| if *segment == number { count.saturating_sub(delivered) } else { *count });
    left.sum()
}

impl Logs {
    fn metrics(&self) -> Vec<Metric> {
        let in_flight = |value: fn(&Usage) -> usize, what: &'static Descriptor| {
            self.in_flight.iter().map(move |(log, usage)| what.of_log(log, value(usage) as u64))
        };
        let records = in_flight(|usage| usage.records, LOG_IN_FLIGHT_RECORDS);
        let bytes = in_flight(|usage| usage.bytes, LOG_IN_FLIGHT_BYTES);
        let lags = self.lags.iter().map(|(log, lag)| LOG_READER_LAG_ENTRIES.of_log(log, *lag));
        records.chain(bytes).chain(lags).collect()
    }
}
