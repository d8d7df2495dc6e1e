//! Ledgers on real bookies, with their metadata in a real ZooKeeper.
#![cfg(feature = "zookeeper")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dl_bookkeeper::{
    BookKeeper, ClientOptions, Confirmed, CreateOptions, DigestType, EntryId, ErrorKind, LedgerReader,
    LedgerWriter, ProtocolVersion, Quorum, Seams, Ticket, ZooKeeper, ZooKeeperBookies, ZooKeeperLedgers,
    ZooKeeperOptions,
};
use dl_cluster::Cluster;

/// How long an acknowledgement may take on the slowest of machines.
const PATIENCE: Duration = Duration::from_secs(120);

/// A client of a cluster, as a process of its own would have it.
async fn client(cluster: &Cluster, options: ClientOptions) -> BookKeeper {
    dl_cluster::limit();
    let mut session = ZooKeeperOptions::new(cluster.zookeeper());
    // Neither it nor its connections end because the machine is busy.
    (session.session_timeout, session.patience) = (PATIENCE, PATIENCE);
    let zookeeper = ZooKeeper::connect(session).await.unwrap();
    let store = ZooKeeperLedgers::open(zookeeper.clone(), "/ledgers").await.unwrap();
    let bookies = ZooKeeperBookies::new(zookeeper, "/ledgers");
    BookKeeper::connect(Arc::new(store), Arc::new(bookies), options, Seams::system()).await.unwrap()
}

fn ledger(digest: DigestType) -> CreateOptions {
    CreateOptions { digest, ..CreateOptions::new(Quorum::new(3, 3, 2).unwrap(), "pw") }
}

/// The number by which the cluster's commands know the bookie with this id.
fn number(cluster: &Cluster, bookie: &str) -> String {
    let status = cluster.run(&["status"]);
    let line = status.lines().find(|line| line.ends_with(bookie)).expect("every bookie is listed");
    let name = line.split_whitespace().next().unwrap();
    name.trim_start_matches("bookie-").to_owned()
}

fn version(version: ProtocolVersion) -> ClientOptions {
    let mut options = ClientOptions::default();
    options.connection.version = version;
    options
}

fn payload(number: u64) -> Bytes {
    Bytes::from(format!("{number} ").repeat(50))
}

fn entry(number: u64) -> EntryId {
    EntryId::new(i64::try_from(number).unwrap()).unwrap()
}

async fn append(writer: &LedgerWriter, numbers: std::ops::Range<u64>) {
    let mut tickets: Vec<Ticket> = Vec::new();
    for number in numbers.clone() {
        tickets.push(writer.append(payload(number)).await.unwrap());
    }
    for (number, ticket) in numbers.zip(tickets) {
        assert_eq!(ticket.await.unwrap(), entry(number));
    }
}

/// Reads so many entries and compares them with what was written.
async fn check(reader: &LedgerReader, count: u64) {
    let mut next = 0;
    while next < count {
        let found = reader.read(entry(next), entry(count - 1), 256 << 10).await.unwrap();
        assert!(!found.is_empty(), "entry {next} is confirmed");
        for found in found {
            assert_eq!((found.id, &found.payload), (entry(next), &payload(next)));
            next += 1;
        }
    }
}

#[tokio::test]
async fn ledgers_are_written_closed_and_read_in_both_versions_with_every_digest() {
    let cluster = Cluster::shared();
    for protocol in [ProtocolVersion::V3, ProtocolVersion::V2] {
        let client = client(cluster, version(protocol)).await;
        for digest in DigestType::ALL {
            let writer = client.create(ledger(digest)).await.unwrap();
            let id = writer.id();
            append(&writer, 0..500).await;
            assert_eq!(writer.close().await.unwrap(), Some(entry(499)));
            check(&client.open(id, b"pw").await.unwrap(), 500).await;
        }
    }
}

