//! The binding of a namespace: the data of its node, which says on which BookKeeper cluster its segments are.
//!
//! Three lines: a version, a name, and a Thrift structure in JSON, as DistributedLog writes it.

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::types::SegmentNumber;

/// The first two lines.
const HEAD: [&str; 2] = ["1", "BKDL"];

/// A binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binding {
    /// The ZooKeeper servers of BookKeeper, for writers; joined by commas, as all servers here.
    pub(super) bookkeeper_zookeepers: String,
    /// The root of the BookKeeper cluster there.
    pub(super) ledgers_path: String,
    /// Kept for Java, which does not use it either.
    pub(super) sanity_check_txid: bool,
    /// Whether Java writes its region into segments.
    pub(super) encode_region: bool,
    /// The same servers, for readers.
    pub(super) reader_bookkeeper_zookeepers: Option<String>,
    /// The servers of the namespace itself, for writers and for readers.
    pub(super) zookeepers: Option<String>,
    pub(super) reader_zookeepers: Option<String>,
    /// Where access control entries of DistributedLog's proxies are.
    pub(super) acl_root: Option<String>,
    /// The number of the first segment of a log, if it is not 1.
    pub(super) first_segment: Option<i64>,
    /// Whether its logs are spread over sub-namespaces.
    pub(super) federated: bool,
}

impl Binding {
    /// A namespace on these servers whose segments are on the cluster at `ledgers_path` of those.
    pub(super) fn new(
        zookeepers: &str,
        bookkeeper_zookeepers: &str,
        ledgers_path: &str,
        federated: bool,
        first_segment: Option<i64>,
    ) -> Self {
        Self {
            bookkeeper_zookeepers: bookkeeper_zookeepers.to_owned(),
            ledgers_path: ledgers_path.to_owned(),
            sanity_check_txid: true,
            encode_region: false,
            reader_bookkeeper_zookeepers: Some(bookkeeper_zookeepers.to_owned()),
            zookeepers: Some(zookeepers.to_owned()),
            reader_zookeepers: Some(zookeepers.to_owned()),
            acl_root: None,
            first_segment,
            federated,
        }
    }

    /// The number of the first segment of its logs.
    pub(super) fn first_number(&self) -> SegmentNumber {
        // One that no segment can have says nothing.
        self.first_segment.and_then(|number| SegmentNumber::new(number).ok()).unwrap_or(SegmentNumber::FIRST)
    }

    /// Reads the data of a node.
    ///
    /// # Errors
    /// `invalid-argument` if it is no binding: the node is none of a namespace.
    pub(super) fn parse(data: &[u8]) -> Result<Self> {
        let bad = |problem: &str| {
            let start = String::from_utf8_lossy(&data[..data.len().min(100)]).into_owned();
            Error::invalid_argument(format!(
                "the node holds no binding of a namespace: {problem}; check the path"
            ))
            .with("data", format_args!("{start:?}"))
        };
        let text = std::str::from_utf8(data).map_err(|_| bad("it is not UTF-8"))?;
        let mut lines = text.lines();
        if [lines.next(), lines.next()] != HEAD.map(Some) {
            return Err(bad("it does not begin with the lines \"1\" and \"BKDL\""));
        }
        let structure: String = lines.collect();
        let fields: Map<String, Value> =
            serde_json::from_str(&structure).map_err(|error| bad("it cannot be read").caused_by(error))?;
        // What it says and cannot be understood is not what it would be if it said nothing.
        let value = |id: &str, kind: &str| match fields.get(id) {
            None => Ok(None),
            Some(field) => field.get(kind).map(Some).ok_or_else(|| bad(&format!("field {id} is no {kind}"))),
        };
        let text = |id| match value(id, "str")?.map(Value::as_str) {
            Some(None) => Err(bad(&format!("field {id} is no text"))),
            text => Ok(text.flatten().map(str::to_owned)),
        };
        let number = |id, kind| match value(id, kind)?.map(Value::as_i64) {
            Some(None) => Err(bad(&format!("field {id} is no number of 64 bits"))),
            number => Ok(number.flatten()),
        };
        let flag = |id| Ok::<_, Error>(number(id, "tf")?.map(|flag| flag != 0));
        Ok(Self {
            bookkeeper_zookeepers: text("1")?.ok_or_else(|| bad("it names no ZooKeeper of BookKeeper"))?,
            ledgers_path: text("2")?.ok_or_else(|| bad("it names no path of ledgers"))?,
            sanity_check_txid: flag("3")?.unwrap_or(true),
            encode_region: flag("4")?.unwrap_or(false),
            reader_bookkeeper_zookeepers: text("5")?,
            zookeepers: text("6")?,
            reader_zookeepers: text("7")?,
            acl_root: text("8")?,
            first_segment: number("9", "i64")?,
            federated: flag("10")?.unwrap_or(false),
        })
    }

