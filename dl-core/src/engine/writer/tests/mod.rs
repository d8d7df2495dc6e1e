//! The pipeline alone: no store, no clock, no tasks.

mod appending;
mod refusing;
mod segments;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::current::Current;
use super::hooks::{Hooks, NextEntry};
use super::pipeline::{Effects, Pipeline, Settings};
use super::queue::{Appended, Condition};
use super::room::Usage;
use super::ticket::EntryCompletion;
use crate::engine::open::LastRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{EntryRecords, RawRecord, RecordKind, open_entry};
use crate::types::{Compression, Dlsn, Durability, LogName, MAX_BATCH_BYTES, NewRecord, Receipt, Txid};

/// A pipeline and a store that does what the test says.
struct Bench {
    pipeline: Pipeline,
    segment: i64,
    next: u64,
}

impl Bench {
    fn new() -> Self {
        Self::with(settings(), None)
    }

    fn with(settings: Settings, last: Option<LastRecord>) -> Self {
        let mut bench = Self { pipeline: Pipeline::new(settings, last, 0), segment: 0, next: 0 };
        bench.install(1, 0, None);
        bench
    }

    fn install(&mut self, number: i64, first_sequence_id: i64, opening: Option<Bytes>) {
        let current = Current::new(number, 0, first_sequence_id, opening);
        self.pipeline.install(current, &mut Effects::default());
        (self.segment, self.next) = (number, 0);
    }

    fn append(&mut self, payload: &'static str, condition: Option<Condition>) -> Result<Appended> {
        self.append_record(&NewRecord::new(payload), condition, 1)
    }

    fn append_record(
        &mut self,
        record: &NewRecord,
        condition: Option<Condition>,
        now_ms: i64,
    ) -> Result<Appended> {
        let usage = super::pipeline::usage_of(&record.payload)?;
        self.pipeline.room().take(usage);
        let appended = self.pipeline.append(record.into(), condition, now_ms, &mut Effects::default());
        if appended.is_err() {
            self.pipeline.room().give_back(usage);
        }
        appended
    }

    fn batch(&mut self, payloads: &[&'static str]) -> Result<(Arc<EntryCompletion>, Vec<i64>)> {
        let records: Vec<_> = payloads.iter().map(|payload| NewRecord::new(*payload)).collect();
        let usage = self.pipeline.usage_of_batch(&records)?;
        self.pipeline.room().take(usage);
        self.pipeline.append_batch(&records, None, 1, &mut Effects::default())
    }

    /// What the store gets when it asks.
    fn take(&mut self) -> Option<Vec<RawRecord>> {
        let taken = self.pipeline.take(self.segment, &mut Effects::default())?;
        let (bytes, _) = taken.builder.finish(taken.first_position, Compression::None).unwrap();
        let records = EntryRecords::new(open_entry(bytes, true).unwrap()).map(Result::unwrap);
        Some(records.collect())
    }

    fn settle(&mut self, result: Result<()>) -> Effects {
        let mut effects = Effects::default();
        let full = matches!(&result, Err(error) if error.kind() == ErrorKind::StorageFull);
        self.pipeline.settled(self.segment, self.next, result, &mut effects);
        self.next += u64::from(!full);
        effects
    }
}

fn settings() -> Settings {
    Settings {
        room: Usage { records: 100, bytes: 1 << 20 },
        roll_bytes: 1 << 20,
        durability: Durability::Memory,
        publish: false,
        stop_when_full: false,
        hooks: None,
        telemetry: Arc::default(),
        log: LogName::new("a").unwrap(),
    }
}

fn payloads(records: &[RawRecord]) -> Vec<&str> {
    records.iter().map(|record| std::str::from_utf8(&record.payload).unwrap()).collect()
}

fn outcome(appended: &Appended) -> Option<Result<Receipt>> {
    match appended.completion.poll(&mut None, &Context::from_waker(Waker::noop())) {
        Poll::Pending => None,
        Poll::Ready(Ok(placed)) => Some(Ok(placed.receipt(appended.slot, appended.txid))),
        Poll::Ready(Err(error)) => Some(Err(error.clone())),
    }
}

fn error_kind(appended: &Appended) -> Option<ErrorKind> {
    outcome(appended)?.err().map(|error| error.kind())
}

fn full() -> Result<()> {
    Err(Error::storage_full("the disk is full"))
}
