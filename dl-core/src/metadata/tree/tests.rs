use super::*;
use crate::error::Result;
use crate::metadata::store::Op;
use crate::metadata::watches::Watches;

fn apply(tree: &mut Tree, ops: &[Op]) -> Outcome {
    tree.apply(&TreeOp::list(ops).unwrap(), &mut Changes::default())
}

fn versions(outcome: Outcome) -> Vec<Version> {
    match outcome {
        Outcome::Committed(versions) => versions,
        Outcome::Refused(refusal) => panic!("{refusal:?}"),
    }
}

fn path(path: &str) -> NodePath<'_> {
    NodePath::new(path).unwrap()
}

fn data(tree: &Tree, at: &str) -> Option<Bytes> {
    tree.get(path(at), |_| true).map(|node| node.data)
}

/// The tree as text, versions and sessions included.
fn dump(tree: &Tree) -> String {
    let mut text = format!("{}\n", tree.created());
    let visited = tree.visit(|node| {
        text.push_str(&format!("{node:?}\n"));
        Ok(())
    });
    visited.unwrap();
    text
}

fn sample() -> Tree {
    let mut tree = Tree::new();
    let ops = [
        Op::create("/a", "1"),
        Op::create("/a/x", "a long text that does not fit in place"),
        Op::create("/a/y", ""),
        Op::create("/a!", "2"),
        Op::create("/b", "3"),
    ];
    versions(apply(&mut tree, &ops));
    tree
}

#[test]
fn a_refused_list_leaves_no_trace() {
    let mut tree = sample();
    let before = dump(&tree);
    let session = Session(7);
    let list = [
        Op::create("/c", "new"),
        Op::create("/c/d", "new"),
        Op::Set { path: "/a/x".into(), data: "other".into(), expect: Expect::Any },
        Op::Delete { path: "/a/y".into(), expect: Expect::Any },
        Op::create("/a/y", "again"),
        Op::Delete { path: "/b".into(), expect: Expect::Any },
    ];
    let refusals = [
        (Op::create("/a", ""), RefusalReason::Exists),
        (Op::create("/", ""), RefusalReason::Exists),
        (Op::create("/b/z", ""), RefusalReason::Missing),
        (Op::create("/member/z", ""), RefusalReason::Missing),
        (Op::set("/a", "", Version { created: 1, changes: 1 }), RefusalReason::BadVersion),
        (Op::delete("/a", Version { created: 1, changes: 0 }), RefusalReason::NotEmpty),
        (Op::Delete { path: "/".into(), expect: Expect::Any }, RefusalReason::NotEmpty),
        (Op::Check { path: "/b".into(), expect: Expect::Any }, RefusalReason::Missing),
    ];
    for (last, reason) in refusals {
        let mut ops = TreeOp::list(&list).unwrap();
        ops.push(TreeOp::Create { path: path("/member"), data: b"m", owner: Some(session) });
        ops.push(TreeOp::try_from(&last).unwrap());
        let outcome = tree.apply(&ops, &mut Changes::default());
        assert_eq!(outcome, Outcome::Refused(Refusal { index: list.len() + 1, reason }), "{last:?}");
        assert_eq!(dump(&tree), before, "{last:?}");
    }
}

#[test]
fn several_lists_are_tried_and_taken_back() {
    let mut tree = sample();
    let before = dump(&tree);
    let first = [Op::create("/c", "")];
    let second = [Op::create("/c/d", ""), Op::Delete { path: "/a/x".into(), expect: Expect::Any }];
    let mut changes = Changes::default();
    let one = tree.apply(&TreeOp::list(&first).unwrap(), &mut changes);
    let two = tree.apply(&TreeOp::list(&second).unwrap(), &mut changes);
    assert_eq!(changes.paths().collect::<Vec<_>>(), [("/c", true), ("/c/d", true), ("/a/x", true)]);
    tree.revert(changes);
    assert_eq!(dump(&tree), before);
    // What they answered holds when they are applied for good.
    assert_eq!((apply(&mut tree, &first), apply(&mut tree, &second)), (one, two));
}

#[test]
fn a_node_made_anew_has_a_new_version() {
    let mut tree = sample();
    let old = tree.get(path("/b"), |_| true).unwrap().version;
    let answer = versions(apply(&mut tree, &[Op::delete("/b", old), Op::create("/b", "3")]));
    assert_eq!(answer[0], old);
    assert!(answer[1].created > old.created);
    let stale = apply(&mut tree, &[Op::set("/b", "4", old)]);
    assert_eq!(stale, Outcome::Refused(Refusal { index: 0, reason: RefusalReason::BadVersion }));
    let set = versions(apply(&mut tree, &[Op::set("/b", "4", answer[1])]));
    assert_eq!(set[0], Version { changes: 1, ..answer[1] });
    assert_eq!(data(&tree, "/b").unwrap(), "4");
}

