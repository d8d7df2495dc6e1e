//! Java DistributedLog behind a pipe: `ci/interop/src/main/java/Interop.java` says how it is spoken to.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The versions of DistributedLog that are tried.
pub(crate) const VERSIONS: [&str; 2] = ["4.18.0", "4.17.2"];

/// A process of Java's. It is killed when it is dropped.
pub(crate) struct Java(dl_cluster::Java);

impl Java {
    pub(crate) fn start(version: &str) -> Self {
        Self(dl_cluster::Java::start(version))
    }

    /// Makes a call, which must not fail.
    pub(crate) fn call(&mut self, call: Value) -> Value {
        let text = call.to_string();
        let answer = self.ask(call);
        assert!(answer.get("error").is_none(), "{}: {answer}", &text[..text.len().min(300)]);
        answer
    }

    /// Makes a call, which may fail.
    pub(crate) fn ask(&mut self, call: Value) -> Value {
        self.send(call);
        self.answer()
    }

    /// Begins a call.
    pub(crate) fn send(&mut self, call: Value) {
        self.0.send(&call.to_string());
    }

    /// Waits for the answer to the call that was begun.
    pub(crate) fn answer(&mut self) -> Value {
        let line = self.0.answer();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?} is no answer: {error}"))
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(self) {
        drop(self);
    }

    pub(crate) fn create(&mut self, log: &str) {
        self.call(json!({"do": "create", "log": log}));
    }

    pub(crate) fn open_writer(&mut self, log: &str) {
        self.call(json!({"do": "open_writer", "writer": "w", "log": log}));
    }

    pub(crate) fn close_writer(&mut self) {
        self.call(json!({"do": "close_writer", "writer": "w"}));
    }

    /// Writes records and waits; answers their positions.
    pub(crate) fn write(&mut self, records: &[(i64, &[u8])]) -> Vec<String> {
        let answer = self.call(write(records));
        let acks = answer["acks"].as_array().unwrap().iter();
        acks.map(|ack| ack.as_str().unwrap_or_else(|| panic!("{ack}")).to_owned()).collect()
    }
}

/// The call that writes records and waits for them.
pub(crate) fn write(records: &[(i64, &[u8])]) -> Value {
    let record = |(txid, payload): &(i64, &[u8])| json!({"txid": txid, "payload": STANDARD.encode(payload)});
    json!({"do": "write", "writer": "w", "records": records.iter().map(record).collect::<Vec<_>>()})
}

/// The call that writes a record set.
pub(crate) fn write_set(txid: i64, codec: &str, payloads: &[&[u8]]) -> Value {
    let payloads: Vec<String> = payloads.iter().map(|payload| STANDARD.encode(payload)).collect();
    json!({"do": "write_set", "writer": "w", "txid": txid, "codec": codec, "payloads": payloads})
}

pub(crate) fn decode(payload: &Value) -> Vec<u8> {
    STANDARD.decode(payload.as_str().unwrap()).unwrap()
}
