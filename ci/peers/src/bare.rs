//! The least there is to do, with the kernel's calls alone.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use crate::meter::{Done, Meter, Payloads, random};
use crate::{Load, Outcome};

const MEBIBYTE: usize = 1024 * 1024;

/// What the loop overwrites, round and round.
const LOOP_BYTES: u64 = 64 * 1024 * 1024;

/// What the loop writes at once: the block of a file system.
const BLOCK_BYTES: usize = 4096;

/// What is synced at once to see what the disk takes.
const CHUNK_BYTES: usize = 8 * MEBIBYTE;

/// From here on it starts again, so as not to fill the disk.
const MOST_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Records that become durable one at a time, each with a write of one block and a sync of its data.
pub(crate) fn overwrite(load: &Load) -> Outcome<()> {
    let path = load.directory.join("bare-loop");
    let mut file = create(&path)?;
    for seed in 0..LOOP_BYTES / MEBIBYTE as u64 {
        file.write_all(&random(MEBIBYTE, seed))?;
    }
    file.sync_all()?;
    let (mut payloads, mut block) = (Payloads::new(load.bytes.min(BLOCK_BYTES), 1), random(BLOCK_BYTES, 2));
    let mut at = 0;
    let meter = Meter::start()?;
    let done = Done::repeat(load.seconds, || {
        let payload = payloads.next();
        block[..payload.len()].copy_from_slice(payload);
        file.write_all_at(&block, at)?;
        file.sync_data()?;
        at = (at + BLOCK_BYTES as u64) % LOOP_BYTES;
        Ok(())
    })?;
    meter.stop("bare-loop", "one at a time", load, &done)?;
    Ok(fs::remove_file(path)?)
}

/// Chunks that become durable one after the other. Counted are the records that would fit.
pub(crate) fn sequential(load: &Load) -> Outcome<()> {
    let path = load.directory.join("sequential");
    let file = create(&path)?;
    let chunk = random(CHUNK_BYTES, 1);
    let (mut at, mut written) = (0, 0);
    let meter = Meter::start()?;
    let mut done = Done::repeat(load.seconds, || {
        file.write_all_at(&chunk, at)?;
        file.sync_data()?;
        at = (at + CHUNK_BYTES as u64) % MOST_BYTES;
        written += CHUNK_BYTES;
        Ok(())
    })?;
    done.records = (written / load.bytes) as u64;
    meter.stop("sequential", "8 MiB at a time; latency is of those", load, &done)?;
    Ok(fs::remove_file(path)?)
}

/// Reads records with their lengths in front, as one would who trusts the file. Only whole passes count, the first, which
/// warms the cache, does not.
pub(crate) fn scan(load: &Load, records: u64) -> Outcome<()> {
    let path = load.directory.join("scan");
    let mut file = create(&path)?;
    let (mut payloads, mut gathered) = (Payloads::new(load.bytes, 1), Vec::new());
    for _ in 0..records {
        gathered.extend_from_slice(&u32::try_from(load.bytes)?.to_le_bytes());
        gathered.extend_from_slice(payloads.next());
        if gathered.len() >= MEBIBYTE {
            file.write_all(&gathered)?;
            gathered.clear();
        }
    }
    file.write_all(&gathered)?;
    file.sync_all()?;
    pass(&mut file)?;
    let meter = Meter::start()?;
    let (mut done, started) = (Done::nothing()?, Instant::now());
    while done.records == 0 || started.elapsed() < load.seconds {
        let (found, bytes) = pass(&mut file)?;
        if (found, bytes) != (records, records * load.bytes as u64) {
            return Err(format!("found {found} records of {bytes} bytes").into());
        }
        done.records += found;
    }
    meter.stop("scan", &format!("{records} records"), load, &done)?;
    Ok(fs::remove_file(path)?)
}

/// The records of the file, and their bytes.
fn pass(file: &mut File) -> Outcome<(u64, u64)> {
    file.rewind()?;
    let mut buffer = vec![0; MEBIBYTE];
    let (mut filled, mut records, mut bytes) = (0, 0, 0);
    loop {
        let more = file.read(&mut buffer[filled..])?;
        if more == 0 {
            return Ok((records, bytes));
        }
        filled += more;
        let mut rest = &buffer[..filled];
        while let Some((head, body)) = rest.split_first_chunk() {
            let length = u32::from_le_bytes(*head) as usize;
            let Some((_, after)) = body.split_at_checked(length) else {
                break;
            };
            records += 1;
            bytes += length as u64;
            rest = after;
        }
        let left = rest.len();
        buffer.copy_within(filled - left..filled, 0);
        filled = left;
    }
}

fn create(path: &Path) -> Outcome<File> {
    Ok(OpenOptions::new().read(true).write(true).create_new(true).open(path)?)
}
