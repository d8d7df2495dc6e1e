//! Each follows what the other is writing.

use dl_core::{ReaderOptions, WriterOptions};
use serde_json::json;

use crate::java::VERSIONS;
use crate::world::{BoundBy, LOG, World, next, seen};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs what builds Java: ci/test interop"]
async fn dl_follows_java_over_its_segments_to_the_end() {
    let mut world = World::new(VERSIONS[0], BoundBy::Java).await;
    world.java.create(LOG);
    let mut reader = world.log().open_reader(ReaderOptions::default().follow(true)).await.unwrap();
    for segment in 1..4 {
        world.java.open_writer(LOG);
        for entry in 0..5 {
            let txid = segment * 10 + entry;
            let acks = world.java.write(&[(txid, b"payload")]);
            let record = next(&mut reader).await.unwrap();
            assert_eq!((&record.dlsn, record.txid), (&acks[0], txid));
        }
        world.java.close_writer();
    }
    world.java.open_writer(LOG);
    world.java.call(json!({"do": "seal", "writer": "w"}));
    assert_eq!(next(&mut reader).await, None);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs what builds Java: ci/test interop"]
async fn java_follows_dl_over_its_segments_to_the_end() {
    let mut world = World::new(VERSIONS[0], BoundBy::Dl).await;
    let options = WriterOptions::default().create_log(true).roll_bytes(1_024);
    let writer = world.log().open_writer(options).await.unwrap();
    world.java.call(json!({"do": "open_reader", "reader": "r", "log": LOG}));
    let follow = json!({"do": "next", "reader": "r"});
    for number in 0..20 {
        let payload = format!("{number};").repeat(if number % 3 == 2 { 1_000 } else { 1 });
        let receipt = writer.append(payload.clone()).await.unwrap().await.unwrap();
        let answer = world.java.call(follow.clone());
        let records = seen(&answer);
        assert_eq!(records.len(), 1, "{answer}");
        assert_eq!(
            (&*records[0].dlsn, &*records[0].payload),
            (&*receipt.dlsn.to_string(), payload.as_bytes())
        );
    }
    writer.seal().await.unwrap();
    assert_eq!(world.java.call(follow)["ended"]["error"], "EndOfStreamException");
    // Not before: a roll goes on behind the last record.
    assert!(world.segments().await > 3);
}
