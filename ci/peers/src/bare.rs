//! The least there is to do, with the kernel's calls alone.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;

use crate::meter::{Done, Meter, Payloads, random};
use crate::{Load, Outcome};

/// What is overwritten, round and round.
const FILE_BYTES: u64 = 64 * 1024 * 1024;

/// What is written at once: the block of a file system.
const BLOCK_BYTES: usize = 4096;

/// Records that become durable one at a time, each with a write of one block and a sync of its data.
pub(crate) fn overwrite(load: &Load) -> Outcome<()> {
    let path = load.directory.join("bare-loop");
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    for seed in 0..FILE_BYTES / (1024 * 1024) {
        file.write_all(&random(1024 * 1024, seed))?;
    }
    file.sync_all()?;
    let (mut payloads, mut block, mut at) =
        (Payloads::new(load.bytes.min(BLOCK_BYTES), 1), random(BLOCK_BYTES, 2), 0);
    let meter = Meter::start()?;
    let done = Done::repeat(load.seconds, || {
        let payload = payloads.next();
        block[..payload.len()].copy_from_slice(payload);
        file.write_all_at(&block, at)?;
        file.sync_data()?;
        at = (at + BLOCK_BYTES as u64) % FILE_BYTES;
        Ok(())
    })?;
    meter.stop("bare-loop", "one at a time", load, &done)?;
    Ok(fs::remove_file(path)?)
}
