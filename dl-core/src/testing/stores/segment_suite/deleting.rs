//! Deleting: everybody is told, once is enough.
#![allow(missing_docs, reason = "the names of cases are sentences")]

use super::{OPEN, expected, read_all, reader, two, visible, wait_for};
use crate::error::ErrorKind;
use crate::store::TailState;
use crate::testing::stores::source::{TestWriter, complete, entry};
use crate::testing::stores::{Fixture, commit};
use crate::types::SegmentId;

pub async fn deleting_frees_writer_and_readers(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    // An idle writer, one with entries waiting, and none.
    for case in ["idle", "writing", "closed"] {
        let writer = TestWriter::start(&one).await;
        writer.append(0..5).await;
        if case == "closed" {
            complete(&one, writer.writer.close().await.unwrap()).await;
        }
        let readers = [reader(&one, writer.id).await, reader(&two, writer.id).await];
        let mut tails = Vec::new();
        for reader in &readers {
            tails.push(wait_for(&**reader, visible(&one, 5), OPEN).await);
        }
        if case == "writing" {
            (5..50).for_each(|number| writer.put(entry(writer.id, number)));
        }
        let ids = [writer.id];
        let ops = two.segments.delete(&ids).await.unwrap();
        for (reader, known) in readers.iter().zip(tails) {
            let mut tail = known;
            while tail.state != TailState::Deleted {
                tail = reader.wait(tail).await.unwrap();
            }
            assert_eq!(reader.read(0, 100).await.unwrap_err().kind(), ErrorKind::NotFound, "{case}");
        }
        commit(&*two.metadata, &ops).await;
        if case != "closed" {
            let kind = writer.source.cut_off().await;
            assert!([ErrorKind::NotFound, ErrorKind::Fenced].contains(&kind), "{case}: {kind}");
            assert!(writer.writer.close().await.is_err());
        }
        assert!(one.segments.recover(writer.id).await.is_err());
    }
}

pub async fn deleting_is_idempotent(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    let (gone, kept) = (TestWriter::start(&one).await, TestWriter::start(&one).await);
    let unused = one.segments.allocate("/log/<default>", &[]).await.unwrap().id;
    gone.append(0..5).await;
    kept.append(0..5).await;
    let ids = [gone.id, unused, SegmentId::new(i64::MAX).unwrap()];
    let (one_answer, two_answer) = (one.segments.delete(&ids).await, two.segments.delete(&ids).await);
    one_answer.unwrap();
    commit(&*two.metadata, &two_answer.unwrap()).await;
    let ops = one.segments.delete(&ids).await.unwrap();
    commit(&*one.metadata, &ops).await;
    commit(&*one.metadata, &one.segments.delete(&[]).await.unwrap()).await;
    kept.append(5..10).await;
    kept.writer.close().await.unwrap();
    assert_eq!(read_all(&two, kept.id).await, expected(kept.id, 10));
}
