//! Which ledgers a namespace refers to: of segments, of allocations that logs have not used yet, and of allocator pools.
//!
//! Every node below the namespace's is looked at, so that nothing is missed by where it stands: logs below logs, parts of a
//! federated namespace, pools under any path. And all is looked at twice, so that nothing is missed by when.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use bytes::Bytes;
use dl_bookkeeper::{LedgerId, ZooKeeper};
use dl_core::{Error, ErrorKind};
use tokio::task::JoinSet;

use crate::cli::failure::Result;

/// What the root of each log is called. No part of a log's name can be.
const LOG_ROOT: &str = "<default>";
const SEGMENTS: &str = "ledgers";
const ALLOCATION: &str = "allocation";

/// The versions of the texts of segments.
const VERSIONS: std::ops::RangeInclusive<i64> = 1..=5;

/// Nodes that are read at once.
const AT_ONCE: usize = 64;

/// Ledgers, each with the path of a node that refers to it.
#[derive(Debug, Default)]
pub(super) struct References(BTreeMap<LedgerId, String>);

/// Nodes, as a session with ZooKeeper sees them.
trait Nodes: Clone + Send + Sync + 'static {
    /// The names of a node's children, if there is such a node.
    fn children(&self, path: &str) -> impl Future<Output = Result<Option<Vec<String>>>> + Send;

    /// The data of a node, if there is one.
    fn data(&self, path: &str) -> impl Future<Output = Result<Option<Bytes>>> + Send;
}

impl Nodes for ZooKeeper {
    async fn children(&self, path: &str) -> Result<Option<Vec<String>>> {
        Ok(Self::children(self, path).await?)
    }

    async fn data(&self, path: &str) -> Result<Option<Bytes>> {
        Ok(self.get(path).await?.map(|(data, _)| data))
    }
}

impl References {
    /// Those of the namespace whose node is at `root`.
    ///
    /// Each that was there before and still is after this is among them: of what is moved meanwhile (a log that is renamed,
    /// an allocation that becomes a segment) one look may see neither where it was nor where it is.
    ///
    /// # Errors
    /// `corrupt` for a node that cannot be understood: it may refer to any ledger.
    pub(super) async fn read(zookeeper: &ZooKeeper, root: &str) -> Result<Self> {
        Self::read_twice(zookeeper, root).await
    }

    async fn read_twice(nodes: &impl Nodes, root: &str) -> Result<Self> {
        let mut found = Self::look(nodes, root).await?;
        found.extend(Self::look(nodes, root).await?);
        Ok(found)
    }

    async fn look(nodes: &impl Nodes, root: &str) -> Result<Self> {
        let mut found = Self::default();
        let mut ahead = vec![root.to_owned()];
        while !ahead.is_empty() {
            let mut visits = JoinSet::new();
            for path in ahead.split_off(ahead.len().saturating_sub(AT_ONCE)) {
                let nodes = nodes.clone();
                visits.spawn(async move { visit(&nodes, &path).await });
            }
            for visit in visits.join_all().await {
                let Visit { references, below } = visit?;
                found.0.extend(references);
                ahead.extend(below);
            }
        }
        Ok(found)
    }

    /// Which node refers to the ledger.
    pub(super) fn of(&self, ledger: LedgerId) -> Option<&str> {
        self.0.get(&ledger).map(String::as_str)
    }

    /// Adds those of a later look, or of another namespace.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// What one node and the data of its children say.
struct Visit {
    references: Vec<(LedgerId, String)>,
    below: Vec<String>,
}

/// What the data of a node may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Segment,
    Allocation,
    /// Perhaps that of a pool, and perhaps a log with a name like one.
    Pool,
    Other,
}

