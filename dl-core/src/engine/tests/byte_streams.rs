//! A log as a stream of bytes.

use std::task::{Context, Waker};

use super::*;
use crate::{ByteReader, ByteWriter, Dlsn, End, ErrorKind, OnTruncated, drivers};

on_every_driver! {
    bytes_come_back_whatever_the_sizes_of_writes_and_reads
    any_offset_is_found
    a_later_writer_goes_on_where_the_stream_ends
    other_logs_are_refused
    a_truncated_stream_keeps_its_offsets
}

/// A byte that tells its offset from those around it.
fn byte(offset: u64) -> u8 {
    (offset * 31 + offset / 256) as u8
}

fn bytes(from: u64, count: u64) -> Vec<u8> {
    (from..from + count).map(byte).collect()
}

async fn byte_writer(shared: &Shared, namespace: &Namespace) -> ByteWriter {
    namespace.log(shared.log()).open_byte_writer(creating()).await.unwrap()
}

async fn byte_reader(shared: &Shared, namespace: &Namespace, options: ReaderOptions) -> ByteReader {
    namespace.log(shared.log()).open_byte_reader(options).await.unwrap()
}

fn from(offset: i64) -> ReaderOptions {
    ReaderOptions::default().from(Start::Txid(Txid::new(offset).unwrap()))
}

async fn rest(reader: &mut ByteReader) -> Vec<u8> {
    let mut rest = Vec::new();
    while let Some(chunk) = reader.next_chunk().await.unwrap() {
        rest.extend_from_slice(&chunk);
    }
    rest
}

async fn bytes_come_back_whatever_the_sizes_of_writes_and_reads(shared: Shared) {
    let namespace = shared.process("p").await;
    let mut writer = byte_writer(&shared, &namespace).await;
    let mut end = 0;
    for count in [1, 0, 7, 2_500_000, 1_040_364, 1] {
        writer.write(bytes(end, count)).await.unwrap();
        end += count;
        assert_eq!(writer.position(), end);
    }
    writer.flush().await.unwrap();
    let mut reader = byte_reader(&shared, &namespace, ReaderOptions::default()).await;
    for count in [0_usize, 1, 3, 10, 5_000_000] {
        let (start, mut buffer) = (reader.position(), vec![0; count]);
        let read = reader.read(&mut buffer).await.unwrap();
        assert!(read == buffer[..read].len() && (count == 0 || read > 0));
        assert!(buffer[..read] == bytes(start, read as u64));
    }
    assert_eq!(reader.end(), None);
    let start = reader.position();
    assert!(rest(&mut reader).await == bytes(start, end - start));
    assert_eq!((reader.end(), reader.read(&mut [0]).await.unwrap()), (Some(End::End), 0));
    let records = read_from(&namespace, shared.log(), Start::Earliest).await;
    let txids: Vec<_> = records.iter().map(|record| record.txid).collect();
    assert_eq!(txids, [1, 8, 1_040_372, 2_080_736, 2_500_008, 3_540_372, 3_540_373], "the offsets behind");
    writer.seal().await.unwrap();
    let mut follower = byte_reader(&shared, &namespace, from(3_540_370).follow(true)).await;
    assert_eq!(rest(&mut follower).await, bytes(3_540_370, 3));
    assert_eq!(follower.end(), Some(End::Sealed));
    assert_eq!(writer.write("x").await.unwrap_err().kind(), ErrorKind::Sealed);
}

