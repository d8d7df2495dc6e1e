//! What one wrote the other reads, record by record.

use bytes::Bytes;
use dl_core::{Compression, Log, MAX_PAYLOAD_BYTES, NewRecord, NewRecordSet, Receipt, WriterOptions};
use serde_json::json;

use crate::java::{VERSIONS, write_set};
use crate::world::{BoundBy, LOG, World};

fn text(number: i64) -> Vec<u8> {
    format!("record {number}, ").repeat(20).into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs what builds Java: ci/test interop"]
async fn dl_reads_what_java_wrote() {
    for version in VERSIONS {
        let mut world = World::new(version, BoundBy::Java).await;
        let java = &mut world.java;
        let mut payloads = vec![b"one".to_vec(), Vec::new(), vec![7; MAX_PAYLOAD_BYTES]];
        java.create(LOG);
        java.open_writer(LOG);
        java.write(&[(1, b"one"), (1, b"")]);
        java.call(json!({"do": "write", "writer": "w", "records": [{"txid": 1, "payload": "eA==", "control": true}]}));
        java.write(&[(2, &payloads[2])]);
        for codec in ["none", "lz4"] {
            let members: Vec<Vec<u8>> = (0..9).map(text).collect();
            let members: Vec<&[u8]> = members.iter().map(Vec::as_slice).collect();
            java.call(write_set(3, codec, &members));
            payloads.extend(members.iter().map(|member| member.to_vec()));
        }
        java.close_writer();
        // Compressed entries with many records each, by the writer that gathers them.
        world.java_with(&json!({"compressionType": "lz4", "writerOutputBufferSize": 65_536, "enableImmediateFlush": false}));
        let java = &mut world.java;
        java.call(json!({"do": "open_writer", "writer": "w", "log": LOG, "sync": true}));
        let texts: Vec<Vec<u8>> = (10..60).map(text).collect();
        let records: Vec<(i64, &[u8])> = (10..).zip(&texts).map(|(txid, text)| (txid, &text[..])).collect();
        java.call(crate::java::write(&records));
        java.call(json!({"do": "flush", "writer": "w"}));
        java.close_writer();
        payloads.extend(texts);
        let (records, sealed) = world.both_read().await;
        assert_eq!((records.iter().map(|record| &record.payload).ne(&payloads), sealed), (false, false));
        assert_eq!(world.segments().await, 2);

        let java = &mut world.java;
        java.open_writer(LOG);
        java.call(json!({"do": "seal", "writer": "w"}));
        java.close_writer();
        let (records, sealed) = world.both_read().await;
        assert_eq!((records.len(), sealed), (payloads.len(), true));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs what builds Java: ci/test interop"]
async fn java_reads_what_dl_wrote() {
    for version in VERSIONS {
        let mut world = World::new(version, BoundBy::Dl).await;
        let log = world.log();
        let (mut receipts, mut payloads) = (Vec::new(), Vec::new());
        let plain = WriterOptions::default().create_log(true);
        write(&log, plain, &mut receipts, &mut payloads).await;
        let small = WriterOptions::default().compression(Compression::Lz4).roll_bytes(1_024);
        write(&log, small, &mut receipts, &mut payloads).await;
        assert!(world.segments().await >= 3);
        let (records, sealed) = world.both_read().await;
        assert!(!sealed && records.iter().map(|record| &record.payload).eq(&payloads));
        let acknowledged = receipts.iter().map(|receipt| (receipt.dlsn.to_string(), receipt.txid));
        assert!(acknowledged.eq(records.iter().map(|record| (record.dlsn.clone(), record.txid))));

        let info = world.java.call(json!({"do": "info", "log": LOG}));
        let last = records.last().unwrap();
        assert_eq!(info["count"].as_u64(), Some(payloads.len() as u64), "{info}");
        assert_eq!((info["last"].as_str(), info["last_txid"].as_i64()), (Some(&*last.dlsn), Some(last.txid)));
        assert_eq!(info["first"].as_str(), Some(&*records[0].dlsn));
        let from = json!({"do": "read", "log": LOG, "from": format!("txid:{}", last.txid)});
        assert_eq!(crate::world::seen(&world.java.call(from)).last(), Some(last));

        let writer = world.dl_writer().await;
        writer.seal().await.unwrap();
        writer.close().await.unwrap();
        let (records, sealed) = world.both_read().await;
        assert_eq!((records.len(), sealed), (payloads.len(), true));
        world.java.send(json!({"do": "open_writer", "writer": "w", "log": LOG}));
        let mut refused = world.java.answer();
        if refused.get("error").is_none() {
            refused = world
                .java
                .ask(json!({"do": "write", "writer": "w", "records": [{"txid": 99, "payload": ""}]}));
            refused = refused["acks"][0].clone();
        }
        assert_eq!(refused["error"], "EndOfStreamException");
    }
}

/// Single records, a batch, record sets, and many records at once.
async fn write(log: &Log, options: WriterOptions, receipts: &mut Vec<Receipt>, payloads: &mut Vec<Vec<u8>>) {
    let writer = log.open_writer(options).await.unwrap();
    for payload in [b"one".to_vec(), Vec::new(), vec![7; MAX_PAYLOAD_BYTES]] {
        receipts.push(writer.append(payload.clone()).await.unwrap().await.unwrap());
        payloads.push(payload);
    }
    let texts: Vec<Bytes> = (0..9).map(|number| text(number).into()).collect();
    let batch: Vec<NewRecord> = texts.iter().cloned().map(NewRecord::new).collect();
    receipts.extend(writer.append_batch(batch, None).await.unwrap().await.unwrap());
    payloads.extend(texts.iter().map(|text| text.to_vec()));
    for compression in [Compression::None, Compression::Lz4] {
        let set = NewRecordSet::pack(&texts, compression).unwrap();
        receipts.extend(writer.append_record_set(set, None).await.unwrap().await.unwrap());
        payloads.extend(texts.iter().map(|text| text.to_vec()));
    }
    let mut tickets = Vec::new();
    for number in 0..200 {
        tickets.push(writer.append(text(number)).await.unwrap());
        payloads.push(text(number));
    }
    for ticket in tickets {
        receipts.push(ticket.await.unwrap());
    }
    writer.close().await.unwrap();
}
