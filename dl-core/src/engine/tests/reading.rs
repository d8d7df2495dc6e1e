use std::time::Duration;

use super::*;
use crate::{Dlsn, End, ErrorKind, OnTruncated};

on_every_driver! {
    a_reader_starts_where_it_is_told
    no_reader_starts_below_the_point_of_truncation
    a_bounded_reader_says_why_it_ended
    a_follower_gets_everything_once_across_rolls_and_writers
    a_cancelled_read_loses_nothing_and_a_closed_reader_says_so
    a_batch_of_records_waits_as_long_as_it_is_told
    a_batch_has_what_is_read_one_by_one
    large_and_many_entries_are_read_in_chunks
    compressed_entries_read_the_same
    a_log_that_is_not_there_is_not_found
}

async fn ten_records(shared: &Shared) -> (Namespace, Writer) {
    let namespace = shared.process("writer").await;
    let writer = shared.open(&namespace, creating()).await;
    for number in 0..10_i64 {
        let record = NewRecord::new(number.to_string()).txid(Txid::new(number / 2 * 10).unwrap());
        writer.append(record).await.unwrap().await.unwrap();
        if number == 4 {
            // Completes the segment.
            writer.truncate(Dlsn::new(1, 0, 1)).await.unwrap();
        }
    }
    (namespace, writer)
}

async fn first(namespace: &Namespace, shared: &Shared, options: ReaderOptions) -> String {
    let mut reader = namespace.log(shared.log()).open_reader(options).await.unwrap();
    text(&reader.next().await.unwrap().unwrap()).to_owned()
}

async fn a_reader_starts_where_it_is_told(shared: Shared) {
    let (namespace, writer) = ten_records(&shared).await;
    let from = |start| ReaderOptions::default().from(start);
    assert_eq!(first(&namespace, &shared, from(Start::Earliest)).await, "1");
    assert_eq!(first(&namespace, &shared, from(Start::Dlsn(Dlsn::new(1, 3, 0)))).await, "3");
    assert_eq!(
        first(&namespace, &shared, from(Start::Dlsn(Dlsn::new(1, 3, 7)))).await,
        "4",
        "the next there is"
    );
    assert_eq!(first(&namespace, &shared, from(Start::Dlsn(Dlsn::new(1, 99, 0)))).await, "5");
    for (txid, expected) in [(0, "1"), (1, "2"), (10, "2"), (19, "4"), (20, "4"), (21, "6"), (40, "8")] {
        let start = Start::Txid(Txid::new(txid).unwrap());
        assert_eq!(first(&namespace, &shared, from(start)).await, expected, "txid {txid}");
        let dlsn = namespace.log(shared.log()).dlsn_at_txid(Txid::new(txid).unwrap()).await.unwrap().unwrap();
        assert_eq!(first(&namespace, &shared, from(Start::Dlsn(dlsn))).await, expected);
    }
    assert_eq!(namespace.log(shared.log()).dlsn_at_txid(Txid::new(41).unwrap()).await.unwrap(), None);
    assert_eq!(namespace.log(shared.log()).count().await.unwrap(), 9);

    let mut latest = shared.follower(&namespace, Start::Latest).await;
    let mut later = shared.follower(&namespace, Start::Txid(Txid::new(50).unwrap())).await;
    writer.append(record("not yet", 45)).await.unwrap().await.unwrap();
    writer.append(record("now", 51)).await.unwrap().await.unwrap();
    assert_eq!(text(&latest.next().await.unwrap().unwrap()), "not yet");
    assert_eq!(text(&later.next().await.unwrap().unwrap()), "now");
}

