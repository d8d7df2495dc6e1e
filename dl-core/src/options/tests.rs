use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::text::{Unit, number, show};
use super::*;
use crate::error::{Error, ErrorKind};
use crate::types::{Compression, Digest, Dlsn, Takeover, Txid};

fn parse(uri: &str) -> crate::error::Result<(Location, Options)> {
    let mut options = Options::default();
    Location::parse(uri, &mut options).map(|location| (location, options))
}

fn assert_invalid(error: &Error, parts: &[&str]) {
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    for part in parts {
        assert!(error.message().contains(part), "{error} does not say {part:?}");
    }
}

#[test]
fn defaults_are_the_tables_and_valid() {
    let options = Options::default();
    assert_eq!((options.in_flight_bytes, options.journal_bytes), (64 << 20, 64 << 20));
    assert!(options.create_namespace && !options.read_only && options.client_id.is_none());
    options.validate().unwrap();

    let writer = WriterOptions::default();
    assert_eq!((writer.in_flight_records, writer.in_flight_bytes), (5_000, 16 << 20));
    assert_eq!((writer.takeover, writer.roll_bytes, writer.compression), (Takeover::Force, None, None));
    writer.validate().unwrap();

    let log = LogOptions::default();
    assert_eq!((log.roll_bytes, log.roll_ms, log.compression), (256 << 20, 7_200_000, Compression::None));
    assert_eq!((log.retention_ms, log.retention_bytes, log.explicit_truncation), (None, None, false));
    log.validate().unwrap();

    let reader = ReaderOptions::default();
    assert_eq!(
        (reader.from, reader.follow, reader.until, reader.count),
        (Start::Earliest, false, None, None)
    );
    reader.validate().unwrap();
}

#[test]
fn texts_read_back_as_the_same_values() {
    let mut log = LogOptions::default().retention_ms(90_000).roll_bytes(3 << 20).explicit_truncation(true);
    log.compression = Compression::Lz4;
    let texts = log.texts();
    assert!(texts.contains(&("retention_ms", "90s".to_owned())) && texts.len() == 5, "{texts:?}");
    let mut read = LogOptions::default();
    texts.iter().for_each(|(name, text)| read.set(name, text).unwrap());
    assert_eq!(read, log);

    let mut reader = ReaderOptions::default().from(Start::Txid(Txid::MIN)).count(7);
    reader.until = Some(Dlsn::FIRST);
    let mut read = ReaderOptions::default();
    reader.texts().iter().for_each(|(name, text)| read.set(name, text).unwrap());
    assert_eq!(read, reader);
}

#[test]
fn values_come_from_text() {
    let mut writer = WriterOptions::default();
    for (name, text) in [
        ("takeover", "wait:30s"),
        ("compression", "lz4"),
        ("roll_bytes", "64MiB"),
        ("roll_ms", "5m"),
        ("close_timeout_ms", "250ms"),
        ("in_flight_records", "7"),
        ("create_log", "true"),
    ] {
        writer.set(name, text).unwrap();
    }
    let expected = WriterOptions::default()
        .takeover(Takeover::Wait(Duration::from_secs(30)))
        .compression(Compression::Lz4)
        .roll_bytes(64 << 20)
        .roll_ms(300_000)
        .close_timeout_ms(250)
        .in_flight_records(7)
        .create_log(true);
    assert_eq!(writer, expected);

    let mut reader = ReaderOptions::default();
    for (text, start) in [
        ("earliest", Start::Earliest),
        ("latest", Start::Latest),
        ("3:120:0", Start::Dlsn(Dlsn::new(3, 120, 0))),
        ("txid:0", Start::Txid(Txid::MIN)),
    ] {
        reader.set("from", text).unwrap();
        assert_eq!(reader.from, start);
        assert_eq!(start.to_string(), text);
    }
    reader.set("until", "1:0:0").unwrap();
    assert_eq!(reader.until, Some(Dlsn::FIRST));
}

#[test]
fn a_refusal_names_option_value_and_range() {
    let mut options = Options::default();
    assert_invalid(
        &options.set("in_flight_bytes", "5").unwrap_err(),
        &["in_flight_bytes", "5", "1MiB", "64GiB"],
    );
    assert_invalid(&options.set("journal_bytes", "many").unwrap_err(), &["journal_bytes", "many", "MiB"]);
    assert_invalid(&options.set("lock_wait_ms", "-1").unwrap_err(), &["lock_wait_ms", "-1"]);
    assert_invalid(&options.set("read_only", "yes").unwrap_err(), &["read_only", "yes", "true or false"]);
    assert_invalid(&options.set("client_id", "").unwrap_err(), &["client_id", "0 bytes", "256"]);
    assert_invalid(&options.set("client_id", "a\nb").unwrap_err(), &["client_id", "control"]);
    let unknown = options.set("jurnal_bytes", "1MiB").unwrap_err();
    assert_invalid(&unknown, &["jurnal_bytes", "journal_bytes, large_flush_bytes, unsafe_filesystem"]);
    assert_eq!(options, Options::default(), "a refused value changes nothing");

    let error = Options::default().in_flight_bytes(1).validate().unwrap_err();
    assert_invalid(&error, &["in_flight_bytes", "1MiB"]);
    assert_eq!(error.context_value("option"), Some("in_flight_bytes"));

    let mut writer = WriterOptions::default();
    assert_invalid(&writer.set("takeover", "wait").unwrap_err(), &["takeover", "wait: and a duration"]);
    assert_invalid(&writer.set("compression", "zip").unwrap_err(), &["compression", "none or lz4"]);
    let mut reader = ReaderOptions::default();
    for bad in ["txid:", "txid:-1", "txid:9223372036854775807", "1:2", "", "EARLIEST"] {
        assert_invalid(&reader.set("from", bad).unwrap_err(), &["from", "txid:"]);
    }
}

