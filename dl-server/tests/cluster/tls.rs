//! Bookies that speak TLS and want a certificate of whoever comes.

use std::path::{Path, PathBuf};
use std::process::Command;

use dl_cluster::Cluster;
use serde_json::json;

use crate::support::{Place, objects};

/// A root of trust, and certificates that lead to it: of `localhost` with 127.0.0.1, and of another name.
struct Certificates(PathBuf);

impl Certificates {
    fn make(folder: &Path) -> Self {
        let make = concat!(env!("CARGO_MANIFEST_DIR"), "/../dl-core/bookkeeper/testdata/tls/make");
        let made = Command::new(make).arg(folder).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self(folder.to_owned())
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// Three bookies with this certificate, which let in whoever shows one of the same root.
    fn cluster(&self, name: &str) -> Cluster {
        let settings = [
            "tlsProviderFactoryClass=org.apache.bookkeeper.tls.TLSContextFactory".to_owned(),
            "tlsProvider=JDK".to_owned(),
            "tlsKeyStoreType=PEM".to_owned(),
            format!("tlsKeyStore={}", self.file(&format!("{name}.key"))),
            format!("tlsCertificatePath={}", self.file(&format!("{name}.pem"))),
            "tlsClientAuthentication=true".to_owned(),
            "tlsTrustStoreType=PEM".to_owned(),
            format!("tlsTrustStore={}", self.file("root.pem")),
        ];
        let options: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
        Cluster::start(&options)
    }

    /// The options of who trusts this root and shows this certificate.
    fn options(&self, roots: &str, own: Option<&str>) -> String {
        let roots = format!("tls_roots={}", self.file(roots));
        let own = own.map(|own| {
            let (certificate, key) = (self.file(&format!("{own}.pem")), self.file(&format!("{own}.key")));
            format!("&tls_certificate={certificate}&tls_key={key}")
        });
        roots + &own.unwrap_or_default()
    }
}

/// An append that ends as who is not let in is told.
fn refused(place: &Place, uri: &str, said: &str) {
    let ended = place.run_with(&["append", "log", "--ns", uri], b"lost\n");
    assert_eq!(ended.code, 116, "{}", ended.stderr);
    assert!(
        ended.stderr.starts_with("dl: unauthenticated") && ended.stderr.contains(said),
        "{}",
        ended.stderr
    );
}

/// What there is of a log and of ledgers, as far as it can be seen without a bookie.
fn left(place: &Place, uri: &str) -> (String, usize, usize) {
    let uri = uri.split('?').next().unwrap();
    let ledgers = objects(place.ok(&["bk", "ledgers", "--json", "--ns", uri]));
    let segments = objects(place.ok(&["segments", "log", "--json", "--ns", uri]));
    let ended = [json!("closed"), json!("completed")];
    let open = ledgers.iter().chain(&segments).filter(|each| !ended.contains(&each["state"])).count();
    (place.ok(&["list", "--ns", uri]), ledgers.len(), open)
}

#[test]
fn bookies_are_entered_with_certificates_and_who_is_refused_leaves_nothing() {
    let place = Place::new();
    let (own, others) = (place.path().join("own"), place.path().join("others"));
    let (own, others) = (Certificates::make(&own), Certificates::make(&others));
    let cluster = own.cluster("localhost");
    let uri = |options: String| format!("{}?{options}", cluster.uri());
    let let_in = uri(own.options("root.pem", Some("localhost")));
    place.ok(&["namespace", "create", "--ns", &let_in]);
    // On all three before it ends.
    place.ok_with(&["append", "log", "-o", "ack_quorum=3", "--ns", &let_in], b"one\ntwo\n");
    assert_eq!(place.ok(&["read", "log", "--ns", &let_in]), "one\ntwo\n");
    assert_eq!(place.ok(&["verify", "--ns", &let_in]), "ok log: 2 records in 1 segments\n");
    for bookie in objects(place.ok(&["bk", "bookies", "--json", "--ns", &let_in])) {
        assert!(bookie["free_bytes"].as_u64() > Some(0) && bookie["problem"].is_null(), "{bookie}");
    }
    let ledger = objects(place.ok(&["bk", "ledgers", "--json", "--ns", &let_in]))[0]["ledger"].to_string();
    assert!(place.ok(&["bk", "entries", &ledger, "--ns", &let_in]).starts_with("0\t"));
    place.ok(&["bk", "fragments", "log", "--every-entry", "--ns", &let_in]);

    let before = left(&place, &let_in);
    assert_eq!(before, ("log\n".to_owned(), 1, 0));
    let stranger = uri(others.options("root.pem", None));
    let bare = uri(own.options("root.pem", None));
    for (uri, said) in [
        (&stranger, ": no TLS with 127.0.0.1: invalid peer certificate"),
        (&bare, ": the bookie refused TLS with us"),
    ] {
        refused(&place, uri, said);
        assert_eq!(left(&place, &let_in), before, "{said}");
    }
    for (work, call) in [("read", "next_batch"), ("verify", "verify")] {
        let said = format!("unauthenticated ({call}): no TLS with 127.0.0.1");
        place.run(&[work, "log", "--ns", &stranger]).failed(116, &said);
    }
    place
        .run(&["bk", "entries", &ledger, "--ns", &stranger])
        .failed(116, "unauthenticated: no TLS with 127.0.0.1");
    place.ok_with(&["append", "log", "--ns", &let_in], b"three\n");
    assert_eq!(place.ok(&["read", "log", "--ns", &let_in]), "one\ntwo\nthree\n");
}

#[test]
fn a_bookie_whose_certificate_has_another_name_is_not_written_to() {
    let place = Place::new();
    let own = Certificates::make(&place.path().join("own"));
    let cluster = own.cluster("elsewhere");
    let uri = format!("{}?{}", cluster.uri(), own.options("root.pem", Some("localhost")));
    place.ok(&["namespace", "create", "--ns", &uri]);
    place.ok(&["create", "log", "--ns", &uri]);
    refused(&place, &uri, ": no TLS with 127.0.0.1: invalid peer certificate");
    assert_eq!(left(&place, &uri), ("log\n".to_owned(), 0, 0));
}
