//! Logs that Java left, nodes and ledgers, put on a cluster again: read as Java's own readers read them, and recovered to the
//! nodes that its recovery made.

use std::collections::BTreeMap;

use dl_bookkeeper::{BookKeeper, CreateOptions, LedgerWriter, Quorum};
use serde_json::Value;

use super::super::segments::OnBookies;
use super::compare::{dlsn, substitute, tree};
use super::*;
use crate::{Dlsn, Namespace, Options, Start, Txid};

/// A namespace with what Java left at some moment of a case.
struct Laid {
    case: Value,
    root: String,
    zookeeper: ZooKeeper,
    namespace: Namespace,
    log: LogName,
    /// Of ledgers that are not closed: dropping one leaves it as it is.
    _open: Vec<LedgerWriter>,
}

/// None where the moment has no nodes, or a ledger is not known byte for byte.
async fn lay(case: &Value, at: &str, log: &str, ledgers_at: &str) -> Option<Laid> {
    let snapshots = case["snapshots"].as_array().unwrap();
    let snapshot = snapshots.iter().find(|snapshot| snapshot["at"] == at)?;
    let java = case["namespace"].as_str()?;
    let root = name();
    let zookeeper = connect(Cluster::shared()).await;
    let bookkeeper = OnBookies::new().bookkeeper(&zookeeper).await;
    let password = case["configuration"].get("digestPw").map_or("", |password| password.as_str().unwrap());
    let mut options = Options::default().ledgers_path("/ledgers");
    if !password.is_empty() {
        options = options.ledger_password(password);
    }
    let uri = format!("distributedlog://{}{root}", Cluster::shared().zookeeper());
    let namespace = Namespace::open(&uri, options).await.unwrap();
    let mut open = Vec::new();
    for (path, data) in nodes(snapshot) {
        let Some(below) = path.strip_prefix(java).filter(|below| !below.is_empty()) else { continue };
        // Whoever held it is gone.
        if below.contains("/member_") {
            continue;
        }
        let mut data = data.clone();
        if below.contains("/<default>/ledgers/") {
            let text = String::from_utf8(data).unwrap();
            let mut fields: Vec<String> = text.split(';').map(str::to_owned).collect();
            let writer = ledger(&bookkeeper, case, &fields[1], ledgers_at, password).await?;
            fields[1] = writer.id().to_string();
            match below.contains("inprogress") {
                true => open.push(writer),
                false => _ = writer.close().await.unwrap(),
            }
            data = fields.join(";").into();
        }
        put(&zookeeper, &format!("{root}{below}"), &data).await;
    }
    let log = LogName::new(log).unwrap();
    Some(Laid { case: case.clone(), root, zookeeper, namespace, log, _open: open })
}

/// A ledger with the entries that Java's has.
async fn ledger(
    bookkeeper: &BookKeeper,
    case: &Value,
    id: &str,
    at: &str,
    password: &str,
) -> Option<LedgerWriter> {
    let known = case["ledgers"].as_array()?;
    let of_id = |ledger: &&Value| ledger["ledger_id"].as_i64() == id.parse().ok();
    let mut same = known.iter().filter(of_id);
    let ledger = same.clone().find(|ledger| ledger["at"] == at).or_else(|| same.next_back())?;
    let options = CreateOptions::new(Quorum::new(3, 3, 2).unwrap(), password.to_owned());
    let writer = bookkeeper.create(options).await.unwrap();
    for entry in ledger["entries"].as_array()? {
        writer.append(bytes(entry["payload"].as_str()?).into()).await.unwrap().await.unwrap();
    }
    Some(writer)
}

impl Laid {
    /// What a reader delivers: positions, txids, sequence ids and payloads.
    async fn read(&self, from: Start) -> Vec<(Dlsn, i64, Option<u64>, Vec<u8>)> {
        let options = ReaderOptions::default().from(from).on_truncated(crate::OnTruncated::Skip);
        let mut reader = self.namespace.log(&self.log).open_reader(options).await.unwrap();
        let mut found = Vec::new();
        while let Some(record) = reader.next().await.unwrap() {
            found.push((record.dlsn, record.txid, record.sequence_id, record.payload.to_vec()));
        }
        found
    }
}

