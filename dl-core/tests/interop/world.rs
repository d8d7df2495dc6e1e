//! A namespace that both work on.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use dl_cluster::Cluster;
use dl_core::{End, Log, LogName, Namespace, Options, Reader, ReaderOptions, Writer, WriterOptions};
use serde_json::{Value, json};

use crate::java::{Java, decode};

/// The log that the tests are about.
pub(crate) const LOG: &str = "a/log";

/// A namespace of its own, with one of each.
pub(crate) struct World {
    pub(crate) java: Java,
    pub(crate) dl: Namespace,
    pub(crate) uri: String,
}

/// Who makes the namespace.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum BoundBy {
    Java,
    Dl,
}

/// A record as a reader delivered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) dlsn: String,
    pub(crate) txid: i64,
    pub(crate) sequence_id: i64,
    pub(crate) payload: Vec<u8>,
}

impl World {
    pub(crate) async fn new(version: &str, bound_by: BoundBy) -> Self {
        static NAMES: AtomicU64 = AtomicU64::new(0);
        let cluster = Cluster::shared();
        let name = NAMES.fetch_add(1, Ordering::Relaxed);
        let uri = format!("distributedlog://{}/interop-{name}", cluster.zookeeper());
        let mut java = Java::start(version);
        let mut options = Options::default().client_id("dl");
        if bound_by == BoundBy::Java {
            java.call(json!({"do": "bind", "uri": uri}));
        } else {
            options = options.create_namespace(true).ledgers_path("/ledgers");
        }
        let dl = Namespace::open(&uri, options).await.unwrap();
        java.call(open(&uri, &json!({})));
        Self { java, dl, uri }
    }

    /// Has Java open the namespace anew, with these settings.
    pub(crate) fn java_with(&mut self, conf: &Value) {
        self.java.call(open(&self.uri, conf));
    }

    pub(crate) fn log(&self) -> Log {
        self.dl.log(&LogName::new(LOG).unwrap())
    }

    pub(crate) async fn dl_writer(&self) -> Writer {
        self.log().open_writer(WriterOptions::default()).await.unwrap()
    }

    /// What each reads, which must be the same; and whether that is all for ever.
    pub(crate) async fn both_read(&mut self) -> (Vec<Seen>, bool) {
        let ours = self.dl_reads().await;
        let theirs = self.java_reads();
        let same = ours.0.iter().zip(&theirs.0).take_while(|(ours, theirs)| ours == theirs).count();
        assert!(
            ours.0.len() == same && theirs.0.len() == same,
            "of {} and {} records {same} are the same, then {:?} and {:?}",
            ours.0.len(),
            theirs.0.len(),
            ours.0.get(same).map(Seen::brief),
            theirs.0.get(same).map(Seen::brief)
        );
        assert_eq!(ours.1, theirs.1, "sealed");
        ours
    }

    pub(crate) async fn dl_reads(&self) -> (Vec<Seen>, bool) {
        let mut reader = self.log().open_reader(ReaderOptions::default()).await.unwrap();
        let mut records = Vec::new();
        while let Some(record) = next(&mut reader).await {
            records.push(record);
        }
        (records, reader.end() == Some(End::Sealed))
    }

    pub(crate) fn java_reads(&mut self) -> (Vec<Seen>, bool) {
        let answer = self.java.call(json!({"do": "read", "log": LOG}));
        (seen(&answer), answer["sealed"].as_bool().unwrap())
    }

    /// How many segments each finds.
    pub(crate) async fn segments(&mut self) -> usize {
        let ours = self.log().segments().await.unwrap();
        let theirs = self.java.call(json!({"do": "info", "log": LOG}));
        let theirs = theirs["segments"].as_array().unwrap();
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert_eq!(theirs["number"].as_i64(), Some(ours.number));
            assert_eq!(theirs["ledger"].as_i64(), Some(ours.id.get()));
            assert_eq!(theirs["in_progress"].as_bool(), Some(ours.completed.is_none()));
            assert_eq!(
                theirs["records"].as_u64(),
                Some(ours.completed.as_ref().map_or(0, |end| end.records))
            );
        }
        assert_eq!(ours.len(), theirs.len());
        ours.len()
    }

    /// The lock's nodes of those who hold it and who wait for it.
    pub(crate) fn lock_members(&self) -> BTreeSet<String> {
        let path = self.uri.rsplit_once('/').unwrap().1;
        let members = format!("/{path}/{LOG}/<default>/lock/");
        let sessions = Cluster::shared().run(&["sessions"]);
        let nodes = sessions.split_whitespace().filter(|word| word.starts_with(&members));
        nodes.map(str::to_owned).collect()
    }
}

impl Seen {
    fn brief(&self) -> String {
        let start = &self.payload[..self.payload.len().min(20)];
        format!("{} {} {} {}", self.dlsn, self.txid, self.sequence_id, start.escape_ascii())
    }
}

/// The next record of a reader of ours.
pub(crate) async fn next(reader: &mut Reader) -> Option<Seen> {
    reader.next().await.unwrap().map(|record| Seen {
        dlsn: record.dlsn.to_string(),
        txid: record.txid,
        sequence_id: record.sequence_id.map_or(-1, |id| i64::try_from(id).unwrap()),
        payload: record.payload.to_vec(),
    })
}

/// The records in an answer of Java's.
pub(crate) fn seen(answer: &Value) -> Vec<Seen> {
    let records = answer["records"].as_array().unwrap().iter();
    let record = |record: &Value| Seen {
        dlsn: record["dlsn"].as_str().unwrap().to_owned(),
        txid: record["txid"].as_i64().unwrap(),
        sequence_id: record["sequence_id"].as_i64().unwrap(),
        payload: decode(&record["payload"]),
    };
    records.map(record).collect()
}

/// The call that opens a namespace. Java sends each record at once, and publishes it, unless told otherwise.
fn open(uri: &str, conf: &Value) -> Value {
    let mut all = json!({"writerOutputBufferSize": 0, "enableImmediateFlush": true});
    for (name, value) in conf.as_object().unwrap() {
        all[name] = value.clone();
    }
    json!({"do": "open", "uri": uri, "conf": all})
}
