use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::cluster::{RegisteredBookie, Version};
use crate::ledger::adds::AddKind;
use crate::ledger::quorum::entry_id;
use crate::ledger::sim::{FakeBookie, Reaction};
use crate::ledger::testing::{access, bookies};
use crate::metadata::LedgerMetadata;
use crate::placement::{OneRack, QuarantineOptions, RackAware};
use crate::types::{DigestType, EntryId};

/// Bookies, their ledger, and a recovery whose outputs are kept.
struct Driven {
    bookies: Vec<FakeBookie>,
    stored: Versioned,
    recovery: Option<Recovery>,
    sends: Vec<(usize, RecoveryToken, Request)>,
    calls: Vec<MetadataCall>,
    done: Option<Result<Versioned>>,
}

impl Driven {
    fn new(ensemble: usize, write: usize, ack: usize, spare: usize) -> Self {
        let quorum = Quorum::new(ensemble, write, ack).unwrap();
        let metadata =
            LedgerMetadata::new(quorum, DigestType::Crc32c, Bytes::new(), bookies(0..ensemble)).unwrap();
        Self {
            bookies: (0..ensemble + spare).map(|_| FakeBookie::new(true)).collect(),
            stored: Versioned { metadata: Arc::new(metadata), version: Version(0) },
            recovery: None,
            sends: Vec::new(),
            calls: Vec::new(),
            done: None,
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut LedgerMetadata)) {
        change(Arc::make_mut(&mut self.stored.metadata));
        self.stored.version.0 += 1;
    }

    /// The writer's entry arrives at a bookie; answers whether it is taken.
    fn add(&mut self, entry: u64, confirmed: u64, bookie: usize) -> bool {
        let body = access().seal(entry, confirmed, (entry + 1) * 7, Bytes::from_static(b"payload"));
        let reaction = self.bookies[bookie].handle(0, &access().add(entry, body, AddKind::Plain));
        self.bookies[bookie].sync();
        matches!(reaction, Reaction::Later)
    }

    fn start(&mut self) {
        let placement = RackAware::new(Arc::new(OneRack), QuarantineOptions::default(), 1);
        let known = bookies(0..self.bookies.len()).into_iter();
        placement.set_bookies(&known.map(|id| RegisteredBookie { id, writable: true }).collect::<Vec<_>>());
        let options = RecoveryOptions { read_ahead: 1, ..RecoveryOptions::default() };
        let recovery = Recovery::new(access(), self.stored.clone(), options, Arc::new(placement), 0);
        self.recovery = Some(recovery.unwrap());
        self.pump();
    }

    fn pump(&mut self) {
        while let Some(output) = self.recovery.as_mut().and_then(Recovery::poll) {
            match output {
                RecoveryOutput::Send { to, token, request } => {
                    let at = bookies(0..self.bookies.len()).iter().position(|id| *id == to).unwrap();
                    self.sends.push((at, token, request));
                }
                RecoveryOutput::Metadata(call) => self.calls.push(call),
                RecoveryOutput::Done(result) => self.done = Some(result),
            }
        }
    }

    fn metadata(&mut self, answer: MetadataAnswer) {
        self.calls.clear();
        self.recovery.as_mut().unwrap().metadata_answer(answer);
        self.pump();
    }

    /// The metadata store does what it was asked for.
    fn store(&mut self) {
        let answer = match self.calls.pop().expect("it was asked") {
            MetadataCall::Read => MetadataAnswer::Found(self.stored.clone()),
            MetadataCall::Write { expected, .. } if expected != self.stored.version => {
                MetadataAnswer::Conflict
            }
            MetadataCall::Write { metadata, .. } => {
                self.stored = Versioned { metadata, version: Version(self.stored.version.0 + 1) };
                MetadataAnswer::Written(self.stored.version)
            }
        };
        self.metadata(answer);
    }

    /// A bookie gets the requests that were sent to it, and answers.
    fn deliver(&mut self, bookie: usize) {
        let (here, other) = std::mem::take(&mut self.sends).into_iter().partition(|(at, _, _)| *at == bookie);
        self.sends = other;
        let here: Vec<(usize, RecoveryToken, Request)> = here;
        for (_, token, request) in here {
            let answer = match self.bookies[bookie].handle(0, &request) {
                Reaction::Answer(answer) => answer,
                Reaction::Later => self.bookies[bookie].sync().remove(0).1,
            };
            self.recovery.as_mut().unwrap().answer(token, answer);
        }
        self.pump();
    }