async fn no_reader_starts_below_the_point_of_truncation(shared: Shared) {
    let (namespace, writer) = ten_records(&shared).await;
    let log = namespace.log(shared.log());
    let below = ReaderOptions::default().from(Start::Dlsn(Dlsn::FIRST));
    let error = log.open_reader(below.clone()).await.map(drop).unwrap_err();
    assert_eq!((error.kind(), error.dlsn()), (ErrorKind::Truncated, Some(Dlsn::new(1, 0, 1))));
    let skip = below.clone().on_truncated(OnTruncated::Skip);
    assert_eq!(first(&namespace, &shared, skip.clone()).await, "1");

    let mut overtaken = log.open_reader(ReaderOptions::default()).await.unwrap();
    let mut skipping = log.open_reader(skip).await.unwrap();
    assert_eq!(text(&overtaken.next().await.unwrap().unwrap()), "1");
    let point = writer.truncate(Dlsn::new(2, 4, 0)).await.unwrap();
    append(&writer, "end").await;
    assert_eq!(text(&skipping.next().await.unwrap().unwrap()), "9");
    // What it has fetched it may deliver.
    let error = loop {
        match overtaken.next().await {
            Ok(record) => assert!(record.is_some(), "it must not end as if nothing had been there"),
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), error.dlsn()), (ErrorKind::Truncated, Some(point)));
}

async fn a_bounded_reader_says_why_it_ended(shared: Shared) {
    let (namespace, _writer) = ten_records(&shared).await;
    let log = namespace.log(shared.log());
    let bounds = [
        (ReaderOptions::default(), 9, End::End),
        (ReaderOptions::default().count(3), 3, End::Bound),
        (ReaderOptions::default().count(3).follow(true), 3, End::Bound),
        (ReaderOptions::default().count(0).follow(true), 0, End::Bound),
        (ReaderOptions::default().until(Dlsn::new(1, 2, 0)).follow(true), 2, End::Bound),
        (ReaderOptions::default().until(Dlsn::new(1, 2, 9)), 2, End::Bound),
        (ReaderOptions::default().until(Dlsn::new(7, 0, 0)), 9, End::End),
    ];
    for (options, count, end) in bounds {
        let mut reader = log.open_reader(options.clone()).await.unwrap();
        assert_eq!((drain(&mut reader).await.len(), reader.end()), (count, Some(end)), "{options:?}");
        assert!(reader.next().await.unwrap().is_none());
    }
}

async fn a_follower_gets_everything_once_across_rolls_and_writers(shared: Shared) {
    let (first, second) = (shared.process("first").await, shared.process("second").await);
    first.create_log(shared.log()).await.unwrap();
    let mut reader = shared.follower(&first, Start::Earliest).await;
    let following = spawn(async move {
        let records = drain(&mut reader).await;
        (records, reader.end())
    });
    for round in 0..4 {
        let namespace = if round % 2 == 0 { &first } else { &second };
        let writer = shared.open(namespace, WriterOptions::default().roll_bytes(1_024)).await;
        for number in 0..100 {
            let ticket = writer.append(format!("{}", round * 100 + number)).await.unwrap();
            if number % 3 == 0 {
                ticket.await.unwrap();
            }
        }
        writer.flush().await.unwrap();
        match round {
            0 => writer.close().await.unwrap(),
            1 => writer.abort(),
            2 => {}
            _ => writer.seal().await.unwrap(),
        }
        if round == 2 {
            std::mem::forget(writer);
        }
    }
    let (records, end) = following.await.unwrap();
    assert_eq!(end, Some(End::Sealed));
    let expected: Vec<_> = (0..400).map(|number| number.to_string()).collect();
    assert_eq!(records.iter().map(text).collect::<Vec<_>>(), expected);
    assert!(records.iter().zip(0..).all(|(record, id)| record.sequence_id == Some(id)));
}

async fn a_cancelled_read_loses_nothing_and_a_closed_reader_says_so(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating()).await;
    let mut reader = shared.follower(&namespace, Start::Earliest).await;
    for number in 0..20 {
        tokio::select! {
            biased;
            _ = reader.next() => panic!("there is nothing to read"),
            () = tokio::task::yield_now() => {}
        }
        append(&writer, "x").await;
        let record = reader.next().await.unwrap().unwrap();
        assert_eq!(record.sequence_id, Some(number));
    }
    let closer = reader.closer();
    let (read, ()) = tokio::join!(reader.next(), async { closer.close() });
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(reader.next().await.unwrap_err().kind(), ErrorKind::Closed);
}

