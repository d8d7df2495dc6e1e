//! Taking acknowledgements in order, and printing them.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use dl_core::{Error, Receipt};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;

use super::super::failure::{Failure, Result};
use super::super::output::Output;
use super::super::stop::Stop;
use super::feed::Pending;

/// Takes acknowledgements, and asks to stop at the first that does not come or cannot be printed.
pub(super) struct Acks {
    output: Option<Output>,
    stop: Stop,
    taken: Taken,
}

/// What came of all appends.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// How many records were acknowledged.
    pub(super) count: u64,
    /// The first error that came instead.
    pub(super) refused: Option<Error>,
    /// Why acknowledgements could no longer be printed.
    pub(super) unprinted: Option<Failure>,
}

/// An acknowledgement as JSON.
#[derive(Serialize)]
struct Shown {
    dlsn: String,
    input: u64,
    txid: i64,
    sequence_id: Option<u64>,
    durability: &'static str,
}

impl Acks {
    pub(super) fn new(output: Option<Output>, stop: Stop) -> Self {
        Self { output, stop, taken: Taken::default() }
    }

    /// Takes tickets until there are no more.
    pub(super) async fn take(mut self, mut tickets: mpsc::Receiver<Pending>) -> Taken {
        while let Some(pending) = self.next(&mut tickets).await {
            match pending {
                Pending::Record(number, ticket) => {
                    let settled = self.settled(ticket).await;
                    self.count(number, settled.map(|receipt| [receipt]));
                }
                Pending::Batch(number, ticket) => {
                    let settled = self.settled(ticket).await;
                    self.count(number, settled);
                }
            }
        }
        self.flush();
        self.taken
    }

    async fn next(&mut self, tickets: &mut mpsc::Receiver<Pending>) -> Option<Pending> {
        match tickets.try_recv() {
            Ok(pending) => Some(pending),
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => {
                self.flush();
                tickets.recv().await
            }
        }
    }

    /// Waits for a ticket; before it has to, whoever reads the output gets what there is.
    async fn settled<T>(&mut self, ticket: impl Future<Output = T>) -> T {
        let mut ticket = pin!(ticket);
        if let Poll::Ready(settled) = poll_fn(|context| Poll::Ready(ticket.as_mut().poll(context))).await {
            return settled;
        }
        self.flush();
        ticket.await
    }

    fn count(&mut self, first: u64, settled: dl_core::Result<impl AsRef<[Receipt]>>) {
        match settled {
            Ok(receipts) => {
                for (number, receipt) in (first..).zip(receipts.as_ref()) {
                    self.taken.count += 1;
                    self.print(|output| print(output, number, receipt));
                }
            }
            Err(error) => {
                self.taken.refused.get_or_insert_with(|| error.with("input", first));
                self.stop.request();
            }
        }
    }

    fn flush(&mut self) {
        self.print(Output::flush);
    }

    fn print(&mut self, print: impl FnOnce(&mut Output) -> Result<()>) {
        let Some(output) = &mut self.output else { return };
        if let Err(failure) = print(output) {
            self.output = None;
            self.taken.unprinted = Some(failure);
            self.stop.request();
        }
    }
}

fn print(output: &mut Output, number: u64, receipt: &Receipt) -> Result<()> {
    let object = || Shown {
        dlsn: receipt.dlsn.to_string(),
        input: number,
        txid: receipt.txid,
        sequence_id: receipt.sequence_id,
        durability: receipt.durability.name(),
    };
    output.item(format_args!("{}\t{number}", receipt.dlsn), object)
}
