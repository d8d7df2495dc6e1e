//! From one segment to the next.

use super::*;
use crate::Dlsn;

on_every_driver! {
    segments_roll_by_size_without_losing_order_or_count
    an_idle_segment_is_completed_when_its_age_is_up
}

async fn segments_roll_by_size_without_losing_order_or_count(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().roll_bytes(1_024)).await;
    let mut last = None;
    for number in 0..500 {
        let ticket = writer.append(format!("{number:04}")).await.unwrap();
        if number % 7 == 0 {
            last = Some(ticket.await.unwrap());
        }
    }
    writer.flush().await.unwrap();
    assert!(last.unwrap().dlsn.segment() > 3);
    let records = read_from(&namespace, shared.log(), Start::Earliest).await;
    assert_eq!(records.len(), 500);
    for (number, record) in (0_u64..).zip(&records) {
        assert_eq!((text(record), record.sequence_id), (&*format!("{number:04}"), Some(number)));
    }
    assert!(records.is_sorted_by_key(|record| record.dlsn));
    writer.close().await.unwrap();
    let segments = namespace.log(shared.log()).segments().await.unwrap();
    let ends: Vec<_> = segments.iter().map(|segment| segment.completed.unwrap()).collect();
    assert_eq!(ends.iter().map(|end| end.records).sum::<u64>(), 500);
    for (segment, next) in segments.iter().zip(&segments[1..]) {
        let end = segment.completed.unwrap();
        assert_eq!(next.first_txid, end.last_txid, "as DistributedLog's");
        assert_eq!(next.first_sequence_id, segment.first_sequence_id.map(|first| first + end.records));
    }
}

/// A segment that holds all there is could not be freed by the next truncation. Time runs here: where it jumps to the next
/// timer, a second is soon over.
#[tokio::test]
async fn segments_roll_again_as_soon_as_there_was_room_for_one() {
    let shared = Shared::file();
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().roll_bytes(64 << 10)).await;
    let append = || writer.append(vec![7; 10_000]);
    append().await.unwrap().await.unwrap();
    let mut last = append().await.unwrap().await.unwrap().dlsn;
    shared.world.limit_disk(Some(0));
    // Some wait when the segment has its bytes, so that another is to be made for them, and cannot be.
    let mut tickets = Vec::new();
    for _ in 0..20 {
        tickets.push(append().await.unwrap());
    }
    let mut refused = 0;
    for ticket in tickets {
        match ticket.await {
            Ok(receipt) => last = receipt.dlsn,
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 0);
    shared.world.limit_disk(None);
    writer.truncate(last).await.unwrap();
    let mut newest = last;
    for _ in 0..30 {
        newest = append().await.unwrap().await.unwrap().dlsn;
    }
    assert!(newest.segment() >= last.segment() + 3, "{newest} after {last}");
}

async fn an_idle_segment_is_completed_when_its_age_is_up(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().roll_ms(1_000)).await;
    append(&writer, "one").await;
    let log = namespace.log(shared.log());
    assert!(log.info().await.unwrap().in_progress);
    pass(Duration::from_millis(1_001)).await;
    let info = log.info().await.unwrap();
    assert_eq!((info.in_progress, info.segments), (false, 1));
    pass(Duration::from_secs(60)).await;
    assert_eq!(log.info().await.unwrap().segments, 1, "nothing was written since");
    assert_eq!(append(&writer, "two").await.dlsn, Dlsn::new(2, 0, 0));
}
