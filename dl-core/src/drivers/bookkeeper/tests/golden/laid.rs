//! Logs that Java left, nodes and ledgers, put on a cluster again: read as Java's own readers read them, and recovered to the
//! nodes that its recovery made.

use std::collections::BTreeMap;

use dl_bookkeeper::{BookKeeper, CreateOptions, DigestType, LedgerWriter, Quorum};
use serde_json::Value;

use super::super::segments::OnBookies;
use super::compare::{dlsn, substitute, tree};
use super::*;
use crate::format::golden_tests::vectors::{Case, cases, stored_entry};
use crate::{Dlsn, Namespace, Options, Start, Txid};

/// A namespace with what Java left at some moment of a case.
struct Laid {
    root: String,
    zookeeper: ZooKeeper,
    namespace: Namespace,
    log: LogName,
    /// Of ledgers that are not closed: dropping one leaves it as it is.
    _open: Vec<LedgerWriter>,
}

/// None where the moment has no nodes, or a ledger is not known byte for byte.
async fn lay(case: &Case, at: &str, log: &str, ledgers_at: &str) -> Option<Laid> {
    let java = case.json["namespace"].as_str()?;
    let root = name();
    let zookeeper = connect(Cluster::shared()).await;
    let bookkeeper = OnBookies::new().bookkeeper(&zookeeper).await;
    let mut options = Options::default().ledgers_path("/ledgers");
    let password = password_of(&case.json);
    if !password.is_empty() {
        options = options.ledger_password(password);
    }
    let uri = format!("distributedlog://{}{root}", Cluster::shared().zookeeper());
    let namespace = Namespace::open(&uri, options).await.unwrap();
    let open = put_all(&zookeeper, &bookkeeper, case, (java, &root), at, ledgers_at).await?;
    let log = LogName::new(log).unwrap();
    Some(Laid { root, zookeeper, namespace, log, _open: open })
}

/// The nodes of a moment below Java's namespace, with their ledgers; answers those that are open. None where a ledger is not known.
pub(super) async fn put_all(
    zookeeper: &ZooKeeper,
    bookkeeper: &BookKeeper,
    case: &Case,
    (java, root): (&str, &str),
    at: &str,
    ledgers_at: &str,
) -> Option<Vec<LedgerWriter>> {
    let snapshots = case.json["snapshots"].as_array().unwrap();
    let snapshot = snapshots.iter().find(|snapshot| snapshot["at"] == at)?;
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
            let writer = ledger(bookkeeper, case, &fields[1], ledgers_at).await?;
            fields[1] = writer.id().to_string();
            match below.contains("inprogress") {
                true => open.push(writer),
                false => _ = writer.close().await.unwrap(),
            }
            data = fields.join(";").into();
        }
        put(zookeeper, &format!("{root}{below}"), &data).await;
    }
    Some(open)
}

pub(super) fn password_of(case: &Value) -> &str {
    case["configuration"].get("digestPw").map_or("", |password| password.as_str().unwrap())
}

/// How many bookies, write quorum and ack quorum.
pub(super) fn quorum_of(case: &Value) -> [u64; 3] {
    let of =
        |name, usual: u64| case["configuration"].get(name).map_or(usual, |count| count.as_u64().unwrap());
    [of("bkcEnsembleSize", 3), of("bkcWriteQuorumSize", 3), of("bkcAckQuorumSize", 2)]
}

