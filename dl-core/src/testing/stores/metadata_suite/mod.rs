//! What every metadata store has to do.

mod locks;
mod nodes;
mod processes;
mod watches;

use std::ops::Deref;

use super::{Fixture, Stores};
use crate::error::{Error, ErrorKind};
use crate::metadata::{Expect, Lock, MetadataStore, Node, Op, Outcome, RefusalReason};
pub use locks::*;
pub use nodes::*;
pub use processes::*;
pub use watches::*;

/// Defines a test for each case. The last argument makes a [`Fixture`](crate::testing::stores::Fixture); one before it
/// is the attribute of a test, if it is not `tokio::test`.
#[macro_export]
macro_rules! metadata_suite {
    ($fixture:expr) => {
        $crate::metadata_suite!(tokio::test, $fixture);
    };
    ($test:meta, $fixture:expr) => {
        $crate::store_cases! { metadata_suite, $test, $fixture,
            nodes_are_made_changed_and_deleted
            the_root_is_there_from_the_start
            paths_are_checked
            a_refused_commit_changes_nothing
            each_operation_sees_those_before_it
            a_node_made_anew_has_a_new_version
            children_are_listed_in_byte_order
            children_are_listed_in_parts
            data_may_be_empty_or_large
            no_update_is_lost_between_processes
            watches_tell_of_every_kind_of_change
            watches_of_a_name_tell_of_it_anywhere_below
            watches_are_not_lost_between_making_and_waiting
            following_a_node_by_its_watch_misses_no_last_change
            a_lock_has_one_owner
            never_leaves_the_owner_alone
            force_takes_the_lock_and_the_former_owner_can_commit_nothing
            of_two_who_force_one_holds_the_lock
            wait_gives_up_after_its_time
            wait_gets_a_lock_that_is_released
            wait_gets_the_lock_of_a_process_that_dies
            a_cancelled_wait_leaves_nothing_behind
            a_wait_that_is_given_up_has_left_nothing_behind_when_it_ends
            a_lock_that_nobody_waits_for_any_more_is_not_held
            members_of_a_dead_process_are_gone
            a_lock_needs_its_node
            a_closed_store_says_so
        }
    };
}

const ANY: Expect = Expect::Any;

/// A process, of which these cases use the metadata only.
struct Process(Stores);

impl Process {
    async fn start(fixture: &dyn Fixture) -> Self {
        Self(fixture.open().await)
    }
}

impl Deref for Process {
    type Target = dyn MetadataStore;

    fn deref(&self) -> &Self::Target {
        &*self.0.metadata
    }
}

fn set(path: &str, data: &str, expect: Expect) -> Op {
    Op::Set { path: path.into(), data: data.to_owned().into(), expect }
}

fn delete(path: &str, expect: Expect) -> Op {
    Op::Delete { path: path.into(), expect }
}

fn check(path: &str, expect: Expect) -> Op {
    Op::Check { path: path.into(), expect }
}

async fn refusal(store: &dyn MetadataStore, ops: &[Op]) -> (usize, RefusalReason) {
    match store.commit(ops).await.unwrap() {
        Outcome::Committed(_) => panic!("not refused: {ops:?}"),
        Outcome::Refused(refusal) => (refusal.index, refusal.reason),
    }
}

async fn node(store: &dyn MetadataStore, path: &str) -> Option<Node> {
    store.get(path).await.unwrap()
}

async fn names(store: &dyn MetadataStore, path: &str) -> Option<Vec<String>> {
    let children = store.children(path).await.unwrap()?;
    // A driver may keep nodes of its own, with names that no log has.
    let ours = children.into_iter().filter(|child| path != "/" || !child.name.starts_with('.'));
    Some(ours.map(|child| child.name).collect())
}

fn assert_locked(result: Result<Lock, Error>, owner: &str) {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.owner()), (ErrorKind::Locked, Some(owner)), "{error}");
}
