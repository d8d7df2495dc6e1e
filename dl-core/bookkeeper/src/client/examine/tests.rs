//! What is found in ledgers on bookies that lost something.

use super::*;
use crate::client::tests::{World, append, id, three};

/// The copies of the only fragment of a ledger with so many entries.
async fn copies(world: &World, ledger: LedgerId, entries: u64) -> Copies {
    let metadata = world.client.metadata(ledger).await.unwrap().metadata;
    let fragment = Fragment::all(&metadata, Some(id(entries - 1))).remove(0);
    let registered = world.client.bookies().await.unwrap().into_iter().map(|bookie| bookie.id).collect();
    world.client.copies(ledger, &metadata, &fragment, &registered, true).await
}

fn runs(copies: &Copies) -> Vec<(i64, i64, EntryState)> {
    copies.runs.iter().map(|run| (run.first.number(), run.last.number(), run.state)).collect()
}

#[tokio::test]
async fn an_entry_is_whole_where_one_copy_is_and_lost_where_none_is() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    append(&writer, 0..100).await;
    let bookies = world.client.metadata(writer.id()).await.unwrap().metadata.last_ensemble().1.to_vec();
    let whole = copies(&world, writer.id(), 100).await;
    assert_eq!((whole.problems.len(), runs(&whole)), (0, vec![(0, 99, EntryState::Whole)]));
    let payloads: usize = (0..100).map(|number| crate::client::tests::payload(number).len()).sum();
    assert_eq!(whole.bytes, 3 * payloads as u64);

    world.damage(&bookies[0], 40);
    world.damage(&bookies[0], 60);
    let found = copies(&world, writer.id(), 100).await;
    let problem = |place: usize, fault| CopyProblem { bookie: bookies[place].clone(), fault };
    assert_eq!(found.problems, [problem(0, CopyFault::Damaged(id(40)))]);
    assert_eq!(runs(&found), [(0, 99, EntryState::Whole)]);

    world.forget(&bookies[1], 60);
    world.forget(&bookies[2], 60);
    world.forget(&bookies[2], 61);
    let found = copies(&world, writer.id(), 100).await;
    let lost = [problem(0, CopyFault::Damaged(id(40))), problem(1, CopyFault::Missing(id(60)))];
    assert_eq!(found.problems[..2], lost);
    let expected = [(0, 59, EntryState::Whole), (60, 60, EntryState::Lost), (61, 99, EntryState::Whole)];
    assert_eq!(runs(&found), expected);

    // The one that is down might have it.
    world.kill(&bookies[1]);
    let found = copies(&world, writer.id(), 100).await;
    assert!(matches!(found.problems[1].fault, CopyFault::Silent(_)), "{:?}", found.problems);
    assert_eq!(runs(&found)[1], (60, 60, EntryState::Unknown));
    world.metadata.unregister(&bookies[1]);
    assert_eq!(copies(&world, writer.id(), 100).await.problems[1].fault, CopyFault::NotRegistered);
}

#[tokio::test]
async fn striped_entries_are_looked_for_where_they_lie() {
    let world = World::new(3).await;
    let mut options = three();
    options.quorum = crate::types::Quorum::new(3, 2, 2).unwrap();
    let writer = world.client.create(options).await.unwrap();
    append(&writer, 0..9).await;
    let found = copies(&world, writer.id(), 9).await;
    assert_eq!((found.problems.len(), runs(&found)), (0, vec![(0, 8, EntryState::Whole)]));
    let metadata = world.client.metadata(writer.id()).await.unwrap().metadata;
    let places: Vec<usize> = metadata.quorum.write_set(id(4)).collect();
    places.iter().for_each(|place| world.forget(&metadata.last_ensemble().1[*place], 4));
    assert_eq!(runs(&copies(&world, writer.id(), 9).await)[1], (4, 4, EntryState::Lost));
}

#[tokio::test]
async fn a_recovery_is_foreseen_and_nobody_is_fenced() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    append(&writer, 0..3).await;
    let bookies = world.client.metadata(writer.id()).await.unwrap().metadata.last_ensemble().1.to_vec();
    let outlook = world.client.outlook(writer.id()).await.unwrap();
    let ends = (outlook.closed, outlook.confirmed, outlook.kept, outlook.told);
    assert_eq!(ends, (false, Some(id(1)), Some(id(2)), Some(id(2))));
    assert!(outlook.obstacles.is_empty(), "{outlook:?}");

    // With two of three silent nobody knows whether there is an entry 3.
    world.kill(&bookies[0]);
    world.kill(&bookies[1]);
    let outlook = world.client.outlook(writer.id()).await.unwrap();
    let entries: Vec<_> =
        outlook.obstacles.iter().map(|obstacle| (obstacle.entry, obstacle.passes)).collect();
    assert_eq!(entries, [(None, true), (Some(id(3)), true)]);
    let said = outlook.obstacles[1].to_string();
    assert!(said.starts_with("whether entry 3 was acknowledged cannot be known: bk"), "{said}");
    world.revive(&bookies[0]);
    world.revive(&bookies[1]);
    append(&writer, 3..4).await;

    // An entry that may have been acknowledged, and that nobody has as it was written.
    bookies.iter().for_each(|bookie| world.damage(bookie, 3));
    let outlook = world.client.outlook(writer.id()).await.unwrap();
    assert_eq!((outlook.obstacles[0].entry, outlook.obstacles[0].passes), (Some(id(3)), false));
    writer.close().await.unwrap();
    assert!(world.client.outlook(writer.id()).await.unwrap().closed);
}
