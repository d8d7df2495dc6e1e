//! An error names the call that was made, whatever calls that one makes.

use std::error::Error;
use std::time::Duration;

use dl_core::{
    Compression, CursorName, Dlsn, LogName, LogOptions, Namespace, NewRecord, NewRecordSet, Options,
    ReaderOptions, Txid, WriterOptions,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Awaits each call, which must fail under the name beside it.
macro_rules! named {
    ($($operation:literal: $call:expr),+ $(,)?) => {$(
        match $call.await {
            Ok(_) => panic!("{} did not fail", $operation),
            Err(error) => assert_eq!(error.operation(), Some($operation), "{error}"),
        }
    )+};
}

#[tokio::test]
async fn on_a_log_that_is_not_there() -> Result<()> {
    let namespace = Namespace::open("memory:named-nothing", Options::default()).await?;
    let (name, first) = (LogName::new("nothing")?, Dlsn::new(1, 0, 0));
    let log = namespace.log(&name);
    named! {
        "open_log": namespace.open_log(&name),
        "delete_log": namespace.delete_log(&name),
        "rename_log": namespace.rename_log(&name, &LogName::new("something")?),
        "open_writer": log.open_writer(WriterOptions::default()),
        "open_reader": log.open_reader(ReaderOptions::default()),
        "open_byte_writer": log.open_byte_writer(WriterOptions::default()),
        "open_byte_reader": log.open_byte_reader(ReaderOptions::default()),
        "info": log.info(),
        "segments": log.segments(),
        "truncate": log.truncate(first),
        "dlsn_at_txid": log.dlsn_at_txid(Txid::new(1)?),
        "first_record": log.first_record(),
        "last_record": log.last_record(),
        "count": log.count(),
        "count_between": log.count_between(Some(first), None),
        "recover": log.recover(),
        "apply_retention": log.apply_retention(),
        "options": log.options(),
        "set_options": log.set_options(LogOptions::default()),
        "cursor": log.cursor(&CursorName::new("c")?),
        "cursors": log.cursors(),
        "user_metadata": log.user_metadata(),
        "set_user_metadata": log.set_user_metadata("x"),
        "next": async { log.watch_segments()?.next().await },
    }
    namespace.close().await?;
    named! {
        "create_log": namespace.create_log(&name),
        "list_logs": namespace.list_logs("", None, 1),
        "last_record": log.last_record(),
        "open_byte_writer": log.open_byte_writer(WriterOptions::default()),
    }
    Ok(())
}

#[tokio::test]
async fn on_readers_and_writers_that_have_ended() -> Result<()> {
    let namespace = Namespace::open("memory:named-ended", Options::default()).await?;
    let log = namespace.log(&LogName::new("a")?);
    namespace.create_log(log.name()).await?;
    let mut bytes = log.open_byte_writer(WriterOptions::default()).await?;
    bytes.write("some bytes").await?;
    bytes.close().await?;
    named! {
        "write": bytes.write("more"),
        "flush": bytes.flush(),
        "seal": bytes.seal(),
    }
    let writer = log.open_writer(WriterOptions::default()).await?;
    writer.abort();
    let set = NewRecordSet::pack(&["one"], Compression::None)?;
    named! {
        "append": writer.append("x"),
        "append_batch": writer.append_batch(vec![NewRecord::new("x")], None),
        "append_record_set": writer.append_record_set(set, None),
        "try_append": async { writer.try_append("x") },
        "ready": writer.ready(),
        "flush": writer.flush(),
        "seal": writer.seal(),
        "truncate": writer.truncate(Dlsn::new(1, 0, 0)),
    }
    let mut reader = log.open_reader(ReaderOptions::default()).await?;
    reader.close().await?;
    named! {
        "next": reader.next(),
        "next_batch": reader.next_batch(0, Duration::ZERO),
        "next_batch": reader.next_batch(1, Duration::ZERO),
    }
    let mut reader = log.open_byte_reader(ReaderOptions::default()).await?;
    let mut some = [0; 4];
    assert_eq!(reader.read(&mut some).await?, 4);
    named! { "seek": reader.seek(u64::MAX) }
    namespace.close().await?;
    named! {
        "read": reader.read(&mut []),
        "read": reader.read(&mut some),
        "next_chunk": reader.next_chunk(),
        "seek": reader.seek(0),
    }
    reader.close().await?;
    named! {
        "read": reader.read(&mut some),
        "next_chunk": reader.next_chunk(),
        "seek": reader.seek(0),
    }
    Ok(())
}
