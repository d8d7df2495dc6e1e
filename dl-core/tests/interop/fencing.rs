//! Each takes the log from the other in the middle of its writing, and recovers what the other left.

use dl_cluster::Cluster;
use dl_core::{ErrorKind, Takeover, WriterOptions};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::java::{Java, VERSIONS, write};
use crate::world::{BoundBy, LOG, Seen, World};

/// How often it is looked whether Java waits for the lock: some milliseconds each time.
const MAX_LOOKS: usize = 2_000;

/// Positions of the records that Java was told are written.
fn acknowledged(answer: &Value) -> impl Iterator<Item = &str> {
    answer["acks"].as_array().unwrap().iter().map_while(Value::as_str)
}

fn dlsns(records: &[Seen]) -> Vec<&str> {
    records.iter().map(|record| &*record.dlsn).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs what builds Java: ci/test interop"]
async fn dl_fences_java_in_the_middle_of_its_writing() {
    let mut world = World::new(VERSIONS[0], BoundBy::Java).await;
    world.java.create(LOG);
    world.java.open_writer(LOG);
    let never = WriterOptions::default().takeover(Takeover::Never);
    let locked = world.log().open_writer(never).await.err().unwrap();
    assert_eq!(
        (locked.kind(), locked.owner().map(|owner| owner.starts_with("java"))),
        (ErrorKind::Locked, Some(true))
    );

    let (mut acks, mut written, mut dl) = (Vec::new(), 0, None);
    let fenced = loop {
        let records: Vec<(i64, &[u8])> = (written..written + 100).map(|txid| (txid, &b"java"[..])).collect();
        written += 100;
        world.java.send(write(&records));
        if written == 500 {
            dl = Some(world.dl_writer().await);
        }
        let answer = world.java.answer();
        let before = acks.len();
        acks.extend(acknowledged(&answer).map(str::to_owned));
        if acks.len() < before + 100 {
            break answer["acks"][acks.len() - before].clone();
        }
        assert!(written < 2_000, "Java goes on writing");
    };
    assert!(fenced.get("error").is_some(), "{fenced}");
    let dl = dl.unwrap();
    let first = dl.append("dl").await.unwrap().await.unwrap();
    dl.append("dl").await.unwrap().await.unwrap();
    dl.close().await.unwrap();
    let (records, _) = world.both_read().await;
    let java = records.iter().take_while(|record| record.payload == b"java").count();
    assert!(java >= acks.len() && dlsns(&records)[..acks.len()] == acks);
    assert!(records[..java].iter().map(|record| record.txid).eq(0..i64::try_from(java).unwrap()));
    assert_eq!((records.len(), &*records[java].dlsn), (java + 2, &*first.dlsn.to_string()));
    // What it tries afterwards does not get into the log.
    let late = world.java.ask(write(&[(9_999, b"late")]));
    assert!(late["acks"][0].get("error").is_some(), "{late}");
    assert_eq!(world.both_read().await.0, records);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs what builds Java: ci/test interop"]
async fn java_fences_dl_in_the_middle_of_its_writing() {
    let mut world = World::new(VERSIONS[0], BoundBy::Dl).await;
    let writer = world.log().open_writer(WriterOptions::default().create_log(true)).await.unwrap();
    // With a segment that is begun: Java goes by what it read of the log before it had the lock.
    let mut acks = vec![writer.append("dl").await.unwrap().await.unwrap().dlsn.to_string()];
    let owner = world.lock_members();
    assert_eq!(owner.len(), 1, "{owner:?}");
    let refused = world.java.ask(json!({"do": "open_writer", "writer": "w", "log": LOG}));
    assert_eq!(refused["error"], "OwnershipAcquireFailedException", "{refused}");

    world.java_with(&json!({"lockTimeoutSeconds": 60}));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let appended = async { writer.append("dl").await?.await };
            match appended.await {
                Ok(receipt) => acks.push(receipt.dlsn.to_string()),
                Err(error) => return (acks, error),
            }
        }
    });
    world.java.send(json!({"do": "open_writer", "writer": "w", "log": LOG}));
    let waits = (0..MAX_LOOKS).any(|_| !world.lock_members().is_subset(&owner));
    assert!(waits, "Java does not wait for the lock");
    Cluster::shared().run(&["expire-session", owner.first().unwrap()]);
    let opened = world.java.answer();
    assert!(opened.get("error").is_none(), "{opened}");
    let (acks, error) = tasks.join_next().await.unwrap().unwrap();
    assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
    world.java.write(&[(i64::MAX - 2, b"java")]);
    world.java.close_writer();
    let (records, _) = world.both_read().await;
    let dl = records.iter().take_while(|record| record.payload == b"dl").count();
    assert!(dl >= acks.len() && dlsns(&records)[..acks.len()] == acks, "{} of {}", acks.len(), dl);
    assert_eq!(records.len(), dl + 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs what builds Java: ci/test interop"]
async fn dl_recovers_what_a_dead_java_left() {
    let mut world = World::new(VERSIONS[0], BoundBy::Java).await;
    world.java.create(LOG);
    world.java.open_writer(LOG);
    let mut acks = world.java.write(&[(1, b"a"), (2, b"b")]);
    world.java.send(write(&[(3, b"c")]));
    // Another process goes on; it has the lock until its session ends, which dl does not wait for.
    std::mem::replace(&mut world.java, Java::start(VERSIONS[0])).kill();
    let writer = world.dl_writer().await;
    acks.push(writer.append("dl").await.unwrap().await.unwrap().dlsn.to_string());
    writer.close().await.unwrap();
    world.java_with(&json!({}));
    let (records, _) = world.both_read().await;
    let kept = dlsns(&records);
    assert!(kept.starts_with(&[&acks[0], &acks[1]]) && kept.ends_with(&[&acks[2]]), "{kept:?}");
    assert!(kept.len() <= 4);
    let segments = world.segments().await;

    // One that has nothing but a control record is completed without records, and both go past it.
    world.java.open_writer(LOG);
    let control = json!([{"txid": i64::MAX - 9, "payload": "eA==", "control": true}]);
    world.java.call(json!({"do": "write", "writer": "w", "records": control}));
    std::mem::replace(&mut world.java, Java::start(VERSIONS[0])).kill();
    let writer = world.dl_writer().await;
    world.java_with(&json!({}));
    assert_eq!(world.both_read().await.0, records);
    writer.append("dl").await.unwrap().await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(world.both_read().await.0.len(), records.len() + 1);
    assert_eq!(world.segments().await, segments + 2);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs what builds Java: ci/test interop"]
async fn java_recovers_what_dl_left() {
    let mut world = World::new(VERSIONS[0], BoundBy::Dl).await;
    let options = WriterOptions::default().create_log(true);
    for (round, recovers) in [true, false].into_iter().enumerate() {
        let writer = world.log().open_writer(options.clone()).await.unwrap();
        let first = writer.append("dl").await.unwrap().await.unwrap();
        let _unknown = writer.append("perhaps").await.unwrap();
        let ended = writer.fenced();
        writer.abort();
        ended.await;
        drop(writer);
        if recovers {
            world.java.call(json!({"do": "recover", "log": LOG}));
        }
        world.java_with(&json!({"lockTimeoutSeconds": 60}));
        world.java.open_writer(LOG);
        let txid = first.txid + 1_000;
        let acks = world.java.write(&[(txid, b"java")]);
        world.java.close_writer();
        let (records, _) = world.both_read().await;
        let kept = dlsns(&records);
        assert!(kept.contains(&&*first.dlsn.to_string()) && kept.ends_with(&[&acks[0]]), "{round}: {kept:?}");
    }
}
