//! Two writers of one log, one after the other, and a reader that follows both.
//!
//! ```sh
//! cargo run -p dl-core --example takeover [file:///tmp/orders]
//! ```
#![allow(clippy::print_stdout, reason = "it shows what happens")]

use dl_core::{ErrorKind, LogName, Namespace, Options, ReaderOptions, Result, WriterOptions};

#[tokio::main]
async fn main() -> Result<()> {
    let uri = std::env::args().nth(1).unwrap_or_else(|| "memory:orders".to_owned());
    let read = run(&uri).await?;
    println!("{} records were read", read.len());
    Ok(())
}

/// Writes and follows a new log; answers what the reader got.
async fn run(uri: &str) -> Result<Vec<String>> {
    let namespace = Namespace::open(uri, Options::default()).await?;
    let name = LogName::new("eu/paid")?;
    namespace.create_log(&name).await?;
    // Both at once: the reader waits for what the writers append, and ends with the log.
    let (written, read) = tokio::join!(write(&namespace, &name), follow(&namespace, &name));
    written?;
    let read = read?;
    namespace.delete_log(&name).await?;
    namespace.close().await?;
    Ok(read)
}

async fn write(namespace: &Namespace, name: &LogName) -> Result<()> {
    let log = namespace.log(name);
    let first = log.open_writer(WriterOptions::default()).await?;

    // Appending gives tickets: many records are on their way at once, and one sync of the disk serves them all.
    let mut tickets = Vec::new();
    for number in 0..3 {
        tickets.push(first.append(format!("order {number}")).await?);
    }
    for ticket in tickets {
        let receipt = ticket.await?;
        println!("acknowledged at {}, survives: {}", receipt.dlsn, receipt.durability.name());
    }

    // Opening another writer, here or in any process, cuts the first one off for good.
    let second = log.open_writer(WriterOptions::default()).await?;
    let refused = match first.append("from the past").await {
        Ok(ticket) => ticket.await.map(drop),
        Err(error) => Err(error),
    };
    match refused {
        Err(error) if error.kind() == ErrorKind::Fenced => println!("the first writer: {error}"),
        other => return other,
    }
    second.append("order 3").await?.await?;
    second.seal().await?;
    second.close().await
}

async fn follow(namespace: &Namespace, name: &LogName) -> Result<Vec<String>> {
    let mut reader = namespace.log(name).open_reader(ReaderOptions::default().follow(true)).await?;
    let mut read = Vec::new();
    while let Some(record) = reader.next().await? {
        println!("read {} {:?}", record.dlsn, record.payload);
        read.push(String::from_utf8_lossy(&record.payload).into_owned());
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_reader_gets_what_was_acknowledged_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        for uri in ["memory:orders".to_owned(), dl_core::file_uri(&directory.path().join("orders")).unwrap()]
        {
            assert_eq!(run(&uri).await.unwrap(), ["order 0", "order 1", "order 2", "order 3"], "{uri}");
        }
    }
}
