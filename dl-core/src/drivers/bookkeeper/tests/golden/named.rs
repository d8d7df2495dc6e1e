//! What each call of Java's is here.

use serde_json::{Value, json};

use super::calls::Play;
use super::compare::dlsn;
use super::*;
use crate::{CursorName, Dlsn, NewRecord, Start, Txid};

impl Play {
    pub(super) async fn call(&mut self, call: &str, result: &Value) {
        // Alone, and seen by everyone before the next: Java's immediate flush, or a control record of the application's.
        if let Some(record) = argument(call, "async write(") {
            let record = self.record_of(record);
            self.write(record, kind_of(result)).await;
            if !self.gathered.is_empty() {
                self.publish().await;
            }
        } else if let Some((_, record)) = call.split_once("write(txid ") {
            let (record, flush) = record.split_once(')').unwrap();
            let record = self.record_of(record);
            self.write(record, kind_of(result)).await;
            if flush == "; flush()" {
                self.flush().await;
            }
        } else if !self.call_at(call, result).await && !self.call_of_others(call, result).await {
            self.call_named(call, result).await;
        }
    }

    /// A record from its txid and its payload: in quotes, or what Java wrote with this txid.
    fn record_of(&self, record: &str) -> crate::Result<NewRecord> {
        let (txid, payload) = record.split_once(',').unwrap_or((record, ""));
        let quoted = payload.trim().strip_prefix('"').and_then(|payload| payload.strip_suffix('"'));
        let payload = match quoted {
            Some(payload) => payload.as_bytes().to_vec(),
            None => txid.parse().map_or(Vec::new(), |txid| self.payload_of(txid)),
        };
        Ok(NewRecord::new(payload).txid(txid_of(txid)?))
    }

    fn payload_of(&self, txid: i64) -> Vec<u8> {
        let of_rule = self
            .case
            .json
            .get("payload_rules")
            .and_then(|_| self.case.payload_rule(&json!({"txid": txid, "control": false})));
        of_rule.unwrap_or_else(|| {
            let ledgers = self.case.json["ledgers"].as_array().unwrap().iter();
            let entries = ledgers.flat_map(|ledger| ledger["entries"].as_array().unwrap());
            let mut records = entries.flat_map(|entry| entry["java_records"].as_array().unwrap());
            // Java refused it if there is none.
            let record = records.find(|record| record["txid"] == txid && record["control"] == false);
            record.map_or(Vec::new(), |record| bytes(record["payload"].as_str().unwrap()))
        })
    }

