//! From a request to the call of the library that it names.

use std::sync::Arc;
use std::time::Duration;

use dl_core::{
    Compression, Condition, Cursor, CursorName, Dlsn, Log, LogChange, LogName, LogOptions, Namespace,
    NewRecord, NewRecordSet, Options, Reader, ReaderOptions, Txid, Writer, WriterOptions,
};
use serde_json::{Value, json};

use crate::agent::{Args, BoxFuture, Handle, OpenReader, Opener, Reply, Shared};
use crate::byte_streams;
use crate::show;

pub(crate) type Prepared = Result<BoxFuture<Reply>, String>;

/// The call, ready to be run.
pub(crate) fn prepare(args: &Args<'_>, open: &Shared, opener: &Opener) -> Prepared {
    if args.text("do")? == "open" {
        return open_namespace(args, open, opener);
    }
    let Some(name) = args.optional_text("on")? else { return on_namespace(args, open) };
    let handle = open.lock().by_name.get(name).cloned();
    match handle.ok_or_else(|| format!("there is no handle {name:?}"))? {
        Handle::Log(log) => on_log(args, open, log),
        Handle::Writer(writer) => on_writer(args, open, name, writer),
        Handle::Reader(reader) => on_reader(args, open, name, reader),
        Handle::Cursor(cursor) => on_cursor(args, open, name, cursor),
        Handle::ByteWriter(writer) => byte_streams::on_writer(args, open, name, writer),
        Handle::ByteReader(reader) => byte_streams::on_reader(args, open, name, reader),
        watcher @ (Handle::Logs(_) | Handle::Segments(_)) => on_watcher(args, open, name, watcher),
    }
}

pub(crate) fn run(call: impl Future<Output = dl_core::Result<Value>> + Send + 'static) -> Prepared {
    Ok(Box::pin(async move { Reply::of(call.await) }))
}

pub(crate) fn refused(error: dl_core::Error) -> Prepared {
    run(async move { Err(error) })
}

fn open_namespace(args: &Args<'_>, open: &Shared, opener: &Opener) -> Prepared {
    let mut options = Options::default();
    for (name, value) in args.options()? {
        if let Err(error) = options.set(&name, &value) {
            return refused(error);
        }
    }
    let (opening, open) = (opener(args.text("uri")?.to_owned(), options), open.clone());
    run(async move {
        open.lock().namespace = Some(opening.await?);
        Ok(json!({}))
    })
}

fn namespace(open: &Shared) -> Result<Namespace, String> {
    open.lock().namespace.clone().ok_or_else(|| "the process has not opened the namespace".to_owned())
}

fn on_namespace(args: &Args<'_>, open: &Shared) -> Prepared {
    let namespace = namespace(open)?;
    match args.text("do")? {
        "close" => run(async move {
            namespace.close().await?;
            Ok(json!({}))
        }),
        "list_logs" => {
            let prefix = args.optional_text("prefix")?.unwrap_or("").to_owned();
            let after = args.optional_text("after")?.map(LogName::new).transpose();
            let limit = args.0.contains_key("limit").then(|| args.number("limit")).transpose()?;
            let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
            run(async move {
                let names = namespace.list_logs(&prefix, after?.as_ref(), limit).await?;
                Ok(json!(names.iter().map(LogName::as_str).collect::<Vec<_>>()))
            })
        }
        "watch_logs" => {
            let (handle, open) = (args.text("as")?.to_owned(), open.clone());
            let watcher = namespace.watch_logs(args.optional_text("prefix")?.unwrap_or(""));
            run(async move {
                open.insert(handle, Handle::Logs(Arc::new(tokio::sync::Mutex::new(watcher?))));
                Ok(json!({}))
            })
        }
        "parse_dlsn" => {
            let parsed = args.text("text")?.parse::<Dlsn>();
            run(async move { Ok(json!(parsed?.to_string())) })
        }
        _ => match args.log()? {
            Ok(log) => on_name(args, open, namespace, log),
            Err(error) => refused(error),
        },
    }
}

