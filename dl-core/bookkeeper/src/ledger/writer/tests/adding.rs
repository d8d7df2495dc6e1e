//! From an entry to its acknowledgement, and the last confirmed one.

use super::*;

#[test]
fn entries_are_acknowledged_in_order_and_carry_the_lac() {
    let mut driven = Driven::new(0, plain());
    driven.append();
    driven.append();
    driven.stored(1, 0);
    driven.stored(1, 1);
    assert_eq!(driven.acknowledged, 0, "entry 0 is not there yet");
    driven.stored(0, 2);
    driven.stored(0, 1);
    assert_eq!(driven.acknowledged, 2);
    driven.append();
    let opened = access().open(Some(2), &driven.body(2, 0).to_bytes()).unwrap();
    assert_eq!((opened.lac, opened.length), (Some(EntryId::new(1).unwrap()), 21));
}

#[test]
fn every_replica_gets_the_same_buffer() {
    let mut driven = Driven::new(0, plain());
    driven.append();
    let bodies = [0, 1, 2].map(|bookie| driven.body(0, bookie));
    assert!(bodies.iter().all(|body| body.head.as_ptr() == bodies[0].head.as_ptr()));
    assert!(bodies.iter().all(|body| body.payload.as_ptr() == bodies[0].payload.as_ptr()));
}

#[test]
fn there_is_room_for_so_many_entries_and_bytes() {
    let mut driven = Driven::new(0, WriterOptions { entries_in_flight: 2, bytes_in_flight: 100, ..plain() });
    assert!(driven.writer.has_room(1 << 20), "a large one may go alone");
    driven.append();
    assert!(!driven.writer.has_room(60), "43 bytes are on their way");
    driven.append();
    assert_eq!(driven.writer.append(Bytes::new()).unwrap_err().kind(), ErrorKind::Busy);
    driven.stored(0, 0);
    driven.stored(0, 1);
    assert_eq!(driven.append(), 2);
}

#[test]
fn with_deferred_syncs_only_a_force_moves_the_lac() {
    let mut driven = Driven::new(1, WriterOptions { deferred_sync: true, ..plain() });
    driven.append();
    driven.stored(0, 0);
    driven.stored(0, 1);
    assert_eq!(driven.acknowledged, 1);
    driven.append();
    assert_eq!(access().open(Some(1), &driven.body(1, 0).to_bytes()).unwrap().lac, None);
    driven.writer.force().unwrap();
    driven.pump();
    for bookie in 0..3 {
        assert!(driven.forced.is_empty(), "all of them have to sync");
        driven.answer(bookie, |token| matches!(token, WriterToken::Force { .. }), Ok(Response::Force));
    }
    assert_eq!(driven.forced, [true]);
    driven.append();
    let opened = access().open(Some(2), &driven.body(2, 0).to_bytes()).unwrap();
    assert_eq!(opened.lac, Some(EntryId::FIRST), "what was acknowledged when the force began");
    driven.refused(2, 0, Status::Io);
    assert_eq!(driven.failed, Some(ErrorKind::Unavailable), "such a ledger cannot change its bookies");
}

#[test]
fn the_lac_is_published_when_no_entry_takes_it_along() {
    let mut driven = Driven::new(0, WriterOptions { explicit_lac_ms: 50, ..plain() });
    let is_lac = |token: &WriterToken| matches!(token, WriterToken::Lac { .. });
    driven.append();
    driven.stored(0, 0);
    driven.stored(0, 1);
    assert_eq!(driven.writer.next_tick_ms(), Some(50));
    driven.tick(50);
    driven.answer(0, is_lac, Ok(Response::WriteLac));
    driven.answer(1, is_lac, Err(Status::Io.to_error()));
    assert_eq!(driven.published, 0);
    driven.answer(2, is_lac, Ok(Response::WriteLac));
    assert_eq!(driven.published, 1);
    driven.tick(500);
    assert!(!driven.sends.iter().any(|(_, token, _)| is_lac(token)), "they know it");
}
