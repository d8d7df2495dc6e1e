//! `dl bench pipelined`, and the way in which others fill a log.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Args;
use dl_core::{Receipt, Ticket, Writer};

use super::super::failure::Result;
use super::figures::{Figures, Meter, Subject};
use super::latency::Latency;
use super::payloads::Payloads;
use super::progress::Progress;
use super::site::Site;
use super::time::Time;

/// Of how many appends the latency of one is measured: looking at the clock twice takes as long as a good part of an
/// append.
const SAMPLE: u64 = 64;

/// One task with many appends in flight, which takes the acknowledgements in order
#[derive(Debug, Args)]
#[command(visible_alias = "w2b")]
pub(super) struct Pipelined {
    #[command(flatten)]
    time: Time,

    /// The bytes of a record
    #[arg(long, value_name = "N", default_value_t = 100)]
    bytes: usize,

    /// How many appends are in flight
    #[arg(long, value_name = "N", default_value = "5000")]
    in_flight: NonZeroUsize,
}

impl Pipelined {
    /// The time ends with the last acknowledgement.
    pub(super) async fn measure(self, site: &Site) -> Result<Figures> {
        let mut payloads = Payloads::new(self.bytes, 1)?;
        let in_flight = self.in_flight.get();
        let mut options = site.writer_options.clone();
        options.in_flight_records = options.in_flight_records.max(in_flight as u64);
        let writer = site.create_log().await?.open_writer(options).await?;
        let durability = writer.append(payloads.next()).await?.await?.durability;
        let _progress = Progress::new("appending");
        let mut window = Window::new(&writer, in_flight);
        let how = format!("{in_flight} in flight");
        let subject =
            Subject { work: "pipelined", how, durability: Some(durability), record_bytes: Some(self.bytes) };
        let meter = Meter::start();
        window.keep_full(self.time.length(), &mut payloads).await?;
        let figures = meter.stop(subject, window.records, &window.latency);
        writer.close().await?;
        Ok(figures)
    }
}

/// Appends in flight, whose tickets are awaited in order.
pub(super) struct Window<'a> {
    writer: &'a Writer,
    tickets: VecDeque<(Ticket, Option<Instant>)>,
    in_flight: usize,
    /// Acknowledged.
    records: u64,
    latency: Latency,
}

impl<'a> Window<'a> {
    pub(super) fn new(writer: &'a Writer, in_flight: usize) -> Self {
        Self {
            writer,
            tickets: VecDeque::with_capacity(in_flight),
            in_flight,
            records: 0,
            latency: Latency::new(),
        }
    }

    /// Appends when fewer than the most are in flight. The latency is measured if it is said since when it is due.
    pub(super) async fn append(&mut self, payload: Bytes, due: Option<Instant>) -> dl_core::Result<()> {
        if self.tickets.len() >= self.in_flight {
            self.settle().await?;
        }
        let ticket = self.writer.append(payload).await?;
        self.tickets.push_back((ticket, due));
        Ok(())
    }

    /// Appends as fast as it can for so long, and waits for all acknowledgements.
    pub(super) async fn keep_full(
        &mut self,
        length: Duration,
        payloads: &mut Payloads,
    ) -> dl_core::Result<()> {
        let started = Instant::now();
        let mut now = started;
        while now - started < length {
            for _ in 1..SAMPLE {
                self.append(payloads.next(), None).await?;
            }
            now = Instant::now();
            self.append(payloads.next(), Some(now)).await?;
        }
        self.drain().await?;
        Ok(())
    }

    /// How many were acknowledged.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// Waits for all acknowledgements; answers the last.
    pub(super) async fn drain(&mut self) -> dl_core::Result<Option<Receipt>> {
        let mut last = None;
        while let Some(receipt) = self.settle().await? {
            last = Some(receipt);
        }
        Ok(last)
    }

    async fn settle(&mut self) -> dl_core::Result<Option<Receipt>> {
        let Some((ticket, due)) = self.tickets.pop_front() else { return Ok(None) };
        let receipt = ticket.await?;
        self.records += 1;
        if let Some(due) = due {
            self.latency.record(due.elapsed());
        }
        Ok(Some(receipt))
    }
}
