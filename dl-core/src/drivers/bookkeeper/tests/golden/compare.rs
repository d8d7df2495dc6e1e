//! What is compared: the nodes of a log, and its ledgers.

use std::collections::BTreeMap;

use dl_bookkeeper::{EntryId, LedgerId, LedgerMetadata, LedgerState};
use serde_json::Value;

use super::calls::Play;
use super::*;
use crate::Dlsn;

impl Play {
    /// Compares all nodes of the log, and the ledgers that were looked at then.
    pub(super) async fn snapshot(&mut self, at: &str) {
        // Java's writers and readers were closed between the calls that were noted.
        let has = |lock: &str| self.javas(at).keys().any(|path| path.contains(lock));
        let (written, locked) = (has("/lock/member_"), has("/readLock/member_"));
        match written {
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
        if self.differences.between.contains(&at) {
            return;
        }
        assert_eq!(tree(&self.zookeeper, &self.root, &self.log).await, self.javas(at), "{} {at}", self.log);
        self.compared += 1;
        for ledger in self.case["ledgers"].as_array().into_iter().flatten() {
            if ledger["at"] == at && ledger["metadata"]["state"] == "CLOSED" {
                self.compare(ledger).await;
                self.compared += 1;
            }
        }
    }

    /// The nodes that Java had, with what varies substituted.
    fn javas(&self, at: &str) -> BTreeMap<String, String> {
        let snapshots = self.case["snapshots"].as_array().unwrap();
        let snapshot = snapshots.iter().find(|snapshot| snapshot["at"] == at).unwrap();
        let root = self.case["namespace"].as_str().unwrap();
        let freed: Vec<String> = self
            .differences
            .freed
            .iter()
            .filter(|(then, _)| *then == at)
            .map(|(_, number)| format!("logrecs_{number:018}"))
            .collect();
        let kept =
            nodes(snapshot).into_iter().filter(|(path, _)| !freed.iter().any(|freed| path.ends_with(freed)));
        kept.map(|(path, data)| substitute(path.strip_prefix(root).unwrap(), &data)).collect()
    }

    async fn compare(&self, java: &Value) {
        let segments = self.namespace.log(&self.log).segments().await.unwrap();
        let number = java["lssn"].as_i64().unwrap();
        let segment = segments.iter().find(|segment| segment.number == number).unwrap();
        let id = LedgerId::new(segment.id.get()).unwrap();
        let reader = self.bookkeeper.open_without_recovery(id, self.password.as_bytes()).await.unwrap();
        let expected = java["entries"].as_array().unwrap();
        let (expected, repeated) = expected.split_at(expected.len() - self.differences.repeats);
        for repeated in repeated {
            assert_eq!(repeated["payload"], expected.last().unwrap()["payload"]);
        }
        let length = expected.last().unwrap()["length"].as_u64().unwrap();
        compare_metadata(&reader.metadata().metadata, &java["metadata"], expected.len() as i64 - 1, length);
        let at = |number: usize| EntryId::new(number as i64).unwrap();
        let entries = reader.read(at(0), at(expected.len() - 1), 1 << 20).await.unwrap();
        assert_eq!(entries.len(), expected.len(), "{}", self.log);
        for (entry, expected) in entries.iter().zip(expected) {
            assert_eq!(
                entry.payload,
                bytes(expected["payload"].as_str().unwrap()),
                "{} {}",
                self.log,
                entry.id
            );
            assert_eq!(Some(entry.length), expected["length"].as_u64());
        }
    }
}

fn compare_metadata(ours: &LedgerMetadata, java: &Value, last: i64, length: u64) {
    let last_entry = EntryId::new(last).ok();
    assert_eq!(ours.state, LedgerState::Closed { last_entry, length });
    let quorum = ["ensemble_size", "write_quorum", "ack_quorum"].map(|size| java[size].to_string());
    assert_eq!(ours.quorum.to_string(), quorum.join("/"));
    assert_eq!(ours.digest.name(), java["digest_type"].as_str().unwrap());
    assert_eq!(ours.password, bytes(java["password"].as_str().unwrap()));
    assert_eq!(ours.custom.len(), java["custom_metadata"].as_object().unwrap().len());
    assert_eq!(ours.ensembles().len(), java["ensembles"].as_object().unwrap().len());
}

/// The nodes of a log and of all beside it below the first part of its name.
pub(super) async fn tree(zookeeper: &ZooKeeper, root: &str, log: &LogName) -> BTreeMap<String, String> {
    let first = log.as_str().split('/').next().unwrap();
    let (mut found, mut waiting) = (BTreeMap::new(), vec![format!("/{first}")]);
    while let Some(path) = waiting.pop() {
        let at = format!("{root}{path}");
        let Some((data, _)) = zookeeper.get(&at).await.unwrap() else { continue };
        let children = zookeeper.children(&at).await.unwrap().unwrap_or_default();
        waiting.extend(children.into_iter().map(|child| format!("{path}/{child}")));
        let (path, data) = substitute(&path, &data);
        found.insert(path, data);
    }
    found
}

/// A node with `#` for ids of sessions and ledgers, and times.
pub(super) fn substitute(path: &str, data: &[u8]) -> (String, String) {
    let text = String::from_utf8(data.to_vec()).unwrap_or_else(|_| format!("{data:x?}"));
    if let Some((path, session)) = path.split_once("_s").filter(|(path, _)| path.contains("ock/member_")) {
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
