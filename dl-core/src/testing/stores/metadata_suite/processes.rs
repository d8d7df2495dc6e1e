//! Processes that share a store, die, or close it.
#![allow(missing_docs, reason = "the names of cases are sentences")]

use std::time::Duration;

use super::{ANY, Process, delete, names, node, refusal, set};
use crate::error::ErrorKind;
use crate::metadata::{MetadataStore, Op, Outcome, RefusalReason};
use crate::testing::stores::{Fixture, commit, staying, waits};
use crate::types::Takeover;

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

pub async fn members_of_a_dead_process_are_gone(fixture: &dyn Fixture) {
    let one = Process::start(fixture).await;
    commit(&*one, &[Op::create("/lock", ""), Op::create("/n", "")]).await;
    for end in ["dies", "closes"] {
        let two = Process::start(fixture).await;
        let lock = two.lock("/lock", "two", Takeover::Force, staying()).await.unwrap();
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
        let next = one.lock("/lock", "one", Takeover::Never, staying()).await.unwrap();
        assert_ne!(next.version.created, lock.version.created);
        commit(&*one, &[next.release()]).await;
    }
}

pub async fn a_closed_store_says_so(fixture: &dyn Fixture) {
    let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
    commit(&*one, &[Op::create("/lock", "")]).await;
    one.lock("/lock", "one", Takeover::Force, staying()).await.unwrap();
    let mut watch = two.watch("/a").unwrap();
    let mut waiting = two.lock("/lock", "two", Takeover::Wait(Duration::from_secs(3_600)), staying());
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
        two.lock("/lock", "two", Takeover::Force, staying()).await.unwrap_err(),
        two.lock_owner("/lock").await.unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::Closed), "{errors:?}");
    assert_eq!(node(&*one, "/late").await, None);
    assert_eq!(one.lock_owner("/lock").await.unwrap().as_deref(), Some("one"));
}