fn on_name(args: &Args<'_>, open: &Shared, namespace: Namespace, name: LogName) -> Prepared {
    match args.text("do")? {
        "create_log" => run(async move {
            namespace.create_log(&name).await?;
            Ok(json!({}))
        }),
        "log_exists" => run(async move { Ok(json!(namespace.log_exists(&name).await?)) }),
        "delete_log" => run(async move {
            namespace.delete_log(&name).await?;
            Ok(json!({}))
        }),
        "rename_log" => match LogName::new(args.text("to")?) {
            Err(error) => refused(error),
            Ok(to) => run(async move {
                namespace.rename_log(&name, &to).await?;
                Ok(json!({}))
            }),
        },
        "open_log" => {
            let (handle, open) = (args.text("as")?.to_owned(), open.clone());
            run(async move {
                let log = namespace.open_log(&name).await?;
                open.insert(handle, Handle::Log(log));
                Ok(json!({}))
            })
        }
        _ => on_log(args, open, namespace.log(&name)),
    }
}

fn on_log(args: &Args<'_>, open: &Shared, log: Log) -> Prepared {
    match args.text("do")? {
        "open_writer" => open_writer(args, open, log),
        "open_reader" | "read" => open_reader(args, open, log),
        "open_byte_writer" => byte_streams::open_writer(args, open, log),
        "open_byte_reader" => byte_streams::open_reader(args, open, log),
        "first_record" => {
            run(async move { Ok(show::optional(log.first_record().await?.as_ref(), show::record)) })
        }
        "last_record" => {
            run(async move { Ok(show::optional(log.last_record().await?.as_ref(), show::record)) })
        }
        "info" => run(async move { Ok(show::info(&log.info().await?)) }),
        "segments" => run(async move { Ok(log.segments().await?.iter().map(show::segment).collect()) }),
        "watch_segments" => {
            let (handle, open) = (args.text("as")?.to_owned(), open.clone());
            run(async move {
                let watcher = Arc::new(tokio::sync::Mutex::new(log.watch_segments()?));
                open.insert(handle, Handle::Segments(watcher));
                Ok(json!({}))
            })
        }
        "truncate" => match before(args)? {
            Ok(before) => run(async move { Ok(json!(log.truncate(before).await?.to_string())) }),
            Err(error) => refused(error),
        },
        "dlsn_at_txid" => {
            let txid = txid(args.value("txid")?)?;
            run(async move {
                let dlsn = log.dlsn_at_txid(txid?).await?;
                Ok(show::optional(dlsn, |dlsn| json!(dlsn.to_string())))
            })
        }
        "count" => {
            let bound = |name| Ok::<_, String>(args.optional_text(name)?.map(str::parse::<Dlsn>).transpose());
            let (from, until) = (bound("from")?, bound("until")?);
            run(async move {
                let count = match (from?, until?) {
                    (None, None) => log.count().await?,
                    (from, until) => log.count_between(from, until).await?,
                };
                Ok(json!(count))
            })
        }
        "recover" => run(async move {
            log.recover().await?;
            Ok(json!({}))
        }),
        "apply_retention" => run(async move { Ok(json!(log.apply_retention().await?.to_string())) }),
        "log_options" => run(async move {
            let options = log.options().await?;
            Ok(options.texts().into_iter().map(|(name, text)| (name.to_owned(), json!(text))).collect())
        }),
        "set_log_options" => {
            let mut options = LogOptions::default();
            for (name, value) in args.options()? {
                if let Err(error) = options.set(&name, &value) {
                    return refused(error);
                }
            }
            run(async move {
                log.set_options(options).await?;
                Ok(json!({}))
            })
        }
        "open_cursor" => match CursorName::new(args.text("name")?) {
            Err(error) => refused(error),
            Ok(name) => {
                let (handle, open) = (args.text("as")?.to_owned(), open.clone());
                run(async move {
                    let cursor = log.cursor(&name).await?;
                    open.insert(handle, Handle::Cursor(cursor));
                    Ok(json!({}))
                })
            }
        },
        "cursors" => run(async move { Ok(log.cursors().await?.iter().map(show::cursor).collect()) }),
        "user_metadata" => run(async move { Ok(json!(show::hex(&log.user_metadata().await?))) }),
        "set_user_metadata" => {
            let data = show::from_hex(args.text("data")?)?;
            run(async move {
                log.set_user_metadata(data).await?;
                Ok(json!({}))
            })
        }
        other => Err(format!("{other} is nothing that a log does")),
    }
}