async fn any_offset_is_found(shared: Shared) {
    let namespace = shared.process("p").await;
    let options = creating().roll_bytes(1024);
    let mut writer = namespace.log(shared.log()).open_byte_writer(options).await.unwrap();
    let mut end = 0;
    for count in (0..40).map(|number| number * 7 % 60) {
        writer.write(bytes(end, count)).await.unwrap();
        end += count;
        writer.flush().await.unwrap();
    }
    let mut reader = byte_reader(&shared, &namespace, ReaderOptions::default()).await;
    for offset in 0..=end {
        let start = i64::try_from(offset).unwrap();
        let mut opened = byte_reader(&shared, &namespace, from(start)).await;
        assert_eq!(opened.position(), offset);
        let mut expected = [0];
        let count = usize::from(offset < end);
        assert_eq!(opened.read(&mut expected).await.unwrap(), count);
        // Back and forth.
        for target in [(offset * 7919) % (end + 1), offset] {
            reader.seek(target).await.unwrap();
            assert_eq!(reader.position(), target);
            let mut buffer = [0; 3];
            let read = reader.read(&mut buffer).await.unwrap();
            assert_eq!(read > 0, target < end);
            assert_eq!(buffer[..read], bytes(target, read as u64));
        }
        assert_eq!(expected[..count], bytes(offset, count as u64));
    }
    let mut latest = byte_reader(&shared, &namespace, ReaderOptions::default().from(Start::Latest)).await;
    assert_eq!((latest.position(), latest.next_chunk().await.unwrap()), (end, None));
    // One that follows waits for the byte it went to, in front of the end or not.
    let mut follower = byte_reader(&shared, &namespace, ReaderOptions::default().follow(true)).await;
    follower.seek(end + 5).await.unwrap();
    let waiting = spawn(async move { follower.next_chunk().await.unwrap() });
    writer.write(bytes(end, 3)).await.unwrap();
    writer.write(bytes(end + 3, 4)).await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), bytes(end + 5, 2));
    let error = byte_reader(&shared, &namespace, from(0)).await.seek(u64::MAX).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

async fn a_later_writer_goes_on_where_the_stream_ends(shared: Shared) {
    let (p, q) = (shared.process("p").await, shared.process("q").await);
    let mut first = byte_writer(&shared, &p).await;
    assert_eq!(first.position(), 0);
    first.write(bytes(0, 10)).await.unwrap();
    first.flush().await.unwrap();
    let fenced = first.fenced();
    let mut second = byte_writer(&shared, &q).await;
    assert_eq!(second.position(), 10);
    assert_eq!(fenced.await.kind(), ErrorKind::Fenced);
    let refused = async {
        first.write("lost").await?;
        first.flush().await
    };
    assert_eq!(refused.await.unwrap_err().kind(), ErrorKind::Fenced);
    second.write(bytes(10, 5)).await.unwrap();
    second.close().await.unwrap();
    let third = byte_writer(&shared, &p).await;
    assert_eq!(third.position(), 15);
    third.abort();
    assert_eq!(rest(&mut byte_reader(&shared, &p, from(0)).await).await, bytes(0, 15));
    assert_eq!(
        rest(
            &mut byte_reader(&shared, &p, ReaderOptions::default().from(Start::Dlsn(Dlsn::new(2, 0, 0))))
                .await
        )
        .await,
        bytes(10, 5)
    );
}

async fn other_logs_are_refused(shared: Shared) {
    let namespace = shared.process("p").await;
    let log = namespace.log(shared.log());
    for (payloads, seen_by_writer) in [
        // By the clock; a chunk that does not begin at 0; one that does not begin where another ends.
        (vec![("abc", 1_700_000_000_000), ("def", 1_700_000_000_003)], true),
        (vec![("abc", 4)], true),
        (vec![("abc", 2)], true),
        (vec![("abc", 3), ("de", 6)], true),
        (vec![("abc", 3), ("de", 4)], true),
        // A gap further back.
        (vec![("abc", 3), ("de", 6), ("fg", 8)], false),
    ] {
        let writer = shared.open(&namespace, creating()).await;
        for (payload, txid) in &payloads {
            writer.append(record(payload, *txid)).await.unwrap().await.unwrap();
        }
        let opened = log.open_byte_writer(creating()).await;
        assert_eq!(opened.is_err(), seen_by_writer, "{payloads:?}");
        if let Err(error) = opened {
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{payloads:?}");
            assert_eq!(log.info().await.unwrap().owner, None, "the log was let go");
        }
        let read = async {
            let mut reader = log.open_byte_reader(ReaderOptions::default()).await?;
            while reader.next_chunk().await?.is_some() {}
            Ok::<_, crate::Error>(())
        };
        assert_eq!(read.await.unwrap_err().kind(), ErrorKind::InvalidArgument, "{payloads:?}");
        namespace.delete_log(shared.log()).await.unwrap();
    }
}

