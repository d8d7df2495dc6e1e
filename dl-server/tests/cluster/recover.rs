//! `dl recover` on a cluster.

use dl_cluster::{Cluster, Java};
use serde_json::{Value, json};

use crate::support::{Place, Running, objects};

/// A writer with this option to go by another name, which appended so many lines and holds the log.
fn writer(place: &Place, uri: &str, log: &str, lines: usize) -> Running {
    let mut writer = place.start(&["append", log, "--acks", "--ns", uri]);
    for line in 0..lines {
        writer.write(&format!("{line}\n"));
        writer.line();
    }
    writer
}

/// Ends the sessions of whoever holds a lock, as their time would.
fn expire(cluster: &Cluster) {
    let sessions = cluster.run(&["sessions"]);
    for line in sessions.lines().filter(|line| line.contains("/lock/")) {
        cluster.run(&["expire-session", line.split_whitespace().next().unwrap()]);
    }
}

#[test]
fn a_recovery_is_explained_before_it_is_done() {
    let cluster = Cluster::start(&[]);
    let (place, uri) = (Place::new(), cluster.uri());
    place.ok(&["namespace", "create", "--ns", uri]);
    let explain = |more: &[&str]| place.run(&[&["recover", "a", "--explain", "--ns", uri], more].concat());
    let text = |more: &[&str]| String::from_utf8(explain(more).stdout).unwrap();
    explain(&[]).failed(102, "not-found");

    let killed = writer(&place, uri, "a", 3);
    let explained = text(&[]);
    assert!(explained.contains("whose session lives: dl recover would fail with locked"), "{explained}");
    killed.kill();
    expire(&cluster);
    let explained = objects(text(&["--json"])).remove(0);
    let segment = &explained["in_progress"][0];
    assert_eq!(
        (&segment["segment"], &segment["records"], &segment["owner"]),
        (&json!(1), &json!(3), &Value::Null)
    );
    assert!(segment["last_dlsn"].as_str().unwrap().starts_with("1:"), "{explained}");
    assert_eq!((&explained["blocked_by"], &segment["skipped_entries"]), (&json!([]), &Value::Null));
    assert!(text(&[]).contains("with 3 records, the last at 1:"), "{}", text(&[]));

    let verified = place.ok(&["verify", "a", "--ns", uri]);
    let left =
        "notice, log a, segment 1: the segment is in progress, and nobody writes it\n  kept: entries 0 to ";
    assert!(verified.starts_with(left), "{verified}");
    assert!(
        verified.contains("  safe: dl recover a --explain\n  safe: dl recover a\nok a: 3 records"),
        "{verified}"
    );

    // Two of three bookies: whoever recovers could not fence an ack quorum.
    for bookie in ["1", "2"] {
        cluster.run(&["freeze-bookie", bookie]);
    }
    let ended = explain(&[]);
    assert_eq!(ended.code, 112, "{}", ended.stderr);
    let explained = String::from_utf8(ended.stdout).unwrap();
    assert!(
        explained.contains("in the way: too few of its bookies can be fenced: 127.0.0.1:"),
        "{explained}"
    );
    let explained = objects(explain(&["--json"]).stdout).remove(0);
    assert_eq!(explained["blocked_by"][0]["bookies"].as_array().unwrap().len(), 2, "{explained}");
    for bookie in ["1", "2"] {
        cluster.run(&["thaw-bookie", bookie]);
    }
    assert_eq!(text(&["--json"]).matches("\"blocked_by\":[]").count(), 1);
    assert_eq!(place.ok(&["recover", "a", "--ns", uri]), "a: completed segment 1 with 3 records\n");
    assert_eq!(text(&[]), "a: nothing is in progress\n");

    // Their sessions may have ended while they were frozen.
    while place.ok(&["bk", "bookies", "--json", "--ns", uri]).lines().count() < 3 {}
    java(&place, &cluster);
}

/// A log that Java wrote, and left.
fn java(place: &Place, cluster: &Cluster) {
    let mut java = Java::start("4.18.0");
    let record = |txid: u64| json!({ "txid": txid, "payload": "b25l" });
    let conf = json!({ "writerOutputBufferSize": 0, "enableImmediateFlush": true });
    for call in [
        json!({ "do": "open", "uri": cluster.uri(), "conf": conf }),
        json!({ "do": "create", "log": "theirs" }),
        json!({ "do": "open_writer", "writer": "w", "log": "theirs" }),
        json!({ "do": "write", "writer": "w", "records": [record(1), record(2)] }),
    ] {
        java.send(&call.to_string());
    }
    let answers = [(); 4].map(|()| java.answer());
    assert!(answers[3].contains("1:1:0"), "{answers:?}");
    drop(java);
    expire(cluster);
    let explained = place.ok(&["recover", "theirs", "--explain", "--json", "--ns", cluster.uri()]);
    let explained = objects(explained).remove(0);
    let segment = &explained["in_progress"][0];
    // The last record is confirmed by the entry behind it, if that came: a recovery keeps both in any case.
    assert!(segment["entries"].as_i64() >= Some(2), "{explained}");
    assert_eq!(explained["blocked_by"], json!([]));
    let recovered = place.ok(&["recover", "theirs", "--ns", cluster.uri()]);
    assert_eq!(recovered, "theirs: completed segment 1 with 2 records\n");
}