    /// The requests to a bookie fail.
    fn fail(&mut self, bookie: usize) {
        let (here, other) = std::mem::take(&mut self.sends).into_iter().partition(|(at, _, _)| *at == bookie);
        self.sends = other;
        let here: Vec<(usize, RecoveryToken, Request)> = here;
        for (_, token, _) in here {
            let error = Error::new(ErrorKind::Timeout, "no answer");
            self.recovery.as_mut().unwrap().answer(token, Err(error));
        }
        self.pump();
    }

    fn run(&mut self, answering: &[usize]) {
        for _ in 0..100 {
            if !self.calls.is_empty() {
                self.store();
            }
            let silent: Vec<usize> = (0..self.bookies.len()).filter(|at| !answering.contains(at)).collect();
            answering.iter().for_each(|bookie| self.deliver(*bookie));
            silent.iter().for_each(|bookie| self.fail(*bookie));
        }
    }

    fn end(&self) -> (Option<i64>, u64) {
        let found = self.done.as_ref().expect("it ended").as_ref().expect("well");
        match found.metadata.state {
            LedgerState::Closed { last_entry, length } => (last_entry.map(EntryId::number), length),
            state => panic!("not closed but {state:?}"),
        }
    }

    fn failure(&self) -> &Error {
        self.done.as_ref().expect("it ended").as_ref().expect_err("with an error")
    }
}

#[test]
fn entries_that_may_have_been_acknowledged_are_kept_and_replicated() {
    let mut driven = Driven::new(3, 3, 2, 0);
    for bookie in 0..3 {
        driven.add(0, 0, bookie);
    }
    driven.add(1, 1, 2);
    driven.start();
    driven.run(&[0, 1, 2]);
    assert_eq!(driven.end(), (Some(1), 14));
    for bookie in 0..3 {
        assert!(driven.bookies[bookie].durable(1).is_some(), "bookie {bookie}");
        assert!(!driven.add(2, 2, bookie), "the writer is cut off");
    }
}

/// apache/bookkeeper#2099: ledgers without entries, and a last ensemble without any.
#[test]
fn empty_ledgers_and_empty_last_ensembles_are_closed() {
    let mut driven = Driven::new(3, 3, 2, 0);
    driven.start();
    driven.run(&[0, 1]);
    assert_eq!(
        driven.end(),
        (None, 0),
        "a bookie that never heard of the ledger knows that it has no entries"
    );

    let mut driven = Driven::new(3, 3, 2, 1);
    for (entry, bookie) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        driven.add(entry, entry, bookie);
    }
    let moved = [bookies(0..2), bookies(3..4)].concat();
    driven.change(|metadata| metadata.set_ensemble(entry_id(2), moved).unwrap());
    driven.start();
    driven.run(&[0, 1, 3]);
    assert_eq!(driven.end(), (Some(1), 14), "the length is that of the last entry, in the ensemble before");
}

/// The one bookie that has the last entry lies in an ensemble before, and does not answer at first.
#[test]
fn a_lost_request_does_not_decide_how_long_a_ledger_is() {
    for (lost, length) in [(1, 7), (2, 7), (3, 0)] {
        let mut driven = Driven::new(1, 1, 1, 1);
        driven.add(0, 0, 0);
        driven.change(|metadata| metadata.set_ensemble(entry_id(1), bookies(1..2)).unwrap());
        driven.start();
        driven.store();
        while driven.sends.iter().any(|(at, _, _)| *at == 1) {
            driven.deliver(1);
        }
        for _ in 0..lost {
            assert_eq!(driven.sends.len(), 1, "bookie 0 is asked for the last entry");
            driven.fail(0);
        }
        driven.deliver(0);
        driven.store();
        assert_eq!(driven.end(), (Some(0), length), "{lost} requests lost");
    }
}

#[test]
fn a_ledger_left_in_recovery_is_taken_on() {
    let mut driven = Driven::new(3, 3, 2, 0);
    driven.add(0, 0, 0);
    driven.change(|metadata| metadata.state = LedgerState::InRecovery);
    driven.start();
    assert!(driven.calls.is_empty(), "it is claimed already");
    driven.run(&[0, 1, 2]);
    assert_eq!(driven.end(), (Some(0), 7));
}

#[test]
fn a_closed_ledger_is_as_it_is() {
    let mut driven = Driven::new(3, 3, 2, 0);
    driven.change(|metadata| metadata.state = LedgerState::Closed { last_entry: None, length: 0 });
    driven.start();
    assert_eq!(driven.end(), (None, 0));
    assert!(driven.sends.is_empty());
}

