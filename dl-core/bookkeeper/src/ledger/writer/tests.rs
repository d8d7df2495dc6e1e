use std::sync::Arc;

use super::*;
use crate::cluster::{RegisteredBookie, Version};
use crate::ledger::testing::{access, bookies};
use crate::ledger::update::MetadataAnswer;
use crate::metadata::{LedgerMetadata, LedgerState};
use crate::placement::{OneRack, QuarantineOptions, RackAware};
use crate::protocol::{EncodedEntry, Response, Status};
use crate::types::{DigestType, EntryId};

/// A writer whose outputs are kept, with ensemble 3, write quorum 3, ack quorum 2.
struct Driven {
    writer: Writer,
    sends: Vec<(BookieId, WriterToken, Request)>,
    calls: Vec<MetadataCall>,
    acknowledged: u64,
    failed: Option<ErrorKind>,
    closed: Option<Result<u64>>,
    forced: Vec<bool>,
    published: u64,
}

impl Driven {
    fn new(spare: usize, options: WriterOptions) -> Self {
        Self::with(Quorum::new(3, 3, 2).unwrap(), spare, options)
    }

    fn with(quorum: Quorum, spare: usize, options: WriterOptions) -> Self {
        let ids = bookies(0..quorum.ensemble());
        let metadata = LedgerMetadata::new(quorum, DigestType::Crc32c, Bytes::new(), ids).unwrap();
        let placement = RackAware::new(Arc::new(OneRack), QuarantineOptions::default(), 1);
        let known = bookies(0..quorum.ensemble() + spare).into_iter();
        placement.set_bookies(&known.map(|id| RegisteredBookie { id, writable: true }).collect::<Vec<_>>());
        let known = Versioned { metadata: Arc::new(metadata), version: Version(0) };
        let writer = Writer::new(access(), known, options, Arc::new(placement)).unwrap();
        Self {
            writer,
            sends: Vec::new(),
            calls: Vec::new(),
            acknowledged: 0,
            failed: None,
            closed: None,
            forced: Vec::new(),
            published: 0,
        }
    }

    fn pump(&mut self) {
        while let Some(output) = self.writer.poll() {
            match output {
                WriterOutput::Send { to, token, request } => self.sends.push((to, token, request)),
                WriterOutput::Metadata(call) => self.calls.push(call),
                WriterOutput::Acknowledged { entries } => self.acknowledged = entries,
                WriterOutput::Published { entries } => self.published = entries,
                WriterOutput::Forced { result, .. } => self.forced.push(result.is_ok()),
                WriterOutput::Failed { error, .. } => self.failed = Some(error.kind()),
                WriterOutput::Closed(result) => self.closed = Some(result),
            }
        }
    }

    fn append(&mut self) -> u64 {
        let entry = self.writer.append(Bytes::from_static(b"payload")).unwrap();
        self.pump();
        entry
    }

    /// Answers the newest request of this kind to a bookie, once.
    fn answer(&mut self, bookie: usize, wanted: impl Fn(&WriterToken) -> bool, answer: Result<Response>) {
        let id = &bookies(bookie..bookie + 1)[0];
        let at = self.sends.iter().rposition(|(to, token, _)| to == id && wanted(token));
        let (_, token, _) = self.sends.remove(at.expect("it was sent"));
        self.writer.answer(token, answer);
        self.pump();
    }

    fn stored(&mut self, entry: u64, bookie: usize) {
        self.answer(bookie, is_add(entry), Ok(Response::Add));
    }

    fn refused(&mut self, entry: u64, bookie: usize, status: Status) {
        self.answer(bookie, is_add(entry), Err(status.to_error()));
    }

    fn has_sent(&self, entry: u64, bookie: usize) -> bool {
        let id = &bookies(bookie..bookie + 1)[0];
        self.sends.iter().any(|(to, token, _)| to == id && is_add(entry)(token))
    }

    fn wanted(&self) -> (Arc<LedgerMetadata>, Version) {
        match self.calls.last() {
            Some(MetadataCall::Write { metadata, expected }) => (metadata.clone(), *expected),
            other => panic!("no write but {other:?}"),
        }
    }

    fn metadata(&mut self, answer: MetadataAnswer) {
        self.writer.metadata_answer(answer);
        self.pump();
    }

    /// The write of the metadata succeeds.
    fn written(&mut self) -> Arc<LedgerMetadata> {
        let (metadata, expected) = self.wanted();
        self.metadata(MetadataAnswer::Written(Version(expected.0 + 1)));
        metadata
    }

    fn tick(&mut self, now_ms: u64) {
        self.writer.tick(now_ms);
        self.pump();
    }

    fn body(&self, entry: u64, bookie: usize) -> EncodedEntry {
        let id = &bookies(bookie..bookie + 1)[0];
        let (_, _, request) =
            self.sends.iter().find(|(to, token, _)| to == id && is_add(entry)(token)).unwrap();
        let Request::Add(add) = request else { panic!("{request:?}") };
        add.body.clone()
    }
}

