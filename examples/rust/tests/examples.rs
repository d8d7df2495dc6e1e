//! Each example prints what `examples/expected` says, in memory and in a directory.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn append_and_read() {
    check("append_and_read", env!("CARGO_BIN_EXE_append_and_read"));
}

#[test]
fn tail() {
    check("tail", env!("CARGO_BIN_EXE_tail"));
}

#[test]
fn takeover() {
    check("takeover", env!("CARGO_BIN_EXE_takeover"));
}

#[test]
fn batches() {
    check("batches", env!("CARGO_BIN_EXE_batches"));
}

#[test]
fn byte_stream() {
    check("byte_stream", env!("CARGO_BIN_EXE_byte_stream"));
}

#[test]
fn key_value() {
    check("key_value", env!("CARGO_BIN_EXE_key_value"));
}

#[test]
fn work_queue() {
    check("work_queue", env!("CARGO_BIN_EXE_work_queue"));
}

fn check(name: &str, program: &str) {
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../expected/{name}.txt"));
    let expected = std::fs::read_to_string(&expected).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let namespace: PathBuf = directory.path().join("namespace");
    for uri in ["memory:example".to_owned(), dl_core::file_uri(&namespace).unwrap()] {
        // The second time nothing of the first is in the way.
        for _ in 0..2 {
            let output = Command::new(program).arg(&uri).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{name} {uri}");
            assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{name} {uri}");
        }
    }
}
