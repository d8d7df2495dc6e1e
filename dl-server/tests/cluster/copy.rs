//! `dl copy` between a directory and a cluster.

use dl_cluster::Cluster;

use crate::support::{Place, objects};

#[test]
fn a_log_goes_to_a_cluster_and_back_as_it_was() {
    let (place, back) = (Place::new(), Place::new());
    let cluster = Cluster::shared().uri().replace("/messaging/", "/copied/");
    place.ok(&["namespace", "create", "--ns", &cluster]);
    // Segments of some entries, an entry of some records, and txids of their own.
    for lines in ["1\n2\n3\n4\n5\n", "6\n7\n"] {
        place.ok_with(&["append", "a", "--batch", "2", "--txid", "counter"], lines.as_bytes());
    }
    let read = |place: &Place, more: &[&str]| place.ok(&[&["read", "a", "--json"], more].concat());
    let there = ["--ns", cluster.as_str()];
    assert_eq!(place.ok(&["copy", "a", "--to", &cluster]), "copied 7 records of a to a; 0 were there\n");
    assert_eq!(read(&place, &there), read(&place, &[]), "positions, txids, sequence ids and payloads");

    // What is there already is compared and stays.
    place.ok_with(&["append", "a", "--txid", "counter"], b"8\n");
    assert_eq!(place.ok(&["copy", "a", "--to", &cluster]), "copied 1 records of a to a; 7 were there\n");
    assert_eq!(read(&place, &there), read(&place, &[]));

    let to = format!("file://{}", back.namespace().display());
    let copied = place.ok(&["copy", "a", "--to", &to, "--ns", &cluster]);
    assert_eq!(copied, "copied 8 records of a to a; 0 were there\n");
    assert_eq!(read(&back, &[]), read(&place, &[]));
    assert_eq!(objects(back.ok(&["segments", "a", "--json"])).len(), 3);
}
