//! The calls that Java was made, made to dl: the same nodes, and the same ledgers byte for byte.
//!
//! What differs from run to run is substituted: ids of ledgers and sessions, and times. A `flush` of Java's is an entry; a `commit`
//! waits until the writer has published by itself.

use dl_bookkeeper::BookKeeper;
use serde_json::Value;

use super::super::segments::OnBookies;
use super::compare::dlsn;
use super::*;
use crate::{BatchTicket, CursorName, Dlsn, NewRecord, Options, Reader, Start, Txid, Writer};

/// What dl does with the nodes of a log otherwise than Java.
#[derive(Default)]
pub(super) struct Differences {
    /// Where dl is done: what follows Java's clients alone can do, or only they would.
    pub(super) until: Option<&'static str>,
    /// Segments that dl has freed by the time, whereas Java only marks them until the next purge.
    pub(super) freed: &'static [(&'static str, i64)],
    /// Java's close repeats the last control record of a ledger that needs none.
    pub(super) repeats: usize,
    /// Snapshots between two calls of Java's that are one of ours.
    pub(super) between: &'static [&'static str],
}

/// A case that is being played.
pub(super) struct Play {
    pub(super) case: Value,
    pub(super) differences: Differences,
    pub(super) root: String,
    pub(super) zookeeper: ZooKeeper,
    pub(super) bookkeeper: BookKeeper,
    pub(super) password: String,
    pub(super) namespace: Namespace,
    pub(super) log: LogName,
    writer: Option<Writer>,
    /// One that holds a lock.
    reader: Option<Reader>,
    /// The records of the entry that is being gathered, and the entries on their way.
    gathered: Vec<NewRecord>,
    sent: Vec<BatchTicket>,
    /// Trees and ledgers.
    pub(super) compared: usize,
}

/// Plays a case to its end; answers how many trees and ledgers were compared.
async fn play(name: &str, differences: Differences) -> usize {
    let mut play = Play::begin(name, differences).await;
    let steps = play.case["steps"].as_array().unwrap().clone();
    for step in &steps {
        if let Some(at) = step["snapshot"].as_str() {
            play.snapshot(at).await;
            if play.differences.until == Some(at) {
                break;
            }
        } else {
            play.call(step["call"].as_str().unwrap(), &step["result"]).await;
        }
    }
    play.namespace.close().await.unwrap();
    play.compared
}

impl Play {
    #[expect(clippy::disallowed_methods, reason = "test data lies on the real disk")]
    async fn begin(name: &str, differences: Differences) -> Self {
        let case = std::fs::read(format!("{FOLDER}/{name}.json")).unwrap();
        let case: Value = serde_json::from_slice(&case).unwrap();
        let root = super::name();
        let zookeeper = connect(Cluster::shared()).await;
        let bookkeeper = OnBookies::new().bookkeeper(&zookeeper).await;
        let java = |name: &str| case["configuration"].get(name);
        let copies = |name| java(name).map_or(3, |count| count.as_u64().unwrap());
        let mut options = Options::default()
            .ledgers_path("/ledgers")
            .client_id(case["client_id"].as_str().unwrap())
            .ensemble_size(copies("bkcEnsembleSize"))
            .write_quorum(copies("bkcWriteQuorumSize"))
            .ack_quorum(copies("bkcAckQuorumSize").min(2));
        let password = java("digestPw").map_or("", |password| password.as_str().unwrap()).to_owned();
        if !password.is_empty() {
            options = options.ledger_password(&password);
        }
        let uri = format!("distributedlog://{}{root}", Cluster::shared().zookeeper());
        let namespace = Namespace::open(&uri, options).await.unwrap();
        let log = LogName::new(case["log"].as_str().unwrap()).unwrap();
        let (writer, reader, gathered, sent) = (None, None, Vec::new(), Vec::new());
        Self {
            case,
            differences,
            root,
            zookeeper,
            bookkeeper,
            password,
            namespace,
            log,
            writer,
            reader,
            gathered,
            sent,
            compared: 0,
        }
    }