#[test]
fn bookies_are_fenced_until_the_silent_cannot_acknowledge() {
    let mut driven = Driven::new(3, 3, 1, 0);
    driven.start();
    driven.store();
    driven.deliver(0);
    driven.deliver(1);
    assert!(driven.sends.iter().all(|(bookie, _, _)| *bookie == 2), "one alone may acknowledge");
    driven.fail(2);
    assert_eq!(driven.failure().kind(), ErrorKind::RecoveryFailed);
    assert!(driven.failure().message().contains("bk2:3181"), "{}", driven.failure());
    assert_eq!(driven.stored.metadata.state, LedgerState::InRecovery);
}

/// apache/bookkeeper#2614: a fence that did not reach a bookie, which then says that it does not have an entry.
#[test]
fn a_bookie_that_denies_an_entry_to_a_recovery_never_takes_it() {
    let mut driven = Driven::new(3, 3, 2, 0);
    driven.add(0, 0, 0);
    driven.start();
    driven.store();
    driven.sends.retain(|(bookie, _, _)| *bookie != 2);
    driven.deliver(0);
    driven.deliver(1);
    // The fence covers, and entry 0 is read. Two of three never had it, before the one that has it answers.
    driven.deliver(1);
    driven.deliver(2);
    driven.store();
    assert_eq!(driven.end(), (None, 0));
    assert!(!driven.add(0, 0, 2), "with this the writer would have its ack quorum");
}

#[test]
fn an_error_is_no_proof_that_an_entry_was_never_there() {
    let mut driven = Driven::new(3, 3, 2, 0);
    driven.start();
    driven.store();
    driven.deliver(0);
    driven.deliver(1);
    // Now entry 0 is read: one bookie never had it, two do not say.
    driven.deliver(0);
    driven.fail(1);
    driven.fail(2);
    assert_eq!(driven.failure().kind(), ErrorKind::RecoveryFailed);
    assert_eq!(driven.stored.metadata.state, LedgerState::InRecovery, "to be tried again");
}

#[test]
fn a_damaged_entry_is_no_proof_either() {
    let mut driven = Driven::new(3, 3, 2, 0);
    for bookie in 0..2 {
        driven.add(0, 0, bookie);
        driven.bookies[bookie].damage(0);
    }
    driven.start();
    driven.run(&[0, 1, 2]);
    assert_eq!(driven.failure().kind(), ErrorKind::RecoveryFailed);
}

#[test]
fn one_good_copy_is_enough_to_keep_an_entry() {
    let mut driven = Driven::new(3, 3, 2, 0);
    driven.add(0, 0, 0);
    driven.add(0, 0, 1);
    driven.bookies[0].damage(0);
    driven.start();
    driven.run(&[0, 1, 2]);
    assert_eq!(driven.end(), (Some(0), 7));
}

#[test]
fn another_bookie_takes_the_place_of_one_that_fails() {
    let mut driven = Driven::new(3, 3, 2, 1);
    driven.add(0, 0, 0);
    driven.start();
    driven.run(&[0, 1, 3]);
    assert_eq!(driven.end(), (Some(0), 7));
    let (first, ensemble) = driven.stored.metadata.last_ensemble();
    assert_eq!(first, EntryId::FIRST, "the ensemble that starts there is written over");
    assert!(ensemble.contains(&bookies(3..4)[0]));
    assert!(driven.bookies[3].durable(0).is_some());
}

/// What one recovery has written again lies with bookies that the metadata does not name until it ends the ledger, so its
/// progress is no LAC: another recovery would believe it.
#[test]
fn entries_written_again_carry_no_lac_that_the_metadata_does_not_back() {
    let mut driven = Driven::new(3, 3, 2, 0);
    for entry in 0..3 {
        driven.add(entry, 0, 0);
    }
    driven.start();
    driven.run(&[0, 1, 2]);
    assert_eq!(driven.end(), (Some(2), 21));
    for entry in 0..3 {
        let body = driven.bookies[1].durable(entry).unwrap();
        assert_eq!(access().open(Some(entry), body).unwrap().lac, None);
    }
}

#[test]
fn whoever_closes_first_decides() {
    let mut driven = Driven::new(3, 3, 2, 0);
    driven.add(0, 0, 0);
    driven.start();
    driven.store();
    for _ in 0..4 {
        (0..3).for_each(|bookie| driven.deliver(bookie));
    }
    assert!(matches!(driven.calls.last(), Some(MetadataCall::Write { .. })));
    driven.change(|metadata| metadata.state = LedgerState::Closed { last_entry: None, length: 0 });
    driven.store();
    driven.store();
    assert_eq!(driven.end(), (None, 0));
}
