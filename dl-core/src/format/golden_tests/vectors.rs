//! Access to the vectors in `testdata/format`, whose `README.md` explains their fields.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::super::tests::hex;
use super::java_lz4;
use crate::metadata::SegmentMetadata;
use crate::types::Dlsn;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/format");

/// One file.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) json: Value,
}

/// A byte string, or what stands for one over 20,000 bytes.
pub(super) enum Stored<'a> {
    Bytes(Vec<u8>),
    Digest(&'a Value),
}

/// Every file.
#[expect(clippy::disallowed_methods, reason = "test data lies on the real disk")]
pub(crate) fn cases() -> Vec<Case> {
    let names =
        std::fs::read_dir(FOLDER).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
    names.sort();
    assert_eq!(names.len(), 54);
    names.iter().map(|name| Case::load(name)).collect()
}

impl Case {
    pub(crate) fn load(name: &str) -> Self {
        let text = std::fs::read_to_string(format!("{FOLDER}/{name}.json")).unwrap();
        Self { name: name.to_owned(), json: serde_json::from_str(&text).unwrap() }
    }

    /// A list that not every file has.
    pub(super) fn list(&self, key: &str) -> &[Value] {
        self.json.get(key).map_or(&[], |list| list.as_array().unwrap())
    }

    pub(super) fn ledgers(&self) -> &[Value] {
        self.list("ledgers")
    }

    /// Name and text of every segment node in every snapshot.
    pub(super) fn segment_nodes(&self) -> Vec<(&str, &str)> {
        let nodes = self.list("snapshots").iter().flat_map(|snapshot| array(snapshot, "znodes"));
        let named = nodes.filter_map(|node| {
            let (parent, name) = text(node, "path").rsplit_once('/')?;
            parent.ends_with(">/ledgers").then(|| (name, text(node, "text")))
        });
        named.collect()
    }

    /// The version of the segment kept in a ledger.
    pub(super) fn segment_version(&self, ledger: i64) -> u8 {
        let segments =
            self.segment_nodes().into_iter().map(|(_, data)| SegmentMetadata::parse(data).unwrap());
        let versions: Vec<u8> = segments
            .filter(|segment| segment.segment_id.get() == ledger)
            .map(|segment| segment.version)
            .collect();
        assert!(versions.windows(2).all(|pair| pair[0] == pair[1]), "{}", self.name);
        versions[0]
    }

    /// The payload of a record that was made by a rule.
    pub(crate) fn payload_rule(&self, record: &Value) -> Option<Vec<u8>> {
        let rules = self.json.get("payload_rules").filter(|_| !boolean(record, "control"))?;
        let rule = array(rules, "payloads").iter().find(|rule| rule["txid"] == record["txid"])?;
        let length = number(rule, "length") as usize;
        let seed = rule.get("seed").map(|seed| seed.as_u64().unwrap() as u32);
        let payload: Vec<u8> = match (rule.get("rule").and_then(Value::as_str).unwrap_or("lcg"), seed) {
            ("lcg", Some(seed)) => lcg(seed).map(|x| (x >> 24) as u8).take(length).collect(),
            ("lcg64", Some(seed)) => lcg(seed).map(|x| b'a' + (x >> 30) as u8).take(length).collect(),
            ("byte i = (i div 7 * 31 + ascii(\"0123456789abcdef\"[i mod 16])) mod 256", None) => (0..length)
                .map(|i| (i / 7 * 31) as u8)
                .zip(b"0123456789abcdef".iter().cycle())
                .map(|(a, b)| a.wrapping_add(*b))
                .collect(),
            (other, _) => panic!("{}: unknown rule {other}", self.name),
        };
        assert_eq!(sha256(&payload), text(rule, "sha256"), "{}", self.name);
        Some(payload)
    }
}

fn lcg(seed: u32) -> impl Iterator<Item = u32> {
    let mut x = seed;
    std::iter::repeat_with(move || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        x
    })
}

/// An entry of which only a digest was kept, from Java's account of its records.
pub(super) fn rebuild(case: &Case, java_records: &[Value], digest: &Value) -> Vec<u8> {
    let mut area = Vec::new();
    for record in java_records {
        let payload = case.payload_rule(record).unwrap_or_else(|| hex(text(record, "payload")));
        area.extend_from_slice(&number(record, "metadata").to_be_bytes());
        area.extend_from_slice(&number(record, "txid").to_be_bytes());
        area.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        area.extend_from_slice(&payload);
    }
    let codec = hex(text(digest, "head"))[4];
    let body = if codec == 0 { area.clone() } else { java_lz4::compress(&area) };
    let lengths = [codec.into(), area.len() as u32, body.len() as u32];
    let envelope = std::iter::once(1).chain(lengths.into_iter().flat_map(u32::to_be_bytes));
    envelope.chain(body).collect()
}

/// Compares bytes with a byte string of the vectors.
pub(super) fn assert_same(object: &Value, key: &str, actual: &[u8], context: &str) {
    match bytes_at(object, key) {
        Stored::Bytes(bytes) => assert!(bytes == actual, "{context}: {key} differs"),
        Stored::Digest(digest) => {
            assert_eq!(number(digest, "length") as usize, actual.len(), "{context}");
            assert!(actual.starts_with(&hex(text(digest, "head"))), "{context}");
            assert!(actual.ends_with(&hex(text(digest, "tail"))), "{context}");
            assert_eq!(text(digest, "sha256"), sha256(actual), "{context}");
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An entry as a bookie has it, also one of which only a digest was kept.
pub(crate) fn stored_entry(case: &Case, entry: &Value) -> Vec<u8> {
    match bytes_at(entry, "payload") {
        Stored::Bytes(bytes) => bytes,
        Stored::Digest(digest) => rebuild(case, array(entry, "java_records"), digest),
    }
}

pub(super) fn bytes_at<'a>(object: &'a Value, key: &str) -> Stored<'a> {
    match &object[key] {
        Value::String(digits) => Stored::Bytes(hex(digits)),
        digest => Stored::Digest(digest),
    }
}

pub(super) fn array<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object[key].as_array().unwrap_or_else(|| panic!("no list {key}"))
}

pub(super) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_else(|| panic!("no text {key} in {object}"))
}

pub(super) fn number(object: &Value, key: &str) -> i64 {
    object[key].as_i64().unwrap_or_else(|| panic!("no number {key} in {object}"))
}

pub(super) fn boolean(object: &Value, key: &str) -> bool {
    object[key].as_bool().unwrap_or_else(|| panic!("no boolean {key} in {object}"))
}

pub(super) fn dlsn_at(object: &Value, key: &str) -> Dlsn {
    let dlsn = &object[key];
    Dlsn::new(number(dlsn, "lssn"), number(dlsn, "entry"), number(dlsn, "slot"))
}

/// Every object of a file, however deep.
pub(super) fn objects(json: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    let mut waiting = vec![json];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(fields) => {
                found.push(value);
                waiting.extend(fields.values());
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
    found
}
