//! Opening first: who dies on the way, loses power, or has a call fail (rules F3, F8); or who finds a segment's file
//! gone.

use super::*;
use crate::drivers::file::layout::Layout;
use crate::error::ErrorKind;

#[tokio::test(start_paused = true)]
async fn the_lock_of_a_first_opener_that_died_half_way() {
    for boundary in 0.. {
        let world = machine();
        let (one, two) = left_behind(&world).await;
        world.power_loss();
        let (seams, process) = world.process();
        world.kill_at(world.boundaries() + boundary);
        // The second one finds the first at work, and gets its lock when it dies.
        let (first, second) = tokio::join!(process.run(open_sim(&world, &seams)), Opener::try_new(&world));
        let died = first.is_err() || second.is_err();
        world.clear_plans();
        let next = match second {
            Ok(second) => second,
            // It was the one that died.
            Err(_) => Opener::new(&world).await,
        };
        recovered(&next.stores, one, 7, large).await;
        world.power_loss();
        let last = Opener::new(&world).await;
        recovered(&last.stores, one, 7, large).await;
        recovered(&last.stores, two, 5, entry).await;
        if !died {
            assert!(boundary > 10);
            return;
        }
    }
}

async fn power_lost_during_first_open(keep: Keep) {
    for boundary in 0.. {
        let world = World::new(boundary);
        world.keep(keep);
        let (one, two) = left_behind(&world).await;
        world.power_loss();
        let (seams, process) = world.process();
        world.crash_at(world.boundaries() + boundary);
        let opened = process.run(open_sim(&world, &seams)).await;
        let struck = !world.is_on();
        world.restart();
        world.clear_plans();
        drop(opened);
        let next = Opener::new(&world).await;
        recovered(&next.stores, one, 7, large).await;
        recovered(&next.stores, two, 5, entry).await;
        if !struck {
            assert!(boundary > 10);
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn power_lost_at_each_boundary_of_the_first_open() {
    power_lost_during_first_open(Keep::Nothing).await;
    power_lost_during_first_open(Keep::Some).await;
}

/// Each call of a kind fails once during the first open, which gives up and leaves all as it is.
async fn a_call_fails_during_first_open(op: sim::Op, errno: i32, power_lost_before: bool) {
    for call in 0.. {
        let world = machine();
        let (one, two) = left_behind(&world).await;
        if power_lost_before {
            world.power_loss();
        }
        world.fail(Fault::new(op, errno).after(call));
        let failed = match Opener::try_new(&world).await {
            Ok(opener) => {
                opener.stores.session.close().await.unwrap();
                false
            }
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::StorageFull), "{error}");
                true
            }
        };
        world.clear_faults();
        if failed && call % 2 == 0 {
            // The same kernel: what a failed sync lost is still to be seen, and to be written again.
            drop(Opener::new(&world).await);
        }
        world.power_loss();
        let last = Opener::new(&world).await;
        recovered(&last.stores, one, 7, large).await;
        recovered(&last.stores, two, 5, entry).await;
        if !failed && call > 20 {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sync_fails_during_first_open() {
    a_call_fails_during_first_open(sim::Op::Sync, libc::EIO, false).await;
    a_call_fails_during_first_open(sim::Op::Sync, libc::EIO, true).await;
}

#[tokio::test(start_paused = true)]
async fn descriptors_run_out_during_first_open() {
    a_call_fails_during_first_open(sim::Op::Open, libc::EMFILE, false).await;
    a_call_fails_during_first_open(sim::Op::Create, libc::EMFILE, true).await;
}

#[tokio::test(start_paused = true)]
async fn writes_fail_during_first_open() {
    a_call_fails_during_first_open(sim::Op::Write, libc::ENOSPC, false).await;
    a_call_fails_during_first_open(sim::Op::Write, libc::EIO, true).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_gone_or_cut_short_is_no_segment_without_entries() {
    for damage in ["gone", "cut short", "another's"] {
        let world = machine();
        let first = Opener::new(&world).await;
        let (writer, other) =
            (TestWriter::start(&first.stores).await, TestWriter::start(&first.stores).await);
        writer.append(0..3).await;
        // In progress, with nothing in a journal.
        first.stores.session.close().await.unwrap();
        let path = |id: SegmentId| Layout::new(directory(&world)).segment(id);
        let files = &*first.seams.files;
        let bytes = |id| {
            let mut bytes = vec![0; 8_192];
            let read = files.open(&path(id), OpenMode::Read).unwrap().read_at(&mut bytes, 0).unwrap();
            bytes.truncate(read);
            bytes
        };
        let (own, others) = (bytes(writer.id), bytes(other.id));
        files.remove(&path(writer.id)).unwrap();
        let place = |bytes: &[u8]| {
            let file = files.open(&path(writer.id), OpenMode::CreateNew).unwrap();
            file.write_at(&[bytes], 0).unwrap();
        };
        match damage {
            "gone" => {}
            "cut short" => place(&own[..100]),
            _ => place(&others),
        }

        let next = Opener::new(&world).await;
        let read = read_all(&next.stores, writer.id).await.unwrap_err();
        let recovered = next.stores.segments.recover(writer.id).await.unwrap_err();
        assert_eq!([read.kind(), recovered.kind()], [ErrorKind::Corrupt; 2], "{damage}: {read}");
        let nothing = next.stores.segments.recover(other.id).await.unwrap();
        assert_eq!(nothing.last_entry, None, "{damage}");
    }
}
