//! A writer beside a bookie that takes nothing keeps to its memory.

use dl_cluster::Cluster;
use serde_json::Value;

use super::{count, told};

/// What may wait for a bookie (64 MiB), what may be in flight (16 MiB), and the program itself.
const MOST_BYTES: u64 = 160 << 20;

/// Records of 8 KiB that are twice what a writer may hold back.
const LEAST_RECORDS: u64 = 20_000;
const MOST_SECONDS: usize = 600;

#[test]
fn soak_stuck_bookies_take_no_more_memory_than_their_budget() {
    let cluster = Cluster::start(&[]);
    told(cluster.uri(), &["namespace", "create"]);
    cluster.run(&["freeze-bookie", "2"]);
    let mut seconds = count("DL_STUCK_SECONDS", 5);
    // On a slow disk that is too short.
    while write(&cluster, seconds) < LEAST_RECORDS {
        seconds *= 4;
        assert!(seconds < MOST_SECONDS, "what is written is not more than the budget");
    }
}

/// Writes for so long, within the memory that it may take; answers how many records it wrote.
fn write(cluster: &Cluster, seconds: usize) -> u64 {
    let seconds = seconds.to_string();
    // In one segment: the next one needs three bookies, and a frozen one is soon no longer registered.
    let one = "roll_bytes=64GiB";
    let work = ["bench", "pipelined", "--bytes", "8192", "--seconds", &seconds, "--json", "-o", one];
    let figures: Value = serde_json::from_str(&told(cluster.uri(), &work)).unwrap();
    let (bytes, count) = (figures["peak_memory_bytes"].as_u64().unwrap(), figures["count"].as_u64().unwrap());
    println!("{count} records of 8 KiB beside a stuck bookie: {} MiB at most", bytes >> 20);
    assert!(bytes < MOST_BYTES, "{bytes} bytes");
    count
}
