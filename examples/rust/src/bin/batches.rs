//! Records that are written all or none, and an append on a condition.
//!
//! ```sh
//! cargo run -p dl-examples --bin batches [file:///tmp/accounts]
//! ```
#![allow(clippy::print_stdout, reason = "it shows what happens")]

use dl_core::{
    Condition, ErrorKind, LogName, Namespace, NewRecord, Options, ReaderOptions, Result, WriterOptions,
};

#[tokio::main]
async fn main() -> Result<()> {
    let uri = std::env::args().nth(1).unwrap_or_else(|| "memory:example".to_owned());
    let namespace = Namespace::open(&uri, Options::default()).await?;
    let name = LogName::new("accounts")?;
    namespace.create_log(&name).await?;
    let log = namespace.open_log(&name).await?;
    let writer = log.open_writer(WriterOptions::default()).await?;

    // A transfer is two records. No reader, and no crash, ever leaves only one of them.
    let transfer = vec![NewRecord::from("alice -10"), NewRecord::from("bob +10")];
    let receipts = writer.append_batch(transfer, None).await?.await?;
    let last = receipts[1].dlsn;
    println!("in one entry: {}", receipts[0].dlsn.entry() == last.entry());

    // Only if nothing came in between. The condition is judged in the order of the appends, so it may be in flight, too.
    writer.append_if("bob -3", Condition::Last(last)).await?.await?;
    match writer.append_if("bob -8", Condition::Last(last)).await?.await {
        Err(error) if error.kind() == ErrorKind::ConditionFailed => {
            println!("too late: {}", error.kind().name())
        }
        other => return other.map(drop),
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
