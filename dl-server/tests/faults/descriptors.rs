//! A process that runs out of file descriptors, and gets some again.

use std::fs::File;

use dl_core::ErrorKind;

use super::{Acked, append, is, is_body, log_name, open, read, run, same, writer};

const TEST: &str = "descriptors::out_of_descriptors_is_unavailable_and_passes";

#[test]
fn out_of_descriptors_is_unavailable_and_passes() {
    if is_body(TEST) {
        return run(step_down());
    }
    // In a process of its own: the limit is for all of it.
    let mut command = std::process::Command::new("env");
    super::body_of(TEST, &mut command);
    let ended = super::end(&mut command.spawn().unwrap()).expect("it ends");
    assert!(ended.success(), "{ended}");
}

/// Everything that users do, with fewer and fewer descriptors to spare, down to none.
async fn step_down() {
    limit(300);
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("ns");
    let namespace = open(&directory).await.unwrap();
    let log = namespace.log(&log_name("kept"));
    let mut kept = writer(&log).await.unwrap();
    let mut acked = Acked::new();
    append(&kept, b"first".to_vec(), &mut acked).await.unwrap();
    let (mut refused, mut granted) = (0, 0);
    for spare in (0..24).rev() {
        let taken = leave(spare);
        let mut told = |result: dl_core::Result<()>| match result {
            Ok(()) => granted += 1,
            Err(error) => {
                is(&error, &[ErrorKind::Unavailable]);
                // The error that ends a writer is for good.
                assert!(error.is_retryable() || error.operation() == Some("append"), "{error:?}");
                refused += 1;
            }
        };
        // One of the two begins a new segment, which is a new file.
        for _ in 0..2 {
            told(append(&kept, vec![b'x'; 600_000], &mut acked).await);
        }
        let fresh = namespace.log(&log_name(&format!("fresh/{spare}")));
        told(async { writer(&fresh).await?.close().await }.await);
        told(read(&log).await.map(drop));
        told(async { open(&directory).await?.close().await }.await);
        drop(taken);
        // Once there are some again, all is as before; a writer that an error ended, also of completing a segment behind
        // what was acknowledged, is opened again.
        if append(&kept, b"again".to_vec(), &mut acked).await.is_err() {
            kept = writer(&log).await.unwrap();
        }
        append(&kept, b"for sure".to_vec(), &mut acked).await.unwrap();
        check(&read(&log).await.unwrap(), &acked);
        writer(&fresh).await.unwrap().close().await.unwrap();
    }
    assert!(refused > 4 && granted > 4, "{refused} refused, {granted} granted");
    kept.close().await.unwrap();
    namespace.close().await.unwrap();
    let namespace = open(&directory).await.unwrap();
    check(&read(&namespace.log(&log_name("kept"))).await.unwrap(), &acked);
    namespace.close().await.unwrap();
    println!(
        "descriptors: {refused} calls refused, {granted} granted, {} acknowledged, none lost",
        acked.len()
    );
}

/// All that was acknowledged is there; what ended with an error may be.
fn check(records: &[dl_core::Record], acked: &Acked) {
    let known: Vec<_> =
        records.iter().filter(|record| acked.iter().any(|(dlsn, _)| *dlsn == record.dlsn)).cloned().collect();
    same(&known, acked);
    let unknown = records.iter().filter(|record| acked.iter().all(|(dlsn, _)| *dlsn != record.dlsn));
    unknown.for_each(|record| assert_eq!(record.payload.len(), 600_000, "{}", record.dlsn));
}

/// Takes every descriptor that the process may have, but these.
fn leave(spare: usize) -> Vec<File> {
    let mut taken: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    taken.truncate(taken.len().saturating_sub(spare));
    taken
}

/// Sets how many descriptors the process may have.
#[allow(unsafe_code, reason = "std sets no limits")]
fn limit(descriptors: u64) {
    let limit = libc::rlimit { rlim_cur: descriptors, rlim_max: descriptors };
    // SAFETY: the structure lives through the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
}