#[tokio::test]
async fn a_recovery_fences_and_keeps_what_was_acknowledged() {
    let cluster = Cluster::shared();
    let (writing, recovering) =
        (client(cluster, ClientOptions::default()).await, client(cluster, ClientOptions::default()).await);
    let writer = writing.create(ledger(DigestType::Crc32c)).await.unwrap();
    append(&writer, 0..100).await;
    let ticket = writer.append(payload(100)).await.unwrap();
    let reader = recovering.open(writer.id(), b"pw").await.unwrap();
    let kept = reader.known().last.unwrap();
    match ticket.await {
        Ok(last) => assert_eq!(kept, last),
        Err(error) => assert_eq!(error.kind(), ErrorKind::LedgerFenced),
    }
    assert!(kept >= entry(99));
    check(&reader, u64::try_from(kept.number()).unwrap() + 1).await;
    let late = match writer.append(payload(101)).await {
        Ok(ticket) => ticket.await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(late.kind(), ErrorKind::LedgerFenced);
}

#[tokio::test]
async fn a_reader_follows_a_writer() {
    let cluster = Cluster::shared();
    let client = client(cluster, ClientOptions::default()).await;
    let writer = client.create(ledger(DigestType::Crc32c)).await.unwrap();
    let reader = client.open_without_recovery(writer.id(), b"pw").await.unwrap();
    let following = async {
        let mut seen = 0;
        loop {
            let Confirmed { last, closed } = reader.wait(seen_to(seen)).await.unwrap();
            let confirmed = last.map_or(0, |last| u64::try_from(last.number()).unwrap() + 1);
            while seen < confirmed {
                for found in reader.read(entry(seen), entry(confirmed - 1), 64 << 10).await.unwrap() {
                    assert_eq!(found.payload, payload(seen));
                    seen += 1;
                }
            }
            if closed {
                return seen;
            }
        }
    };
    let writing = async {
        for number in 0..50 {
            writer.append(payload(number)).await.unwrap().await.unwrap();
        }
        writer.publish();
        append(&writer, 50..60).await;
        writer.close().await.unwrap();
    };
    let (seen, ()) = tokio::join!(following, writing);
    assert_eq!(seen, 60);
}

fn seen_to(seen: u64) -> Option<EntryId> {
    seen.checked_sub(1).map(entry)
}

#[tokio::test]
async fn with_deferred_syncs_a_force_confirms() {
    let cluster = Cluster::shared();
    let mut options = ClientOptions::default();
    options.writer.deferred_sync = true;
    let client = client(cluster, options).await;
    let writer = client.create(ledger(DigestType::Crc32c)).await.unwrap();
    append(&writer, 0..20).await;
    let reader = client.open_without_recovery(writer.id(), b"pw").await.unwrap();
    assert_eq!(reader.last_confirmed().await.unwrap().last, None);
    writer.force().await.unwrap();
    append(&writer, 20..21).await;
    assert_eq!(reader.last_confirmed().await.unwrap().last, Some(entry(19)));
}

/// Kills one bookie of the ensemble and freezes another under a writer: nothing is lost, and no acknowledgement waits for
/// one of them.
#[tokio::test]
async fn a_writer_goes_on_when_bookies_die_and_freeze() {
    let cluster = Cluster::start(&["--bookies", "4"]);
    // Longer than any disk takes, so that an acknowledgement that waits for a request to a frozen bookie is told from one
    // that is slow.
    let mut patient = ClientOptions::default();
    patient.connection.request_timeout = 10 * PATIENCE;
    let client = client(&cluster, patient).await;
    let writer = client.create(ledger(DigestType::Crc32c)).await.unwrap();
    let known = client.metadata(writer.id()).await.unwrap().metadata;
    let members: Vec<String> =
        known.last_ensemble().1.iter().map(|bookie| number(&cluster, bookie.as_str())).collect();
    let clock = Seams::system().clock;
    for entry in 0..3_000 {
        match entry {
            500 => drop(cluster.run(&["kill-bookie", &members[0]])),
            1_500 => drop(cluster.run(&["freeze-bookie", &members[1]])),
            _ => {}
        }
        tokio::select! {
            () = append(&writer, entry..entry + 1) => {}
            () = clock.sleep(PATIENCE) => panic!("entry {entry} waits for a bookie that is gone"),
        }
    }
    cluster.run(&["thaw-bookie", &members[1]]);
    cluster.run(&["start-bookie", &members[0]]);
    let other = self::client(&cluster, ClientOptions::default()).await;
    let reader = other.open(writer.id(), b"pw").await.unwrap();
    assert_eq!(reader.known().last, Some(entry(2_999)));
    check(&reader, 3_000).await;
}
