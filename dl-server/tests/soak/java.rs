//! Java DistributedLog (`ci/interop`) as the writer of a log.

use base64::Engine as _;
use serde_json::{Value, json};

/// The version of DistributedLog.
const VERSION: &str = "4.18.0";

/// A process of it with a namespace open, killed when it is dropped.
pub(crate) struct Java(dl_cluster::Java);

impl Java {
    /// Opens the namespace, each record an entry that readers see at once.
    pub(crate) fn start(uri: &str) -> Self {
        let mut java = Self(dl_cluster::Java::start(VERSION));
        let conf = json!({ "writerOutputBufferSize": 0, "enableImmediateFlush": true });
        java.ok(&json!({ "do": "open", "uri": uri, "conf": conf }));
        java
    }

    /// Opens a writer.
    pub(crate) fn open_writer(&mut self, log: &str) {
        self.ok(&json!({ "do": "open_writer", "writer": "w", "log": log }));
    }

    /// Writes records one after the other; answers the positions of those that were acknowledged before one was not.
    pub(crate) fn write(&mut self, txid: u64, payloads: &[String]) -> Vec<String> {
        let encode = |payload: &String| base64::engine::general_purpose::STANDARD.encode(payload);
        let records = payloads.iter().zip(txid..);
        let records: Vec<Value> =
            records.map(|(payload, txid)| json!({ "txid": txid, "payload": encode(payload) })).collect();
        let answer = self.call(&json!({ "do": "write", "writer": "w", "records": records }));
        let acks = answer["acks"].as_array().cloned().unwrap_or_default();
        acks.iter().map_while(|ack| ack.as_str().map(str::to_owned)).collect()
    }

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    fn ok(&mut self, call: &Value) {
        let answer = self.call(call);
        assert!(answer.get("error").is_none(), "{call}: {answer}");
    }

    fn call(&mut self, call: &Value) -> Value {
        self.0.send(&call.to_string());
        let answer = self.0.answer();
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{call}: {answer:?}"))
    }
}
