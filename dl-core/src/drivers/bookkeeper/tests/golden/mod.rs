//! Whole trees that Java DistributedLog left in ZooKeeper, put there again and read.

mod calls;
mod cases;
mod compare;
mod laid;
mod named;

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::LogName;
use crate::engine::segments::SegmentList;
use crate::format::golden_tests::vectors::cases;
use crate::metadata::{SegmentMetadata, Truncation};

/// The nodes of a snapshot by path, with their data.
fn nodes(snapshot: &Value) -> BTreeMap<&str, Vec<u8>> {
    let nodes = snapshot["znodes"].as_array().unwrap().iter();
    nodes.map(|node| (node["path"].as_str().unwrap(), bytes(node["data"].as_str().unwrap_or("")))).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Makes a node and what is missing above it.
async fn put(zookeeper: &ZooKeeper, path: &str, data: &[u8]) {
    for (at, _) in path.match_indices('/').skip(1) {
        zookeeper.create(&path[..at], b"", NodeMode::Persistent).await.unwrap();
    }
    zookeeper.create(path, data, NodeMode::Persistent).await.unwrap();
}

/// What Java parsed from the same text, if it did: version 1 it refuses unless told.
fn assert_as_java(case: &Value, segment: &SegmentMetadata) -> bool {
    let mut parsed = case["java_segments"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|at| at["segments"].as_array().unwrap());
    let text = segment.to_string();
    let Some(java) = parsed.find(|java| java["data"].as_str() == Some(&text)) else { return false };
    let completed = segment.completed.as_ref();
    assert_eq!(java["lssn"].as_i64(), Some(segment.number), "{text}");
    assert_eq!(java["ledger_id"].as_i64(), Some(segment.segment_id.get()), "{text}");
    assert_eq!(java["first_txid"].as_i64(), Some(segment.first_txid), "{text}");
    assert_eq!(java["in_progress"].as_bool(), Some(completed.is_none()), "{text}");
    if let Some(completed) = completed {
        assert_eq!(java["last_txid"].as_i64(), Some(completed.last_txid), "{text}");
        assert_eq!(java["record_count"].as_i64(), Some(completed.records.into()), "{text}");
        // Texts of version 1 do not have it, and Java looks into the ledger.
        if segment.version > 1 {
            assert_eq!(java["last_entry_id"].as_i64(), Some(completed.last_entry), "{text}");
        }
    }
    let truncated = java["truncation"].as_str() != Some("ACTIVE");
    assert_eq!(segment.truncation != Truncation::Active, truncated, "{text}");
    true
}

#[tokio::test]
async fn the_trees_that_java_left_are_read_as_java_reads_them() {
    let zookeeper = connect(Cluster::shared_zookeeper()).await;
    let (mut trees, mut segments, mut compared) = (0, 0, 0);
    for case in cases() {
        let case = case.json;
        let Some(snapshots) = case.get("snapshots").and_then(Value::as_array) else { continue };
        for snapshot in snapshots {
            let root = name();
            let nodes = nodes(snapshot);
            for (path, data) in &nodes {
                put(&zookeeper, &format!("{root}{path}"), data).await;
            }
            trees += 1;
            let store = ZooKeeperMetadata::new(zookeeper.clone(), &root, &Seams::system().unwrap());
            for path in nodes.keys() {
                let Some(log) = path.strip_suffix("/<default>/ledgers") else { continue };
                let log = LogName::new(&log[1..]).unwrap();
                let list = SegmentList::read(&store, &log).await.unwrap();
                for segment in list.iter() {
                    let there = format!("{path}/{}", segment.node);
                    assert_eq!(segment.metadata.to_string().as_bytes(), &nodes[&*there], "{there}");
                    segments += 1;
                    compared += u64::from(assert_as_java(&case, &segment.metadata));
                }
            }
        }
    }
    // No tree was passed over.
    assert_eq!((trees, segments, compared), (198, 197, 145));
}
