//! Follows a log while somebody else appends to it.
//!
//! ```sh
//! cargo run -p dl-examples --bin tail [file:///tmp/orders]
//! ```
#![allow(clippy::print_stdout, reason = "it shows what happens")]

use dl_core::{Log, LogName, Namespace, Options, ReaderOptions, Result, WriterOptions};

#[tokio::main]
async fn main() -> Result<()> {
    let uri = std::env::args().nth(1).unwrap_or_else(|| "memory:example".to_owned());
    let namespace = Namespace::open(&uri, Options::default()).await?;
    let name = LogName::new("orders")?;
    namespace.create_log(&name).await?;
    let log = namespace.open_log(&name).await?;

    let (appended, followed) = tokio::join!(append(&log), follow(&log));
    appended?;
    followed?;

    namespace.delete_log(&name).await?;
    namespace.close().await
}

async fn append(log: &Log) -> Result<()> {
    let writer = log.open_writer(WriterOptions::default()).await?;
    for number in 1..=3 {
        writer.append(format!("order {number}")).await?.await?;
    }
    // No more will ever come; readers that follow are told.
    writer.seal().await?;
    writer.close().await
}

async fn follow(log: &Log) -> Result<()> {
    // A record is delivered as soon as it is acknowledged: the reader is woken, it does not poll.
    let mut reader = log.open_reader(ReaderOptions::default().follow(true)).await?;
    while let Some(record) = reader.next().await? {
        println!("read: {}", String::from_utf8_lossy(&record.payload));
    }
    println!("the end: {}", if reader.end() == Some(dl_core::End::Sealed) { "sealed" } else { "not sealed" });
    reader.close().await
}