#[test]
fn nodes_of_a_session_are_hidden_when_it_is_not_alive_and_go_when_it_ends() {
    let mut tree = sample();
    let (one, two) = (Session(1), Session(2));
    let ops = [
        TreeOp::Create { path: path("/a/m"), data: b"", owner: Some(one) },
        TreeOp::Create { path: path("/a/n"), data: b"", owner: Some(two) },
        TreeOp::Create { path: path("/m"), data: b"", owner: Some(one) },
    ];
    versions(tree.apply(&ops, &mut Changes::default()));
    let names = |tree: &Tree, at, alive: &dyn Fn(Session) -> bool| -> Vec<String> {
        tree.children(path(at), alive).unwrap().into_iter().map(|child| child.name).collect()
    };
    assert_eq!(names(&tree, "/a", &|_| true), ["m", "n", "x", "y"]);
    assert_eq!(names(&tree, "/a", &|session| session == two), ["n", "x", "y"]);
    assert_eq!(names(&tree, "/", &|session| session == two), ["a", "a!", "b"]);
    assert!(tree.get(path("/a/m"), |session| session == two).is_none());
    assert!(tree.children(path("/a/m"), |session| session == two).is_none());
    assert_eq!(tree.owned_below(path("/a")).collect::<Vec<_>>(), [("m", one), ("n", two)]);
    assert_eq!(tree.owned_below(NodePath::ROOT).collect::<Vec<_>>(), [("m", one)]);

    let before = dump(&tree);
    let mut changes = Changes::default();
    tree.apply(&[TreeOp::End { session: one }], &mut changes);
    assert_eq!(changes.paths().collect::<Vec<_>>(), [("/a/m", true), ("/m", true)]);
    assert_eq!(tree.sessions().collect::<Vec<_>>(), [two]);
    assert_eq!(names(&tree, "/", &|_| true), ["a", "a!", "b"]);
    tree.revert(changes);
    assert_eq!(dump(&tree), before);
}

#[test]
fn a_tree_is_rebuilt_from_its_nodes() {
    let mut tree = sample();
    let member = TreeOp::Create { path: path("/a/m"), data: b"me", owner: Some(Session(1 << 100)) };
    versions(tree.apply(&[member], &mut Changes::default()));
    let mut loader = Loader::default();
    tree.visit(|node| loader.push(node)).unwrap();
    let loaded = loader.finish(tree.created()).unwrap();
    assert_eq!(dump(&loaded), dump(&tree));
}

#[test]
fn nodes_that_form_no_tree_are_refused() {
    let version = Version { created: 0, changes: 0 };
    let runs: [&[(usize, &str)]; 7] = [
        &[],
        &[(0, "a")],
        &[(1, "a")],
        &[(0, ""), (2, "a")],
        &[(0, ""), (0, "")],
        &[(0, ""), (1, "a/b")],
        &[(0, ""), (1, "a"), (1, "a")],
    ];
    for run in runs {
        let mut loader = Loader::default();
        let pushed: Result<()> = run.iter().try_for_each(|&(depth, name)| {
            loader.push(Stored { depth, name, data: b"", version, owner: None })
        });
        assert!(pushed.and_then(|()| loader.finish(0)).is_err(), "{run:?}");
    }
}

#[tokio::test]
async fn watches_hear_of_the_node_and_of_its_children() {
    let mut tree = sample();
    let watches = Watches::new();
    let fires = async |tree: &mut Tree, op: Op| -> Vec<&str> {
        let watched = ["/", "/a", "/a/x", "/b"];
        let mut all = watched.map(|path| (path, watches.watch(path)));
        let ops = [op];
        let mut changes = Changes::default();
        versions(tree.apply(&TreeOp::list(&ops).unwrap(), &mut changes));
        watches.fire(&changes);
        let mut fired = Vec::new();
        for (path, watch) in &mut all {
            tokio::select! {
                biased;
                () = watch.changed() => fired.push(*path),
                () = std::future::ready(()) => {}
            }
        }
        fired
    };
    let set = Op::Set { path: "/a/x".into(), data: "".into(), expect: Expect::Any };
    assert_eq!(fires(&mut tree, set).await, ["/a/x"]);
    let delete = Op::Delete { path: "/a/x".into(), expect: Expect::Any };
    assert_eq!(fires(&mut tree, delete).await, ["/a", "/a/x"]);
    assert_eq!(fires(&mut tree, Op::create("/a/x", "")).await, ["/a", "/a/x"]);
    assert_eq!(fires(&mut tree, Op::create("/c", "")).await, ["/"]);
}
