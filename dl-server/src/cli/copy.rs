//! `dl copy`.

use std::collections::VecDeque;
use std::time::Duration;

use clap::Args;
use dl_core::{
    BatchTicket, Error, ErrorKind, Log, LogName, MAX_BATCH_BYTES, NewRecord, OnTruncated,
    RECORD_HEADER_BYTES, Reader, ReaderOptions, Record, Takeover, Txid, Writer, WriterOptions,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::Shared;
use super::failure::Result;
use super::namespace::{self, Missing, Scope};

/// Records that are taken from a reader at once.
const BATCH: usize = 4_096;
/// The reader answers whenever there is something; this only bounds a single call.
const WAIT: Duration = Duration::from_secs(3_600);
/// Batches without an acknowledgement.
const IN_FLIGHT: usize = 256;
/// The largest segments there are: one of the copy ends where one of the log does.
const ROLL_BYTES: u64 = 64 << 30;
const ROLL_MS: u64 = 3_650 * 86_400_000;

/// Copies a log into another namespace, or under another name: payloads, txids, order, entries and segments
///
/// It goes on behind what is there already, once it has compared that with the log; a destination that holds anything
/// else is "condition-failed". Positions are the same if the log was never truncated, has no empty segment, and was
/// copied in one go. A seal is not copied. It cuts nobody off: while another writer holds the destination it is
/// "locked". After an interrupt or a crash the same command goes on. What is appended to the log meanwhile may be copied or not.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl copy orders --to file:///backup/dl --as orders-2026")]
pub(crate) struct Copy {
    /// The log
    log: String,

    /// The namespace to copy it into; made if it does not exist
    #[arg(long, value_name = "URI")]
    to: String,

    /// The name of the copy [default: that of the log]
    #[arg(long = "as", value_name = "LOG")]
    new: Option<String>,
}

/// How many records were there already, and how many were added.
#[derive(Debug, Clone, Copy)]
struct Copied {
    there: u64,
    added: u64,
}

impl Copy {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let name = LogName::new(&self.log)?;
        let new = self.new.as_deref().map(LogName::new).transpose()?.unwrap_or_else(|| name.clone());
        let mut reading = ReaderOptions::default();
        let mut writing = WriterOptions::default();
        let scope = Scope::Both(&mut writing, &mut reading);
        let source = shared.namespace.open(Missing::Fail, scope).await?;
        let work = async {
            let from = source.open_log(&name).await?;
            refuse_targets(&self.to)?;
            let (mut also, mut and) = (WriterOptions::default(), ReaderOptions::default());
            let scope = Scope::Both(&mut also, &mut and);
            let target = shared.namespace.open_at(&self.to, Missing::Create, scope).await?;
            let copied = copy(&from, &target.log(&new), reading, writing).await;
            namespace::close(target, copied).await
        };
        let copied = work.await;
        let copied = namespace::close(source, copied).await?;
        let mut output = shared.output();
        output.item(
            format_args!("copied {} records of {name} to {new}; {} were there", copied.added, copied.there),
            || {
                json!({
                    "log": name.as_str(), "to": self.to, "as": new.as_str(),
                    "copied": copied.added, "there": copied.there,
                })
            },
        )?;
        output.flush()
    }
}

/// # Errors
/// `invalid-argument` for a namespace that is gone when the command ends.
fn refuse_targets(to: &str) -> Result<()> {
    if !to.starts_with("memory:") {
        return Ok(());
    }
    let message =
        "a namespace in memory is gone when the command ends, and the copy with it; name a directory";
    Err(Error::new(ErrorKind::InvalidArgument, message).with("uri", to).into())
}

/// Whether the writer of the copy, which was just opened, is one of the log itself.
async fn is_itself(from: &Log, to: &Log) -> dl_core::Result<bool> {
    let (from, to) = (from.info().await?, to.info().await?);
    // What is in another directory can have the same name, and the same numbers, but not our lock.
    Ok(from.name == to.name && from.incarnation == to.incarnation && from.owner == to.owner)
}

async fn copy(from: &Log, to: &Log, reading: ReaderOptions, writing: WriterOptions) -> Result<Copied> {
    let total = from.count().await?;
    let writing = writing
        .create_log(true)
        .takeover(Takeover::Never)
        .stop_when_full(true)
        .roll_bytes(ROLL_BYTES)
        .roll_ms(ROLL_MS);
    let unowned = from.info().await?.owner.is_none();
    // Held from before the comparison, so that what is compared stays all there is.
    let writer = to.open_writer(writing.clone()).await?;
    if unowned && is_itself(from, to).await? {
        writer.close().await?;
        let error = Error::new(
            ErrorKind::InvalidArgument,
            "the copy would be the log itself; name another with --as",
        );
        return Err(error.with("log", from.name()).into());
    }
    let mut source = Records::new(from.open_reader(reading.on_truncated(OnTruncated::Skip)).await?);
    let progress = progress(total);
    let there = compare(&mut source, to, &progress).await?;
    let mut target =
        Target { log: to, writing, writer, tickets: VecDeque::new(), added: 0, progress: &progress };
    target.append_all(&mut source).await?;
    let added = target.finish().await?;
    let data = from.user_metadata().await?;
    if to.user_metadata().await? != data {
        to.set_user_metadata(data).await?;
    }
    progress.finish_and_clear();
    Ok(Copied { there, added })
}

