//! Which ledgers a namespace refers to: of segments, of allocations that logs have not used yet, and of allocator pools.
//!
//! Every node below the namespace's is looked at, so that nothing is missed by where it stands: logs below logs, parts of a
//! federated namespace, pools under any path.

use std::collections::BTreeMap;

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

impl References {
    /// Those of the namespace whose node is at `root`.
    ///
    /// # Errors
    /// `corrupt` for a node that cannot be understood: it may refer to any ledger.
    pub(super) async fn read(zookeeper: &ZooKeeper, root: &str) -> Result<Self> {
        let mut found = Self::default();
        let mut ahead = vec![root.to_owned()];
        while !ahead.is_empty() {
            let mut visits = JoinSet::new();
            for path in ahead.split_off(ahead.len().saturating_sub(AT_ONCE)) {
                let zookeeper = zookeeper.clone();
                visits.spawn(async move { visit(&zookeeper, &path).await });
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

    /// Adds those of another look, or of another namespace.
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

async fn visit(zookeeper: &ZooKeeper, path: &str) -> Result<Visit> {
    let names = zookeeper.children(path).await?.unwrap_or_default();
    let mut visit = Visit { references: Vec::new(), below: Vec::new() };
    for name in names {
        let node = format!("{}/{name}", path.trim_end_matches('/'));
        let content = content(path, &name);
        if content != Content::Other
            && let Some((data, _)) = zookeeper.get(&node).await?
            && let Some(ledger) = reference(content, &node, &data)?
        {
            visit.references.push((ledger, node.clone()));
        }
        if !is_leaf(path, &name, content) {
            visit.below.push(node);
        }
    }
    Ok(visit)
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
    use super::*;

    fn found(node: &str, data: &str) -> Option<Option<i64>> {
        let (parent, name) = node.rsplit_once('/').unwrap();
        let found = reference(content(parent, name), node, data.as_bytes());
        found.ok().map(|ledger| ledger.map(LedgerId::number))
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
