//! Searches find what a look at every record finds, and look at few.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use proptest::prelude::*;

use super::*;
use crate::format::{EntryBuilder, EntryRecords, encode_record_set};
use crate::metadata::Op;
use crate::store::{
    Allocation, Closed, EntrySource, Replication, SegmentWriter, Tail, TailState, Visibility,
};
use crate::types::{Compression, Durability, SegmentId};

/// A completed segment that counts what is read of it.
#[derive(Default)]
struct Counting {
    entries: Vec<Bytes>,
    read: AtomicU64,
}

#[async_trait]
impl SegmentReader for Counting {
    async fn tail(&self) -> Result<Tail> {
        Ok(Tail { entries: self.entries.len() as u64, state: TailState::Closed })
    }

    async fn wait(&self, _known: Tail) -> Result<Tail> {
        std::future::pending().await
    }

    async fn read(&self, from: u64, budget: usize) -> Result<Vec<Bytes>> {
        let mut bytes = 0;
        let rest = &self.entries[usize::try_from(from).unwrap()..];
        let fits = |entry: &&Bytes| {
            bytes += entry.len();
            bytes == entry.len() || bytes <= budget
        };
        let read: Vec<Bytes> = rest.iter().take_while(fits).cloned().collect();
        self.read.fetch_add(read.len() as u64, Ordering::Relaxed);
        Ok(read)
    }

    async fn bytes(&self) -> Result<u64> {
        Ok(self.entries.iter().map(|entry| entry.len() as u64).sum())
    }
}

/// A store with nothing but this segment.
struct OnlyOne(Arc<Counting>);

#[async_trait]
impl SegmentStore for OnlyOne {
    fn durability(&self) -> Durability {
        Durability::Memory
    }

    fn visibility(&self) -> Visibility {
        Visibility::AtAck
    }

    async fn allocate(&self, _log_root: &str, _guard: &[Op]) -> Result<Allocation> {
        Err(Error::unsupported("it is read only"))
    }

    async fn create(
        &self,
        _id: SegmentId,
        _source: Arc<dyn EntrySource>,
        _: Replication,
    ) -> Result<Arc<dyn SegmentWriter>> {
        Err(Error::unsupported("it is read only"))
    }

    async fn recover(&self, _id: SegmentId) -> Result<Closed> {
        Err(Error::unsupported("it is read only"))
    }

    async fn open(&self, _id: SegmentId) -> Result<Arc<dyn SegmentReader>> {
        Ok(self.0.clone())
    }

    async fn delete(&self, _ids: &[SegmentId]) -> Result<Vec<Op>> {
        Err(Error::unsupported("it is read only"))
    }
}

/// A record of an entry: its kind, and how much its txid is above the one in front.
type Item = (RecordKind, i64);

/// Encodes entries; answers them and every user record there is in them, in order.
fn encode(layout: &[Vec<Item>]) -> (Vec<Bytes>, Vec<Found>) {
    let set = encode_record_set(&["a", "b", "c"], Compression::None).unwrap();
    let (mut txid, mut position) = (0, 1);
    let (mut entries, mut records) = (Vec::new(), Vec::new());
    for (entry, items) in (0..).zip(layout) {
        let mut builder = EntryBuilder::new();
        for (kind, step) in items {
            txid += step;
            let payload = if *kind == RecordKind::RecordSet { &set[..] } else { b"x" };
            builder.push(*kind, txid, payload).unwrap();
        }
        let (bytes, next) = builder.finish(position, Compression::None).unwrap();
        let raw = EntryRecords::new(open_entry(bytes.clone(), true).unwrap()).map(Result::unwrap);
        records.extend(raw.filter(|raw| raw.kind == RecordKind::User).map(|raw| Found {
            dlsn: Dlsn::new(1, entry, raw.slot.into()),
            txid: raw.txid,
            position: raw.position,
        }));
        entries.push(bytes);
        position = next;
    }
    (entries, records)
}

/// Runs a search over the entries; answers its result and how many entries it read.
fn search<T>(entries: &[Bytes], search: impl AsyncFn(&SegmentScan<'_>, u64) -> Result<T>) -> (T, u64) {
    let segment = Arc::new(Counting { entries: entries.to_vec(), ..Counting::default() });
    let store = OnlyOne(segment.clone());
    let (log, metadata) =
        (LogName::new("a").unwrap(), SegmentMetadata::in_progress(1, SegmentId::new(1).unwrap(), 0, 0));
    let searching = pin!(async {
        let scan = SegmentScan::open(&store, &log, &metadata).await?;
        search(&scan, scan.entries().await?).await
    });
    match searching.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(found) => (found.unwrap(), segment.read.load(Ordering::Relaxed)),
        Poll::Pending => unreachable!("nothing in it waits"),
    }
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let kind = prop_oneof![
        4 => Just(RecordKind::User),
        1 => Just(RecordKind::RecordSet),
        2 => Just(RecordKind::Control),
    ];
    let step = prop_oneof![3 => Just(0), 2 => 1..4_i64];
    prop::collection::vec((kind, step), 1..5)
}

proptest! {
    #[test]
    fn searches_find_what_a_look_at_everything_finds(layout in prop::collection::vec(items(), 0..24)) {
        let (entries, records) = encode(&layout);
        for txid in 0..=records.last().map_or(0, |last| last.txid) + 1 {
            let expected = records.iter().find(|record| record.txid >= txid).copied();
            let (found, _) = search(&entries, async |scan, end| scan.first_at_txid(end, txid).await);
            prop_assert_eq!(found, expected, "txid {}", txid);
        }
        for entry in 0..=entries.len() as i64 {
            for slot in 0..4 {
                let from = Dlsn::new(1, entry, slot);
                let expected = records.iter().find(|record| record.dlsn >= from).copied();
                let (found, _) = search(&entries, async |scan, end| scan.first_at(from, end).await);
                prop_assert_eq!(found, expected, "from {}", from);
            }
        }
        let (last, _) = search(&entries, async |scan, end| scan.last(end, Kinds::User).await);
        prop_assert_eq!(last, records.last().copied());
    }
}

#[test]
fn a_txid_is_found_among_many_entries_by_looking_at_few() {
    // Every second entry holds a control record alone, as where they publish what is in front of them.
    let user = |number: i64| vec![(RecordKind::User, i64::from(number % 3 == 0)); 3];
    let alternating =
        |number: i64| if number % 2 == 0 { user(number) } else { vec![(RecordKind::Control, 0)] };
    for (layout, most) in [
        ((0..10_000).map(user).collect::<Vec<_>>(), 14 + 1),
        ((0..10_000).map(alternating).collect(), 2 * 14 + 1),
    ] {
        let (entries, records) = encode(&layout);
        for txid in [0, 1, 2, 777, 1_500, records.last().unwrap().txid, i64::MAX] {
            let expected = records.iter().find(|record| record.txid >= txid).copied();
            let (found, read) = search(&entries, async |scan, end| scan.first_at_txid(end, txid).await);
            assert_eq!(found, expected);
            assert!(read <= most, "{read} of {} entries were read to find txid {txid}", entries.len());
        }
        let (_, read) = search(&entries, async |scan, end| scan.first_at(Dlsn::new(1, 5_000, 1), end).await);
        assert!(read <= 1, "{read} entries were read to find a position");
        let (_, read) = search(&entries, async |scan, end| scan.last(end, Kinds::User).await);
        assert!(read <= 3, "{read} entries were read to find the last record");
    }
}