/// Drawn on a terminal only.
fn progress(records: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} records, {eta} left");
    let bar = ProgressBar::new(records);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Reads as many records of the log as the copy has; answers how many.
///
/// # Errors
/// `condition-failed` if one is another.
async fn compare(source: &mut Records, to: &Log, progress: &ProgressBar) -> Result<u64> {
    let mut there = Records::new(to.open_reader(ReaderOptions::default()).await?);
    let mut count = 0;
    while let Some(found) = there.next().await? {
        let same = source
            .next()
            .await?
            .is_some_and(|record| record.txid == found.txid && record.payload == found.payload);
        if !same {
            let message = format!(
                "the destination holds something else than the log: record {count} (from 0) differs; \
                 copy to another name, or delete what is there"
            );
            let error = Error::new(ErrorKind::ConditionFailed, message).at(found.dlsn);
            return Err(error.with("log", to.name()).into());
        }
        count += 1;
        progress.inc(1);
    }
    Ok(count)
}

/// The records of a log, one by one.
struct Records {
    reader: Reader,
    ready: VecDeque<Record>,
}

impl Records {
    fn new(reader: Reader) -> Self {
        Self { reader, ready: VecDeque::new() }
    }

    async fn next(&mut self) -> Result<Option<Record>> {
        while self.ready.is_empty() {
            let records = self.reader.next_batch(BATCH, WAIT).await?;
            if records.is_empty() && self.reader.end().is_some() {
                return Ok(None);
            }
            self.ready.extend(records.shares());
        }
        Ok(self.ready.pop_front())
    }
}

/// The copy, being written.
struct Target<'a> {
    log: &'a Log,
    writing: WriterOptions,
    writer: Writer,
    tickets: VecDeque<BatchTicket>,
    added: u64,
    progress: &'a ProgressBar,
}

impl Target<'_> {
    /// Appends the rest of the log: the records of an entry as an entry, those of a segment as a segment.
    async fn append_all(&mut self, source: &mut Records) -> Result<()> {
        let mut place = None;
        let mut gathered = Vec::new();
        while let Some(record) = source.next().await? {
            let next = (record.dlsn.segment(), record.dlsn.entry());
            if place != Some(next) {
                self.append(std::mem::take(&mut gathered)).await?;
                if place.is_some_and(|(segment, _)| segment != next.0) {
                    self.next_segment().await?;
                }
                place = Some(next);
            }
            gathered.push(record);
        }
        self.append(gathered).await
    }

    async fn append(&mut self, records: Vec<Record>) -> Result<()> {
        let bytes: usize = records.iter().map(|record| record.payload.len() + RECORD_HEADER_BYTES).sum();
        let records = records.into_iter().map(|record| {
            let txid = Txid::new(record.txid)?;
            Ok(NewRecord::new(record.payload).txid(txid))
        });
        let records = records.collect::<dl_core::Result<Vec<_>>>()?;
        if bytes <= MAX_BATCH_BYTES {
            return self.append_batch(records).await;
        }
        // What one entry held may be too much for a batch.
        for record in records {
            self.append_batch(vec![record]).await?;
        }
        Ok(())
    }

    async fn append_batch(&mut self, records: Vec<NewRecord>) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        self.tickets.push_back(self.writer.append_batch(records, None).await?);
        if self.tickets.len() >= IN_FLIGHT {
            self.acknowledged().await?;
        }
        Ok(())
    }

    /// Waits for the oldest acknowledgement.
    async fn acknowledged(&mut self) -> Result<()> {
        if let Some(ticket) = self.tickets.pop_front() {
            let records = ticket.await?.len() as u64;
            self.added += records;
            self.progress.inc(records);
        }
        Ok(())
    }

    async fn next_segment(&mut self) -> Result<()> {
        self.end_segment().await?;
        self.writer = self.log.open_writer(self.writing.clone()).await?;
        Ok(())
    }

    async fn end_segment(&mut self) -> Result<()> {
        while !self.tickets.is_empty() {
            self.acknowledged().await?;
        }
        Ok(self.writer.close().await?)
    }

    /// Answers how many records were added.
    async fn finish(mut self) -> Result<u64> {
        self.end_segment().await?;
        Ok(self.added)
    }
}
