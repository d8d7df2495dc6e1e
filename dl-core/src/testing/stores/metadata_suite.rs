//! What every metadata store has to do.

use std::ops::Deref;
use std::time::Duration;

use super::{Fixture, Stores, commit, waits};
use crate::error::{Error, ErrorKind};
use crate::metadata::{Expect, Lock, MetadataStore, Node, Op, Outcome, RefusalReason, Version};
use crate::types::Takeover;

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

#[allow(missing_docs, reason = "the names of cases are sentences")]
mod cases {
    use super::*;

    pub async fn nodes_are_made_changed_and_deleted(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        assert_eq!(node(&*two, "/a").await, None);
        let made = commit(&*one, &[Op::create("/a", "first")]).await[0];
        assert_eq!(made.changes, 0);
        let expected = Some(Node { data: "first".into(), version: made });
        assert_eq!((node(&*one, "/a").await, node(&*two, "/a").await), (expected.clone(), expected));
        let changed = commit(&*two, &[Op::set("/a", "second", made)]).await[0];
        assert_eq!(changed, Version { changes: 1, ..made });
        let expected = Some(Node { data: "second".into(), version: changed });
        assert_eq!((node(&*one, "/a").await, node(&*two, "/a").await), (expected.clone(), expected));
        assert_eq!(commit(&*one, &[Op::delete("/a", changed)]).await, [changed]);
        assert_eq!((node(&*one, "/a").await, node(&*two, "/a").await), (None, None));
    }

    pub async fn the_root_is_there_from_the_start(fixture: &dyn Fixture) {
        let store = Process::start(fixture).await;
        assert!(node(&*store, "/").await.is_some());
        assert_eq!(names(&*store, "/").await, Some(vec![]));
        assert_eq!(names(&*store, "/a").await, None);
        assert_eq!(refusal(&*store, &[Op::create("/", "")]).await, (0, RefusalReason::Exists));
    }

    pub async fn paths_are_checked(fixture: &dyn Fixture) {
        let store = Process::start(fixture).await;
        for bad in ["", "a", "//", "/a/", "/a//b", "/a\0b"] {
            let errors = [
                store.get(bad).await.unwrap_err(),
                store.children(bad).await.unwrap_err(),
                store.commit(&[Op::create("/good", ""), Op::create(bad, "")]).await.unwrap_err(),
                store.lock(bad, "me", Takeover::Force).await.unwrap_err(),
            ];
            assert!(
                errors.iter().all(|error| error.kind() == ErrorKind::InvalidArgument),
                "{bad:?}: {errors:?}"
            );
        }
        assert_eq!(node(&*store, "/good").await, None);
    }

    pub async fn a_refused_commit_changes_nothing(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        let made =
            commit(&*one, &[Op::create("/a", "1"), Op::create("/a/b", "2"), Op::create("/c", "3")]).await;
        let elsewhere = Version { changes: 9, ..made[0] };
        let other_node = Expect::Version(made[1]);
        let refusals = [
            (Op::create("/a", ""), RefusalReason::Exists),
            (Op::create("/new", ""), RefusalReason::Exists),
            (Op::create("/x/y", ""), RefusalReason::Missing),
            (Op::create("/c/y", ""), RefusalReason::Missing),
            (Op::set("/a", "", elsewhere), RefusalReason::BadVersion),
            (set("/a", "", other_node), RefusalReason::BadVersion),
            (set("/x", "", ANY), RefusalReason::Missing),
            (set("/c", "", ANY), RefusalReason::Missing),
            (Op::delete("/a/b", elsewhere), RefusalReason::BadVersion),
            (delete("/a", ANY), RefusalReason::NotEmpty),
            (delete("/x", ANY), RefusalReason::Missing),
            (check("/a", other_node), RefusalReason::BadVersion),
            (check("/x", ANY), RefusalReason::Missing),
        ];
        for (op, reason) in refusals {
            let ops = [
                Op::create("/new", "n"),
                set("/a", "changed", Expect::Version(made[0])),
                check("/a/b", Expect::Version(made[1])),
                Op::delete("/c", made[2]),
                op,
                // Would be refused too, but comes later.
                Op::create("/a", ""),
            ];
            assert_eq!(refusal(&*one, &ops).await, (4, reason), "{:?}", ops[4]);
            for store in [&one, &two] {
                assert_eq!(names(&**store, "/").await.unwrap(), ["a", "c"]);
                let expected = [("/a", "1"), ("/a/b", "2"), ("/c", "3")];
                for ((path, data), version) in expected.into_iter().zip(&made) {
                    let expected = Node { data: data.into(), version: *version };
                    assert_eq!(node(&**store, path).await, Some(expected), "{:?}", ops[4]);
                }
            }
        }
    }

