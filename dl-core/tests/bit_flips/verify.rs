//! What `Namespace::verify` says of flipped bits, and of directories in use.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dl_core::{Dlsn, Namespace, Options, Severity, Verification, WriterOptions, file_uri};

use crate::image::{Image, Place, copy, folder, image, places};
use crate::{Ending, LOGS, creating, log_name, open, write};

const JOURNAL_BLOCK_BYTES: usize = 4_096;

async fn verify(path: &Path) -> Verification {
    Namespace::verify(&file_uri(path).unwrap(), Options::default(), None).await.unwrap()
}

/// Bytes of a namespace which nothing depends on, and which may be anything.
fn is_harmless(image: &Image, ending: Ending, place: &Place) -> bool {
    let file = place.file.to_str().unwrap();
    let bytes = &image[&place.file];
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    match file.split('/').next().unwrap() {
        // Never evidence of anything: the first opener makes a new one.
        "control" => true,
        // The process is gone, and the file says only what it was.
        "sessions" => true,
        // Behind its last batch lie leftovers. One that was emptied has none.
        "journals" if matches!(ending, Ending::Killed) => place.at >= used,
        "journals" => place.at >= JOURNAL_BLOCK_BYTES,
        // Behind its end nothing is ever read.
        "segments" => place.at >= used,
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_flips_are_found_by_verify_after_a_close() {
    find_flips(Ending::Closed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_flips_are_found_by_verify_after_an_abort() {
    find_flips(Ending::Aborted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_flips_are_found_by_verify_after_a_kill() {
    find_flips(Ending::Killed).await;
}

async fn find_flips(ending: Ending) {
    let left = write(ending).await;
    let mut missed = Vec::new();
    let (mut damage, mut notices) = (0, 0);
    for place in places(&left.image, 300).iter().filter(|place| !is_harmless(&left.image, ending, place)) {
        let root = folder();
        copy(&left.image, Some(place), root.path());
        let found = verify(root.path()).await.findings;
        let about = |finding: &dl_core::Finding| {
            finding.file.as_ref().is_some_and(|file| file.ends_with(&place.file))
        };
        match found.iter().filter(|finding| about(finding)).map(|finding| finding.severity).max() {
            Some(Severity::Damage) => damage += 1,
            Some(_) => notices += 1,
            None => missed.push(format!("{place:?}: {found:?}")),
        }
    }
    println!("{ending:?}: {damage} found as damage, {notices} as notices, {} not at all", missed.len());
    assert!(missed.is_empty() && damage > 0, "{} missed: {missed:#?}", missed.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_checksum_covers_behind_a_batch_of_a_journal_is_a_notice() {
    let left = write(Ending::Killed).await;
    let (file, bytes) = left.image.iter().find(|(file, _)| file.starts_with("journals")).unwrap();
    // Its first two batches take a block each.
    let at = bytes[..2 * JOURNAL_BLOCK_BYTES].iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for at in [at, 2 * JOURNAL_BLOCK_BYTES - 1] {
        let root = folder();
        copy(&left.image, Some(&Place { file: file.clone(), at, mask: 1 }), root.path());
        let found = verify(root.path()).await.findings;
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].severity, Severity::Notice);
        assert_eq!(found[0].message, "the journal has bytes where nothing is written");
        assert_eq!(found[0].offset, Some(JOURNAL_BLOCK_BYTES as u64));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_batch_of_a_journal_is_a_notice_when_its_head_is_damaged() {
    let left = write(Ending::Killed).await;
    let (file, bytes) = left.image.iter().find(|(file, _)| file.starts_with("journals")).unwrap();
    let mut blocks = bytes.chunks(JOURNAL_BLOCK_BYTES);
    let last = blocks.rposition(|block| block.starts_with(b"DLB1")).unwrap() * JOURNAL_BLOCK_BYTES;
    // What it is, its checksum, and to which journal and generation it belongs.
    for at in [0, 4, 8, 16] {
        let root = folder();
        copy(&left.image, Some(&Place { file: file.clone(), at: last + at, mask: 1 }), root.path());
        let found = verify(root.path()).await.findings;
        let [finding] = &found[..] else { panic!("{at}: {found:#?}") };
        assert_eq!((finding.severity, finding.offset), (Severity::Notice, Some(last as u64)), "{at}");
        assert!(finding.message.contains("count as far as the segment files hold them"), "{finding:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_in_the_place_of_a_folder_and_the_reverse_are_found() {
    let left = write(Ending::Closed).await;
    let folders = ["metadata", "journals", "sessions", "segments"].map(std::path::PathBuf::from);
    let below =
        left.image.keys().filter_map(|file| file.parent()).filter(|folder| folder.starts_with("segments"));
    let folders: std::collections::BTreeSet<_> =
        folders.into_iter().chain(below.map(Path::to_owned)).collect();
    for misplaced in left.image.keys().chain(&folders) {
        let root = folder();
        copy(&left.image, None, root.path());
        let path = root.path().join(misplaced);
        if path.is_dir() {
            std::fs::remove_dir_all(&path).unwrap();
            std::fs::write(&path, "not a folder").unwrap();
        } else {
            std::fs::remove_file(&path).unwrap();
            std::fs::create_dir(&path).unwrap();
        }
        let found = verify(root.path()).await.findings;
        let path = path.canonicalize().unwrap();
        let damage = found.iter().filter(|finding| finding.severity == Severity::Damage);
        assert!(
            damage.clone().any(|finding| finding.file.as_ref() == Some(&path)),
            "{misplaced:?}: {found:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_finds_nothing_in_what_is_whole_and_changes_nothing() {
    for ending in [Ending::Closed, Ending::Aborted, Ending::Killed] {
        let left = write(ending).await;
        let root = folder();
        copy(&left.image, None, root.path());
        let before = image(root.path());
        let verified = verify(root.path()).await;
        assert_eq!(verified.findings, [], "{ending:?}");
        assert!(!verified.in_use && verified.files > 4 && verified.bytes > 4 << 20, "{verified:?}");
        assert!(image(root.path()) == before, "{ending:?}: something was changed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_in_a_segment_is_said_with_what_is_kept_and_what_is_safe() {
    let left = write(Ending::Closed).await;
    let segment = left.image.keys().find(|file| file.starts_with("segments")).unwrap().clone();
    let at = left.image[&segment].windows(8).position(|bytes| bytes == b"record 2").unwrap();
    let place = Place { file: segment.clone(), at, mask: 1 };
    let root = folder();
    copy(&left.image, Some(&place), root.path());
    let verified = verify(root.path()).await;
    assert_eq!(verified.findings.len(), 1, "{verified:#?}");
    let finding = &verified.findings[0];
    assert_eq!(finding.severity, Severity::Damage);
    assert_eq!(finding.message, "entry 1 is not what was written");
    assert_eq!((finding.log.as_ref().unwrap().as_str(), finding.segment), ("a", Some(1)));
    assert_eq!(finding.whole_entries, [(0, 0), (2, 2)]);
    assert_eq!(finding.safe, ["dl read a", "dl read a --from 1:2:0"]);
    assert!(finding.file.as_ref().unwrap().ends_with(&segment) && finding.offset.unwrap() <= at as u64);

    let name = log_name(LOGS[1]);
    let uri = file_uri(root.path()).unwrap();
    let other = Namespace::verify(&uri, Options::default(), Some(&name)).await.unwrap();
    assert_eq!(other.findings, [], "the other log is whole");
    let none = Namespace::verify(&uri, Options::default(), Some(&log_name("none"))).await.unwrap_err();
    assert_eq!(none.kind(), dl_core::ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_gone_is_damage_and_a_strange_one_is_not() {
    let left = write(Ending::Closed).await;
    for (gone, message) in [
        ("format", "the directory has lost its format file"),
        ("metadata", "the directory has lost its metadata"),
        ("segments", "the file is gone, with entries that were acknowledged"),
    ] {
        let mut image = left.image.clone();
        let file =
            image.keys().find(|file| file.starts_with(gone) && !file.ends_with("lock")).unwrap().clone();
        image.remove(&file);
        image.insert("segments/notes.txt".into(), b"mine".to_vec());
        let root = folder();
        copy(&image, None, root.path());
        let found = verify(root.path()).await.findings;
        let said = |severity, message: &str| {
            found.iter().any(|finding| finding.severity == severity && finding.message.contains(message))
        };
        assert!(said(Severity::Damage, message), "{gone}: {found:#?}");
        assert!(said(Severity::Notice, "is not one of a namespace"), "{gone}: {found:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_in_progress_whose_file_is_gone_is_no_empty_one() {
    for (ending, severity) in [(Ending::Aborted, Severity::Damage), (Ending::Killed, Severity::Notice)] {
        let left = write(ending).await;
        let mut image = left.image.clone();
        // The last one that was started.
        let file = image.keys().rfind(|file| file.starts_with("segments")).unwrap().clone();
        image.remove(&file);
        let root = folder();
        copy(&image, None, root.path());
        let found = verify(root.path()).await.findings;
        let about = |finding: &&dl_core::Finding| {
            finding.severity == severity && finding.file.as_ref().is_some_and(|path| path.ends_with(&file))
        };
        assert!(found.iter().any(|finding| about(&finding)), "{ending:?}: {found:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_finds_nothing_beside_writers() {
    let root = folder();
    let namespace = open(root.path(), true).await.unwrap();
    let writing = Arc::new(AtomicBool::new(true));
    let tasks: Vec<_> = LOGS
        .map(|name| {
            let (namespace, writing) = (namespace.clone(), writing.clone());
            tokio::spawn(async move {
                let options: WriterOptions = creating().roll_bytes(64 << 10);
                let writer = namespace.log(&log_name(name)).open_writer(options).await.unwrap();
                let mut written = 0;
                while writing.load(Ordering::Relaxed) || written < 2_000 {
                    let tickets = [vec![b'x'; 3_000], vec![b'y'; 10]].map(|payload| writer.append(payload));
                    let mut last = Dlsn::FIRST;
                    for ticket in tickets {
                        last = ticket.await.unwrap().await.unwrap().dlsn;
                    }
                    written += 1;
                    if written % 100 == 0 {
                        writer.truncate(last).await.unwrap();
                    }
                }
                writer.close().await.unwrap();
            })
        })
        .into();
    for _ in 0..20 {
        let verified = verify(root.path()).await;
        assert_eq!(verified.findings, []);
        assert!(verified.in_use);
    }
    writing.store(false, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    namespace.close().await.unwrap();
    assert_eq!(verify(root.path()).await.findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_of_a_segment_that_is_being_started_is_told_only_once_nobody_can_be_starting_it() {
    let root = folder();
    let namespace = open(root.path(), true).await.unwrap();
    let writer = namespace.log(&log_name(LOGS[0])).open_writer(creating()).await.unwrap();
    writer.append("one").await.unwrap().await.unwrap();
    // As a start leaves it that has made its file, and whose commit is still on its way.
    let started = root.path().join("segments/02/0000000000000002");
    std::fs::create_dir_all(started.parent().unwrap()).unwrap();
    std::fs::write(&started, [0; 4_096]).unwrap();
    assert_eq!(verify(root.path()).await.findings, []);
    writer.close().await.unwrap();
    namespace.close().await.unwrap();
    let found = verify(root.path()).await.findings;
    let [finding] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(finding.severity, Severity::Notice);
    assert_eq!(finding.file.as_deref(), Some(started.canonicalize().unwrap().as_path()));
}