async fn a_truncated_stream_keeps_its_offsets(shared: Shared) {
    let namespace = shared.process("p").await;
    let log = namespace.log(shared.log());
    let mut writer = byte_writer(&shared, &namespace).await;
    for number in 0..4 {
        writer.write(bytes(number * 10, 10)).await.unwrap();
        writer.flush().await.unwrap();
    }
    writer.close().await.unwrap();
    log.truncate(Dlsn::new(1, 2, 0)).await.unwrap();
    let mut earliest = byte_reader(&shared, &namespace, ReaderOptions::default()).await;
    assert_eq!((earliest.position(), rest(&mut earliest).await), (20, bytes(20, 20)));
    let mut below = byte_reader(&shared, &namespace, from(5)).await;
    for _ in 0..2 {
        let error = below.read(&mut [0]).await.unwrap_err();
        assert_eq!((error.kind(), error.dlsn()), (ErrorKind::Truncated, Some(Dlsn::new(1, 2, 0))));
    }
    let mut skipping = byte_reader(&shared, &namespace, from(5).on_truncated(OnTruncated::Skip)).await;
    assert_eq!((rest(&mut skipping).await, skipping.position()), (bytes(20, 20), 40));
    skipping.seek(25).await.unwrap();
    assert_eq!(rest(&mut skipping).await, bytes(25, 15));

    let mut writer = byte_writer(&shared, &namespace).await;
    assert_eq!(writer.position(), 40, "the first chunk that is left need not begin at 0");
    writer.write(bytes(40, 1)).await.unwrap();
    writer.close().await.unwrap();
    log.truncate(Dlsn::new(9, 0, 0)).await.unwrap();
    for start in [Start::Earliest, Start::Latest] {
        let mut empty = byte_reader(&shared, &namespace, ReaderOptions::default().from(start)).await;
        assert_eq!((empty.position(), empty.next_chunk().await.unwrap()), (41, None));
    }
    assert_eq!(byte_writer(&shared, &namespace).await.position(), 41);
}

#[tokio::test(start_paused = true)]
async fn bytes_that_a_full_store_refused_leave_no_hole() {
    let name = "bytes_that_a_full_store_refused_leave_no_hole";
    let shared = Shared::memory(name);
    let namespace = shared.process("p").await;
    let mut writer = byte_writer(&shared, &namespace).await;
    writer.write("durable").await.unwrap();
    writer.flush().await.unwrap();
    drivers::memory::fill(name, true);
    writer.write("refused").await.unwrap();
    pass(Duration::from_secs(1)).await;
    drivers::memory::fill(name, false);
    // There is room again, but it would stand behind bytes that are not there.
    let error = writer.write("behind").await.unwrap_err();
    assert_eq!((error.kind(), writer.position()), (ErrorKind::StorageFull, 7));
    drivers::memory::fill(name, true);
    writer.write("refused").await.unwrap();
    assert_eq!(writer.flush().await.unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(writer.position(), 7);
    drivers::memory::fill(name, false);
    writer.write(" again").await.unwrap();
    writer.close().await.unwrap();
    let mut reader = byte_reader(&shared, &namespace, ReaderOptions::default()).await;
    assert_eq!(rest(&mut reader).await, b"durable again");
}

#[tokio::test(start_paused = true)]
async fn how_far_a_stream_is_written_is_known_under_a_call_and_after_one_that_was_given_up() {
    let name = "how_far_a_stream_is_written_is_known_under_a_call_and_after_one_that_was_given_up";
    let shared = Shared::memory(name);
    let namespace = shared.process("p").await;
    let options = creating().in_flight_bytes(1 << 20);
    let mut writer = namespace.log(shared.log()).open_byte_writer(options).await.unwrap();
    let position = writer.locator();
    let mut write = Box::pin(writer.write(bytes(0, 5_000_000)));
    assert!(write.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let first = position();
    assert!(0 < first && first < 5_000_000);
    drop(write);
    assert_eq!((writer.position(), position()), (first, first));
    writer.flush().await.unwrap();
    assert_eq!(position(), first);
}