    pub async fn each_operation_sees_those_before_it(fixture: &dyn Fixture) {
        let store = Process::start(fixture).await;
        assert_eq!(commit(&*store, &[]).await, []);
        let ops = [
            Op::create("/a", "1"),
            Op::create("/a/b", ""),
            Op::create("/a/b/c", ""),
            set("/a", "2", ANY),
            set("/a", "3", ANY),
            check("/a/b/c", ANY),
            delete("/a/b/c", ANY),
            delete("/a/b", ANY),
        ];
        let versions = commit(&*store, &ops).await;
        assert_eq!(
            versions.iter().map(|version| version.changes).collect::<Vec<_>>(),
            [0, 0, 0, 1, 2, 0, 0, 0]
        );
        assert_eq!((versions[4].created, versions[5]), (versions[0].created, versions[2]));
        assert_eq!(node(&*store, "/a").await, Some(Node { data: "3".into(), version: versions[4] }));
        assert_eq!(names(&*store, "/a").await, Some(vec![]));
    }

    pub async fn a_node_made_anew_has_a_new_version(fixture: &dyn Fixture) {
        let store = Process::start(fixture).await;
        let mut seen = vec![commit(&*store, &[Op::create("/a", "")]).await[0]];
        for round in 0..5 {
            let old = *seen.last().unwrap();
            let new = if round % 2 == 0 {
                commit(&*store, &[Op::delete("/a", old)]).await;
                commit(&*store, &[Op::create("/a", "")]).await[0]
            } else {
                commit(&*store, &[Op::delete("/a", old), Op::create("/a", "")]).await[1]
            };
            for old in &seen {
                assert_ne!(old.created, new.created);
                for op in
                    [Op::set("/a", "", *old), Op::delete("/a", *old), check("/a", Expect::Version(*old))]
                {
                    assert_eq!(refusal(&*store, &[op]).await, (0, RefusalReason::BadVersion));
                }
            }
            seen.push(new);
        }
    }

    pub async fn children_are_listed_in_byte_order(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        let mut expected: Vec<String> =
            ["b", "a", "a!", "Z", "ü", "<default>", "é", "a b"].map(String::from).into();
        expected.extend((0..600).map(|i| format!("n{}", i * 7 % 600)));
        let mut ops = vec![Op::create("/dir", ""), Op::create("/dir!", "")];
        ops.extend(expected.iter().map(|name| Op::create(format!("/dir/{name}"), "")));
        ops.push(Op::create("/dir/b/deeper", ""));
        commit(&*one, &ops).await;
        expected.sort();
        for store in [&one, &two] {
            assert_eq!(names(&**store, "/dir").await.unwrap(), expected);
            assert_eq!(names(&**store, "/").await.unwrap(), ["dir", "dir!"]);
            assert_eq!(names(&**store, "/dir/b").await.unwrap(), ["deeper"]);
            assert_eq!(names(&**store, "/dir/a").await, Some(vec![]));
        }
        let (gone, left): (Vec<_>, Vec<_>) = expected.into_iter().partition(|name| name.ends_with('3'));
        let ops: Vec<Op> = gone.iter().map(|name| delete(&format!("/dir/{name}"), ANY)).collect();
        commit(&*two, &ops).await;
        assert_eq!(
            (names(&*one, "/dir").await, names(&*two, "/dir").await),
            (Some(left.clone()), Some(left))
        );
    }

    pub async fn children_are_listed_in_parts(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        let mut expected: Vec<String> = (0..600).map(|i| format!("n{}", i * 7 % 600)).collect();
        let mut ops = vec![Op::create("/dir", "")];
        ops.extend(expected.iter().map(|name| Op::create(format!("/dir/{name}"), "")));
        commit(&*one, &ops).await;
        expected.sort();
        for (after, limit) in [
            (None, 1),
            (None, 0),
            (None, 900),
            (Some("n"), 3),
            (Some("n300"), 7),
            (Some("n9"), 5),
            (Some("m"), 2),
        ] {
            let behind = expected.iter().filter(|name| after.is_none_or(|after| name.as_str() > after));
            let found = two.children_after("/dir", after, limit).await.unwrap().unwrap();
            assert!(found.iter().map(|child| &child.name).eq(behind.take(limit)), "{after:?}, {limit}");
        }
        assert_eq!(two.children_after("/missing", None, 1).await.unwrap(), None);
    }