    async fn call(&mut self, call: &str, result: &Value) {
        // Alone, and seen by everyone before the next: Java's immediate flush, or a control record of the application's.
        if let Some(record) = argument(call, "async write(") {
            let (txid, payload) = record.split_once(',').unwrap_or((record, ""));
            self.gathered.push(record_of(txid, payload).unwrap());
            self.publish().await;
        } else if let Some((_, record)) = call.split_once("write(txid ") {
            let record = record.trim_end_matches(')');
            let (txid, payload) = record.split_once(", ").unwrap_or((record, ""));
            self.write(record_of(txid, payload), result.get("exception").is_some()).await;
        } else if !self.call_at(call, result).await {
            self.call_named(call, result).await;
        }
    }

    async fn write(&mut self, record: crate::Result<NewRecord>, refused: bool) {
        if !refused {
            return self.gathered.push(record.unwrap());
        }
        self.flush().await;
        let error = match record {
            Ok(record) => self.writer().await.append(record).await.err().unwrap(),
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }

    /// A call that is about a place in the log, if this is one.
    async fn call_at(&mut self, call: &str, result: &Value) -> bool {
        let log = self.namespace.log(&self.log);
        let cursor = call.split('"').nth(1);
        if let Some(at) = argument(call, "truncate((") {
            self.truncate(at).await;
        } else if let Some(txid) = argument(call, "dlm.getDLSNNotLessThanTxId(") {
            // Where there is none Java answers the place behind the last.
            if let Some(found) = log.dlsn_at_txid(txid_of(txid).unwrap()).await.unwrap() {
                assert_eq!(found, dlsn(result), "{call}");
            }
        } else if let Some(to) = argument(call, "advanceCommitPosition(") {
            self.release().await;
            let cursor = log.cursor(&CursorName::new(cursor.unwrap()).unwrap()).await.unwrap();
            cursor.advance(position(to.split_once('(').unwrap().1)).await.unwrap();
        } else if let Some(at) = argument(call, "getAsyncLogReaderWithLock((") {
            self.release().await;
            let options = ReaderOptions::default().from(Start::Dlsn(position(at))).locked(true);
            let options = cursor.into_iter().fold(options, |options, cursor| options.cursor(cursor));
            self.reader = Some(log.open_reader(options).await.unwrap());
        } else {
            return false;
        }
        true
    }

    async fn call_named(&mut self, call: &str, result: &Value) {
        match call {
            "namespace.createLog" => self.namespace.create_log(&self.log).await.unwrap(),
            "namespace.createLog(\"nested-names/x/inner\")" => {
                let inner = LogName::new("nested-names/x/inner").unwrap();
                self.namespace.create_log(&inner).await.unwrap();
            }
            "dlm.openLogWriter()" | "client golden-writer/192.0.2.10: openAsyncLogWriter()" => {
                self.writer().await;
            }
            "writer.flush()" => self.flush().await,
            "writer.commit()" => self.publish().await,
            "writer.close()" | "writer.asyncClose()" => self.close().await,
            "writer.markEndOfStream()" => {
                self.settle().await;
                self.writer().await.seal().await.unwrap();
                self.close().await;
            }
            "createOrUpdateMetadata(\"application bytes\")" => {
                self.namespace.log(&self.log).set_user_metadata("application bytes").await.unwrap();
            }
            "purgeLogsOlderThan(txid 21)" => self.truncate("3,0,0").await,
            "purgeLogsOlderThan(txid 21) with explicitTruncationByApp = true" => {}
            "namespace.renameLog(\"rename\", \"renamed-dir/new-name\")" => {
                self.truncate("2,0,0").await;
                let to = LogName::new("renamed-dir/new-name").unwrap();
                self.namespace.rename_log(&self.log, &to).await.unwrap();
                self.log = to;
            }
            "namespace.deleteLog" => self.namespace.delete_log(&self.log).await.unwrap(),
            "namespace.logExists" => {
                let exists = self.namespace.log_exists(&self.log).await.unwrap();
                assert_eq!(Some(exists), result.as_bool());
            }
            // Of ids that ours do not have.
            _ if call.starts_with("ledger ") => {}
            _ => panic!("nobody knows how to play {call}"),
        }
    }

    pub(super) async fn writer(&mut self) -> &Writer {
        if self.writer.is_none() {
            let log = self.namespace.log(&self.log);
            self.writer = Some(log.open_writer(WriterOptions::default()).await.unwrap());
        }
        self.writer.as_ref().unwrap()
    }

    /// Sends what was gathered as an entry, without waiting for it: an idle writer would publish it.
    async fn flush(&mut self) {
        let records = std::mem::take(&mut self.gathered);
        if !records.is_empty() {
            let ticket = self.writer().await.append_batch(records, None).await.unwrap();
            self.sent.push(ticket);
        }
    }

    pub(super) async fn settle(&mut self) {
        self.flush().await;
        for ticket in std::mem::take(&mut self.sent) {
            ticket.await.unwrap();
        }
    }

    /// Until everyone sees the last record.
    async fn publish(&mut self) {
        self.settle().await;
        let last = self.writer().await.last_dlsn().unwrap();
        let options = ReaderOptions::default().from(Start::Dlsn(last)).follow(true);
        let mut reader = self.namespace.log(&self.log).open_reader(options).await.unwrap();
        assert_eq!(reader.next().await.unwrap().unwrap().dlsn, last);
    }

    pub(super) async fn close(&mut self) {
        self.settle().await;
        if let Some(writer) = self.writer.take() {
            writer.close().await.unwrap();
        }
    }

    pub(super) async fn release(&mut self) {
        if let Some(mut reader) = self.reader.take() {
            reader.close().await.unwrap();
        }
    }

    async fn truncate(&mut self, at: &str) {
        self.settle().await;
        let at = position(at);
        match &self.writer {
            Some(writer) => writer.truncate(at).await.unwrap(),
            None => self.namespace.log(&self.log).truncate(at).await.unwrap(),
        };
    }
}

/// The argument of a call with this beginning.
fn argument<'a>(call: &'a str, beginning: &str) -> Option<&'a str> {
    call.strip_prefix(beginning)?.split_once(')').map(|(argument, _)| argument)
}

