//! The calls of the two ends of a stream of bytes.

use std::sync::Arc;

use dl_core::{ByteReader, ByteWriter, Log};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::agent::{Args, Handle, Shared};
use crate::calls::{Prepared, reader_options, run, writer_options};
use crate::show;

pub(crate) fn open_writer(args: &Args<'_>, open: &Shared, log: Log) -> Prepared {
    let options = writer_options(args)?;
    let (handle, open) = (args.optional_text("as")?.map(str::to_owned), open.clone());
    run(async move {
        let writer = log.open_byte_writer(options?).await?;
        if let Some(handle) = handle {
            open.insert(handle, Handle::ByteWriter(Arc::new(Mutex::new(writer))));
        }
        Ok(json!({}))
    })
}

pub(crate) fn open_reader(args: &Args<'_>, open: &Shared, log: Log) -> Prepared {
    let options = reader_options(args)?;
    let (handle, open) = (args.optional_text("as")?.map(str::to_owned), open.clone());
    run(async move {
        let reader = log.open_byte_reader(options?).await?;
        if let Some(handle) = handle {
            open.insert(handle, Handle::ByteReader(Arc::new(Mutex::new(reader))));
        }
        Ok(json!({}))
    })
}

pub(crate) fn on_writer(
    args: &Args<'_>,
    open: &Shared,
    name: &str,
    writer: Arc<Mutex<ByteWriter>>,
) -> Prepared {
    match args.text("do")? {
        "write" => {
            let data = show::from_hex(args.text("data")?)?;
            run(async move {
                let mut writer = writer.lock_owned().await;
                writer.write(data).await?;
                Ok(json!(writer.position()))
            })
        }
        "position" => run(async move { Ok(json!(writer.lock_owned().await.position())) }),
        "flush" => run(async move {
            writer.lock_owned().await.flush().await?;
            Ok(json!({}))
        }),
        "seal" => run(async move {
            writer.lock_owned().await.seal().await?;
            Ok(json!({}))
        }),
        "close" => run(async move {
            writer.lock_owned().await.close().await?;
            Ok(json!({}))
        }),
        "abort" => run(async move {
            writer.lock_owned().await.abort();
            Ok(json!({}))
        }),
        "fenced" => run(async move {
            let fenced = writer.lock_owned().await.fenced();
            Err(fenced.await)
        }),
        "drop" => drop_handle(open, name),
        other => Err(format!("{other} is nothing that a byte writer does")),
    }
}

pub(crate) fn on_reader(
    args: &Args<'_>,
    open: &Shared,
    name: &str,
    reader: Arc<Mutex<ByteReader>>,
) -> Prepared {
    match args.text("do")? {
        "read_bytes" => {
            let max = usize::try_from(args.number("max")?).unwrap_or(usize::MAX);
            run(async move { read_bytes(&mut *reader.lock_owned().await, max).await })
        }
        "next_chunk" => run(async move {
            let mut reader = reader.lock_owned().await;
            match reader.next_chunk().await? {
                Some(chunk) => Ok(json!({ "payload": show::hex(&chunk) })),
                None => Ok(json!({ "end": show::end(reader.end()) })),
            }
        }),
        "seek" => {
            let offset = args.number("offset")?;
            run(async move {
                reader.lock_owned().await.seek(offset).await?;
                Ok(json!({}))
            })
        }
        "position" => run(async move { Ok(json!(reader.lock_owned().await.position())) }),
        "end" => run(async move { Ok(show::end(reader.lock_owned().await.end())) }),
        "close" => run(async move {
            reader.lock_owned().await.close().await?;
            Ok(json!({}))
        }),
        "drop" => drop_handle(open, name),
        other => Err(format!("{other} is nothing that a byte reader does")),
    }
}

/// Reads so many bytes, or up to the end.
async fn read_bytes(reader: &mut ByteReader, max: usize) -> dl_core::Result<Value> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; max.min(1 << 16)];
    while bytes.len() < max {
        let wanted = buffer.len().min(max - bytes.len());
        match reader.read(&mut buffer[..wanted]).await? {
            0 => break,
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
    Ok(json!({ "payload": show::hex(&bytes), "end": show::end(reader.end()) }))
}

fn drop_handle(open: &Shared, name: &str) -> Prepared {
    open.lock().by_name.remove(name);
    run(async { Ok(json!({})) })
}
