//! `dl bk`.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use dl_bookkeeper::{
    BookKeeper, ClientOptions, CreateOptions, LedgerId, LedgerWriter, NodeMode, Quorum, Seams, ZooKeeper,
    ZooKeeperBookies, ZooKeeperLedgers, ZooKeeperOptions,
};
use dl_cluster::Cluster;
use serde_json::{Value, json};

use crate::support::{Ended, Place, objects};

/// A cluster as another client of it sees it, and `dl` on a namespace there.
struct Beside<'a> {
    cluster: &'a Cluster,
    zookeeper: ZooKeeper,
    client: BookKeeper,
    place: Place,
    uri: String,
}

impl<'a> Beside<'a> {
    /// With the namespace at this path, which is new.
    async fn new(cluster: &'a Cluster, path: &str) -> Self {
        let zookeeper = ZooKeeper::connect(ZooKeeperOptions::new(cluster.zookeeper())).await.unwrap();
        let store = ZooKeeperLedgers::open(zookeeper.clone(), "/ledgers").await.unwrap();
        let bookies = Arc::new(ZooKeeperBookies::new(zookeeper.clone(), "/ledgers"));
        let options = ClientOptions::default();
        let client = BookKeeper::connect(Arc::new(store), bookies, options, Seams::system()).await.unwrap();
        let uri = format!("distributedlog://{}{path}", cluster.zookeeper());
        let beside = Self { cluster, zookeeper, client, place: Place::new(), uri };
        let servers = cluster.zookeeper();
        let fields = format!("{{\"1\":{{\"str\":\"{servers}\"}},\"2\":{{\"str\":\"/ledgers\"}}}}");
        beside.put(path, &format!("1\nBKDL\n{fields}")).await;
        beside
    }

    /// Makes a node, and those above it.
    async fn put(&self, path: &str, data: &str) {
        for (at, _) in path.match_indices('/').skip(1) {
            self.zookeeper.create(&path[..at], b"", NodeMode::Persistent).await.unwrap();
        }
        self.zookeeper.create(path, data.as_bytes(), NodeMode::Persistent).await.unwrap();
    }

    async fn write(&self, entries: &[&str], application: Option<&str>) -> LedgerWriter {
        let mut options = CreateOptions::new(Quorum::new(3, 3, 2).unwrap(), "secret");
        let pair = |name: &str| ("application".to_owned(), Bytes::from(name.to_owned()));
        options.custom = application.map(pair).into_iter().collect();
        let writer = self.client.create(options).await.unwrap();
        for entry in entries {
            writer.append(Bytes::from((*entry).to_owned())).await.unwrap().await.unwrap();
        }
        writer
    }

