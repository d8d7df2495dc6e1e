//! Each truncates, and frees by age, what the other wrote.

use dl_core::{Dlsn, ErrorKind, LogOptions, ReaderOptions, Start, WriterOptions};
use serde_json::json;

use crate::java::VERSIONS;
use crate::world::{BoundBy, LOG, World, seen};

/// Java writes so many segments of three records each; answers the positions.
fn java_writes(world: &mut World, segments: i64) -> Vec<String> {
    let mut acks = Vec::new();
    for segment in 0..segments {
        world.java.open_writer(LOG);
        for entry in 0..3 {
            acks.extend(world.java.write(&[(segment * 10 + entry, b"java")]));
        }
        world.java.close_writer();
    }
    acks
}

async fn dl_writes(world: &World, segments: usize) -> Vec<Dlsn> {
    let mut acks = Vec::new();
    for _ in 0..segments {
        let writer = world.log().open_writer(WriterOptions::default().create_log(true)).await.unwrap();
        for _ in 0..3 {
            acks.push(writer.append("dl").await.unwrap().await.unwrap().dlsn);
        }
        writer.close().await.unwrap();
    }
    acks
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs what builds Java: ci/test interop"]
async fn dl_truncates_and_frees_what_java_wrote() {
    let mut world = World::new(VERSIONS[0], BoundBy::Java).await;
    world.java.create(LOG);
    let acks = java_writes(&mut world, 4);
    let writer = world.dl_writer().await;
    let before: Dlsn = acks[4].parse().unwrap();
    assert_eq!(writer.truncate(before).await.unwrap(), before);
    writer.close().await.unwrap();
    // Java keeps what it read of a segment for ten minutes (logSegmentCacheTTLMs); who opens the namespace now sees the truncation.
    world.java_with(&json!({}));
    let (records, _) = world.both_read().await;
    assert!(records.iter().map(|record| &record.dlsn).eq(&acks[4..]));
    assert_eq!(world.segments().await, 3);

    // By age: all of it. Java goes on behind that, and reads what is there then; it waits for ever where nothing is.
    world.log().set_options(LogOptions::default().retention_ms(1)).await.unwrap();
    let first = world.log().apply_retention().await.unwrap();
    assert!(acks.iter().all(|ack| ack.parse::<Dlsn>().unwrap() < first), "{first}");
    world.java_with(&json!({}));
    world.java.open_writer(LOG);
    let next = world.java.write(&[(1_000, b"java")]);
    world.java.close_writer();
    let (records, _) = world.both_read().await;
    assert!(records.iter().map(|record| &record.dlsn).eq(&next));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs what builds Java: ci/test interop"]
async fn java_truncates_and_frees_what_dl_wrote() {
    let mut world = World::new(VERSIONS[0], BoundBy::Dl).await;
    let acks = dl_writes(&world, 4).await;
    world.java.open_writer(LOG);
    let truncate = json!({"do": "truncate", "writer": "w", "dlsn": acks[4].to_string()});
    assert_eq!(world.java.call(truncate)["truncated"], true);
    world.java.close_writer();
    let (records, _) = world.both_read().await;
    assert!(records.iter().map(|record| record.dlsn.clone()).eq(acks[4..].iter().map(Dlsn::to_string)));
    let below = ReaderOptions::default().from(Start::Dlsn(acks[1]));
    let refused = async { world.log().open_reader(below).await?.next().await };
    let refused = refused.await.unwrap_err();
    assert_eq!((refused.kind(), refused.dlsn()), (ErrorKind::Truncated, Some(acks[4])));

    world.java.call(json!({"do": "purge", "log": LOG, "before_ms": 4_000_000_000_000_i64}));
    let (records, _) = world.both_read().await;
    let kept = acks.len() - records.len();
    assert!(
        kept > 4
            && records.iter().map(|record| record.dlsn.clone()).eq(acks[kept..].iter().map(Dlsn::to_string))
    );
    let next = dl_writes(&world, 1).await;
    let from = json!({"do": "read", "log": LOG, "from": next[0].to_string()});
    assert_eq!(seen(&world.java.call(from)).len(), 3);
    world.both_read().await;
}
