//! Appending what the input gives, without waiting for acknowledgements.

use std::num::NonZeroUsize;
use std::pin::{Pin, pin};

use bytes::Bytes;
use clap::ValueEnum;
use dl_core::{BatchTicket, NewRecord, Result, Ticket, Txid, Writer};
use tokio::sync::mpsc;

use super::super::stop::Stop;

/// Where the txids of records come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum TxidSource {
    /// The time in milliseconds
    #[default]
    Now,
    /// One more than the last record's; 0 for the first of the log
    Counter,
}

/// An acknowledgement to come.
pub(super) enum Pending {
    /// Of the record with this input number.
    Record(u64, Ticket),
    /// Of the records from this input number on.
    Batch(u64, BatchTicket),
}

/// Why no more is appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// All input was.
    Input,
    /// Somebody asked to stop.
    Stopped,
}

/// Appends records in order and passes their tickets on.
pub(super) struct Feed {
    writer: Writer,
    tickets: mpsc::Sender<Pending>,
    stop: Stop,
    txids: Txids,
    /// Records that were taken from the input.
    taken: u64,
    batch: Option<NonZeroUsize>,
    gathered: Vec<NewRecord>,
}

impl Feed {
    pub(super) fn new(
        writer: Writer,
        batch: Option<NonZeroUsize>,
        source: TxidSource,
        tickets: mpsc::Sender<Pending>,
        stop: Stop,
    ) -> Self {
        let txids = Txids::new(source, writer.last_txid());
        Self { writer, tickets, stop, txids, taken: 0, batch, gathered: Vec::new() }
    }

    /// Appends until the input ends, somebody asks to stop, or the writer is cut off.
    pub(super) async fn run(mut self, mut blocks: mpsc::Receiver<Result<Vec<Bytes>>>) -> Result<Ended> {
        let (writer, stop) = (self.writer.clone(), self.stop.clone());
        let mut cut_off = pin!(writer.fenced());
        let mut stopped = pin!(stop.requested());
        loop {
            let block = tokio::select! {
                biased;
                () = &mut stopped => return Ok(Ended::Stopped),
                error = &mut cut_off => return Err(error),
                block = blocks.recv() => block,
            };
            let Some(block) = block else {
                return self.batch_gathered(stopped).await;
            };
            for payload in block? {
                if self.stop.is_requested() || self.append(payload, stopped.as_mut()).await? == Ended::Stopped
                {
                    return Ok(Ended::Stopped);
                }
            }
        }
    }

    /// Appends one record, or gathers it. `Input` says that there may be more.
    async fn append(&mut self, payload: Bytes, stopped: Pin<&mut impl Future<Output = ()>>) -> Result<Ended> {
        let number = self.taken;
        let record = self.txids.stamp(NewRecord::new(payload))?;
        self.taken += 1;
        if let Some(batch) = self.batch {
            self.gathered.push(record);
            return if self.gathered.len() < batch.get() {
                Ok(Ended::Input)
            } else {
                self.batch_gathered(stopped).await
            };
        }
        let ticket = tokio::select! {
            biased;
            ticket = self.writer.append(record) => ticket.map_err(|error| error.with("input", number))?,
            () = stopped => return Ok(Ended::Stopped),
        };
        self.pass(Pending::Record(number, ticket)).await
    }

    async fn batch_gathered(&mut self, stopped: Pin<&mut impl Future<Output = ()>>) -> Result<Ended> {
        if self.gathered.is_empty() {
            return Ok(Ended::Input);
        }
        let records = std::mem::take(&mut self.gathered);
        let first = self.taken - u64::try_from(records.len()).unwrap_or(0);
        let ticket = tokio::select! {
            biased;
            ticket = self.writer.append_batch(records, None) => ticket.map_err(|error| error.with("input", first))?,
            () = stopped => return Ok(Ended::Stopped),
        };
        self.pass(Pending::Batch(first, ticket)).await
    }

    async fn pass(&self, pending: Pending) -> Result<Ended> {
        // Nobody takes tickets only when the process is on its way out.
        let passed = self.tickets.send(pending).await;
        Ok(if passed.is_ok() { Ended::Input } else { Ended::Stopped })
    }
}

/// Gives records their txids.
struct Txids {
    /// The next one; `None` leaves it to the core, which takes the time.
    next: Option<i64>,
}

impl Txids {
    fn new(source: TxidSource, last: Option<i64>) -> Self {
        let counted = || last.map_or(0, |last| last.saturating_add(1));
        Self { next: (source == TxidSource::Counter).then(counted) }
    }

    fn stamp(&mut self, record: NewRecord) -> Result<NewRecord> {
        let Some(next) = self.next else { return Ok(record) };
        let txid = Txid::new(next)?;
        self.next = Some(next.saturating_add(1));
        Ok(record.txid(txid))
    }
}
