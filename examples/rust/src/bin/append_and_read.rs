//! Appends records and reads them back.
//!
//! ```sh
//! cargo run -p dl-examples --bin append_and_read [file:///tmp/orders]
//! ```
#![allow(clippy::print_stdout, reason = "it shows what happens")]

use dl_core::{LogName, Namespace, Options, ReaderOptions, Result, WriterOptions};

#[tokio::main]
async fn main() -> Result<()> {
    let uri = std::env::args().nth(1).unwrap_or_else(|| "memory:example".to_owned());
    let namespace = Namespace::open(&uri, Options::default()).await?;
    let name = LogName::new("orders")?;
    namespace.create_log(&name).await?;
    let log = namespace.open_log(&name).await?;

    // Appending gives tickets: many records are on their way at once, and one sync of the disk serves them all.
    let writer = log.open_writer(WriterOptions::default()).await?;
    let mut tickets = Vec::new();
    for number in 1..=3 {
        tickets.push(writer.append(format!("order {number}")).await?);
    }
    for ticket in tickets {
        let receipt = ticket.await?; // acknowledged: from here on the record survives what the driver promises
        println!("acknowledged: number {}", receipt.sequence_id.unwrap_or_default());
    }
    writer.close().await?;

    let mut reader = log.open_reader(ReaderOptions::default()).await?;
    while let Some(record) = reader.next().await? {
        println!("read: {}", String::from_utf8_lossy(&record.payload));
    }
    reader.close().await?;

    namespace.delete_log(&name).await?;
    namespace.close().await
}