pub(crate) fn writer_options(args: &Args<'_>) -> Made<WriterOptions> {
    let mut options = WriterOptions::default();
    let mut given = args.options()?.into_iter();
    Ok(given.try_for_each(|(name, value)| options.set(&name, &value)).map(|()| options))
}

pub(crate) fn reader_options(args: &Args<'_>) -> Made<ReaderOptions> {
    let mut options = ReaderOptions::default();
    let mut given = args.options()?.into_iter();
    Ok(given.try_for_each(|(name, value)| options.set(&name, &value)).map(|()| options))
}

fn open_writer(args: &Args<'_>, open: &Shared, log: Log) -> Prepared {
    let options = writer_options(args)?;
    let (handle, open) = (args.optional_text("as")?.map(str::to_owned), open.clone());
    run(async move {
        let writer = log.open_writer(options?).await?;
        if let Some(handle) = handle {
            open.insert(handle, Handle::Writer(writer));
        }
        Ok(json!({}))
    })
}

fn open_reader(args: &Args<'_>, open: &Shared, log: Log) -> Prepared {
    let options = reader_options(args)?;
    if args.text("do")? == "read" {
        return run(async move { read(log.open_reader(options?).await?).await });
    }
    let (handle, open) = (args.optional_text("as")?.map(str::to_owned), open.clone());
    run(async move {
        let reader = log.open_reader(options?).await?;
        if let Some(handle) = handle {
            let (closer, cursor) = (reader.closer(), reader.cursor().cloned());
            let reader = Arc::new(tokio::sync::Mutex::new(reader));
            open.insert(handle, Handle::Reader(OpenReader { reader, closer, cursor }));
        }
        Ok(json!({}))
    })
}

async fn read(mut reader: Reader) -> dl_core::Result<Value> {
    let mut records = Vec::new();
    while let Some(record) = reader.next().await? {
        records.push(show::record(&record));
    }
    Ok(json!({ "records": records, "end": show::end(reader.end()) }))
}

fn on_writer(args: &Args<'_>, open: &Shared, name: &str, writer: Writer) -> Prepared {
    match args.text("do")? {
        "append" => append(args, writer),
        "try_append" => match record(args.value("record")?)? {
            Err(error) => refused(error),
            // Not within the future: it is to be done now.
            Ok(record) => match writer.try_append(record) {
                Err(error) => refused(error),
                Ok(ticket) => run(async move { Ok(show::receipt(&ticket.await?)) }),
            },
        },
        "append_many" => append_many(args, writer),
        "append_batch" => append_batch(args, writer),
        "append_record_set" => append_record_set(args, writer),
        "flush" => run(async move {
            writer.flush().await?;
            Ok(json!({}))
        }),
        "truncate" => match before(args)? {
            Ok(before) => run(async move { Ok(json!(writer.truncate(before).await?.to_string())) }),
            Err(error) => refused(error),
        },
        "seal" => run(async move {
            writer.seal().await?;
            Ok(json!({}))
        }),
        "close" => run(async move {
            writer.close().await?;
            Ok(json!({}))
        }),
        "abort" => {
            writer.abort();
            run(async { Ok(json!({})) })
        }
        "drop" => {
            open.lock().by_name.remove(name);
            run(async { Ok(json!({})) })
        }
        "last_dlsn" => {
            let last = writer.last_dlsn();
            run(async move { Ok(show::optional(last, |dlsn| json!(dlsn.to_string()))) })
        }
        "last_txid" => {
            let last = writer.last_txid();
            run(async move { Ok(show::optional(last, |txid| json!(txid))) })
        }
        "fenced" => {
            let fenced = writer.fenced();
            run(async move { Err(fenced.await) })
        }
        other => Err(format!("{other} is nothing that a writer does")),
    }
}

