//! What `dl` refuses, or says, so that nobody is surprised later.

use crate::support::{Place, run};

#[test]
fn a_cursor_is_not_set_behind_the_end() {
    let place = Place::new();
    place.ok_with(&["append", "a"], b"one\n");
    let refused = place.run(&["cursor", "set", "a", "c", "7:0:0"]);
    assert_eq!(refused.code, 101, "{}", refused.stderr);
    assert!(refused.stderr.contains("dlsn: 1:0:0"), "{}", refused.stderr);
    place.ok(&["cursor", "set", "a", "c", "1:0:0"]);
    place.ok_with(&["append", "a"], b"two\n");
    assert_eq!(place.ok(&["read", "a", "--cursor", "c"]), "two\n");
}

#[test]
fn a_truncation_that_gets_less_far_says_so() {
    let place = Place::new();
    place.ok_with(&["append", "a"], b"one\n");
    let truncated = place.run(&["truncate", "a", "--before", "9:0:0"]);
    assert_eq!((truncated.code, truncated.stdout.as_slice()), (0, &b"2:0:0\n"[..]));
    assert!(truncated.stderr.contains("up to 2:0:0 and not up to 9:0:0"), "{}", truncated.stderr);
}

#[test]
fn a_log_is_not_copied_onto_itself_nor_into_nothing() {
    let place = Place::new();
    place.ok_with(&["append", "a"], b"one\n");
    let here = format!("file://{}/../namespace", place.namespace().display());
    for to in [here.as_str(), "memory:gone"] {
        let refused = place.run(&["copy", "a", "--to", to]);
        assert_eq!(refused.code, 101, "{to}: {}", refused.stderr);
    }
    place.ok(&["copy", "a", "--to", &here, "--as", "b"]);
    // Another directory whose log has the same name and numbers.
    let other = format!("file://{}/other", place.path().display());
    place.ok(&["copy", "a", "--to", &other]);
    place.ok(&["copy", "a", "--to", &other]);
    assert_eq!(place.ok(&["read", "b"]), "one\n");
}

#[test]
fn a_copy_that_was_killed_goes_on_and_has_each_record_once() {
    let place = Place::new();
    let numbers: String = (0..60_000).map(|number| format!("record {number}\n")).collect();
    place.ok_with(&["append", "a"], numbers.as_bytes());
    let to = format!("file://{}/other", place.path().display());
    for wait in [1, 2_000, 20_000] {
        let mut copying = place.command(&["copy", "a", "--to", &to]).spawn().unwrap();
        let entries = || walk(&place.path().join("other/segments"));
        while entries() < wait && copying.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        copying.kill().unwrap();
        copying.wait().unwrap();
    }
    place.ok(&["copy", "a", "--to", &to]);
    let copied = run(
        {
            let mut command = place.command(&["read", "a"]);
            command.env("DL_NAMESPACE", &to);
            command
        },
        b"",
    );
    assert!(copied.stdout == numbers.as_bytes(), "{} bytes of {}", copied.stdout.len(), numbers.len());
}

/// The bytes of the files below a folder, which may not be there yet.
fn walk(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let bytes = |path: std::path::PathBuf| {
        if path.is_dir() { walk(&path) } else { path.metadata().map_or(0, |about| about.len()) }
    };
    entries.map(|entry| bytes(entry.path())).sum()
}

#[test]
fn wrong_usage_is_an_object_where_json_is_wanted() {
    let place = Place::new();
    let wrong = place.run(&["truncate", "a", "--json"]);
    assert_eq!(wrong.code, 1);
    let object: serde_json::Value = serde_json::from_str(&wrong.stderr).unwrap();
    assert_eq!(object["kind"], "invalid-argument");
    assert!(object["message"].as_str().unwrap().contains("--before <DLSN>"), "{object}");
}
