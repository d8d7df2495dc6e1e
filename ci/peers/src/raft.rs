//! raft-engine, as TiKV uses it: a region is a log, every write is synced.

use std::fs;

use protobuf::well_known_types::BytesValue;
use raft_engine::{Config, Engine, LogBatch, MessageExt, ReadableSize};

use crate::meter::{Done, Meter, Payloads};
use crate::{Load, Outcome};

/// An entry that begins with its index, which raft-engine wants to know.
#[derive(Clone)]
struct Indexed;

const INDEX_BYTES: usize = 8;

impl MessageExt for Indexed {
    type Entry = BytesValue;

    fn index(entry: &BytesValue) -> u64 {
        entry.value.first_chunk().map_or(0, |index| u64::from_le_bytes(*index))
    }
}

/// Each thread has a region, because the order within a region is its caller's to keep.
pub(crate) fn measure(load: &Load, threads: usize) -> Outcome<()> {
    let directory = load.directory.join("raft-engine");
    let engine = Engine::open(Config {
        dir: directory.to_string_lossy().into_owned(),
        // Files that are written over: its fastest way.
        prefill_for_recycle: true,
        prefill_limit: Some(ReadableSize::gb(1)),
        purge_threshold: ReadableSize::gb(1),
        ..Config::default()
    })?;
    for region in 1..=threads {
        Region::new(load, region as u64).append(&engine)?;
    }
    let meter = Meter::start()?;
    let done = Done::by_threads(threads, |number| {
        let mut region = Region::new(load, number);
        region.index = 1;
        Done::repeat(load.seconds, || region.append(&engine))
    })?;
    meter.stop("raft-engine", &format!("{threads} threads"), load, &done)?;
    drop(engine);
    Ok(fs::remove_dir_all(directory)?)
}

struct Region {
    number: u64,
    index: u64,
    payloads: Payloads,
    batch: LogBatch,
    entry: [BytesValue; 1],
}

impl Region {
    fn new(load: &Load, number: u64) -> Self {
        let payloads = Payloads::new(load.bytes.max(INDEX_BYTES), number);
        Self { number, index: 0, payloads, batch: LogBatch::default(), entry: [BytesValue::new()] }
    }

    fn append(&mut self, engine: &Engine) -> Outcome<()> {
        self.index += 1;
        let value = &mut self.entry[0].value;
        value.clear();
        value.extend_from_slice(self.payloads.next());
        value[..INDEX_BYTES].copy_from_slice(&self.index.to_le_bytes());
        self.batch.add_entries::<Indexed>(self.number, &self.entry)?;
        engine.write(&mut self.batch, true)?;
        Ok(())
    }
}
