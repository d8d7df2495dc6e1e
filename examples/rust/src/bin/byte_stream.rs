//! A log as one run of bytes.
//!
//! ```sh
//! cargo run -p dl-examples --bin byte_stream [file:///tmp/files]
//! ```
#![allow(clippy::print_stdout, reason = "it shows what happens")]

use dl_core::{LogName, Namespace, Options, ReaderOptions, Result, WriterOptions};

#[tokio::main]
async fn main() -> Result<()> {
    let uri = std::env::args().nth(1).unwrap_or_else(|| "memory:example".to_owned());
    let namespace = Namespace::open(&uri, Options::default()).await?;
    let name = LogName::new("image")?;
    namespace.create_log(&name).await?;
    let log = namespace.open_log(&name).await?;

    let mut writer = log.open_byte_writer(WriterOptions::default()).await?;
    writer.write("0123456789").await?;
    writer.write("abcdefghij").await?;
    writer.flush().await?; // durable, all that was written before
    println!("written: {} bytes", writer.position());
    writer.close().await?;

    // A later writer goes on at the end; nobody else can write meanwhile.
    let mut writer = log.open_byte_writer(WriterOptions::default()).await?;
    writer.write("!").await?;
    writer.seal().await?;
    writer.close().await?;

    let mut reader = log.open_byte_reader(ReaderOptions::default()).await?;
    reader.seek(8).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = reader.next_chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    println!("from byte 8: {}", String::from_utf8_lossy(&bytes));
    reader.close().await?;

    namespace.delete_log(&name).await?;
    namespace.close().await
}
