//! Locks: one owner at a time, and who comes next.
#![allow(missing_docs, reason = "the names of cases are sentences")]

use std::time::Duration;

use tokio::sync::oneshot;

use super::{ANY, Process, assert_locked, names, node, refusal, set};
use crate::error::ErrorKind;
use crate::metadata::{Op, Outcome, RefusalReason};
use crate::testing::stores::{Fixture, commit, staying, waits};
use crate::types::Takeover;

pub async fn a_lock_has_one_owner(fixture: &dyn Fixture) {
    let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
    commit(&*one, &[Op::create("/lock", ""), Op::create("/n", "")]).await;
    assert_eq!(two.lock_owner("/lock").await.unwrap(), None);
    let lock = one.lock("/lock", "the owner", Takeover::Never, staying()).await.unwrap();
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
    two.lock("/lock", "the next", Takeover::Never, staying()).await.unwrap();
}

pub async fn never_leaves_the_owner_alone(fixture: &dyn Fixture) {
    let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
    commit(&*one, &[Op::create("/lock", "")]).await;
    let lock = one.lock("/lock", "one", Takeover::Never, staying()).await.unwrap();
    assert_locked(two.lock("/lock", "two", Takeover::Never, staying()).await, "one");
    // In the process that holds it, too.
    assert_locked(one.lock("/lock", "another", Takeover::Never, staying()).await, "one");
    commit(&*one, &[lock.check()]).await;
    assert_eq!(two.lock_owner("/lock").await.unwrap().as_deref(), Some("one"));
}

pub async fn force_takes_the_lock_and_the_former_owner_can_commit_nothing(fixture: &dyn Fixture) {
    let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
    commit(&*one, &[Op::create("/lock", ""), Op::create("/n", "")]).await;
    let mut holder = one.lock("/lock", "0", Takeover::Force, staying()).await.unwrap();
    // From another process, then within one.
    for (round, taker) in [&two, &two, &one].into_iter().enumerate() {
        let mut watch = one.watch(&holder.path).unwrap();
        let name = format!("taker {round}");
        let lock = taker.lock("/lock", &name, Takeover::Force, staying()).await.unwrap();
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
            one.lock("/lock", "one", Takeover::Force, staying()),
            two.lock("/lock", "two", Takeover::Force, staying())
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
    let lock = one.lock("/lock", "one", Takeover::Force, staying()).await.unwrap();
    for patience in [Duration::ZERO, Duration::from_millis(20)] {
        assert_locked(two.lock("/lock", "two", Takeover::Wait(patience), staying()).await, "one");
    }
    commit(&*one, &[lock.check()]).await;
    assert_eq!(names(&*one, "/lock").await.unwrap().len(), 1);
}

pub async fn wait_gets_a_lock_that_is_released(fixture: &dyn Fixture) {
    let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
    commit(&*one, &[Op::create("/lock", "")]).await;
    let patience = Takeover::Wait(Duration::from_secs(3_600));
    let free = two.lock("/lock", "two", patience, staying()).await.unwrap();
    let mut waiting = one.lock("/lock", "one", patience, staying());
    assert!(waits(&mut waiting).await);
    commit(&*two, &[free.release()]).await;
    let lock = waiting.await.unwrap();
    commit(&*one, &[lock.check()]).await;
    assert_eq!(two.lock_owner("/lock").await.unwrap().as_deref(), Some("one"));
}

pub async fn wait_gets_the_lock_of_a_process_that_dies(fixture: &dyn Fixture) {
    let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
    commit(&*one, &[Op::create("/lock", "")]).await;
    two.lock("/lock", "two", Takeover::Force, staying()).await.unwrap();
    let mut waiting = one.lock("/lock", "one", Takeover::Wait(Duration::from_secs(3_600)), staying());
    assert!(waits(&mut waiting).await);
    fixture.kill(two.0).await;
    let lock = waiting.await.unwrap();
    commit(&*one, &[lock.check()]).await;
}

pub async fn a_cancelled_wait_leaves_nothing_behind(fixture: &dyn Fixture) {
    let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
    commit(&*one, &[Op::create("/lock", "")]).await;
    let lock = one.lock("/lock", "one", Takeover::Force, staying()).await.unwrap();
    let mut waiting = two.lock("/lock", "two", Takeover::Wait(Duration::from_secs(3_600)), staying());
    assert!(waits(&mut waiting).await);
    let mut watch = one.watch("/lock").unwrap();
    drop(waiting);
    commit(&*one, &[lock.release()]).await;
    // Where locks are queues on a server, what the other process takes back is on its way.
    while one.lock_owner("/lock").await.unwrap().is_some() {
        watch.changed().await;
    }
    one.lock("/lock", "one again", Takeover::Never, staying()).await.unwrap();
}

pub async fn a_wait_that_is_given_up_has_left_nothing_behind_when_it_ends(fixture: &dyn Fixture) {
    let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
    commit(&*one, &[Op::create("/lock", "")]).await;
    for turns in 0..30 {
        let lock = one.lock("/lock", "one", Takeover::Force, staying()).await.unwrap();
        let (stays, gone) = oneshot::channel::<()>();
        let gone = Box::pin(async { drop(gone.await) });
        let mut waiting = two.lock("/lock", "two", Takeover::Wait(Duration::from_secs(3_600)), gone);
        for _ in 0..turns {
            tokio::select! {
                biased;
                taken = &mut waiting => panic!("{taken:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
        drop(stays);
        assert_eq!(waiting.await.unwrap_err().kind(), ErrorKind::Closed);
        commit(&*one, &[lock.release()]).await;
        assert_eq!(one.lock_owner("/lock").await.unwrap(), None, "after {turns} turns");
    }
}

pub async fn a_lock_that_nobody_waits_for_any_more_is_not_held(fixture: &dyn Fixture) {
    let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
    commit(&*one, &[Op::create("/lock", "")]).await;
    for turns in 0..30 {
        let mut locking = one.lock("/lock", "one", Takeover::Force, staying());
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
        let lock =
            two.lock("/lock", "two", Takeover::Wait(Duration::from_secs(3_600)), staying()).await.unwrap();
        // Also not later on.
        commit(&*two, &[lock.check()]).await;
        commit(&*two, &[lock.release()]).await;
    }
}

pub async fn a_lock_needs_its_node(fixture: &dyn Fixture) {
    let store = Process::start(fixture).await;
    for takeover in [Takeover::Never, Takeover::Force, Takeover::Wait(Duration::from_secs(3_600))] {
        let error = store.lock("/lock", "me", takeover, staying()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    assert_eq!(store.lock_owner("/lock").await.unwrap(), None);
}