fn append(args: &Args<'_>, writer: Writer) -> Prepared {
    let (record, condition) = (record(args.value("record")?)?, condition(args)?);
    run(async move {
        let ticket = match condition? {
            None => writer.append(record?).await?,
            Some(condition) => writer.append_if(record?, condition).await?,
        };
        Ok(show::receipt(&ticket.await?))
    })
}

/// An error has the receipts of the records in front of the one that failed.
fn append_many(args: &Args<'_>, writer: Writer) -> Prepared {
    let records = args.value("records")?.as_array().ok_or("records is no list")?;
    let records = records.iter().map(record).collect::<Result<Vec<_>, _>>()?;
    Ok(Box::pin(async move {
        let records: Vec<_> = match records.into_iter().collect() {
            Ok(records) => records,
            Err(error) => return Reply::of(Err(error)),
        };
        let (ticket, refused) = writer.append_many(&records).await;
        let mut receipts = Vec::new();
        for receipt in ticket.await.into_iter().chain(refused.map(Err)) {
            match receipt {
                Ok(receipt) => receipts.push(show::receipt(&receipt)),
                Err(error) => {
                    let mut shown = show::error(&error);
                    shown["receipts"] = json!(receipts);
                    return Reply::Error(shown);
                }
            }
        }
        Reply::Ok(json!(receipts))
    }))
}

fn append_batch(args: &Args<'_>, writer: Writer) -> Prepared {
    let records = args.value("records")?.as_array().ok_or("records is no list")?;
    let records = records.iter().map(record).collect::<Result<Vec<_>, _>>()?;
    let condition = condition(args)?;
    run(async move {
        let records = records.into_iter().collect::<Result<Vec<_>, _>>()?;
        let receipts = writer.append_batch(records, condition?).await?.await?;
        Ok(receipts.iter().map(show::receipt).collect())
    })
}

fn append_record_set(args: &Args<'_>, writer: Writer) -> Prepared {
    let members = args.value("records")?.as_array().ok_or("records is no list")?;
    let member = |member: &Value| match member.get("payload").and_then(Value::as_str) {
        Some(payload) if member.get("txid").is_none() => show::from_hex(payload),
        _ => Err("a member of a record set has a payload and nothing else".to_owned()),
    };
    let members = members.iter().map(member).collect::<Result<Vec<_>, String>>()?;
    let compression = args.optional_text("compression")?.unwrap_or("none").parse::<Compression>();
    let txid = args.0.get("txid").map(txid).transpose()?.transpose();
    let condition = condition(args)?;
    run(async move {
        let set = NewRecordSet::pack(&members, compression?)?;
        let set = match txid? {
            Some(txid) => set.txid(txid),
            None => set,
        };
        let receipts = writer.append_record_set(set, condition?).await?.await?;
        Ok(receipts.iter().map(show::receipt).collect())
    })
}