    /// A call that is about a place in the log, if this is one.
    async fn call_at(&mut self, call: &str, result: &Value) -> bool {
        let log = self.namespace.log(&self.log);
        let cursor = call.split('"').nth(1);
        if let Some(at) = argument(call.trim_start_matches("async writer."), "truncate((") {
            self.truncate(position(at)).await;
        } else if let Some(txid) = argument(call, "dlm.getDLSNNotLessThanTxId(") {
            // Where there is none Java answers the place behind the last.
            if let Some(found) = log.dlsn_at_txid(txid_of(txid).unwrap()).await.unwrap() {
                assert_eq!(found, dlsn(result), "{call}");
            }
        } else if let Some(to) = argument(call, "advanceCommitPosition(") {
            self.release().await;
            let cursor = log.cursor(&CursorName::new(cursor.unwrap()).unwrap()).await.unwrap();
            let to = position(to.split_once('(').unwrap().1);
            match call.ends_with("- older") {
                true => cursor.reset(to).await.unwrap(),
                false => assert_eq!(cursor.advance(to).await.unwrap(), to),
            }
        } else if let Some(cursor) = argument(call, "deleteSubscriber(").filter(|_| result == true) {
            let cursor = CursorName::new(cursor.trim_matches('"')).unwrap();
            log.cursor(&cursor).await.unwrap().delete().await.unwrap();
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

    /// A call of another client's, if this is one.
    async fn call_of_others(&mut self, call: &str, result: &Value) -> bool {
        if call == "other client: recover()" {
            let other = self.other("other").await;
            // Ours goes by the lock, which Java's were told to leave alone.
            let writer = other.log(&self.log).open_writer(WriterOptions::default()).await.unwrap();
            writer.close().await.unwrap();
        } else if let Some(record) = call.strip_prefix("first writer: write(") {
            let record = self.record_of(record.split_once(')').unwrap().0);
            self.write(record, kind_of(result)).await;
            self.writer = None;
        } else if call == "BookKeeper client: openLedger with recovery" {
            let segments = self.namespace.log(&self.log).segments().await.unwrap();
            let ledger = dl_bookkeeper::LedgerId::new(segments.last().unwrap().id.get()).unwrap();
            self.bookkeeper.recover(ledger, self.password.as_bytes()).await.unwrap();
        } else if let Some(clients) = call.strip_prefix("clients ") {
            // Their names are in quotes.
            for client in clients.split('"').skip(1).step_by(2) {
                self.queue(client).await;
            }
        } else if let Some(client) = call.strip_prefix("client \"").and_then(|call| call.split('"').next()) {
            self.queued(client, call, result).await;
        } else {
            return false;
        }
        true
    }

    /// Has a client wait for the lock, until it is in the queue.
    async fn queue(&mut self, client: &str) {
        let lock = format!("{}/{}/<default>/lock", self.root, self.log);
        let before = self.zookeeper.children(&lock).await.unwrap().unwrap().len();
        let other = self.other(client).await;
        let log = self.log.clone();
        let mut queue = self.zookeeper.watch(&lock);
        let options = WriterOptions::default().takeover(Takeover::Wait(Duration::from_secs(3_600)));
        let waiting = tokio::task::spawn_local(async move { other.log(&log).open_writer(options).await });
        self.waiting.push((client.to_owned(), waiting));
        while self.zookeeper.children(&lock).await.unwrap().unwrap().len() == before {
            queue.changed().await.unwrap();
        }
    }

    /// One of those gives up or gets the lock; another one does not wait.
    async fn queued(&mut self, client: &str, call: &str, result: &Value) {
        let Some(at) = self.waiting.iter().position(|(name, _)| name == client) else {
            assert_eq!(result["exception"], "OwnershipAcquireFailedException", "{call}");
            let other = self.other(client).await;
            let options = WriterOptions::default().takeover(Takeover::Never);
            let refused = other.log(&self.log).open_writer(options).await.err().unwrap();
            assert_eq!(
                (refused.kind(), refused.owner()),
                (ErrorKind::Locked, Some("golden-writer/192.0.2.10"))
            );
            return;
        };
        let (_, waiting) = self.waiting.remove(at);
        if call.ends_with("got the lock") {
            self.writer = Some(waiting.await.unwrap().unwrap());
            return;
        }
        let lock = format!("{}/{}/<default>/lock", self.root, self.log);
        let mut queue = self.zookeeper.watch(&lock);
        let before = self.zookeeper.children(&lock).await.unwrap().unwrap().len();
        waiting.abort();
        while self.zookeeper.children(&lock).await.unwrap().unwrap().len() == before {
            queue.changed().await.unwrap();
        }
    }

    async fn call_named(&mut self, call: &str, result: &Value) {
        match call {
            "namespace.createLog" => self.namespace.create_log(&self.log).await.unwrap(),
            "dlm.openLogWriter()"
            | "client golden-writer/192.0.2.10: openAsyncLogWriter()"
            | "writer 2: openLogWriter()"
            | "second writer: openAsyncLogWriter() after the dead session expired" => {
                self.writer().await;
            }
            "writer.flush()" => self.flush().await,
            "writer.commit()" => self.publish().await,
            "writer.close()" | "writer.asyncClose()" | "first writer.asyncClose()" => self.close().await,
            // The writer that was cut off does not go on by itself: another one does.
            "write(2), flush()" => {
                let record = self.record_of("2,\"lost\"");
                self.write(record, kind_of(result)).await;
                self.writer = None;
            }
            "write(3), flush(), commit()" | "second writer: write(10), write(control 10), asyncClose()" => {
                let record =
                    self.record_of(argument(call.trim_start_matches("second writer: "), "write(").unwrap());
                self.write(record, None).await;
                self.publish().await;
            }
            "writer.write(1,040,365 bytes)" => {
                let record = Ok(NewRecord::new(vec![0; 1_040_365]));
                self.write(record, kind_of(result)).await;
            }
            "writer.markEndOfStream()" => {
                self.settle().await;
                self.writer().await.seal().await.unwrap();
                self.close().await;
            }
            "createOrUpdateMetadata(\"application bytes\")" => {
                self.namespace.log(&self.log).set_user_metadata("application bytes").await.unwrap();
            }
            "purgeLogsOlderThan(txid 21)" => self.truncate(Dlsn::new(3, 0, 0)).await,
            "purgeLogsOlderThan(txid 21) with explicitTruncationByApp = true" => {}
            "namespace.renameLog(\"rename\", \"renamed-dir/new-name\")" => {
                self.truncate(Dlsn::new(2, 0, 0)).await;
                let to = LogName::new("renamed-dir/new-name").unwrap();
                self.namespace.rename_log(&self.log, &to).await.unwrap();
                self.log = to;
            }
            "namespace.deleteLog" => self.namespace.delete_log(&self.log).await.unwrap(),
            "namespace.logExists" => {
                let exists = self.namespace.log_exists(&self.log).await.unwrap();
                assert_eq!(Some(exists), result.as_bool());
            }
            "getLogs(), sorted" => {
                let logs = self.namespace.list_logs("", None, 100).await.unwrap();
                assert_eq!(json!(logs.iter().map(LogName::as_str).collect::<Vec<_>>()), *result);
            }
            _ if call.starts_with("namespace.createLog(") || call.starts_with("createLog(") => {
                let log = LogName::new(call.split('"').nth(1).unwrap()).unwrap();
                let created = self.namespace.create_log(&log).await;
                let expected = result.get("exception").map(|_| ErrorKind::AlreadyExists);
                assert_eq!(created.err().map(|error| error.kind()), expected, "{call}");
            }
            // Of ids that ours do not have; what was done by then; what Java has several calls for.
            _ if call.starts_with("ledger ") => {}
            _ if call.ends_with("write and close") || call == "dump" => {}
            _ if call.starts_with("writer with ledgerMetadataLayoutVersion 5") => {}
            _ if call.starts_with("binding with firstLogSegmentSeqNo") => {}
            _ if call.starts_with("getLastCommitPositions()") || call.starts_with("deleteSubscriber") => {}
            "getAsyncLogReaderWithLock(\"sub-A\"): first record" => {}
            "DLMetadata.create(BKDLConfig with federatedNamespace)"
            | "FederatedZKLogMetadataStore.createFederatedNamespace"
            | "open the sub-namespace's own path"
            | "first writer: close()" => {}
            _ => panic!("nobody knows how to play {call}"),
        }
    }
}

/// The argument of a call with this beginning.
fn argument<'a>(call: &'a str, beginning: &str) -> Option<&'a str> {
    call.strip_prefix(beginning)?.split_once(')').map(|(argument, _)| argument)
}

/// What the error is here that Java's call ended with.
fn kind_of(result: &Value) -> Option<ErrorKind> {
    Some(match result.get("exception")?.as_str().unwrap() {
        "TransactionIdOutOfOrderException" | "IllegalArgumentException" => ErrorKind::InvalidArgument,
        "LogRecordTooLongException" => ErrorKind::TooLarge,
        "BKTransmitException" => ErrorKind::Fenced,
        "EndOfStreamException" => ErrorKind::Sealed,
        other => panic!("what is {other}?"),
    })
}

fn txid_of(text: &str) -> crate::Result<Txid> {
    Txid::new(if text == "2^63-1" { i64::MAX } else { text.parse().unwrap() })
}

/// Three numbers in a row.
fn position(text: &str) -> Dlsn {
    let numbers: Vec<i64> = text.split(',').map(|number| number.parse().unwrap()).collect();
    Dlsn::new(numbers[0], numbers[1], numbers[2])
}