/// A ledger with the entries that Java's has.
async fn ledger(bookkeeper: &BookKeeper, case: &Case, id: &str, at: &str) -> Option<LedgerWriter> {
    let known = case.json["ledgers"].as_array()?;
    let of_id = |ledger: &&Value| ledger["ledger_id"].as_i64() == id.parse().ok();
    let mut same = known.iter().filter(of_id);
    let ledger = same.clone().find(|ledger| ledger["at"] == at).or_else(|| same.next_back())?;
    let [ensemble, write, ack] = quorum_of(&case.json).map(|count| usize::try_from(count).unwrap());
    let password = password_of(&case.json).to_owned();
    let mut options = CreateOptions::new(Quorum::new(ensemble, write, ack).unwrap(), password);
    options.digest = match ledger["metadata"]["digest_type"].as_str().unwrap() {
        "CRC32" => DigestType::Crc32,
        "HMAC" | "MAC" => DigestType::Mac,
        "DUMMY" => DigestType::Dummy,
        other => panic!("a ledger with {other}"),
    };
    let writer = bookkeeper.create(options).await.unwrap();
    for entry in ledger["entries"].as_array()? {
        writer.append(stored_entry(case, entry).into()).await.unwrap().await.unwrap();
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
fn expected(case: &Case, read: &Value, first: Dlsn) -> Vec<(Dlsn, i64, Option<u64>, Vec<u8>)> {
    let record = |record: &Value| {
        let sequence_id = record["sequence_id"].as_i64().and_then(|id| u64::try_from(id).ok());
        let of_rule = || case.payload_rule(record).unwrap();
        let payload = record["payload"].as_str().map_or_else(of_rule, bytes);
        (dlsn(&record["dlsn"]), record["txid"].as_i64().unwrap(), sequence_id, payload)
    };
    let records = read["records"].as_array().unwrap().iter().map(record);
    records.filter(|(dlsn, ..)| *dlsn >= first).collect()
}

#[tokio::test]
async fn whole_logs_of_javas_are_read_as_java_reads_them() {
    let (mut reads, mut records, mut unnumbered) = (0, 0, 0);
    for case in cases() {
        let json = &case.json;
        let (Some(all), Some(log)) = (json["reads"].as_array(), json["log"].as_str()) else { continue };
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
            let expected = expected(&case, read, first);
            // Java tells two records of such segments apart by nothing, and reads them only if it is told to.
            if expected.first().is_some_and(|(dlsn, ..)| dlsn.segment() == 0) {
                let options = ReaderOptions::default().from(from);
                let refused = laid.namespace.log(&laid.log).open_reader(options).await.err().unwrap();
                assert_eq!(refused.kind(), ErrorKind::Unsupported);
                unnumbered += 1;
                continue;
            }
            let found = laid.read(from).await;
            assert_eq!(found, expected, "{} {at} {}", case.name, read["from"]);
            reads += 1;
            records += expected.len();
        }
    }
    assert_eq!((reads, records, unnumbered), (67, 326, 4));
}

#[tokio::test]
async fn what_javas_writers_left_in_progress_is_recovered_to_the_nodes_that_java_makes_of_it() {
    for (name, left, recovered) in [
        ("recovered-data-only", "aborted", "closed"),
        ("recovered-control-only", "aborted", "recovered"),
        ("recovered-set", "aborted", "recovered"),
        ("crashed-writer", "crashed, lock node still there", "recovered by second writer"),
    ] {
        let case = Case::load(name);
        let laid = lay(&case, left, name, "closed").await.unwrap();
        laid.namespace.log(&laid.log).recover().await.unwrap();
        let snapshots = case.json["snapshots"].as_array().unwrap();
        let snapshot = snapshots.iter().find(|snapshot| snapshot["at"] == recovered).unwrap();
        let root = case.json["namespace"].as_str().unwrap();
        let expected = nodes(snapshot).into_iter().filter(|(path, _)| !path.contains("/member_"));
        let expected: BTreeMap<_, _> = expected.map(|(path, data)| substitute(root, path, &data)).collect();
        let found = tree(&laid.zookeeper, &laid.root, name).await;
        assert_eq!(found, expected, "{name}");
    }
}

/// Who may do what is a matter of the write proxy's; to dl and to Java's clients it is a node that is no log.
#[tokio::test]
async fn entries_of_javas_access_control_are_no_logs() {
    let case = Case::load("access-control");
    let root = name();
    let zookeeper = connect(Cluster::shared()).await;
    let server = Cluster::shared().zookeeper();
    let java = case.json["roots"][0].as_str().unwrap();
    for (path, data) in nodes(&case.json["snapshots"][0]) {
        // The cluster it was made on is another one.
        let data = String::from_utf8(data).unwrap().replace("127.0.0.1:22181", server);
        put(&zookeeper, &path.replace(java, &root), data.as_bytes()).await;
    }
    let before = tree(&zookeeper, &root, "").await;
    let uri = format!("distributedlog://{server}{root}");
    let namespace = Namespace::open(&uri, Options::default()).await.unwrap();
    assert_eq!(namespace.list_logs("", None, 10).await.unwrap(), []);
    let log = LogName::new("log-a").unwrap();
    assert!(!namespace.log_exists(&log).await.unwrap());
    namespace.create_log(&log).await.unwrap();
    assert_eq!(namespace.list_logs("", None, 10).await.unwrap(), [log]);
    namespace.close().await.unwrap();
    let after = tree(&zookeeper, &root, ".acl").await;
    assert_eq!(after, before, "it is left alone");
}