async fn visit(nodes: &impl Nodes, path: &str) -> Result<Visit> {
    let (mut visit, mut seen) = (Visit { references: Vec::new(), below: Vec::new() }, BTreeSet::new());
    loop {
        let mut renamed = false;
        for name in nodes.children(path).await?.unwrap_or_default() {
            if !seen.insert(name.clone()) {
                continue;
            }
            let node = format!("{}/{name}", path.trim_end_matches('/'));
            let content = content(path, &name);
            if content != Content::Other {
                match nodes.data(&node).await? {
                    Some(data) => {
                        let ledger = reference(content, &node, &data)?;
                        visit.references.extend(ledger.map(|ledger| (ledger, node.clone())));
                    }
                    // It was completed, and has the name of one that is.
                    None => renamed |= content == Content::Segment,
                }
            }
            if !is_leaf(path, &name, content) {
                visit.below.push(node);
            }
        }
        if !renamed {
            return Ok(visit);
        }
    }
}

fn content(parent: &str, name: &str) -> Content {
    let parent = parent.rsplit('/').next().unwrap_or_default();
    let is_segment = name.starts_with("inprogress_") || name.starts_with("logrecs_");
    let digits = name.strip_prefix('A').unwrap_or_default();
    match name {
        _ if parent == SEGMENTS && is_segment => Content::Segment,
        ALLOCATION => Content::Allocation,
        _ if digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit()) => Content::Pool,
        _ => Content::Other,
    }
}

/// Whether nothing that refers to a ledger is below: of the root of a log, only the segments have children that do.
fn is_leaf(parent: &str, name: &str, content: Content) -> bool {
    content == Content::Segment || (parent.ends_with(LOG_ROOT) && name != SEGMENTS)
}

/// The ledger that a node refers to.
fn reference(content: Content, node: &str, data: &[u8]) -> dl_core::Result<Option<LedgerId>> {
    let text = std::str::from_utf8(data).unwrap_or("?");
    let ledger = match content {
        Content::Segment => segment(text),
        _ if text.is_empty() => return Ok(None),
        Content::Pool if !node.contains("/.") => return Ok(ledger(text)),
        _ => ledger(text),
    };
    let corrupt = || {
        let message =
            "a node of the namespace cannot be understood, so it is not known which ledger it refers to";
        Error::new(ErrorKind::Corrupt, message).with("node", node)
    };
    ledger.ok_or_else(corrupt).map(Some)
}

/// The ledger in the text of a segment: numbers joined by `;`, the version in the lowest byte of the first.
fn segment(text: &str) -> Option<LedgerId> {
    let fields = text.split(';').map(|field| field.parse::<i64>().ok()).collect::<Option<Vec<_>>>()?;
    match fields[..] {
        [version, ledger, _, ..] if VERSIONS.contains(&(version & 0xff)) => LedgerId::new(ledger).ok(),
        _ => None,
    }
}