    pub async fn data_may_be_empty_or_large(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        commit(&*one, &[Op::create("/a", "")]).await;
        for length in [0, 1, 100, 100_000, 0] {
            let data = vec![b'x'; length];
            let ops = [Op::Set { path: "/a".into(), data: data.clone().into(), expect: ANY }];
            commit(&*one, &ops).await;
            assert_eq!(node(&*two, "/a").await.unwrap().data, data);
        }
    }

    pub async fn no_update_is_lost_between_processes(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        commit(&*one, &[Op::create("/n", "0")]).await;
        let count = async |store: &dyn MetadataStore| {
            let mut done = 0;
            while done < 50 {
                let read = node(store, "/n").await.unwrap();
                let number: u64 = str::from_utf8(&read.data).unwrap().parse().unwrap();
                tokio::task::yield_now().await;
                let outcome = store.commit(&[Op::set("/n", (number + 1).to_string(), read.version)]).await;
                done += u64::from(matches!(outcome.unwrap(), Outcome::Committed(_)));
            }
        };
        tokio::join!(count(&*one), count(&*two), count(&*two));
        assert_eq!(node(&*one, "/n").await.unwrap().data, "150");
    }

    pub async fn watches_tell_of_every_kind_of_change(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        commit(&*one, &[Op::create("/dir", "")]).await;
        for changer in [&one, &two] {
            let changes = [
                (Op::create("/dir/a", ""), ["/dir", "/dir/a"]),
                (set("/dir/a", "1", ANY), ["/dir/a", "/dir/a"]),
                (Op::create("/dir/a/b", ""), ["/dir/a", "/dir/a/b"]),
                (delete("/dir/a/b", ANY), ["/dir/a", "/dir/a/b"]),
                (delete("/dir/a", ANY), ["/dir", "/dir/a"]),
            ];
            for (op, paths) in changes {
                let mut watches: Vec<_> = [&one, &two]
                    .iter()
                    .flat_map(|store| paths.map(|path| store.watch(path).unwrap()))
                    .collect();
                commit(&**changer, std::slice::from_ref(&op)).await;
                for watch in &mut watches {
                    watch.changed().await;
                }
            }
        }
    }

    pub async fn watches_of_a_name_tell_of_it_anywhere_below(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        let mut watches = [&one, &two].map(|store| store.watch_below("/a", "x").unwrap());
        let all = [&one, &two].map(|store| store.watch_below("/", "x").unwrap());
        let made =
            [Op::create("/a", ""), Op::create("/a/x", ""), Op::create("/a/b", ""), Op::create("/a/b/x", "")];
        for ops in [&made[..], &[delete("/a/b/x", ANY)], &[Op::create("/a/b/x", "")]] {
            commit(&*one, ops).await;
            for watch in &mut watches {
                watch.changed().await;
            }
        }
        for mut watch in all {
            watch.changed().await;
        }
    }

    pub async fn watches_are_not_lost_between_making_and_waiting(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        commit(&*one, &[Op::create("/a", "")]).await;
        let mut watch = two.watch("/a").unwrap();
        let mut copy = watch.clone();
        // Cancelled before the change.
        waits(&mut Box::pin(watch.changed())).await;
        commit(&*one, &[set("/a", "1", ANY)]).await;
        assert_eq!(node(&*two, "/a").await.unwrap().data, "1");
        watch.changed().await;
        copy.changed().await;
        // Once more with the same watch.
        commit(&*two, &[set("/a", "2", ANY)]).await;
        watch.changed().await;
    }

