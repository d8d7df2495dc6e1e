//! The runner refuses bad cases and sees differences.

use serde_json::{Value, json};

use crate::cases::{Case, check};
use crate::matching::matches;
use crate::values::{Variables, new_record};

fn case(steps: Value) -> Result<(), String> {
    let case = json!({ "name": "a-case", "promises": ["P1"], "steps": steps });
    check(&serde_json::from_value::<Case>(case).unwrap())
}

#[test]
fn what_is_not_in_the_language_is_refused() {
    let good = json!([{ "do": "open_writer", "as": "w" }, { "do": "append", "on": "w", "record": "one" }]);
    assert_eq!(case(good), Ok(()));
    for (steps, mistake) in [
        (json!([{ "do": "apend" }]), "nothing that there is"),
        (json!([{ "do": "flush", "on": "w" }]), "no handle"),
        (json!([{ "do": "create_log", "expects": 1 }]), "takes no \"expects\""),
        (json!([{ "do": "parse_dlsn" }]), "needs \"text\""),
        (json!([{ "do": "info", "expect": "$d" }]), "nothing is bound"),
        (json!([{ "do": "info", "as": "unused" }]), "never used"),
        (json!([{ "do": "info", "process": "q" }]), "no process"),
        (json!([{ "do": "crash", "process": "p" }]), "needs \"crash\""),
        (json!([{ "do": "count", "start": "c" }]), "never awaited"),
        (json!([{ "do": "count", "start": "c", "expect": 1 }]), "where it is awaited"),
        (json!([{ "do": "await", "call": "c" }]), "in flight"),
        (json!([{ "do": "open", "process": "q" }]), "several processes"),
        (json!([{ "do": "count", "expect": 1, "expect_error": "fenced" }]), "something else"),
    ] {
        let refusal = case(steps.clone()).unwrap_err();
        assert!(refusal.contains(mistake), "{steps}: {refusal}");
    }
    let unknown = json!({ "name": "a", "promises": ["P1"], "steps": [], "stpes": [] });
    assert!(serde_json::from_value::<Case>(unknown).is_err());
}

#[test]
fn variables_are_replaced_and_lists_written_out() {
    let mut variables = Variables::default();
    variables.bind("r", json!([{ "dlsn": "1:0:0", "txid": 7 }]));
    variables.bind("uri", json!("memory:x"));
    let resolved = |value: Value| variables.resolve(&value).unwrap();
    assert_eq!(resolved(json!("$r.0.txid")), json!(7));
    assert_eq!(resolved(json!("at $r.last.dlsn, $$1")), json!("at 1:0:0, $1"));
    assert_eq!(resolved(json!("$uri.bak")), json!("memory:x.bak"));
    assert_eq!(
        resolved(json!([{ "repeat": 2, "first": 5, "text": "n$i" }])),
        json!([{ "text": "n5" }, { "text": "n6" }])
    );
    assert!(variables.resolve(&json!("$r.1")).is_err() && variables.resolve(&json!("$s")).is_err());
}

#[test]
fn payloads_have_three_forms() {
    let hex = |value: Value| new_record(&value).unwrap()["payload"].as_str().unwrap().to_owned();
    assert_eq!(hex(json!("az")), "617a");
    assert_eq!(hex(json!({ "hex": "00ff" })), "00ff");
    assert_eq!(hex(json!({ "bytes": 3, "seed": 250 })), "fa7d00");
    assert!(new_record(&json!({ "text": "a", "hex": "00" })).is_err());
    assert!(new_record(&json!({ "payload": "a" })).is_err());
}

/// Some faces list what a log keeps option by option; a new option would be missing there, and nobody would see it.
#[test]
fn a_case_has_every_option_that_is_kept_with_a_log() {
    let table: toml::Table = toml::from_str(include_str!("../../src/options/options.toml")).unwrap();
    let of_logs =
        table["option"].as_array().unwrap().iter().filter(|option| option["scope"].as_str() == Some("log"));
    let mut wanted: Vec<_> = of_logs.filter_map(|option| option["name"].as_str()).collect();
    wanted.sort_unstable();
    let name = "every-option-kept-with-a-log-is-told-back";
    let case = crate::cases().iter().find(|case| case.name == name).unwrap();
    let told = case.steps.iter().find_map(|step| step.get("expect")?.as_object()).unwrap();
    let mut told: Vec<_> = told.keys().map(String::as_str).collect();
    told.sort_unstable();
    assert_eq!(told, wanted);
}

#[test]
fn differences_are_seen() {
    let record = json!({ "dlsn": "1:2:0", "txid": 5, "payload": "6f6e65" });
    for same in [
        json!("one"),
        json!({ "text": "one", "txid": 5 }),
        json!({ "dlsn": { "gt": "1:1:9" }, "txid": { "any": [4, 5] } }),
    ] {
        matches(&same, &record).unwrap();
    }
    for other in [
        json!("two"),
        json!({ "txid": 6 }),
        json!({ "text": "one", "slot": 0 }),
        json!({ "dlsn": { "lt": "1:2:0" } }),
    ] {
        assert!(matches(&other, &record).is_err(), "{other}");
    }
}

#[test]
fn a_run_of_maybes_is_there_as_a_prefix() {
    let wanted = json!(["1", { "text": "2", "maybe": true }, { "text": "3", "maybe": true }, "4"]);
    let list = |texts: &[&str]| -> Value {
        texts.iter().map(|text| json!({ "payload": crate::show::hex(text.as_bytes()) })).collect()
    };
    for there in [&["1", "4"][..], &["1", "2", "4"], &["1", "2", "3", "4"]] {
        matches(&wanted, &list(there)).unwrap();
    }
    for there in [&["1", "3", "4"][..], &["1", "2"], &["1", "2", "3", "4", "4"], &["1", "3", "2", "4"]] {
        assert!(matches(&wanted, &list(there)).is_err(), "{there:?}");
    }
}
