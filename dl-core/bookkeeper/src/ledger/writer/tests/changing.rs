//! Bookies that fail, and changes of the ensemble.

use super::*;

#[test]
fn nothing_is_acknowledged_by_a_new_ensemble_before_the_metadata_names_it() {
    let mut driven = Driven::new(1, plain());
    driven.append();
    driven.stored(0, 0);
    driven.refused(0, 2, Status::Io);
    let (wanted, expected) = driven.wanted();
    assert_eq!((ensemble(&wanted), expected), ((0, bookies_of([0, 1, 3])), Version(0)));
    assert!(!driven.has_sent(0, 3), "it is not a member yet");
    driven.stored(0, 1);
    assert_eq!(driven.acknowledged, 0, "the ensemble is being changed");
    driven.written();
    assert!(driven.has_sent(0, 3));
    assert_eq!(driven.acknowledged, 1);
}

fn bookies_of<const N: usize>(numbers: [usize; N]) -> Vec<BookieId> {
    numbers.into_iter().flat_map(|number| bookies(number..number + 1)).collect()
}

#[test]
fn the_answer_of_a_replaced_bookie_is_unset() {
    let mut driven = Driven::new(1, plain());
    driven.append();
    driven.append();
    driven.stored(0, 2);
    driven.refused(1, 2, Status::Io);
    driven.written();
    driven.stored(0, 0);
    assert_eq!(driven.acknowledged, 0, "what the replaced bookie has counts no more");
    driven.stored(0, 3);
    assert_eq!(driven.acknowledged, 1);
}

/// apache/bookkeeper#4261, #1857: entries that need nothing but the end of the change.
#[test]
fn every_entry_gets_its_chance_when_a_change_ends() {
    let mut driven = Driven::with(Quorum::new(4, 2, 2).unwrap(), 1, plain());
    driven.append(); // on 0, 1
    driven.append(); // on 1, 2
    driven.refused(1, 2, Status::Io);
    driven.stored(0, 0);
    driven.stored(0, 1);
    assert_eq!(driven.acknowledged, 0);
    driven.written();
    assert_eq!(driven.acknowledged, 1, "entry 0 was not touched by the change and waits for nothing else");
}

/// apache/bookkeeper#4459: the metadata already has, or still has, the ensemble that the writer has.
#[test]
fn a_change_that_changes_nothing_does_not_hang_the_writer() {
    let mut driven = Driven::new(1, plain());
    driven.append();
    driven.refused(0, 0, Status::Io);
    let (wanted, _) = driven.wanted();
    driven.metadata(MetadataAnswer::Conflict);
    assert!(matches!(driven.calls.last(), Some(MetadataCall::Read)));
    driven.metadata(MetadataAnswer::Found(Versioned { metadata: wanted, version: Version(1) }));
    assert!(driven.has_sent(0, 3), "its own write had succeeded");
    driven.stored(0, 1);
    driven.stored(0, 2);
    assert_eq!(driven.acknowledged, 1);

    let mut driven = Driven::new(1, plain());
    let same = driven.writer.metadata().metadata.clone();
    driven.append();
    driven.stored(0, 1);
    driven.refused(0, 0, Status::Io);
    driven.metadata(MetadataAnswer::Conflict);
    driven.stored(0, 2);
    driven.metadata(MetadataAnswer::Found(Versioned { metadata: same, version: Version(5) }));
    assert_eq!(driven.acknowledged, 1, "the ensemble is the old one, which has it");
    assert_eq!(driven.wanted().1, Version(5), "and the change is tried again");
}

#[test]
fn failures_during_a_change_are_not_lost() {
    let mut driven = Driven::new(2, plain());
    driven.append();
    driven.refused(0, 0, Status::Io);
    driven.refused(0, 1, Status::Io);
    driven.written();
    let (wanted, expected) = driven.wanted();
    let (_, members) = ensemble(&wanted);
    assert_eq!(expected, Version(1));
    assert!(members[..2].iter().all(|member| !bookies_of([0, 1]).contains(member)), "{members:?}");
    assert_eq!(ensemble(&wanted).0, 0, "the ensemble that no entry was acknowledged in is written over");
}

#[test]
fn a_failure_after_the_acknowledgement_is_seen_to_before_the_next_entry() {
    let mut driven = Driven::new(1, plain());
    driven.append();
    driven.stored(0, 0);
    driven.stored(0, 1);
    driven.refused(0, 2, Status::Io);
    assert!(driven.calls.is_empty(), "the ledger may get no further entry");
    driven.append();
    assert_eq!(ensemble(&driven.wanted().0), (1, bookies_of([0, 1, 3])));
}

#[test]
fn a_delayed_change_waits_until_an_entry_needs_it() {
    let mut driven = Driven::new(2, WriterOptions { delay_ensemble_change: true, ..plain() });
    driven.append();
    driven.refused(0, 0, Status::Io);
    assert!(driven.calls.is_empty());
    driven.refused(0, 1, Status::Io);
    let (_, members) = ensemble(&driven.wanted().0);
    assert_eq!(members[2], bookies(2..3)[0]);
    assert!(!members.contains(&bookies(0..1)[0]) && !members.contains(&bookies(1..2)[0]), "both places");
}

#[test]
fn a_read_only_bookie_is_replaced_even_if_changes_are_delayed() {
    let mut driven = Driven::new(1, WriterOptions { delay_ensemble_change: true, ..plain() });
    driven.append();
    driven.refused(0, 1, Status::ReadOnly);
    assert_eq!(ensemble(&driven.wanted().0).1, bookies_of([0, 3, 2]));
}

#[test]
fn without_another_bookie_an_ack_quorum_is_enough() {
    let mut driven = Driven::new(0, plain());
    driven.append();
    driven.refused(0, 0, Status::Io);
    driven.stored(0, 1);
    driven.stored(0, 2);
    assert_eq!(driven.acknowledged, 1);
    driven.append();
    assert!(driven.calls.is_empty() && driven.has_sent(1, 0), "it may be back");
}

#[test]
fn an_entry_that_too_few_take_is_sent_again_until_its_time_is_over() {
    let mut driven = Driven::new(0, plain());
    driven.append();
    driven.refused(0, 0, Status::Io);
    driven.refused(0, 1, Status::Io);
    assert_eq!(driven.writer.next_tick_ms(), Some(200));
    driven.tick(200);
    assert!(driven.has_sent(0, 0) && driven.has_sent(0, 1));
    driven.stored(0, 0);
    driven.refused(0, 1, Status::Io);
    driven.refused(0, 2, Status::Io);
    driven.tick(29_999);
    assert_eq!(driven.failed, None);
    driven.tick(30_000);
    assert_eq!(driven.failed, Some(ErrorKind::NotEnoughBookies));
}