    pub async fn following_a_node_by_its_watch_misses_no_last_change(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        commit(&*one, &[Op::create("/n", "")]).await;
        let follow = async |store: &dyn MetadataStore| {
            let mut watch = store.watch("/n").unwrap();
            while node(store, "/n").await.unwrap().data != "99" {
                watch.changed().await;
            }
        };
        let change = async {
            for i in 0..100 {
                commit(&*one, &[set("/n", &i.to_string(), ANY)]).await;
                if i % 3 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        };
        tokio::join!(follow(&*one), follow(&*two), follow(&*two), change);
    }

    pub async fn a_lock_has_one_owner(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        commit(&*one, &[Op::create("/lock", ""), Op::create("/n", "")]).await;
        assert_eq!(two.lock_owner("/lock").await.unwrap(), None);
        let lock = one.lock("/lock", "the owner", Takeover::Never).await.unwrap();
        for store in [&one, &two] {
            assert_eq!(store.lock_owner("/lock").await.unwrap().as_deref(), Some("the owner"));
            assert_eq!(node(&**store, &lock.path).await.unwrap().version, lock.version);
            assert_eq!(names(&**store, "/lock").await.unwrap().len(), 1);
        }
        assert!(lock.path.starts_with("/lock/"));
        commit(&*one, &[lock.check(), set("/n", "1", ANY)]).await;
        let mut watch = two.watch("/lock").unwrap();
        commit(&*one, &[lock.release()]).await;
        watch.changed().await;
        for store in [&one, &two] {
            assert_eq!(store.lock_owner("/lock").await.unwrap(), None);
            assert_eq!(names(&**store, "/lock").await, Some(vec![]));
        }
        assert_eq!(refusal(&*one, &[lock.check(), set("/n", "2", ANY)]).await, (0, RefusalReason::Missing));
        two.lock("/lock", "the next", Takeover::Never).await.unwrap();
    }

    pub async fn never_leaves_the_owner_alone(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        commit(&*one, &[Op::create("/lock", "")]).await;
        let lock = one.lock("/lock", "one", Takeover::Never).await.unwrap();
        assert_locked(two.lock("/lock", "two", Takeover::Never).await, "one");
        // In the process that holds it, too.
        assert_locked(one.lock("/lock", "another", Takeover::Never).await, "one");
        commit(&*one, &[lock.check()]).await;
        assert_eq!(two.lock_owner("/lock").await.unwrap().as_deref(), Some("one"));
    }

    pub async fn force_takes_the_lock_and_the_former_owner_can_commit_nothing(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        commit(&*one, &[Op::create("/lock", ""), Op::create("/n", "")]).await;
        let mut holder = one.lock("/lock", "0", Takeover::Force).await.unwrap();
        // From another process, then within one.
        for (round, taker) in [&two, &two, &one].into_iter().enumerate() {
            let mut watch = one.watch(&holder.path).unwrap();
            let name = format!("taker {round}");
            let lock = taker.lock("/lock", &name, Takeover::Force).await.unwrap();
            watch.changed().await;
            for store in [&one, &two] {
                let late = [set("/n", "late", ANY), holder.check()];
                assert_eq!(refusal(&**store, &late).await, (1, RefusalReason::Missing));
                assert!(matches!(store.commit(&[holder.release()]).await.unwrap(), Outcome::Refused(_)));
                assert_eq!(store.lock_owner("/lock").await.unwrap(), Some(name.clone()));
            }
            commit(&**taker, &[lock.check()]).await;
            holder = lock;
        }
        assert_eq!(node(&*two, "/n").await.unwrap().data, "");
    }

    pub async fn of_two_who_force_one_holds_the_lock(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        commit(&*one, &[Op::create("/lock", "")]).await;
        for _ in 0..10 {
            let (first, second) = tokio::join!(
                one.lock("/lock", "one", Takeover::Force),
                two.lock("/lock", "two", Takeover::Force)
            );
            let mut holders = Vec::new();
            for (name, lock) in [("one", first.unwrap()), ("two", second.unwrap())] {
                if let Outcome::Committed(_) = one.commit(&[lock.check()]).await.unwrap() {
                    holders.push(name.to_owned());
                }
            }
            assert_eq!(holders.len(), 1, "{holders:?}");
            assert_eq!(two.lock_owner("/lock").await.unwrap(), holders.pop());
        }
    }

    pub async fn wait_gives_up_after_its_time(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        commit(&*one, &[Op::create("/lock", "")]).await;
        let lock = one.lock("/lock", "one", Takeover::Force).await.unwrap();
        for patience in [Duration::ZERO, Duration::from_millis(20)] {
            assert_locked(two.lock("/lock", "two", Takeover::Wait(patience)).await, "one");
        }
        commit(&*one, &[lock.check()]).await;
        assert_eq!(names(&*one, "/lock").await.unwrap().len(), 1);
    }

    pub async fn wait_gets_a_lock_that_is_released(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        commit(&*one, &[Op::create("/lock", "")]).await;
        let patience = Takeover::Wait(Duration::from_secs(3_600));
        let free = two.lock("/lock", "two", patience).await.unwrap();
        let mut waiting = one.lock("/lock", "one", patience);
        assert!(waits(&mut waiting).await);
        commit(&*two, &[free.release()]).await;
        let lock = waiting.await.unwrap();
        commit(&*one, &[lock.check()]).await;
        assert_eq!(two.lock_owner("/lock").await.unwrap().as_deref(), Some("one"));
    }

    pub async fn wait_gets_the_lock_of_a_process_that_dies(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        commit(&*one, &[Op::create("/lock", "")]).await;
        two.lock("/lock", "two", Takeover::Force).await.unwrap();
        let mut waiting = one.lock("/lock", "one", Takeover::Wait(Duration::from_secs(3_600)));
        assert!(waits(&mut waiting).await);
        fixture.kill(two.0).await;
        let lock = waiting.await.unwrap();
        commit(&*one, &[lock.check()]).await;
    }

    pub async fn a_cancelled_wait_leaves_nothing_behind(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        commit(&*one, &[Op::create("/lock", "")]).await;
        let lock = one.lock("/lock", "one", Takeover::Force).await.unwrap();
        let mut waiting = two.lock("/lock", "two", Takeover::Wait(Duration::from_secs(3_600)));
        assert!(waits(&mut waiting).await);
        let mut watch = one.watch("/lock").unwrap();
        drop(waiting);
        commit(&*one, &[lock.release()]).await;
        // Where locks are queues on a server, what the other process takes back is on its way.
        while one.lock_owner("/lock").await.unwrap().is_some() {
            watch.changed().await;
        }
        one.lock("/lock", "one again", Takeover::Never).await.unwrap();
    }

    pub async fn a_lock_that_nobody_waits_for_any_more_is_not_held(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        commit(&*one, &[Op::create("/lock", "")]).await;
        for turns in 0..30 {
            let mut locking = one.lock("/lock", "one", Takeover::Force);
            let mut done = false;
            for _ in 0..turns {
                tokio::select! {
                    biased;
                    _ = &mut locking, if !done => done = true,
                    () = tokio::task::yield_now() => {}
                }
            }
            if done {
                break;
            }
            drop(locking);
            let lock = two.lock("/lock", "two", Takeover::Wait(Duration::from_secs(3_600))).await.unwrap();
            // Also not later on.
            commit(&*two, &[lock.check()]).await;
            commit(&*two, &[lock.release()]).await;
        }
    }

    pub async fn members_of_a_dead_process_are_gone(fixture: &dyn Fixture) {
        let one = Process::start(fixture).await;
        commit(&*one, &[Op::create("/lock", ""), Op::create("/n", "")]).await;
        for end in ["dies", "closes"] {
            let two = Process::start(fixture).await;
            let lock = two.lock("/lock", "two", Takeover::Force).await.unwrap();
            commit(&*two, &[set("/n", end, ANY), lock.check()]).await;
            match end {
                "dies" => fixture.kill(two.0).await,
                _ => two.0.session.close().await.unwrap(),
            }
            assert_eq!(one.lock_owner("/lock").await.unwrap(), None, "{end}");
            assert_eq!(node(&*one, &lock.path).await, None, "{end}");
            assert_eq!(names(&*one, "/lock").await, Some(vec![]), "{end}");
            assert_eq!(refusal(&*one, &[lock.check()]).await, (0, RefusalReason::Missing), "{end}");
            // What it committed is there, though.
            assert_eq!(node(&*one, "/n").await.unwrap().data, end);
            commit(&*one, &[delete("/lock", ANY), Op::create("/lock", "")]).await;
            let next = one.lock("/lock", "one", Takeover::Never).await.unwrap();
            assert_ne!(next.version.created, lock.version.created);
            commit(&*one, &[next.release()]).await;
        }
    }

    pub async fn a_lock_needs_its_node(fixture: &dyn Fixture) {
        let store = Process::start(fixture).await;
        for takeover in [Takeover::Never, Takeover::Force, Takeover::Wait(Duration::from_secs(3_600))] {
            let error = store.lock("/lock", "me", takeover).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        }
        assert_eq!(store.lock_owner("/lock").await.unwrap(), None);
    }

    pub async fn a_closed_store_says_so(fixture: &dyn Fixture) {
        let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
        commit(&*one, &[Op::create("/lock", "")]).await;
        one.lock("/lock", "one", Takeover::Force).await.unwrap();
        let mut watch = two.watch("/a").unwrap();
        let mut waiting = two.lock("/lock", "two", Takeover::Wait(Duration::from_secs(3_600)));
        assert!(waits(&mut waiting).await);
        two.0.session.close().await.unwrap();
        two.0.session.close().await.unwrap();
        watch.changed().await;
        two.watch("/a").unwrap().changed().await;
        let errors = [
            waiting.await.unwrap_err(),
            two.get("/lock").await.unwrap_err(),
            two.children("/lock").await.unwrap_err(),
            two.commit(&[Op::create("/late", "")]).await.unwrap_err(),
            two.lock("/lock", "two", Takeover::Force).await.unwrap_err(),
            two.lock_owner("/lock").await.unwrap_err(),
        ];
        assert!(errors.iter().all(|error| error.kind() == ErrorKind::Closed), "{errors:?}");
        assert_eq!(node(&*one, "/late").await, None);
        assert_eq!(one.lock_owner("/lock").await.unwrap().as_deref(), Some("one"));
    }
}

pub use cases::*;