#[test]
fn uris_name_a_place_and_set_options() {
    let (location, options) = parse("file:///var/lib/my%20logs?journal_bytes=8MiB&read_only=true").unwrap();
    assert_eq!(location, Location::File("/var/lib/my logs".into()));
    assert_eq!(options, Options::default().journal_bytes(8 << 20).read_only(true));
    assert_eq!(parse("file:/a").unwrap().0, Location::File("/a".into()));
    assert_eq!(parse("FILE://localhost/a").unwrap().0, Location::File("/a".into()));
    assert_eq!(parse("memory:test?").unwrap().0, Location::Memory("test".to_owned()));
    for scheme in ["distributedlog", "distributedlog-bk"] {
        let (location, options) =
            parse(&format!("{scheme}://zk1;zk2:2182/a/b?ack_quorum=3&digest=crc32c")).unwrap();
        let place = ClusterPlace { servers: "zk1:2181,zk2:2182".to_owned(), path: "/a/b".to_owned() };
        assert_eq!(location, Location::BookKeeper(place));
        assert_eq!((options.ack_quorum, options.digest), (3, Digest::Crc32c));
    }
}

#[test]
fn wrong_uris_say_what_to_write() {
    for (uri, part) in [
        ("", "no scheme"),
        ("/var/lib/logs", "no scheme; write file:///var/lib/logs"),
        ("kafka://host/", "distributedlog://"),
        ("memory:", "memory:NAME"),
        ("memory:///", "memory:NAME"),
        ("file:", "file:///PATH"),
        ("file:relative", "file:///PATH"),
        ("file://host/path", "file:///PATH"),
        ("file://localhostile/path", "file:///PATH"),
        ("file:///a%2", "%25"),
        ("file:///a%zz", "%25"),
        ("file:///a%00b", "NUL"),
        ("file:///a#b", "%23"),
        ("file:///a?read_only", "read_only=VALUE"),
        ("file:///a?read_only=%ff", "UTF-8"),
        ("file:///a?colour=red", "journal_bytes"),
        ("memory:%ff", "UTF-8"),
        ("distributedlog:/ns", "HOST:PORT/PATH"),
        ("distributedlog://zk1:x/ns", "zk1:x"),
        ("distributedlog://zk1", "/PATH"),
    ] {
        assert_invalid(&parse(uri).unwrap_err(), &[part]);
    }
    for uri in ["dl://h:1/", "dls://h:1/"] {
        assert_eq!(parse(uri).unwrap_err().kind(), ErrorKind::Unsupported, "{uri}");
    }
    assert_invalid(&file_uri("a/b".as_ref()).unwrap_err(), &["absolute"]);
}

#[test]
fn options_are_printed_without_what_is_secret() {
    let options = Options::default()
        .client_id("known")
        .ledger_password("secret")
        .bookie_password("secret")
        .zookeeper_acl_id("secret");
    let printed = format!("{options:?}");
    assert!(printed.contains("client_id: Some(\"known\")") && !printed.contains("secret"), "{printed}");
    assert!(printed.contains("bookie_password: Some("), "{printed}");
}

#[test]
fn uris_are_shown_without_what_is_secret() {
    let uri = "distributedlog://h:1/a?client_id=me&bookie_password=hush&ledger%5Fpassword=h%26ush&create_namespace=false";
    let shown =
        "distributedlog://h:1/a?client_id=me&bookie_password=…&ledger%5Fpassword=…&create_namespace=false";
    assert_eq!(shown_uri(uri), shown);
    for same in ["file:///a", "memory:a?", "", "?", "a?=&b", "file:///bookie_password=x"] {
        assert_eq!(shown_uri(same), same);
    }
    for wrong in
        ["/a?bookie_password=hush", "dl://h:1/?bookie_password=hush", "file:///a?bookie_password=hush#"]
    {
        let error = parse(wrong).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_place_or_an_error(uri in "\\PC*", tail in "\\PC*") {
        for uri in [uri, format!("file:///{tail}"), format!("memory:{tail}"), format!("file:///a?{tail}"), format!("distributedlog:{tail}"), format!("distributedlog://{tail}")] {
            if let Err(error) = parse(&uri) {
                prop_assert!(matches!(error.kind(), ErrorKind::InvalidArgument | ErrorKind::Unsupported));
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn any_path_survives_its_uri(bytes in proptest::collection::vec(1u8..=255, 0..64)) {
        use std::os::unix::ffi::OsStringExt;
        let path = PathBuf::from(std::ffi::OsString::from_vec([b"/".as_slice(), &bytes].concat()));
        prop_assert_eq!(parse(&file_uri(&path).unwrap()).unwrap().0, Location::File(path));
    }

    #[test]
    fn numbers_survive_their_text(value: u64, factor in 0u32..64) {
        let value = value >> factor << factor;
        for unit in [Unit::Count, Unit::Bytes, Unit::Milliseconds] {
            let text = show(unit, value);
            prop_assert_eq!(number("n", &text, unit, 0..=u64::MAX).unwrap(), value, "{}", text);
        }
    }

    #[test]
    fn choices_survive_their_text(ms in 0..u64::MAX, segment: i64, entry: i64, slot: i64, txid in 0..i64::MAX) {
        let wait = Takeover::Wait(Duration::from_millis(ms));
        for takeover in [Takeover::Force, Takeover::Never, wait] {
            prop_assert_eq!(takeover.to_string().parse::<Takeover>().unwrap(), takeover);
        }
        for start in [Start::Dlsn(Dlsn::new(segment, entry, slot)), Start::Txid(Txid::new(txid).unwrap())] {
            prop_assert_eq!(start.to_string().parse::<Start>().unwrap(), start);
        }
    }
}