fn ledger(text: &str) -> Option<LedgerId> {
    text.parse().ok().and_then(|number| LedgerId::new(number).ok())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    fn found(node: &str, data: &str) -> Option<Option<i64>> {
        let (parent, name) = node.rsplit_once('/').unwrap();
        let found = reference(content(parent, name), node, data.as_bytes());
        found.ok().map(|ledger| ledger.map(LedgerId::number))
    }

    /// Nodes with their data, by path.
    type Tree = BTreeMap<String, String>;

    /// What is done to the nodes after the answer to a call.
    type Change = (&'static str, fn(&mut Tree));

    /// Nodes that change between two calls.
    #[derive(Clone)]
    struct Fake(Arc<Mutex<State>>);

    struct State {
        nodes: Tree,
        changes: Vec<Change>,
    }

    impl Fake {
        fn answer<T>(&self, call: &str, answer: impl FnOnce(&Tree) -> T) -> T {
            let State { nodes, changes } = &mut *self.0.lock().unwrap();
            let answer = answer(nodes);
            if changes.first().is_some_and(|(at, _)| *at == call) {
                changes.remove(0).1(nodes);
            }
            answer
        }
    }

    impl Nodes for Fake {
        async fn children(&self, path: &str) -> Result<Option<Vec<String>>> {
            let below = format!("{path}/");
            let names = |nodes: &Tree| -> BTreeSet<String> {
                let rests = nodes.keys().filter_map(|node| node.strip_prefix(&below));
                rests.filter_map(|rest| rest.split('/').next()).map(str::to_owned).collect()
            };
            Ok(Some(self.answer(&format!("children {path}"), names).into_iter().collect()))
        }

        async fn data(&self, path: &str) -> Result<Option<Bytes>> {
            let data = |nodes: &Tree| nodes.get(path).cloned().map(Bytes::from);
            Ok(self.answer(&format!("data {path}"), data))
        }
    }

    const WRITTEN: &str = "<default>/ledgers/inprogress_000000000000000001";
    const COMPLETED: &str = "<default>/ledgers/logrecs_000000000000000001";

    fn rename(nodes: &mut Tree) {
        let segment = nodes.remove(&format!("/ns/old/{WRITTEN}")).unwrap();
        nodes.insert(format!("/ns/new/{WRITTEN}"), segment);
    }

    fn complete(nodes: &mut Tree) {
        let (written, _) = nodes.pop_first().unwrap();
        let completed = "4294967301;7;1;1;1700000000000;1;0;0;0;0;0";
        nodes.insert(written.replace(WRITTEN, COMPLETED), completed.to_owned());
    }

    #[tokio::test]
    async fn what_moves_while_it_is_looked_for_is_found() {
        let completed = ("children /ns/old/<default>/ledgers", complete as fn(&mut Tree));
        let renamed = ("children /ns", rename as fn(&mut Tree));
        let then_completed = ("children /ns/new/<default>/ledgers", complete as fn(&mut Tree));
        for (changes, found) in [
            (vec![completed], format!("/ns/old/{COMPLETED}")),
            (vec![renamed], format!("/ns/new/{WRITTEN}")),
            (vec![renamed, then_completed], format!("/ns/new/{COMPLETED}")),
        ] {
            let nodes = [(format!("/ns/old/{WRITTEN}"), "5;7;1;1;0;0;-1".to_owned())].into();
            let fake = Fake(Arc::new(Mutex::new(State { nodes, changes })));
            let references = References::read_twice(&fake, "/ns").await.ok().unwrap();
            assert_eq!(fake.0.lock().unwrap().changes.len(), 0, "all of it happened");
            assert_eq!(references.of(LedgerId::new(7).unwrap()), Some(&*found));
        }
    }

    #[test]
    fn segments_allocations_and_pools_refer_to_ledgers() {
        let log = "/ns/orders/<default>";
        let segment = format!("{log}/ledgers/inprogress_000000000000000001");
        assert_eq!(found(&segment, "5;7;1;1;0;0;-1"), Some(Some(7)));
        let completed = format!("{log}/ledgers/logrecs_000000000000000001");
        assert_eq!(found(&completed, "4294967301;8;1;1;1700000000000;1;0;0;0;0;0"), Some(Some(8)));
        assert_eq!(found(&format!("{log}/allocation"), "9"), Some(Some(9)));
        assert_eq!(found(&format!("{log}/allocation"), ""), Some(None));
        assert_eq!(found("/ns/.allocation_pool/p/A0000000003", "10"), Some(Some(10)));
        // A log with the name of a member of a pool, and the user's data.
        assert_eq!(found("/ns/A0000000003", "mine"), Some(None));
    }

    #[test]
    fn what_cannot_be_understood_is_an_error() {
        let log = "/ns/orders/<default>";
        for data in ["", "x", "5", "5;7", "6;7;1;1;0;0;-1", "5;-7;1;1;0;0;-1", "5;seven;1;1"] {
            let segment = format!("{log}/ledgers/inprogress_000000000000000001");
            assert_eq!(found(&segment, data), None, "{data:?}");
        }
        assert_eq!(found(&format!("{log}/allocation"), "x"), None);
        assert_eq!(found("/ns/.allocation_pool/p/A0000000003", "-1"), None);
    }

    #[test]
    fn logs_with_the_names_of_nodes_are_looked_into() {
        for name in ["ledgers", "lock", "allocation", "subscribers"] {
            assert!(!is_leaf("/ns", name, content("/ns", name)), "{name}");
        }
        assert!(is_leaf("/ns/a/<default>", "lock", Content::Other));
        assert!(!is_leaf("/ns/a/<default>", "ledgers", Content::Other));
    }
}