async fn a_batch_of_records_waits_as_long_as_it_is_told(shared: Shared) {
    let (namespace, writer) = ten_records(&shared).await;
    let mut reader = shared.follower(&namespace, Start::Earliest).await;
    let mut seen = Vec::new();
    while seen.len() < 9 {
        let batch = reader.next_batch(4, Duration::ZERO).await.unwrap();
        assert!(!batch.is_empty() && batch.len() <= 4);
        seen.extend(batch.shares());
    }
    assert_eq!(reader.position(), seen[8].dlsn.next().max(reader.position()));
    assert!(reader.next_batch(4, Duration::ZERO).await.unwrap().is_empty());
    let before = tokio::time::Instant::now();
    assert!(reader.next_batch(4, Duration::from_secs(3)).await.unwrap().is_empty());
    assert_eq!(before.elapsed().as_secs(), 3);
    assert_eq!(reader.end(), None);
    let (batch, _) = tokio::join!(reader.next_batch(4, Duration::from_secs(60)), append(&writer, "new"));
    assert_eq!(batch.unwrap().shares().map(|record| text(&record).to_owned()).collect::<Vec<_>>(), ["new"]);
    assert!(before.elapsed().as_secs() < 60);
}

async fn a_batch_has_what_is_read_one_by_one(shared: Shared) {
    let (namespace, writer) = ten_records(&shared).await;
    for compression in [crate::Compression::None, crate::Compression::Lz4] {
        let set = crate::NewRecordSet::pack(&["again and again ".repeat(9), "once".to_owned()], compression);
        writer.append_record_set(set.unwrap(), None).await.unwrap().await.unwrap();
    }
    for whole in [false, true] {
        let options = || ReaderOptions::default().whole_record_sets(whole);
        let log = namespace.log(shared.log());
        let answered = drain(&mut log.open_reader(options()).await.unwrap()).await;
        assert_eq!(answered.len(), if whole { 11 } else { 13 });
        let mut reader = log.open_reader(options()).await.unwrap();
        let mut batched = Vec::new();
        while reader.end().is_none() {
            let batch = reader.next_batch(4, Duration::MAX).await.unwrap();
            let shares: Vec<_> = batch.shares().collect();
            assert!(batch.len() <= 4 && batch.iter().eq(shares.iter().map(Record::view)));
            batched.extend(shares);
        }
        assert_eq!(batched, answered);
    }
}

async fn large_and_many_entries_are_read_in_chunks(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating()).await;
    for number in 0..200_u32 {
        let mut payload = vec![0; 10_000];
        payload[..4].copy_from_slice(&number.to_be_bytes());
        writer.append(payload).await.unwrap().await.unwrap();
    }
    let options = ReaderOptions::default().read_ahead_bytes(64 << 10);
    let log = namespace.log(shared.log());
    assert_eq!(log.open_reader(ReaderOptions::default()).await.unwrap().read_ahead_bytes(), 1 << 20);
    let mut reader = log.open_reader(options).await.unwrap();
    assert_eq!(reader.read_ahead_bytes(), 64 << 10);
    let records = drain(&mut reader).await;
    assert_eq!(records.len(), 200);
    for (number, record) in (0_u32..).zip(&records) {
        assert_eq!(record.payload[..4], number.to_be_bytes());
    }
}

async fn compressed_entries_read_the_same(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().compression(crate::Compression::Lz4)).await;
    let payload = "again and again ".repeat(100);
    for _ in 0..10 {
        let _flushed = writer.append(payload.clone()).await.unwrap();
    }
    writer.close().await.unwrap();
    assert_eq!(read_all(&namespace, shared.log()).await, vec![payload; 10]);
}

async fn a_log_that_is_not_there_is_not_found(shared: Shared) {
    let namespace = shared.process("a").await;
    let log = namespace.log(shared.log());
    assert_eq!(namespace.open_log(shared.log()).await.map(drop).unwrap_err().kind(), ErrorKind::NotFound);
    let missing = [
        log.open_writer(WriterOptions::default()).await.map(drop),
        log.open_reader(ReaderOptions::default()).await.map(drop),
        log.info().await.map(drop),
        log.count().await.map(drop),
        log.truncate(Dlsn::FIRST).await.map(drop),
    ];
    assert!(missing.into_iter().all(|result| result.unwrap_err().kind() == ErrorKind::NotFound));
}