    /// The data of its node.
    pub(super) fn to_text(&self) -> String {
        let text = |id, value: &Option<String>| {
            value.as_ref().map(|value| format!("\"{id}\":{{\"str\":{}}}", Value::from(value.as_str())))
        };
        let flag = |id, value| Some(format!("\"{id}\":{{\"tf\":{}}}", i32::from(value)));
        let fields = [
            text(1, &Some(self.bookkeeper_zookeepers.clone())),
            text(2, &Some(self.ledgers_path.clone())),
            flag(3, self.sanity_check_txid),
            flag(4, self.encode_region),
            text(5, &self.reader_bookkeeper_zookeepers),
            text(6, &self.zookeepers),
            text(7, &self.reader_zookeepers),
            text(8, &self.acl_root),
            self.first_segment.map(|number| format!("\"9\":{{\"i64\":{number}}}")),
            // Java reads its absence as false, and writes it so.
            flag(10, true).filter(|_| self.federated),
        ];
        let fields: Vec<String> = fields.into_iter().flatten().collect();
        format!("{}\n{}\n{{{}}}", HEAD[0], HEAD[1], fields.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const GOLDEN: [&str; 3] = [
        include_str!("../../../testdata/format/access-control.json"),
        include_str!("../../../testdata/format/bindings.json"),
        include_str!("../../../testdata/format/federated.json"),
    ];

    #[test]
    fn what_java_bound_is_read_and_written_alike() {
        let mut read = 0;
        for golden in GOLDEN {
            let case: Value = serde_json::from_str(golden).unwrap();
            for snapshot in case["snapshots"].as_array().unwrap() {
                for node in snapshot["znodes"].as_array().unwrap() {
                    let Some(text) = node["text"].as_str().filter(|text| text.starts_with("1\nBKDL")) else {
                        continue;
                    };
                    let binding = Binding::parse(text.as_bytes()).unwrap();
                    assert_eq!(binding.to_text(), text);
                    read += 1;
                }
            }
        }
        assert!(read > 10, "{read}");
        let text = Binding::new("zk:2181", "zk:2181", "/ledgers", false, None).to_text();
        assert!(text.ends_with("\"6\":{\"str\":\"zk:2181\"},\"7\":{\"str\":\"zk:2181\"}}"), "{text}");
        let text = Binding::new("zk:2181", "zk:2181", "/ledgers", false, Some(100)).to_text();
        assert!(text.ends_with(",\"9\":{\"i64\":100}}"), "{text}");
        assert_eq!(Binding::parse(text.as_bytes()).unwrap().first_number().get(), 100);
        for (text, first) in [(text.replace("100", "0"), 1), (text.replace("100", "-5"), 1)] {
            assert_eq!(Binding::parse(text.as_bytes()).unwrap().first_number().get(), first);
        }
    }

    #[test]
    fn fields_that_are_unknown_are_passed_over() {
        let text = "1\nBKDL\n{\"1\":{\"str\":\"a\"},\"2\":{\"str\":\"/l\"},\n\"77\":{\"lst\":[\"str\",1,\"x\"]},\"10\":{\"tf\":1}}";
        let binding = Binding::parse(text.as_bytes()).unwrap();
        assert_eq!(
            (binding.ledgers_path.as_str(), binding.federated, binding.sanity_check_txid),
            ("/l", true, true)
        );
    }

    #[test]
    fn other_data_is_no_binding() {
        for bad in [
            "",
            "1",
            "2\nBKDL\n{}",
            "1\nBKDL\n{}",
            "1\nBKDL\n{",
            "1\nBKDL\n[]",
            "/ns/.subnamespaces/NS_0000000000",
            "1\nBKDL\n{\"1\":{\"str\":7},\"2\":{\"str\":\"/l\"}}",
            "1\nBKDL\n{\"1\":{\"str\":\"a\"},\"2\":{\"str\":\"/l\"},\"9\":{\"i64\":9223372036854775808}}",
            "1\nBKDL\n{\"1\":{\"str\":\"a\"},\"2\":{\"str\":\"/l\"},\"9\":{\"str\":\"7\"}}",
            "1\nBKDL\n{\"1\":{\"str\":\"a\"},\"2\":{\"str\":\"/l\"},\"10\":{\"tf\":\"yes\"}}",
            "1\nBKDL\n{\"1\":{\"str\":\"a\"},\"2\":{\"str\":\"/l\"},\"10\":7}",
        ] {
            assert_eq!(
                Binding::parse(bad.as_bytes()).unwrap_err().kind(),
                ErrorKind::InvalidArgument,
                "{bad:?}"
            );
        }
        assert!(Binding::parse(&[b'1', b'\n', 0xff]).is_err());
    }
}
