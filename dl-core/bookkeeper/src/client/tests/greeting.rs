//! Bookies that let nobody in, and what is left behind by those whom they refuse.

use super::*;
use crate::ledger::WriterOptions;
use crate::ledger::testing::bookies;

#[tokio::test]
async fn one_bookie_that_answers_is_enough_and_silence_says_nothing() {
    let world = World::new(3).await;
    let all = bookies(0..3);
    world.client.greet().await.unwrap();
    world.refuse(&all[..2]);
    world.client.greet().await.unwrap();
    world.kill(&all[2]);
    let refused = world.client.greet().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Security);
    assert!(all[..2].contains(refused.bookie().unwrap()));

    let world = World::new(2).await;
    bookies(0..2).iter().for_each(|bookie| world.kill(bookie));
    world.client.greet().await.unwrap();
    World::new(0).await.client.greet().await.unwrap();
}

/// Twelve bookies, in the order in which they are asked.
async fn twelve() -> (World, Vec<BookieId>) {
    let world = World::new(12).await;
    let registered = world.client.bookies().await.unwrap();
    (world, registered.into_iter().map(|bookie| bookie.id).collect())
}

/// What is answered within two seconds.
async fn soon<T>(world: &World, call: impl Future<Output = T>) -> Option<T> {
    let cluster = &world.client.0;
    let time_is_up = cluster.until(Some(cluster.now_ms() + 2_000));
    tokio::select! { biased; answer = call => Some(answer), () = time_is_up => None }
}

#[tokio::test(start_paused = true)]
async fn who_is_silent_keeps_nobody_from_being_asked() {
    let (world, all) = twelve().await;
    world.freeze(&all[..11]);
    soon(&world, world.client.greet()).await.expect("others are asked soon").unwrap();

    // Those who are silent may let us in: as long as they may, a refusal is not the answer.
    let (world, all) = twelve().await;
    world.freeze(&all[..5]);
    world.refuse(&all[5..]);
    let greeting = world.client.greet();
    tokio::pin!(greeting);
    assert!(soon(&world, &mut greeting).await.is_none());
    assert_eq!(world.lose_patience(), 5);
    assert_eq!(greeting.await.unwrap_err().kind(), ErrorKind::Security);

    let (world, all) = twelve().await;
    world.freeze(&all[..5]);
    world.demand_names(&all[5..]);
    let greeting = world.client.greet();
    tokio::pin!(greeting);
    assert!(soon(&world, &mut greeting).await.is_none());
    world.thaw();
    greeting.await.unwrap();
}

#[tokio::test]
async fn a_writer_that_too_few_bookies_take_says_what_the_last_one_said() {
    let writer = WriterOptions { quorum_timeout_ms: 1, ..WriterOptions::default() };
    let world = World::with(3, ClientOptions { writer, ..ClientOptions::default() }).await;
    let writer = world.client.create(three()).await.unwrap();
    world.refuse(&bookies(0..2));
    let failed = writer.append(payload(0)).await.unwrap().await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::NotEnoughBookies);
    assert!(failed.message().ends_with("the last one said: no TLS with it"), "{failed}");
}

#[tokio::test]
async fn who_shows_no_name_where_one_is_wanted_is_told_so() {
    // More than are asked first.
    let world = World::new(12).await;
    world.demand_names(&bookies(0..12));
    let refused = world.client.greet().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unauthorized);
    assert!(refused.message().contains("a name and a password"), "{refused}");
    let world = World::new(12).await;
    world.demand_names(&bookies(0..11));
    world.client.greet().await.unwrap();
}
