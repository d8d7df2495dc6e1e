//! Watches: no change goes unheard.
#![allow(missing_docs, reason = "the names of cases are sentences")]

use super::{ANY, Process, delete, node, set};
use crate::metadata::{MetadataStore, Op};
use crate::testing::stores::{Fixture, commit, waits};

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
            let mut watches: Vec<_> =
                [&one, &two].iter().flat_map(|store| paths.map(|path| store.watch(path).unwrap())).collect();
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
