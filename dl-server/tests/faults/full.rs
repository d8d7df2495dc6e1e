//! A small disk that gets full again and again, with one writer from beginning to end.

use std::time::Instant;

use dl_core::ErrorKind;

use super::mounts::{in_own_mounts, mount_memory};
use super::{Acked, append, count, is, log_name, open, read, run, same, writer};

const DISK_BYTES: usize = 24 << 20;
/// A disk on which only so few records fit has lost its space somewhere.
const LEAST_RECORDS: usize = 20;

#[test]
fn soak_full_a_writer_goes_on_once_there_is_room() {
    in_own_mounts("full::soak_full_a_writer_goes_on_once_there_is_room", || run(fill_and_truncate()));
}

async fn fill_and_truncate() {
    let cycles = count("DL_FULL_DISKS", 10);
    let folder = tempfile::tempdir().unwrap();
    mount_memory(folder.path(), DISK_BYTES);
    let directory = folder.path().join("ns");
    let namespace = open(&directory).await.unwrap();
    let log = namespace.log(&log_name("full"));
    let writer = writer(&log).await.unwrap();
    let (mut acked, mut total, mut refused) = (Acked::new(), 0, 0);
    let begin = Instant::now();
    for cycle in 0..cycles {
        let before = acked.len();
        loop {
            let size = 1 + (acked.len() * 7_919 + cycle * 104_729) % 200_000;
            let payload = format!("{cycle} {};", total + acked.len()).into_bytes();
            let payload = payload.iter().copied().cycle().take(size.max(payload.len())).collect();
            match append(&writer, payload, &mut acked).await {
                Ok(()) => {}
                Err(error) => {
                    is(&error, &[ErrorKind::StorageFull]);
                    assert!(!error.may_have_taken_effect(), "{error:?}");
                    break;
                }
            }
        }
        refused += 1;
        assert!(acked.len() - before >= LEAST_RECORDS, "cycle {cycle}: {} fit", acked.len() - before);
        same(&read(&log).await.unwrap(), &acked);
        // All but the last few, which are to be there in the next cycle.
        let keep = acked.len() - 1 - cycle % 3;
        let point = writer.truncate(acked[keep].0).await.unwrap();
        let kept = acked.iter().position(|(dlsn, _)| *dlsn >= point).unwrap();
        assert!(kept <= keep, "truncated more than asked for");
        total += kept;
        acked.drain(..kept);
        if cycle % 100 == 99 {
            println!("{} of {cycles} full disks, {:.0} s", cycle + 1, begin.elapsed().as_secs_f64());
        }
    }
    same(&read(&log).await.unwrap(), &acked);
    writer.close().await.unwrap();
    namespace.close().await.unwrap();
    let namespace = open(&directory).await.unwrap();
    same(&read(&namespace.log(&log_name("full"))).await.unwrap(), &acked);
    namespace.close().await.unwrap();
    println!(
        "full: {cycles} full disks, {refused} refused with storage-full, {} acknowledged, none lost, one writer",
        total + acked.len()
    );
}