fn record_of(txid: &str, payload: &str) -> crate::Result<NewRecord> {
    Ok(NewRecord::new(payload.trim_matches('"').to_owned()).txid(txid_of(txid)?))
}

fn txid_of(text: &str) -> crate::Result<Txid> {
    Txid::new(if text == "2^63-1" { i64::MAX } else { text.parse().unwrap() })
}

/// Three numbers in a row.
fn position(text: &str) -> Dlsn {
    let numbers: Vec<i64> = text.split(',').map(|number| number.parse().unwrap()).collect();
    Dlsn::new(numbers[0], numbers[1], numbers[2])
}

#[tokio::test]
async fn the_same_calls_leave_the_same_nodes_and_ledgers() {
    let plain = Differences::default;
    let until = |at| Differences { until: Some(at), ..plain() };
    let repeats = |repeats| Differences { repeats, ..plain() };
    let freed = |freed| Differences { freed, ..plain() };
    for (name, differences, expected) in [
        ("single-record", plain(), 6),
        ("three-records-one-entry", plain(), 3),
        ("several-entries", plain(), 4),
        ("empty-payload", plain(), 3),
        ("two-segments", plain(), 7),
        ("txids-equal", plain(), 5),
        ("digest-password", plain(), 3),
        ("quorum-1-1-1", until("segment 1 closed"), 2),
        ("immediate-flush", repeats(1), 3),
        ("end-of-stream-after-flush", repeats(1), 3),
        ("end-of-stream-empty-log", repeats(1), 3),
        ("delete", plain(), 5),
        ("app-metadata", until("metadata set to zero length"), 3),
        ("nested-names", until("inner created"), 2),
        ("locks", until("held by first"), 2),
        ("rename", Differences { between: &["before"], freed: &[("renamed", 1)], ..plain() }, 2),
        ("truncation", freed(&[("truncated at (2,2,1)", 1)]), 11),
        (
            "truncation-with-writer-open",
            Differences { freed: &[("truncated at (3,0,0)", 1)], ..until("truncated at (3,0,0)") },
            3,
        ),
        ("readers-locks-subscribers", until("positions committed"), 4),
    ] {
        assert_eq!(play(name, differences).await, expected, "{name}: nothing is passed over");
    }
}
