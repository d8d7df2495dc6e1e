//! `dl read` and `dl tail`.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, ValueEnum};
use dl_core::{Cursor, Error, ErrorKind, LogName, Namespace, Reader, ReaderOptions, RecordView};
use serde::Serialize;

use super::Shared;
use super::failure::{self, Result};
use super::namespace::{self, Missing, Scope};
use super::output::{Audience, Output};

/// Records that are taken from the reader at once.
const BATCH: usize = 4_096;

/// The reader answers whenever there is something; this only bounds a single call.
const WAIT: Duration = Duration::from_secs(3_600);

/// Prints the records of a log
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dl read orders --from 3:120:0 --count 10 --format json\n  dl read image --bytes --from-offset 1048576"
)]
pub(crate) struct Read {
    #[command(flatten)]
    what: What,

    /// Waits for more at the end of the log
    #[arg(long)]
    follow: bool,

    /// Prints the stream of bytes that dl append --bytes appended
    #[arg(long, conflicts_with_all = ["format", "cursor", "until", "count"])]
    bytes: bool,

    /// Starts at the byte with this offset, counted from 0
    #[arg(long, value_name = "N", requires = "bytes", conflicts_with = "from")]
    from_offset: Option<u64>,
}

/// Prints the records that are appended from now on; ends with an interrupt, or the log's seal
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl tail orders --cursor billing --from earliest")]
pub(crate) struct Tail {
    #[command(flatten)]
    what: What,
}

#[derive(Debug, Args)]
struct What {
    /// The log
    log: String,

    /// Where to start: earliest, latest, a DLSN such as 3:120:0, or txid:N
    /// [default: earliest; of tail: latest]
    #[arg(long, value_name = "WHERE")]
    from: Option<String>,

    /// Starts behind this cursor, and moves it as records are written out, while no other reader has it. After a crash,
    /// those written out since the last move come again. Where the cursor stands nowhere yet, --from says where to start
    #[arg(long, value_name = "NAME")]
    cursor: Option<String>,

    /// About another reader that has the cursor: force (cut it off), never, or wait:TIME such as wait:10s
    /// [default: force]
    #[arg(long, value_name = "HOW", requires = "cursor")]
    takeover: Option<String>,

    /// Ends after the record at this DLSN
    #[arg(long, value_name = "DLSN")]
    until: Option<String>,

    /// Ends after this many records
    #[arg(long, value_name = "N")]
    count: Option<u64>,

    /// How to print a record [default: line; with --json: json]
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Prints metrics to standard error at the end, in the text format of Prometheus (docs/metrics.md lists them)
    #[arg(long)]
    stats: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Its payload and nothing else
    Raw,
    /// Its payload and a newline
    Line,
    /// An object of JSON on a line: dlsn, txid, sequence_id (or null), payload in base64
    Json,
}

impl Read {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let mut options = ReaderOptions::default().follow(self.follow);
        if let Some(offset) = self.from_offset {
            options.set("from", &format!("txid:{offset}")).map_err(|_| {
                let message = "--from-offset is larger than any offset in a stream of bytes";
                Error::new(ErrorKind::InvalidArgument, message).with("offset", offset)
            })?;
        }
        self.what.run(options, self.bytes, shared).await
    }
}

impl Tail {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        self.what.run(ReaderOptions::default().follow(true).from(dl_core::Start::Latest), false, shared).await
    }
}

impl What {
    async fn run(self, mut options: ReaderOptions, bytes: bool, shared: &Shared) -> Result<()> {
        let name = LogName::new(&self.log)?;
        let given = [
            ("from", &self.from),
            ("until", &self.until),
            ("cursor", &self.cursor),
            ("takeover", &self.takeover),
        ];
        for (option, text) in given {
            if let Some(text) = text {
                options.set(option, text).map_err(failure::of_flag)?;
            }
        }
        options = options.locked(self.cursor.is_some());
        if let Some(count) = self.count {
            options = options.count(count);
        }
        let namespace = shared.namespace.open(Missing::Fail, Scope::Reader(&mut options)).await?;
        let format = self.format.unwrap_or(if shared.json { Format::Json } else { Format::Line });
        let printed = if bytes {
            print_bytes(&namespace, &name, options, &mut shared.output()).await
        } else {
            print(&namespace, &name, options, &mut Printer::new(format, shared.output())).await
        };
        if self.stats {
            namespace::print_metrics(&namespace).await;
        }
        namespace::close(namespace, printed).await
    }
}

async fn print(
    namespace: &Namespace,
    name: &LogName,
    options: ReaderOptions,
    printer: &mut Printer,
) -> Result<()> {
    let (follow, locked) = (options.follow, options.locked);
    let mut reader = namespace.log(name).open_reader(options).await?;
    let cursor = reader.cursor().filter(|_| locked).cloned();
    let printed = print_all(&mut reader, cursor, follow, printer).await;
    // What was read in front of an error was read.
    let flushed = printer.output.flush();
    let closed = reader.close().await;
    printed.and(flushed)?;
    Ok(closed?)
}

async fn print_bytes(
    namespace: &Namespace,
    name: &LogName,
    options: ReaderOptions,
    output: &mut Output,
) -> Result<()> {
    let follow = options.follow;
    let mut reader = namespace.log(name).open_byte_reader(options).await?;
    let audience = Audience::new();
    let printed = async {
        while let Some(chunk) = audience.unless_gone(reader.next_chunk()).await? {
            output.bytes(&chunk)?;
            if follow {
                output.flush()?;
            }
        }
        Ok(())
    };
    let printed = printed.await;
    let flushed = output.flush();
    let closed = reader.close().await;
    printed.and(flushed)?;
    Ok(closed?)
}

async fn print_all(
    reader: &mut Reader,
    cursor: Option<Cursor>,
    follow: bool,
    printer: &mut Printer,
) -> Result<()> {
    let audience = Audience::new();
    loop {
        let records = audience.unless_gone(reader.next_batch(BATCH, WAIT)).await?;
        if records.is_empty() && reader.end().is_some() {
            return Ok(());
        }
        for record in &records {
            printer.print(record)?;
        }
        if follow || cursor.is_some() {
            printer.output.flush()?;
        }
        // Not before they are out: what comes twice can be noticed, what never comes cannot.
        if let (Some(cursor), Some(last)) = (&cursor, records.last()) {
            cursor.advance(last.dlsn).await?;
        }
    }
}

/// Writes records in a format.
struct Printer {
    format: Format,
    output: Output,
    base64: String,
}

/// A record as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    dlsn: String,
    txid: i64,
    sequence_id: Option<u64>,
    payload: &'a str,
    /// Only there if it is one, which an option asks for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    record_set: bool,
}

impl Printer {
    fn new(format: Format, output: Output) -> Self {
        Self { format, output, base64: String::new() }
    }

    fn print(&mut self, record: RecordView<'_>) -> Result<()> {
        match self.format {
            Format::Raw => self.output.bytes(record.payload),
            Format::Line => {
                self.output.bytes(record.payload)?;
                self.output.bytes(b"\n")
            }
            Format::Json => {
                self.base64.clear();
                STANDARD.encode_string(record.payload, &mut self.base64);
                self.output.object(&Shown {
                    dlsn: record.dlsn.to_string(),
                    txid: record.txid,
                    sequence_id: record.sequence_id,
                    payload: &self.base64,
                    record_set: record.record_set,
                })
            }
        }
    }
}
