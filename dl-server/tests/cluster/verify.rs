//! `dl verify` on a cluster.

use dl_bookkeeper::{LedgerId, LedgerStore, ZooKeeper, ZooKeeperLedgers, ZooKeeperOptions};
use dl_cluster::Cluster;
use serde_json::{Value, json};

use crate::support::{Ended, Place, objects};

/// The ledger of a segment.
fn ledger(place: &Place, uri: &str, log: &str, segment: usize) -> i64 {
    let segments = objects(place.ok(&["segments", log, "--json", "--ns", uri]));
    segments[segment]["id"].as_i64().unwrap()
}

/// What is said of ledgers, and of logs.
fn found(ended: &Ended) -> (Vec<Value>, Vec<Value>) {
    objects(ended.stdout.clone()).into_iter().partition(|object| object["severity"].is_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ledgers_and_metadata_say_is_compared() {
    let cluster = Cluster::shared();
    let (place, uri) = (Place::new(), cluster.uri().replace("/messaging/", "/verified/"));
    let zookeeper = ZooKeeper::connect(ZooKeeperOptions::new(cluster.zookeeper())).await.unwrap();
    let ledgers = ZooKeeperLedgers::open(zookeeper.clone(), "/ledgers").await.unwrap();
    place.run(&["verify", "--ns", &uri]).failed(102, "not-found");
    place.ok(&["namespace", "create", "--ns", &uri]);
    for log in ["counts", "gone", "good"] {
        for lines in ["1\n2\n3\n", "4\n5\n"] {
            place.ok_with(&["append", log, "--batch", "2", "--ns", &uri], lines.as_bytes());
        }
    }
    let verify = |more: &[&str]| place.run(&[&["verify", "--ns", &uri], more].concat());
    let all = "ok counts: 5 records in 2 segments\nok gone: 5 records in 2 segments\nok good: 5 records in 2 segments\n";
    assert_eq!(place.ok(&["verify", "--ns", &uri]), all);
    verify(&["none"]).failed(102, "not-found");

    // The metadata of a segment counts more than its ledger has.
    let root = uri.rsplit_once('/').map(|(_, name)| format!("/verified/{name}")).unwrap();
    let node = format!("{root}/counts/<default>/ledgers/logrecs_000000000000000001");
    let (text, state) = zookeeper.get(&node).await.unwrap().unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let more = text.replacen("12884901893", "17179869189", 1);
    assert_ne!(more, text, "three records");
    zookeeper.set(&node, more.as_bytes(), state.version).await.unwrap();
    let ended = verify(&["counts", "--json"]);
    let (findings, logs) = found(&ended);
    assert_eq!((ended.code, findings.len(), &logs[0]["ok"]), (114, 1, &json!(false)), "{}", ended.stderr);
    let first = ledger(&place, &uri, "counts", 0);
    assert_eq!(
        findings[0]["message"],
        json!(format!("it is said to have 4 records, and ledger {first} has 3"))
    );
    assert_eq!((&findings[0]["severity"], &findings[0]["segment"]), (&json!("damage"), &json!(1)));

    // A ledger is gone: the segment behind it is read all the same, and so are other logs.
    let first = ledger(&place, &uri, "gone", 0);
    ledgers.delete(LedgerId::new(first).unwrap()).await.unwrap();
    let ended = verify(&[]);
    let said = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.code, 114, "{said}");
    assert!(
        said.contains(&format!("damage, log gone, segment 1: its ledger {first} does not exist any more")),
        "{said}"
    );
    assert!(
        said.contains("damaged gone: 2 records can be read") && said.contains("ok good: 5 records"),
        "{said}"
    );
    assert_eq!(verify(&["good"]).code, 0);
}
