//! How a writer ends: fenced, closed, or overtaken by a recovery.

use super::*;

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
