//! What every segment store has to do.

mod deleting;
mod reading;
mod recovery;
mod writing;

use std::sync::Arc;

use bytes::Bytes;

use super::source::{entry, make_log};
use super::{Fixture, Stores};
use crate::store::{SegmentReader, Tail, TailState, Visibility};
use crate::types::SegmentId;
pub use deleting::*;
pub use reading::*;
pub use recovery::*;
pub use writing::*;

/// Defines a test for each case. The last argument makes a [`Fixture`](crate::testing::stores::Fixture); one before it
/// is the attribute of a test, if it is not `tokio::test`.
#[macro_export]
macro_rules! segment_suite {
    ($fixture:expr) => {
        $crate::segment_suite!(tokio::test, $fixture);
    };
    ($test:meta, $fixture:expr) => {
        $crate::store_cases! { segment_suite, $test, $fixture,
            ids_are_given_out_once
            an_id_makes_one_segment
            entries_end_in_order_and_are_read_as_written
            a_source_may_wake_the_store_from_within_a_call
            large_entries_are_read_whole
            a_read_keeps_its_budget_but_moves_on
            the_bytes_of_a_segment_count_its_entries
            readers_follow_a_writer_without_gap
            readers_are_told_of_the_end_by_its_writer
            a_cancelled_wait_loses_nothing
            many_segments_are_written_at_once
            a_segment_without_entries_is_closed_and_recovered
            recovery_cuts_off_the_writer
            recovery_in_mid_flight_keeps_what_was_acknowledged_and_nothing_later
            an_idle_writer_is_told_that_it_was_fenced
            two_recoveries_at_once_answer_the_same
            a_closed_segment_is_recovered_as_it_is
            a_dropped_writer_leaves_its_segment_as_it_is
            the_segment_of_a_dead_process_is_recovered
            readers_are_told_of_the_fence
            deleting_frees_writer_and_readers
            deleting_is_idempotent
            what_never_was_is_not_found
            a_full_store_refuses_entries_before_they_have_a_place
            damage_is_named_and_not_taken_for_the_end
            a_closed_store_says_so
        }
    };
}

const OPEN: TailState = TailState::Open;

/// Two processes, and the nodes of a log.
async fn two(fixture: &dyn Fixture) -> (Stores, Stores) {
    let (one, two) = (fixture.open().await, fixture.open().await);
    make_log(&one).await;
    (one, two)
}

/// How many of this many committed entries readers see while the segment is open.
fn visible(stores: &Stores, entries: u64) -> u64 {
    match stores.segments.visibility() {
        Visibility::AtAck | Visibility::AfterAck => entries,
        Visibility::AtNextEntry => entries.saturating_sub(1),
    }
}

async fn reader(stores: &Stores, id: SegmentId) -> Arc<dyn SegmentReader> {
    stores.segments.open(id).await.unwrap()
}

/// The entries of a segment from its start, as many as are committed.
async fn read_all(stores: &Stores, id: SegmentId) -> Vec<Bytes> {
    let reader = reader(stores, id).await;
    let mut entries = Vec::new();
    loop {
        let more = reader.read(entries.len() as u64, 5_000).await.unwrap();
        if more.is_empty() {
            return entries;
        }
        entries.extend(more);
    }
}

fn expected(id: SegmentId, count: u64) -> Vec<Bytes> {
    (0..count).map(|number| entry(id, number)).collect()
}

/// Waits until the tail is at least this far.
async fn wait_for(reader: &dyn SegmentReader, entries: u64, state: TailState) -> Tail {
    let mut tail = reader.tail().await.unwrap();
    while tail.entries < entries || tail.state < state {
        let next = reader.wait(tail).await.unwrap();
        assert!(next.entries > tail.entries || next.state > tail.state, "{tail:?} then {next:?}");
        assert!(next.entries >= tail.entries && next.state >= tail.state, "{tail:?} then {next:?}");
        tail = next;
    }
    tail
}
