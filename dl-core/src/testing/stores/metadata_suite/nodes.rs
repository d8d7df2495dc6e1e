//! The tree: what commits make of its nodes, and what is refused.
#![allow(missing_docs, reason = "the names of cases are sentences")]

use super::{ANY, Process, check, delete, names, node, refusal, set};
use crate::error::ErrorKind;
use crate::metadata::{Expect, Node, Op, RefusalReason, Version};
use crate::testing::stores::{Fixture, commit, staying};
use crate::types::Takeover;

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
            store.lock(bad, "me", Takeover::Force, staying()).await.unwrap_err(),
        ];
        assert!(errors.iter().all(|error| error.kind() == ErrorKind::InvalidArgument), "{bad:?}: {errors:?}");
    }
    assert_eq!(node(&*store, "/good").await, None);
}

pub async fn a_refused_commit_changes_nothing(fixture: &dyn Fixture) {
    let (one, two) = (Process::start(fixture).await, Process::start(fixture).await);
    let made = commit(&*one, &[Op::create("/a", "1"), Op::create("/a/b", "2"), Op::create("/c", "3")]).await;
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
    assert_eq!(versions.iter().map(|version| version.changes).collect::<Vec<_>>(), [0, 0, 0, 1, 2, 0, 0, 0]);
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
            for op in [Op::set("/a", "", *old), Op::delete("/a", *old), check("/a", Expect::Version(*old))] {
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
    assert_eq!((names(&*one, "/dir").await, names(&*two, "/dir").await), (Some(left.clone()), Some(left)));
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
