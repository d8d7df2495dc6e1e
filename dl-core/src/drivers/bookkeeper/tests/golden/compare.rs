//! What is compared: the nodes of a log, and its ledgers.

use std::collections::BTreeMap;

use dl_bookkeeper::{EntryId, LedgerId, LedgerMetadata, LedgerState};
use serde_json::Value;

use super::calls::Play;
use super::*;
use crate::Dlsn;
use crate::format::golden_tests::vectors::stored_entry;
use crate::format::open_entry;

impl Play {
    /// Compares all nodes of the log, and the ledgers that were looked at then.
    pub(super) async fn snapshot(&mut self, at: &str) {
        // Java's writers and readers were closed between the calls that were noted.
        let has = |lock: &str| self.javas(at).keys().any(|path| path.contains(lock));
        let (written, locked) = (has("/lock/member_"), has("/readLock/member_"));
        let between = self.differences.between.contains(&at);
        match written || (between && self.writer.is_some()) {
            true if between => {}
            true => _ = self.writer().await,
            false => self.close().await,
        }
        if !locked {
            self.release().await;
        }
        if at == "metadata set to zero length" {
            self.namespace.log(&self.log).set_user_metadata("").await.unwrap();
        }
        self.settle().await;
        if between {
            return;
        }
        let top = self.top();
        assert_eq!(tree(&self.zookeeper, &self.root, top).await, self.javas(at), "{} {at}", self.log);
        self.compared += 1;
        self.compare_owners(at).await;
        for ledger in self.case.json["ledgers"].as_array().into_iter().flatten() {
            let freed = |(then, number): &(&str, i64)| *then == at && ledger["lssn"] == *number;
            let freed = self.differences.freed.iter().any(freed);
            if ledger["at"] == at && ledger["metadata"]["state"] == "CLOSED" && !freed {
                self.compare(ledger).await;
                self.compared += 1;
            }
        }
    }

    /// Below what the nodes are compared: the first part of the log's name, unless the case is about more than one log.
    fn top(&self) -> &str {
        match self.case.name.as_str() {
            "federated" => "",
            _ => self.log.as_str().split('/').next().unwrap(),
        }
    }

    /// The nodes that Java had, with what varies substituted.
    fn javas(&self, at: &str) -> BTreeMap<String, String> {
        let snapshots = self.case.json["snapshots"].as_array().unwrap();
        let snapshot = snapshots.iter().find(|snapshot| snapshot["at"] == at).unwrap();
        let top = format!("{}/{}", self.javas_root, self.top());
        let is_ours = |path: &str| {
            path == top
                || path.strip_prefix(&top).is_some_and(|below| top.ends_with('/') || below.starts_with('/'))
        };
        let freed: Vec<String> = self
            .differences
            .freed
            .iter()
            .filter(|(then, _)| *then == at)
            .map(|(_, number)| format!("logrecs_{number:018}"))
            .collect();
        let is_freed = |path: &str| freed.iter().any(|freed| path.ends_with(freed));
        let kept = nodes(snapshot).into_iter().filter(|(path, _)| is_ours(path) && !is_freed(path));
        kept.map(|(path, data)| substitute(&self.javas_root, path, &data)).collect()
    }

    /// What only its owner may change in Java's tree is refused to a stranger here.
    async fn compare_owners(&self, at: &str) {
        let snapshots = self.case.json["snapshots"].as_array().unwrap();
        let snapshot = snapshots.iter().find(|snapshot| snapshot["at"] == at).unwrap();
        for node in snapshot["znodes"].as_array().unwrap() {
            let path = node["path"].as_str().unwrap().replace(&self.javas_root, &self.root);
            let owned = node["acl"].as_array().is_some_and(|acl| acl[0]["scheme"] == "digest");
            // Another session's.
            if owned && !path.contains("/member_") {
                let refused = self.zookeeper.set(&path, b"", 1_000).await.unwrap_err();
                assert_eq!(refused.kind(), dl_bookkeeper::ErrorKind::Unauthorized, "{path}");
            }
        }
    }