fn on_reader(args: &Args<'_>, open: &Shared, name: &str, open_reader: OpenReader) -> Prepared {
    let OpenReader { reader, closer, cursor } = open_reader;
    match args.text("do")? {
        "next" => run(async move {
            let mut reader = reader.lock_owned().await;
            match reader.next().await? {
                Some(record) => Ok(show::record(&record)),
                None => Ok(json!({ "end": show::end(reader.end()) })),
            }
        }),
        "next_batch" => {
            let max = usize::try_from(args.number("max")?).unwrap_or(usize::MAX);
            let wait = Duration::from_millis(args.number("wait_ms")?);
            run(async move {
                let mut reader = reader.lock_owned().await;
                let records = reader.next_batch(max, wait).await?;
                let records: Vec<_> = records.shares().map(|record| show::record(&record)).collect();
                Ok(json!({ "records": records, "end": show::end(reader.end()) }))
            })
        }
        "position" => run(async move { Ok(json!(reader.lock_owned().await.position().to_string())) }),
        "end" => run(async move { Ok(show::end(reader.lock_owned().await.end())) }),
        "close" => {
            // It ends the call that has the reader now.
            closer.close();
            run(async move {
                reader.lock_owned().await.close().await?;
                Ok(json!({}))
            })
        }
        "drop" => {
            open.lock().by_name.remove(name);
            run(async { Ok(json!({})) })
        }
        "advance" | "reset" => {
            let cursor = cursor.ok_or("the reader was opened without a cursor")?;
            on_cursor(args, open, name, cursor)
        }
        other => Err(format!("{other} is nothing that a reader does")),
    }
}

fn on_cursor(args: &Args<'_>, open: &Shared, name: &str, cursor: Cursor) -> Prepared {
    match args.text("do")? {
        "position" => run(async move {
            let position = cursor.position().await?;
            Ok(show::optional(position, |dlsn| json!(dlsn.to_string())))
        }),
        "advance" => match args.text("to")?.parse::<Dlsn>() {
            Ok(to) => run(async move { Ok(json!(cursor.advance(to).await?.to_string())) }),
            Err(error) => refused(error),
        },
        "reset" => match args.text("to")?.parse::<Dlsn>() {
            Ok(to) => run(async move {
                cursor.reset(to).await?;
                Ok(json!({}))
            }),
            Err(error) => refused(error),
        },
        "delete" => run(async move {
            cursor.delete().await?;
            Ok(json!({}))
        }),
        "drop" => {
            open.lock().by_name.remove(name);
            run(async { Ok(json!({})) })
        }
        other => Err(format!("{other} is nothing that a cursor does")),
    }
}

fn on_watcher(args: &Args<'_>, open: &Shared, name: &str, watcher: Handle) -> Prepared {
    match (args.text("do")?, watcher) {
        ("drop", _) => {
            open.lock().by_name.remove(name);
            run(async { Ok(json!({})) })
        }
        ("next", Handle::Logs(watcher)) => run(async move {
            Ok(match watcher.lock_owned().await.next().await? {
                LogChange::Created(name) => json!({ "created": name.as_str() }),
                LogChange::Deleted(name) => json!({ "deleted": name.as_str() }),
                LogChange::Listed => json!({ "listed": true }),
                _ => json!("unknown"),
            })
        }),
        ("next", Handle::Segments(watcher)) => {
            run(
                async move { Ok(watcher.lock_owned().await.next().await?.iter().map(show::segment).collect()) },
            )
        }
        (other, _) => Err(format!("{other} is nothing that a watcher does")),
    }
}

/// A value of the library, or its refusal to make one; or what is wrong with the case.
pub(crate) type Made<T> = Result<dl_core::Result<T>, String>;

fn txid(value: &Value) -> Made<Txid> {
    Ok(Txid::new(value.as_i64().ok_or("txid is no number of 64 bits")?))
}

fn before(args: &Args<'_>) -> Made<Dlsn> {
    Ok(args.text("before")?.parse())
}

/// A record: `payload` in hexadecimal, and maybe a `txid`.
fn record(value: &Value) -> Made<NewRecord> {
    let payload = value.get("payload").and_then(Value::as_str).ok_or("a record has no payload")?;
    let record = NewRecord::new(show::from_hex(payload)?);
    Ok(match value.get("txid").map(txid).transpose()? {
        None => Ok(record),
        Some(chosen) => chosen.map(|txid| record.txid(txid)),
    })
}

fn condition(args: &Args<'_>) -> Made<Option<Condition>> {
    Ok(match args.optional_text("if_last")? {
        None => Ok(None),
        Some(show::NONE) => Ok(Some(Condition::Empty)),
        Some(dlsn) => dlsn.parse().map(|dlsn| Some(Condition::Last(dlsn))),
    })
}
