//! Jobs in a log. Workers share a cursor: one works at a time, and the next goes on where it stopped.
//!
//! ```sh
//! cargo run -p dl-examples --bin work_queue [file:///tmp/jobs]
//! ```
#![allow(clippy::print_stdout, reason = "it shows what happens")]

use dl_core::{ErrorKind, Log, LogName, Namespace, Options, Reader, ReaderOptions, Result, WriterOptions};

#[tokio::main]
async fn main() -> Result<()> {
    let uri = std::env::args().nth(1).unwrap_or_else(|| "memory:example".to_owned());
    let namespace = Namespace::open(&uri, Options::default()).await?;
    let name = LogName::new("jobs")?;
    namespace.create_log(&name).await?;
    let log = namespace.open_log(&name).await?;

    let writer = log.open_writer(WriterOptions::default()).await?;
    for job in ["resize", "rotate", "upload", "notify"] {
        writer.append(job).await?.await?;
    }
    writer.close().await?;

    let mut anna = open(&log).await?;
    work(&mut anna, "anna", 2).await?;

    // Another worker takes the queue over, as one does when the first has hung: it starts behind the last job that was
    // noted as done, and the first one is told.
    let mut bert = open(&log).await?;
    match anna.next().await {
        Err(error) if error.kind() == ErrorKind::Fenced => println!("anna: {}", error.kind().name()),
        other => return other.map(drop),
    }
    work(&mut bert, "bert", 10).await?;
    bert.close().await?;

    namespace.delete_log(&name).await?;
    namespace.close().await
}

/// A reader that starts behind the cursor and is the only one of it.
async fn open(log: &Log) -> Result<Reader> {
    log.open_reader(ReaderOptions::default().cursor("workers").locked(true)).await
}

/// Does at most `most` jobs. One that is done and not yet noted when a worker dies is done again: at least once.
async fn work(reader: &mut Reader, who: &str, most: usize) -> Result<()> {
    for _ in 0..most {
        let Some(job) = reader.next().await? else { break };
        println!("{who}: {}", String::from_utf8_lossy(&job.payload));
        if let Some(cursor) = reader.cursor() {
            cursor.advance(job.dlsn).await?;
        }
    }
    Ok(())
}