fn is_add(entry: u64) -> impl Fn(&WriterToken) -> bool {
    move |token| matches!(token, WriterToken::Add(target) if target.entry == entry)
}

fn ensemble(metadata: &LedgerMetadata) -> (i64, Vec<BookieId>) {
    let (first, bookies) = metadata.last_ensemble();
    (first.number(), bookies.to_vec())
}

fn plain() -> WriterOptions {
    WriterOptions::default()
}

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

#[test]
fn a_fenced_writer_fails_all_that_is_pending_and_takes_no_more() {
    let mut driven = Driven::new(1, plain());
    driven.append();
    driven.append();
    driven.stored(1, 0);
    driven.refused(0, 1, Status::Fenced);
    assert_eq!(driven.failed, Some(ErrorKind::LedgerFenced));
    driven.stored(0, 0);
    driven.stored(0, 2);
    assert_eq!(driven.acknowledged, 0, "an ack quorum that comes after the fence is none");
    assert_eq!(driven.writer.append(Bytes::new()).unwrap_err().kind(), ErrorKind::LedgerFenced);
}

#[test]
fn a_writer_stops_when_the_metadata_is_no_longer_open() {
    for state in [LedgerState::InRecovery, LedgerState::Closed { last_entry: None, length: 0 }] {
        let mut driven = Driven::new(1, plain());
        driven.append();
        let mut metadata = LedgerMetadata::clone(&driven.writer.metadata().metadata);
        metadata.state = state;
        let found = Versioned { metadata: Arc::new(metadata), version: Version(1) };
        driven.refused(0, 0, Status::Io);
        driven.metadata(MetadataAnswer::Conflict);
        driven.metadata(MetadataAnswer::Found(found.clone()));
        assert_eq!(driven.failed, Some(ErrorKind::LedgerFenced), "found by a change");

        let mut driven = Driven::new(1, plain());
        driven.append();
        driven.writer.observe(Some(found));
        driven.pump();
        assert_eq!(driven.failed, Some(ErrorKind::LedgerFenced), "told by a watch");
    }
}

#[test]
fn close_writes_the_last_acknowledged_entry_and_the_length_up_to_it() {
    let mut driven = Driven::new(0, plain());
    driven.append();
    driven.append();
    driven.stored(0, 0);
    driven.stored(0, 1);
    driven.writer.close();
    driven.pump();
    assert_eq!(driven.failed, Some(ErrorKind::Closed), "what was not acknowledged fails");
    let state = LedgerState::Closed { last_entry: Some(EntryId::FIRST), length: 7 };
    assert_eq!(driven.written().state, state);
    assert_eq!(driven.closed.as_ref().map(|closed| *closed.as_ref().unwrap()), Some(1));
}

#[test]
fn close_agrees_with_a_recovery_or_loses_to_it() {
    let close = |found: LedgerState| {
        let mut driven = Driven::new(0, plain());
        driven.append();
        driven.stored(0, 0);
        driven.stored(0, 1);
        driven.writer.close();
        driven.pump();
        let mut metadata = LedgerMetadata::clone(&driven.writer.metadata().metadata);
        metadata.state = found;
        driven.metadata(MetadataAnswer::Conflict);
        driven
            .metadata(MetadataAnswer::Found(Versioned { metadata: Arc::new(metadata), version: Version(3) }));
        driven
    };
    let same = close(LedgerState::Closed { last_entry: Some(EntryId::FIRST), length: 7 });
    assert!(matches!(same.closed, Some(Ok(1))));
    let longer = close(LedgerState::Closed { last_entry: Some(EntryId::FIRST.next()), length: 14 });
    assert!(matches!(longer.closed, Some(Err(error)) if error.kind() == ErrorKind::LedgerFenced));
    let mut recovering = close(LedgerState::InRecovery);
    assert_eq!(recovering.wanted().1, Version(3), "a recovery adopts the end that the writer writes");
    recovering.written();
    assert!(matches!(recovering.closed, Some(Ok(1))));
}

#[test]
fn a_write_of_the_metadata_that_was_not_answered_is_looked_up() {
    let mut driven = Driven::new(0, plain());
    driven.writer.close();
    driven.pump();
    let (wanted, _) = driven.wanted();
    let lost = Error::new(ErrorKind::MetadataStore, "the connection broke");
    driven.metadata(MetadataAnswer::Failed(lost.clone()));
    assert_eq!(driven.writer.next_tick_ms(), Some(100));
    driven.tick(100);
    driven.metadata(MetadataAnswer::Failed(lost.clone()));
    driven.tick(200);
    driven.metadata(MetadataAnswer::Found(Versioned { metadata: wanted, version: Version(1) }));
    assert!(matches!(driven.closed, Some(Ok(0))));
    assert_eq!(driven.calls.len(), 3, "it was written once and read twice");
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
