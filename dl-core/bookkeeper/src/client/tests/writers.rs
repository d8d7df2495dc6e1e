//! Writing a ledger, and what cuts a writer off.

use super::*;

#[tokio::test]
async fn what_was_written_is_read_back() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    let ledger = writer.id();
    append(&writer, 0..100).await;
    assert_eq!(writer.close().await.unwrap(), Some(id(99)));
    let reader = world.other().await.open(ledger, b"secret").await.unwrap();
    assert_eq!(reader.known(), Confirmed { last: Some(id(99)), closed: true });
    assert_eq!(read(&reader, 0, 100).await, (0..100).map(payload).collect::<Vec<_>>());
    assert_eq!(world.client.list(None, 10).await.unwrap(), [ledger]);
    world.client.delete(ledger).await.unwrap();
    assert_eq!(world.client.metadata(ledger).await.unwrap_err().kind(), ErrorKind::NoSuchLedger);
}

#[tokio::test]
async fn opening_a_ledger_cuts_its_writer_off() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    append(&writer, 0..3).await;
    let reader = world.other().await.open(writer.id(), b"secret").await.unwrap();
    assert_eq!(reader.known(), Confirmed { last: Some(id(2)), closed: true });
    let error = match writer.append(payload(3)).await {
        Ok(ticket) => ticket.await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::LedgerFenced);
    assert_eq!(writer.close().await.unwrap_err().kind(), ErrorKind::LedgerFenced);
}

#[tokio::test]
async fn a_writer_hears_of_a_recovery_that_its_bookies_forgot() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    append(&writer, 0..1).await;
    let known = world.client.metadata(writer.id()).await.unwrap();
    let mut metadata = LedgerMetadata::clone(&known.metadata);
    metadata.state = LedgerState::InRecovery;
    let written = LedgerStore::write(&*world.metadata, writer.id(), &metadata, known.version).await.unwrap();
    assert!(matches!(written, Written::Done(_)));
    writer.0.wait_until_failed().await;
    assert_eq!(writer.try_append(payload(1)).unwrap_err().kind(), ErrorKind::LedgerFenced);
}

#[tokio::test]
async fn a_dead_bookie_is_replaced_and_nothing_is_lost() {
    let world = World::new(4).await;
    let writer = world.client.create(three()).await.unwrap();
    let ledger = writer.id();
    append(&writer, 0..10).await;
    let known = world.client.metadata(ledger).await.unwrap();
    let members = known.metadata.last_ensemble().1;
    world.kill(&members[1]);
    append(&writer, 10..20).await;
    writer.close().await.unwrap();
    let reader = world.other().await.open(ledger, b"secret").await.unwrap();
    let metadata = reader.metadata().metadata;
    assert!(!metadata.last_ensemble().1.contains(&members[1]), "{metadata:?}");
    assert_eq!(read(&reader, 0, 20).await, (0..20).map(payload).collect::<Vec<_>>());
}

#[tokio::test]
async fn with_three_bookies_a_ledger_goes_on_without_one_and_is_recovered_without_one() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    world.kill(&crate::ledger::testing::bookies(0..1)[0]);
    append(&writer, 0..10).await;
    let reader = world.other().await.open(writer.id(), b"secret").await.unwrap();
    assert_eq!(read(&reader, 0, 10).await, (0..10).map(payload).collect::<Vec<_>>());
}

#[tokio::test]
async fn appends_wait_for_room() {
    let mut options = ClientOptions::default();
    options.writer.entries_in_flight = 2;
    let world = World::with(3, options).await;
    let writer = world.client.create(three()).await.unwrap();
    let ids = crate::ledger::testing::bookies(0..3);
    world.freeze(&ids);
    let first = writer.append(payload(0)).await.unwrap();
    let second = writer.append(payload(1)).await.unwrap();
    assert_eq!(writer.try_append(payload(2)).unwrap_err().kind(), ErrorKind::Busy);
    let (third, ()) = tokio::join!(writer.append(payload(2)), async { world.thaw() });
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (id(0), id(1)));
    assert_eq!(third.unwrap().await.unwrap(), id(2));
}

#[tokio::test]
async fn a_dropped_writer_settles_its_tickets_and_leaves_the_ledger_to_be_recovered() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    let ledger = writer.id();
    append(&writer, 0..2).await;
    world.freeze(&crate::ledger::testing::bookies(0..3));
    let ticket = writer.append(payload(2)).await.unwrap();
    drop(writer);
    assert_eq!(ticket.await.unwrap_err().kind(), ErrorKind::Closed);
    world.thaw();
    let reader = world.client.open(ledger, b"secret").await.unwrap();
    assert_eq!(reader.known().last, Some(id(2)), "it was on its way");
}

#[tokio::test]
async fn errors_say_what_is_wrong() {
    let world = World::new(2).await;
    let error = world.client.create(three()).await.map(|writer| writer.id()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotEnoughBookies);
    let options = CreateOptions::new(Quorum::new(2, 2, 2).unwrap(), "secret");
    let writer = world.client.create(options).await.unwrap();
    let wrong = world.client.open(writer.id(), b"guess").await.map(|reader| reader.id()).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Unauthorized);
    let nowhere = LedgerId::new(99).unwrap();
    let gone = world.client.open(nowhere, b"secret").await.map(|reader| reader.id()).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NoSuchLedger);
}

/// What a writer's owner heard.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl WriterEvents for Heard {
    fn acknowledged(&self, last: EntryId) {
        self.0.lock().unwrap().push(format!("acknowledged {last}"));
    }

    fn failed(&self, from: EntryId, error: &Error) {
        self.0.lock().unwrap().push(format!("failed {from} {}", error.kind()));
    }
}

#[tokio::test]
async fn events_come_in_order_and_the_failure_once() {
    let world = World::new(3).await;
    let heard = Arc::new(Heard::default());
    let writer = world.client.create_with(three(), Some(heard.clone())).await.unwrap();
    assert_eq!(writer.append_quietly(payload(0)).unwrap(), id(0));
    assert_eq!(writer.append_quietly(payload(1)).unwrap(), id(1));
    world.other().await.recover(writer.id(), b"secret").await.unwrap();
    let refused = writer.append_quietly(payload(2)).err().map(|error| error.kind());
    assert!(refused.is_none_or(|kind| kind == ErrorKind::LedgerFenced));
    writer.0.wait_until_failed().await;
    assert_eq!(*heard.0.lock().unwrap(), ["acknowledged 0", "acknowledged 1", "failed 2 ledger-fenced"]);
}
