//! Measurements are real, and leave nothing behind.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Place, objects, run};

/// The works, with little to do.
const WORKS: &[&[&str]] = &[
    &["append", "--bytes", "10"],
    &["append", "--rate", "500"],
    &["concurrent", "--tasks", "5"],
    &["concurrent", "--threads", "5"],
    &["pipelined", "--in-flight", "100"],
    &["read", "--records", "3000", "--bytes", "1000"],
    &["many-logs", "--logs", "20", "--rate", "50"],
];

fn measure(place: &Place, work: &[&str]) -> Value {
    let arguments = [&["bench"], work, &["--seconds", "0.1", "--json"]].concat();
    let mut objects = objects(place.ok(&arguments));
    assert_eq!(objects.len(), 1, "{work:?}");
    objects.remove(0)
}

#[test]
fn every_work_has_its_figures_and_leaves_no_log() {
    let place = Place::new();
    for work in WORKS {
        let figures = measure(&place, work);
        let number = |name: &str| figures[name].as_f64().unwrap_or_default();
        assert_eq!(figures["work"], work[0]);
        assert!(number("seconds") >= 0.05, "{figures}");
        let rate = number("count") / number("seconds");
        assert!(rate > 0.0 && (rate / number("per_second") - 1.0).abs() < 0.01, "{figures}");
        let payload = number("record_bytes") * rate;
        assert!((payload / number("payload_bytes_per_second") - 1.0).abs() < 0.01, "{figures}");
        if work[0] == "read" {
            assert_eq!(figures["count"].as_u64().unwrap_or_default() % 3_000, 0, "whole passes: {figures}");
        } else {
            let latency =
                ["p50_us", "p90_us", "p99_us", "p999_us", "max_us"].map(|name| &figures["latency"][name]);
            assert!(latency.iter().all(|latency| latency.as_f64() > Some(0.1)), "{figures}");
            assert!(latency.is_sorted_by_key(|latency| latency.as_f64()), "{figures}");
        }
        if cfg!(target_os = "linux") {
            assert!(number("peak_memory_bytes") > 1e6 && figures["processor_seconds"].is_f64(), "{figures}");
        }
        assert_eq!(place.ok(&["list"]), "", "{work:?}");
    }
}

#[test]
fn a_follower_in_another_process_sees_every_record() {
    let place = Place::new();
    let figures = measure(&place, &["tail", "--rate", "400"]);
    assert_eq!(figures["count"], 40, "{figures}");
    let median = |name: &str| figures[name]["p50_us"].as_f64().unwrap();
    assert!(median("alone") > 0.1 && median("followed") > 0.1 && median("seen") > 0.1, "{figures}");
    let ratio = figures["seen_to_alone"].as_f64().unwrap();
    assert!((ratio / (median("seen") / median("alone")) - 1.0).abs() < 0.01, "{figures}");
    assert_eq!(place.ok(&["list"]), "");
}

#[test]
fn quiet_logs_are_measured_alone_and_beside_a_loud_one() {
    let place = Place::new();
    let work = ["noisy", "--logs", "5", "--rate", "40", "--turns", "2", "--in-flight", "100"];
    let figures = measure(&place, &work);
    assert_eq!(figures["count"], 40, "200 a second, both times: {figures}");
    assert!(figures["loud_count"].as_u64() > Some(100), "{figures}");
    let number = |name: &str| figures[name].as_f64().unwrap();
    let loud_seconds = number("loud_count") / number("loud_per_second");
    assert!((0.099..number("seconds")).contains(&loud_seconds), "{figures}");
    let p99 = |name: &str| figures[name]["p99_us"].as_f64().unwrap();
    assert!(p99("alone") > 0.1 && p99("beside") > 0.1, "{figures}");
    assert!((number("beside_to_alone") / (p99("beside") / p99("alone")) - 1.0).abs() < 0.01, "{figures}");
    assert_eq!(place.ok(&["list"]), "");
}

#[test]
fn logs_are_made_and_a_namespace_is_opened_again() {
    let place = Place::new();
    let figures =
        objects(place.ok(&["bench", "create", "--logs", "50", "--at-once", "7", "--json"])).remove(0);
    assert_eq!((&figures["unit"], &figures["count"]), (&json!("logs"), &json!(50)));
    assert!(figures["per_second"].as_f64() > Some(0.0), "{figures}");
    assert_eq!(place.ok(&["list"]), "");

    let arguments = ["bench", "reopen", "--logs", "70", "--written-bytes", "100000", "--json"];
    let mut command = place.command(&arguments);
    command.env("TMPDIR", place.path());
    let ended = run(command, b"");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let figures = objects(&ended.stdout).remove(0);
    assert_eq!(figures["logs"], 70);
    assert!(figures["written_bytes"].as_u64() >= Some(100_000), "{figures}");
    for seconds in ["after_crash_seconds", "clean_seconds"] {
        assert!(figures[seconds].as_f64() > Some(0.0), "{figures}");
    }
    assert_eq!(place.ok(&["list"]), "");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "the namespace that was named");
}

#[test]
fn a_rate_is_kept() {
    let figures = measure(&Place::new(), &["append", "--rate", "200"]);
    assert_eq!(figures["count"], 20, "{figures}");
}

#[test]
fn without_a_namespace_a_temporary_directory_is_used_and_removed() {
    let place = Place::new();
    let mut command = place.command(&["bench", "append", "--seconds", "0.05"]);
    command.env_remove("DL_NAMESPACE").env("TMPDIR", place.path());
    let ended = run(command, b"");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "no progress without a terminal");
    assert!(ended.lines().iter().any(|line| line.starts_with("latency ")), "{:?}", ended.lines());
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn an_interrupt_removes_the_temporary_directory() {
    let place = Place::new();
    let mut command = place.command(&["bench", "pipelined", "--seconds", "3600"]);
    command.env_remove("DL_NAMESPACE").env("TMPDIR", place.path());
    let running = crate::support::Running::new(command);
    while !fs::read_dir(place.path())
        .unwrap()
        .any(|entry| entry.unwrap().path().join("namespace/format").exists())
    {
        std::thread::yield_now();
    }
    running.signal("INT");
    let ended = running.end();
    ended.failed(110, "cancelled: interrupted");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let place = Place::new();
    for (arguments, code) in [
        (&["append", "--bytes", "1040365"] as &[&str], 108),
        (&["append", "--rate", "0"], 101),
        (&["append", "--seconds", "-1"], 1),
        (&["tail", "--bytes", "7"], 101),
        (&["many-logs", "--rate", "0"], 101),
        (&["noisy", "--rate", "0"], 101),
        (&["noisy", "--turns", "0"], 1),
        (&["create", "--logs", "0"], 1),
        (&["concurrent", "--tasks", "1", "--threads", "1"], 1),
        (&["nothing"], 1),
        (&[], 1),
    ] {
        let ended = place.run(&[&["bench"], arguments].concat());
        assert_eq!(ended.code, code, "{arguments:?}: {}", ended.stderr);
    }
    assert_eq!(place.ok(&["list"]), "");
}
