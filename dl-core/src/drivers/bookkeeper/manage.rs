//! Namespaces as nodes of ZooKeeper: found, made and deleted.

use dl_bookkeeper::{
    Applied, LedgerId, LedgerStore, NodeChange, NodeMode, NodeRefusal, ZooKeeper, ZooKeeperLedgers,
};

use super::binding::Binding;
use super::error::from_cluster;
use super::federated::SUBNAMESPACES;
use crate::error::{Error, ErrorKind, Result};

/// The root of each log.
const LOG_ROOT: &str = "<default>";

/// A binding, and the node that holds it.
pub(super) struct Found {
    pub(super) path: String,
    pub(super) binding: Binding,
}

/// What binds the namespace at this path: its node, or the nearest one above that holds anything.
pub(super) async fn find(zookeeper: &ZooKeeper, path: &str) -> Result<Option<Found>> {
    let above = path.match_indices('/').skip(1).map(|(end, _)| &path[..end]);
    let mut places: Vec<&str> = above.chain([path]).collect();
    places.reverse();
    for place in places {
        let node = zookeeper.get(place).await.map_err(from_cluster)?;
        if let Some((data, _)) = node.filter(|(data, _)| !data.is_empty()) {
            let binding = Binding::parse(&data).map_err(|error| error.with("node", place))?;
            return Ok(Some(Found { path: place.to_owned(), binding }));
        }
    }
    Ok(None)
}

/// Makes the node of a namespace, and those above it.
///
/// # Errors
/// `already-exists` if it is bound already.
pub(super) async fn bind(zookeeper: &ZooKeeper, path: &str, binding: &Binding) -> Result<()> {
    loop {
        if let Some((parent, _)) = path.rsplit_once('/') {
            make(zookeeper, parent).await?;
        }
        let there = zookeeper.get(path).await.map_err(from_cluster)?;
        let (path, data) = (path.to_owned(), binding.to_text().into());
        let subnamespaces = NodeChange::Create { path: format!("{path}{SUBNAMESPACES}"), data: "".into() };
        let bound = match there {
            None => NodeChange::Create { path, data },
            Some((data_before, state)) if data_before.is_empty() => {
                NodeChange::Set { path, data, version: Some(state.version) }
            }
            Some(_) => {
                return Err(Error::already_exists("the node holds something already").with("node", path));
            }
        };
        // In one step: without the other node a federated namespace cannot be opened.
        let changes = [Some(bound), Some(subnamespaces).filter(|_| binding.federated)];
        let changes: Vec<NodeChange> = changes.into_iter().flatten().collect();
        match zookeeper.commit(&changes).await.map_err(from_cluster)? {
            Applied::Done(_) => return Ok(()),
            Applied::Refused(1, NodeRefusal::Exists) => {
                return Err(Error::already_exists("there are sub-namespaces already; delete them first"));
            }
            // Somebody made, changed or deleted a node meanwhile.
            Applied::Refused(_, NodeRefusal::Exists | NodeRefusal::BadVersion | NodeRefusal::Missing) => {}
            Applied::Refused(_, refusal) => return Err(refused(refusal)),
        }
    }
}

/// Makes a node and those above it, as far as they are missing.
pub(super) async fn make(zookeeper: &ZooKeeper, path: &str) -> Result<()> {
    let ends = path.match_indices('/').skip(1).map(|(end, _)| end).chain([path.len()]);
    let ends: Vec<usize> = ends.filter(|end| *end > 0).collect();
    let paths: Vec<String> = ends.iter().map(|end| path[..*end].to_owned()).collect();
    // Who may not make a node is refused, also where it exists.
    let there = zookeeper.states(&paths).await.map_err(from_cluster)?;
    for (end, _) in ends.into_iter().zip(there).filter(|(_, there)| there.is_none()) {
        // Not null, which Java takes for a node that is missing.
        match zookeeper.create(&path[..end], b"", NodeMode::Persistent).await.map_err(from_cluster)? {
            Applied::Done(_) | Applied::Refused(_, NodeRefusal::Exists) => {}
            Applied::Refused(_, refusal) => return Err(refused(refusal).with("node", &path[..end])),
        }
    }
    Ok(())
}

/// The error for a node that cannot be made.
fn refused(refusal: NodeRefusal) -> Error {
    Error::invalid_argument(format!(
        "ZooKeeper refused the node of the namespace: {refusal:?}; check the path"
    ))
}

/// Deletes a namespace without logs: what lies parked for logs to come, and its nodes.
///
/// # Errors
/// `condition-failed` if it has logs.
pub(super) async fn delete(zookeeper: &ZooKeeper, ledgers: &ZooKeeperLedgers, path: &str) -> Result<()> {
    let nodes = descendants(zookeeper, path).await?;
    let holds_logs = || {
        let message = "the namespace holds logs; delete them first";
        Error::new(ErrorKind::ConditionFailed, message)
    };
    if let Some(root) = nodes.iter().find(|node| node.ends_with(LOG_ROOT)) {
        let log = root[path.len()..].trim_end_matches(LOG_ROOT);
        return Err(holds_logs().with("log", log.trim_matches('/')));
    }
    for node in nodes.iter().filter(|node| is_parked(&node[path.len()..])) {
        let parked = zookeeper.get(node).await.map_err(from_cluster)?;
        let id = parked.and_then(|(data, _)| std::str::from_utf8(&data).ok()?.parse().ok());
        if let Some(id) = id.and_then(|id| LedgerId::new(id).ok()) {
            ledgers.delete(id).await.map_err(from_cluster)?;
        }
    }
    for node in nodes.iter().rev().map(String::as_str).chain([path]) {
        if !zookeeper.delete(node).await.map_err(from_cluster)? {
            return Err(holds_logs().with("node", node));
        }
    }
    Ok(())
}

/// Whether a node, by its path in the namespace, is one of a pool: it holds the id of a ledger that was made in advance.
fn is_parked(node: &str) -> bool {
    let (pool, name) = node.rsplit_once('/').unwrap_or(("", node));
    let number = name.strip_prefix('A').unwrap_or_default();
    pool.starts_with("/.") && number.len() == 10 && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The paths of all nodes below this one, parents first.
async fn descendants(zookeeper: &ZooKeeper, path: &str) -> Result<Vec<String>> {
    let mut found = vec![path.to_owned()];
    let mut looked = 0;
    while let Some(parent) = found.get(looked).cloned() {
        looked += 1;
        let names = zookeeper.children(&parent).await.map_err(from_cluster)?.unwrap_or_default();
        let is_log = names.iter().any(|name| name == LOG_ROOT);
        found.extend(names.iter().map(|name| format!("{parent}/{name}")));
        if is_log {
            break;
        }
    }
    found.remove(0);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nodes_of_pools_hold_parked_ledgers() {
        assert!(is_parked("/.allocation_pool/pool/A0000000003"));
        for other in [
            "/log/A0000000003",
            "/.allocation_pool/pool/A3",
            "/.allocation_pool/pool",
            "/.acl/B0000000003",
            "/A0000000003",
        ] {
            assert!(!is_parked(other), "{other}");
        }
    }
}
