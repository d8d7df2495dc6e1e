//! okaywal: one log, a commit for each record.

use std::fs;

use okaywal::{Configuration, LogVoid};

use crate::meter::{Done, Meter, Payloads};
use crate::{Load, Outcome};

/// Large enough that it seldom changes files, which its defaults (1 MiB) do several times a second.
const FILE_BYTES: u32 = 64 * 1024 * 1024;

pub(crate) fn measure(load: &Load, threads: usize) -> Outcome<()> {
    let directory = load.directory.join("okaywal");
    let log = Configuration::default_for(&directory)
        .preallocate_bytes(FILE_BYTES)
        .checkpoint_after_bytes(u64::from(FILE_BYTES) / 4 * 3)
        .open(LogVoid)?;
    let append = |payload: &[u8]| {
        let mut entry = log.begin_entry()?;
        entry.write_chunk(payload)?;
        entry.commit()?;
        Outcome::Ok(())
    };
    append(Payloads::new(load.bytes, 0).next())?;
    let meter = Meter::start()?;
    let done = Done::by_threads(threads, |number| {
        let mut payloads = Payloads::new(load.bytes, number);
        Done::repeat(load.seconds, || append(payloads.next()))
    })?;
    meter.stop("okaywal", &format!("{threads} threads"), load, &done)?;
    log.shutdown()?;
    Ok(fs::remove_dir_all(directory)?)
}