    async fn compare(&self, java: &Value) {
        let segments = self.namespace.log(&self.log).segments().await.unwrap();
        let number = java["lssn"].as_i64().unwrap();
        let segment = segments.iter().find(|segment| segment.number == number).unwrap();
        let id = LedgerId::new(segment.id.get()).unwrap();
        let reader = self.bookkeeper.open_without_recovery(id, self.password.as_bytes()).await.unwrap();
        let expected = java["entries"].as_array().unwrap();
        let repeats = usize::from(self.differences.repeats.contains(&number));
        let (expected, repeated) = expected.split_at(expected.len() - repeats);
        for repeated in repeated {
            assert_eq!(repeated["payload"], expected.last().unwrap()["payload"]);
        }
        let at = |number: usize| EntryId::new(number as i64).unwrap();
        let entries = reader.read(at(0), at(expected.len() - 1), 16 << 20).await.unwrap();
        assert_eq!(entries.len(), expected.len(), "{}", self.log);
        // Two encoders of LZ4 do not choose alike.
        for (entry, expected) in entries.iter().zip(expected) {
            let context = format!("{} {}", self.log, entry.id);
            let (ours, javas) = (entry.payload.clone(), stored_entry(&self.case, expected).into());
            if self.is_compressed() {
                assert!(open_entry(ours, true).unwrap() == open_entry(javas, true).unwrap(), "{context}");
            } else {
                assert!(ours == javas, "{context}");
                assert_eq!(Some(entry.length), expected["length"].as_u64(), "{context}");
            }
        }
        let length = entries.last().unwrap().length;
        compare_metadata(&reader.metadata().metadata, &java["metadata"], expected.len() as i64 - 1, length);
    }
}

fn compare_metadata(ours: &LedgerMetadata, java: &Value, last: i64, length: u64) {
    let last_entry = EntryId::new(last).ok();
    assert_eq!(ours.state, LedgerState::Closed { last_entry, length });
    let quorum = ["ensemble_size", "write_quorum", "ack_quorum"].map(|size| java[size].to_string());
    assert_eq!(ours.quorum.to_string(), quorum.join("/"));
    assert_eq!(ours.digest.name(), java["digest_type"].as_str().unwrap());
    assert_eq!(ours.password, bytes(java["password"].as_str().unwrap()));
    // Java's writers may add keys of their own.
    let javas = java["custom_metadata"].as_object().unwrap().iter();
    let javas = javas.filter(|(key, _)| ["application", "component"].contains(&key.as_str()));
    let javas = javas.map(|(key, value)| (key.clone(), bytes(value.as_str().unwrap()).into()));
    assert_eq!(ours.custom, javas.collect::<Vec<_>>());
    assert_eq!(ours.ensembles().len(), java["ensembles"].as_object().unwrap().len());
}

/// The nodes of a namespace below one of its nodes, and this one; all of them if that has no name.
pub(super) async fn tree(zookeeper: &ZooKeeper, root: &str, top: &str) -> BTreeMap<String, String> {
    let mut waiting = match top {
        "" => children(zookeeper, root).await,
        top => vec![format!("{root}/{top}")],
    };
    let mut found = BTreeMap::new();
    while let Some(path) = waiting.pop() {
        let Some((data, _)) = zookeeper.get(&path).await.unwrap() else { continue };
        waiting.extend(children(zookeeper, &path).await);
        let (path, data) = substitute(root, &path, &data);
        found.insert(path, data);
    }
    found
}

async fn children(zookeeper: &ZooKeeper, path: &str) -> Vec<String> {
    let names = zookeeper.children(path).await.unwrap().unwrap_or_default();
    names.into_iter().map(|name| format!("{path}/{name}")).collect()
}

/// A node with `#` for ids of sessions and ledgers, times, and the place of the namespace.
pub(super) fn substitute(root: &str, path: &str, data: &[u8]) -> (String, String) {
    let path = path.strip_prefix(root).unwrap();
    let text = String::from_utf8(data.to_vec()).unwrap_or_else(|_| format!("{data:x?}")).replace(root, "#");
    if let Some((path, session)) = path.rsplit_once("_s").filter(|(path, _)| path.contains("ock/member_")) {
        let (_, sequence) = session.split_once('_').unwrap();
        return (format!("{path}_s#_{}", sequence.len()), text);
    }
    let is_segment = path.contains("/ledgers/");
    let varies = |at: usize, fields: usize| is_segment && (at == 1 || (at == 4 && fields > 7));
    let fields: Vec<&str> = text.split(';').collect();
    let fields =
        fields.iter().enumerate().map(|(at, field)| if varies(at, fields.len()) { "#" } else { field });
    (path.to_owned(), fields.collect::<Vec<_>>().join(";"))
}

pub(super) fn dlsn(value: &Value) -> Dlsn {
    let [segment, entry, slot] = ["lssn", "entry", "slot"].map(|field| value[field].as_i64().unwrap());
    Dlsn::new(segment, entry, slot)
}