    /// A ledger that is closed.
    async fn ledger(&self, entries: &[&str], application: Option<&str>) -> LedgerId {
        let writer = self.write(entries, application).await;
        let id = writer.id();
        writer.close().await.unwrap();
        id
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let arguments = [&["bk", "--ns", &self.uri], arguments].concat();
        self.place.run(&arguments)
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let arguments = [&["bk", "--ns", &self.uri], arguments].concat();
        self.place.ok(&arguments)
    }

    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        objects(self.ok(&[arguments, &["--json"]].concat()))
    }

    /// The numbers and addresses of the bookies.
    fn bookies(&self) -> Vec<(String, String)> {
        let status = self.cluster.run(&["status"]);
        let bookie = |line: &str| {
            let number = line.strip_prefix("bookie-")?.split('\t').next()?;
            Some((number.to_owned(), line.split('\t').next_back()?.to_owned()))
        };
        status.lines().filter_map(bookie).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_ledger_is_found_looked_at_and_closed() {
    let beside = Beside::new(Cluster::shared(), "/closed/dl").await;
    let open = beside.write(&["a", "b", "c"], None).await;
    let id = open.id().to_string();
    // The last one was acknowledged, and nobody was told yet.
    assert_eq!(beside.ok(&["end", &id]), "1\n");
    let told = beside.json(&["end", &id]).remove(0);
    assert_eq!((&told["last_confirmed"], &told["closed"]), (&json!(1), &json!(false)));
    let would = format!("ledger {id} would be closed with entry 2 as its last with --close\n");
    assert_eq!(beside.ok(&["recover", &id]), would);
    open.append(Bytes::from("d")).await.unwrap().await.unwrap();
    assert_eq!(
        beside.ok(&["recover", &id, "--close"]),
        format!("ledger {id} is closed with entry 3 as its last\n")
    );
    assert_eq!(beside.ok(&["end", &id]), "3\n");
    let again = beside.json(&["recover", &id]).remove(0);
    assert_eq!(
        (&again["closed"], &again["kept"], &again["obstacles"]),
        (&json!(true), &json!(3), &json!([]))
    );
    let cut_off = match open.append(Bytes::from("e")).await {
        Ok(appended) => appended.await.err(),
        Err(error) => Some(error),
    };
    assert!(cut_off.is_some());

    beside.place.run(&["bk", "find", &id, "--ns", &beside.uri]).failed(102, "not-found");
    let log = "/closed/dl/some/log/<default>/ledgers/logrecs_000000000000000001";
    beside.put(log, &format!("12884901893;{id};1;3;1700000000000;1;2;0;0;0;0")).await;
    assert_eq!(beside.ok(&["find", &id]), format!("some/log\t{log}\n"));
    let found = beside.json(&["find", &id]).remove(0);
    assert_eq!((&found["log"], &found["node"]), (&json!("some/log"), &json!(log)));
}

#[tokio::test(flavor = "multi_thread")]
async fn ledgers_their_entries_and_bookies_are_shown() {
    let beside = Beside::new(Cluster::shared(), "/shown/dl").await;
    let open = beside.write(&["a", "b", "c"], None).await;
    let closed = beside.ledger(&["one", "two", "three"], Some("mine")).await;
    let (closed, open) = (closed.to_string(), open.id().to_string());

    let shown = beside.json(&["show", &closed]).remove(0);
    assert_eq!(
        (&shown["state"], &shown["last_entry"], &shown["bytes"]),
        (&json!("closed"), &json!(2), &json!(11))
    );
    assert_eq!((&shown["application"], &shown["write_quorum"]), (&json!("mine"), &json!(3)));
    assert_eq!(shown["ensembles"][0]["bookies"].as_array().unwrap().len(), 3);
    assert!(shown["created_ms"].as_i64().unwrap() > 1_600_000_000_000, "{shown}");
    let text = beside.ok(&["show", &closed]);
    assert!(text.contains("state         closed\n") && text.contains("application=mine\n"), "{text}");
    assert!(!text.contains("secret"), "{text}");

    let listed = beside.json(&["ledgers"]);
    let states = |id: &str| listed.iter().filter(|each| each["ledger"].as_i64() == id.parse().ok()).count();
    assert_eq!((states(&closed), states(&open)), (1, 1));
    let before = (closed.parse::<i64>().unwrap() - 1).to_string();
    let one = beside.ok(&["ledgers", "--after", &before, "--limit", "1"]);
    let lines: Vec<Vec<&str>> = one.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1..], [vec![closed.as_str(), "closed", "2", "11", "3/3/2", "mine"]]);

    assert_eq!(beside.ok(&["entries", &closed, "--from", "1"]), "1\t0\t3\n2\t1\t5\n");
    assert_eq!(beside.ok(&["entries", &closed, "--count", "2", "--raw"]), "onetwo");
    assert_eq!(beside.ok(&["entries", &closed, "--count", "0"]), "");
    let entry = beside.json(&["entries", &closed, "--from", "2"]).remove(0);
    assert_eq!(entry["payload"], json!(BASE64_STANDARD.encode("three")));
    // The last one of a ledger that is being written is not known to be confirmed.
    assert_eq!(beside.ok(&["entries", &open, "--raw"]), "ab");
    assert_eq!(beside.json(&["show", &open])[0]["state"], json!("open"), "it was not fenced");

    let bookies = beside.json(&["bookies"]);
    assert_eq!(bookies.len(), 3);
    for bookie in bookies {
        assert_eq!((&bookie["state"], &bookie["problem"]), (&json!("writable"), &Value::Null));
        assert!(bookie["free_bytes"].as_u64() > Some(0), "{bookie}");
    }
    let servers = beside.cluster.zookeeper();
    assert_eq!(beside.place.ok(&["bk", "bookies", "--zookeeper", servers]).lines().count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused() {
    let beside = Beside::new(Cluster::shared(), "/refused/dl").await;
    beside.run(&["show", "987654321"]).failed(102, "not-found");
    beside.run(&["entries", "987654321"]).failed(102, "not-found");
    beside.run(&["fragments", "--ledger", "987654321"]).failed(102, "not-found");
    beside.run(&["fragments", "none"]).failed(102, "not-found");
    for usage in [&["show", "-1"][..], &["show"], &["fragments"], &["orphans", "--older-than", "1"]] {
        assert_eq!(beside.run(usage).code, 1, "{usage:?}");
    }
    let servers = beside.cluster.zookeeper();
    let place = &beside.place;
    place.run(&["bk", "bookies"]).failed(101, "invalid-argument: the namespace is on no BookKeeper cluster");
    place
        .run(&["bk", "orphans", "--zookeeper", servers])
        .failed(101, "invalid-argument: this needs a namespace");
    let none = format!("distributedlog://{servers}/nowhere");
    place.run(&["bk", "bookies", "--ns", &none]).failed(102, "not-found: there is no namespace");
    place
        .run(&["bk", "bookies", "--zookeeper", servers, "--ledgers-path", "/other"])
        .failed(112, "unavailable");
    // What the namespace's options say about connections holds here, too, in each of the ways to say it.
    let uri = format!("{}?tls_roots=/not/there", beside.uri);
    let refused = "invalid-argument: the file that the option tls_roots names cannot be read";
    place.run(&["bk", "bookies", "--ns", &uri]).failed(101, refused);
    let option = ["bk", "bookies", "-o", "tls_roots=/not/there"];
    place.run(&[&option[..], &["--zookeeper", servers]].concat()).failed(101, refused);
    place.run(&[&option[..], &["--ns", &beside.uri]].concat()).failed(101, refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_copies_are_found_and_orphans_are_deleted() {
    let cluster = Cluster::start(&[]);
    let beside = Beside::new(&cluster, "/messaging/dl").await;
    fragments(&beside).await;
    lost(&beside);
    orphans(&beside).await;
}

async fn fragments(beside: &Beside<'_>) {
    beside.place.ok_with(&["append", "orders", "--ns", &beside.uri], b"one\ntwo\nthree\n");
    let segment = objects(beside.place.ok(&["segments", "orders", "--json", "--ns", &beside.uri])).remove(0);
    let ledger = segment["id"].as_i64().unwrap();
    let last = beside.json(&["show", &ledger.to_string()])[0]["last_entry"].clone();
    assert_eq!(beside.ok(&["fragments", "orders"]), "every copy of 1 fragments is there\n");
    let all = beside.json(&["fragments", "orders", "--all", "--every-entry"]).remove(0);
    assert_eq!((&all["ledger"], &all["last_entry"]), (&json!(ledger), &last));
    assert_eq!(all["problems"], json!([]));

    let (number, address) = beside.bookies().remove(0);
    beside.cluster.run(&["kill-bookie", &number]);
    let ended = beside.run(&["fragments", "orders", "--json"]);
    assert_eq!((ended.code, &objects(&ended.stdout)[0]["problems"][0]["problem"]), (112, &json!("silent")));
    beside.cluster.run(&["expire-session", &format!("/ledgers/available/{address}")]);
    let ended = beside.run(&["fragments", "orders"]);
    assert_eq!(ended.code, 112, "{}", ended.stderr);
    let lines = ended.lines();
    assert_eq!(lines[0], format!("ledger {ledger}, entries 0 to {last}: 2 of 3 copies"));
    assert_eq!(lines[1], format!("  {address} is not registered"));

    beside.cluster.run(&["wipe-bookie", &number]);
    beside.cluster.run(&["start-bookie", &number]);
    let ended = beside.run(&["fragments", "--ledger", &ledger.to_string(), "--json"]);
    let problem = &objects(&ended.stdout)[0]["problems"][0];
    assert_eq!(*problem, json!({ "bookie": address, "problem": "missing", "entry": 0 }));
    let verified = beside.place.ok(&["verify", "orders", "--ns", &beside.uri]);
    let missing =
        format!("copies of entries of ledger {ledger} are missing: {address} does not have entry 0\n");
    assert!(verified.starts_with(&format!("notice, log orders, segment 1: {missing}")), "{verified}");
    assert!(verified.ends_with("ok orders: 3 records in 1 segments\n"), "{verified}");
}

/// A log whose only copy is lost with its bookie.
fn lost(beside: &Beside<'_>) {
    let quorum = ["-o", "ensemble_size=1", "-o", "write_quorum=1", "-o", "ack_quorum=1"];
    let append = [&["append", "single", "--ns", &beside.uri][..], &quorum].concat();
    beside.place.ok_with(&append, b"one\ntwo\n");
    let segment = objects(beside.place.ok(&["segments", "single", "--json", "--ns", &beside.uri])).remove(0);
    let ledger = segment["id"].to_string();
    let shown = beside.json(&["show", &ledger]).remove(0);
    let address = shown["ensembles"][0]["bookies"][0].as_str().unwrap().to_owned();
    let (number, _) = beside.bookies().into_iter().find(|(_, at)| *at == address).unwrap();
    beside.cluster.run(&["kill-bookie", &number]);
    let verify = || beside.place.run(&["verify", "single", "--ns", &beside.uri]);
    let ended = verify();
    let said = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.code, 112, "it may come back: {said}");
    let entries = format!("of ledger {ledger} cannot be looked at now: {address} does not answer: ");
    assert!(
        said.contains(&entries) && said.contains("unread single: 0 records were read; then unavailable"),
        "{said}"
    );

    beside.cluster.run(&["expire-session", &format!("/ledgers/available/{address}")]);
    beside.cluster.run(&["wipe-bookie", &number]);
    beside.cluster.run(&["start-bookie", &number]);
    let ended = verify();
    let said = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.code, 114, "{said}");
    let entries = format!("of ledger {ledger} as written: {address} does not have entry 0\n");
    assert!(
        said.starts_with("damage, log single, segment 1: no bookie has ent") && said.contains(&entries),
        "{said}"
    );
    assert!(said.contains("damaged single: 0 records can be read\n  corrupt (next_batch): "), "{said}");
}

async fn orphans(beside: &Beside<'_>) {
    let root = "/messaging/dl/payments/<default>";
    let segment = beside.ledger(&["one"], None).await;
    beside
        .put(&format!("{root}/ledgers/inprogress_000000000000000001"), &format!("5;{segment};1;1;0;0;-1"))
        .await;
    let allocated = beside.ledger(&[], None).await;
    beside.put(&format!("{root}/allocation"), &allocated.to_string()).await;
    let pooled = beside.ledger(&[], None).await;
    beside.put("/messaging/dl/.allocation_pool/mine/A0000000000", &pooled.to_string()).await;
    let other = Beside::new(beside.cluster, "/other/dl").await;
    let others = beside.ledger(&["theirs"], None).await;
    other.put("/other/dl/log/<default>/allocation", &others.to_string()).await;
    let marked = beside.ledger(&["two"], Some("pulsar")).await;
    let orphan = beside.ledger(&["three"], None).await;

    let verdicts = |more: &[&str]| -> Vec<(i64, String, bool)> {
        let found = beside.json(&[&["orphans", "--also-used-by", &other.uri], more].concat());
        let verdict = |found: &Value| {
            let (ledger, deleted) = (found["ledger"].as_i64(), found["deleted"].as_bool());
            (ledger.unwrap(), found["verdict"].as_str().unwrap().to_owned(), deleted.unwrap())
        };
        found.iter().map(verdict).collect()
    };
    let (marked, orphan) = (marked.number(), orphan.number());
    let stays = (marked, "other".to_owned(), false);
    let said = |verdict: &str, deleted| (orphan, verdict.to_owned(), deleted);
    // Nothing goes that may be another's, or is about to be used, or without being asked for.
    assert_eq!(verdicts(&["--delete", "--older-than", "0s"]), [stays.clone(), said("unmarked", false)]);
    assert_eq!(verdicts(&["--delete", "--unmarked"]), [stays.clone(), said("young", false)]);
    let all = ["--unmarked", "--older-than", "0s"];
    assert_eq!(verdicts(&all), [stays.clone(), said("orphan", false)]);
    assert_eq!(beside.json(&["show", &orphan.to_string()])[0]["state"], json!("closed"));
    let text = beside.ok(&[&["orphans", "--also-used-by", &other.uri], &all[..]].concat());
    assert!(text.ends_with("1 ledgers would be deleted with --delete\n"), "{text}");

    // What cannot be understood may refer to any of them.
    let unknown = "/messaging/dl/broken/<default>/allocation";
    beside.put(unknown, "x").await;
    beside.run(&["orphans", "--delete", "--unmarked", "--older-than", "0s"]).failed(114, "corrupt");
    beside.zookeeper.delete(unknown).await.unwrap();

    assert_eq!(verdicts(&[&all[..], &["--delete"]].concat()), [stays.clone(), said("orphan", true)]);
    assert_eq!(verdicts(&all), [stays]);
    beside.run(&["show", &orphan.to_string()]).failed(102, "not-found");
    for kept in [segment, allocated, pooled, others] {
        beside.client.metadata(kept).await.unwrap();
    }
}
