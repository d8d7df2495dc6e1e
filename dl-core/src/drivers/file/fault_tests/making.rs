//! Making a namespace: who dies or loses power on the way, and what is no new directory.

use super::*;
use crate::error::ErrorKind;

/// At each boundary the first of two who make the namespace is killed. The other one, or one who comes later, has it,
/// and keeps it when power fails.
#[tokio::test(start_paused = true)]
async fn two_make_the_namespace_and_one_dies() {
    for boundary in 0.. {
        let world = machine();
        world.kill_at(boundary);
        let (one, two) = tokio::join!(
            async {
                let (seams, process) = world.process();
                (process.run(open_sim(&world, &seams)).await, process)
            },
            async {
                let (seams, process) = world.process();
                (process.run(open_sim(&world, &seams)).await, process)
            },
        );
        let died = !one.1.is_alive() || !two.1.is_alive();
        world.clear_plans();
        for (stores, process) in [one, two] {
            let Ok(stores) = stores else { continue };
            let stores = stores.unwrap();
            let writer = TestWriter::start(&stores).await;
            writer.append(0..3).await;
            assert!(process.is_alive());
            // The world goes on by itself: a loss of power would end the other one too.
            drop(writer);
        }
        let next = Opener::new(&world).await;
        let writer = TestWriter::start(&next.stores).await;
        writer.append(0..3).await;
        after_power_loss(&world, writer.id, 3).await;
        if !died {
            assert!(boundary > 10);
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn power_lost_while_the_namespace_is_made() {
    for boundary in 0.. {
        let world = World::new(boundary);
        world.crash_at(boundary);
        let (seams, process) = world.process();
        let opened = process.run(open_sim(&world, &seams)).await;
        let struck = !world.is_on();
        world.restart();
        world.clear_plans();
        drop(opened);
        let next = Opener::new(&world).await;
        let writer = TestWriter::start(&next.stores).await;
        writer.append(0..3).await;
        after_power_loss(&world, writer.id, 3).await;
        if !struck {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_format_file_is_not_taken_for_a_new_directory() {
    let world = machine();
    left_behind(&world).await;
    let (seams, process) = world.process();
    seams.files.remove(&directory(&world).join("format")).unwrap();
    let before = world.files();
    process.kill();
    let error = Opener::try_new(&world).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(before.iter().filter(|path| path.ends_with("log")).all(|path| world.files().contains(path)));
}
