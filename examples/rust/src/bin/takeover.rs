//! Two writers of one log: the second cuts the first one off.
//!
//! ```sh
//! cargo run -p dl-examples --bin takeover [file:///tmp/orders]
//! ```
#![allow(clippy::print_stdout, reason = "it shows what happens")]

use dl_core::{
    ErrorKind, LogName, Namespace, Options, ReaderOptions, Result, Takeover, Writer, WriterOptions,
};

#[tokio::main]
async fn main() -> Result<()> {
    let uri = std::env::args().nth(1).unwrap_or_else(|| "memory:example".to_owned());
    let namespace = Namespace::open(&uri, Options::default()).await?;
    let name = LogName::new("orders")?;
    namespace.create_log(&name).await?;
    let log = namespace.open_log(&name).await?;

    let first = log.open_writer(WriterOptions::default()).await?;
    append(&first, "order 1").await?;

    // Who does not want to take the log over asks politely …
    match log.open_writer(WriterOptions::default().takeover(Takeover::Never)).await {
        Err(error) if error.kind() == ErrorKind::Locked => println!("polite: {}", error.kind().name()),
        other => return other.map(drop),
    }

    // … and who does, opens a writer, here or in any process: from now on the first one is never acknowledged again.
    let second = log.open_writer(WriterOptions::default()).await?;
    match append(&first, "from the past").await {
        Err(error) if error.kind() == ErrorKind::Fenced => println!("first: {}", error.kind().name()),
        other => return other,
    }
    append(&second, "order 2").await?;
    second.close().await?;

    let mut reader = log.open_reader(ReaderOptions::default()).await?;
    while let Some(record) = reader.next().await? {
        println!("read: {}", String::from_utf8_lossy(&record.payload));
    }
    reader.close().await?;

    namespace.delete_log(&name).await?;
    namespace.close().await
}

async fn append(writer: &Writer, payload: &'static str) -> Result<()> {
    writer.append(payload).await?.await.map(drop)
}