/// What Java's reader delivered, but not in front of where the log is truncated: it begins with the entry in which that lies.
fn expected(read: &Value, first: Dlsn) -> Vec<(Dlsn, i64, Option<u64>, Vec<u8>)> {
    let record = |record: &Value| {
        let sequence_id = record["sequence_id"].as_i64().and_then(|id| u64::try_from(id).ok());
        let payload = bytes(record["payload"].as_str().unwrap());
        (dlsn(&record["dlsn"]), record["txid"].as_i64().unwrap(), sequence_id, payload)
    };
    let records = read["records"].as_array().unwrap().iter().map(record);
    records.filter(|(dlsn, ..)| *dlsn >= first).collect()
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "test data lies on the real disk")]
async fn whole_logs_of_javas_are_read_as_java_reads_them() {
    let (mut reads, mut records, mut unnumbered) = (0, 0, 0);
    for file in std::fs::read_dir(FOLDER).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let case: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let (Some(all), Some(log)) = (case["reads"].as_array(), case["log"].as_str()) else { continue };
        let mut moments = BTreeMap::new();
        for read in all.iter().filter(|read| read["reader"] == "async") {
            let at = read["at"].as_str().unwrap();
            // How far an open ledger was confirmed is a matter of time.
            if at.contains("in progress") {
                continue;
            }
            if !moments.contains_key(at) {
                moments.insert(at, lay(&case, at, log, at).await);
            }
            let Some(laid) = &moments[at] else { continue };
            let from = &read["from"];
            let from = match from["txid"].as_i64() {
                Some(txid) => Start::Txid(Txid::new(txid).unwrap()),
                None => Start::Dlsn(dlsn(from)),
            };
            let first = laid.namespace.log(&laid.log).info().await.unwrap().first_readable;
            let expected = expected(read, first);
            // Java tells two records of such segments apart by nothing, and reads them only if it is told to.
            if expected.first().is_some_and(|(dlsn, ..)| dlsn.segment() == 0) {
                let options = ReaderOptions::default().from(from);
                let refused = laid.namespace.log(&laid.log).open_reader(options).await.err().unwrap();
                assert_eq!(refused.kind(), ErrorKind::Unsupported);
                unnumbered += 1;
                continue;
            }
            let found = laid.read(from).await;
            assert_eq!(found, expected, "{} {at} {}", case["case"], read["from"]);
            reads += 1;
            records += expected.len();
        }
    }
    assert_eq!((reads, records, unnumbered), (64, 303, 4));
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "test data lies on the real disk")]
async fn what_javas_writers_left_in_progress_is_recovered_to_the_nodes_that_java_makes_of_it() {
    for (name, left, recovered) in [
        ("recovered-data-only", "aborted", "closed"),
        ("recovered-control-only", "aborted", "recovered"),
        ("recovered-set", "aborted", "recovered"),
        ("crashed-writer", "crashed, lock node still there", "recovered by second writer"),
    ] {
        let case = std::fs::read(format!("{FOLDER}/{name}.json")).unwrap();
        let case: Value = serde_json::from_slice(&case).unwrap();
        let laid = lay(&case, left, name, "closed").await.unwrap();
        laid.namespace.log(&laid.log).recover().await.unwrap();
        let snapshots = laid.case["snapshots"].as_array().unwrap();
        let snapshot = snapshots.iter().find(|snapshot| snapshot["at"] == recovered).unwrap();
        let root = case["namespace"].as_str().unwrap();
        let expected = nodes(snapshot).into_iter().filter(|(path, _)| !path.contains("/member_"));
        let expected: BTreeMap<_, _> =
            expected.map(|(path, data)| substitute(path.strip_prefix(root).unwrap(), &data)).collect();
        let found = tree(&laid.zookeeper, &laid.root, &laid.log).await;
        assert_eq!(found, expected, "{name}");
    }
}
