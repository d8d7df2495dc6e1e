//! Many records with one call, each for itself.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::Writer;
use crate::engine::writer::{Placed, Run, Several, WaiterSlot};
use crate::error::{Error, Result};
use crate::types::{NewRecord, Receipt};

const APPEND_MANY: &str = "append_many";

impl Writer {
    /// Appends records, each for itself, in their order, as one [`append`](Self::append) after the other does, but cheaper.
    /// Waits for room where it has to. Ends at the first record that is refused: answers a ticket for those in front of it,
    /// and why it was refused. Whoever wants to go on does so behind it.
    ///
    /// Other appends may get places between these. Dropping this future before it answered appends no more of them;
    /// those that had their places are in the log. Dropping the ticket undoes nothing.
    ///
    /// ```
    /// # use dl_core::{LogName, Namespace, NewRecord, Options, WriterOptions};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> dl_core::Result<()> {
    /// # let namespace = Namespace::open("memory:append-many", Options::default()).await?;
    /// # let log = namespace.log(&LogName::new("orders")?);
    /// # let writer = log.open_writer(WriterOptions::default().create_log(true)).await?;
    /// let records: Vec<_> = (0..100).map(|number| NewRecord::new(format!("order {number}"))).collect();
    /// let (ticket, refused) = writer.append_many(&records).await;
    /// assert!(refused.is_none() && ticket.len() == 100);
    /// for receipt in ticket.await {
    ///     assert!(Some(receipt?.dlsn) <= writer.last_dlsn());
    /// }
    /// # writer.close().await
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`append`](Self::append) are answered beside the ticket.
    pub async fn append_many(&self, records: &[NewRecord]) -> (ManyTicket, Option<Error>) {
        let (placed, refused) = self.core().append_many(records).await;
        let refused = match refused {
            None => None,
            Some(error) => self.appended::<()>(Err(error), 1, APPEND_MANY).await.err(),
        };
        (ManyTicket::new(placed), refused)
    }
}

/// Resolves with what became of each record of [`Writer::append_many`], in their order, when all are settled. Dropping it
/// changes nothing.
#[derive(Debug)]
#[must_use = "the appends may fail; await the ticket, or flush the writer"]
pub struct ManyTicket {
    placed: Several,
    /// One for each run of the placed.
    waiters: Vec<WaiterSlot>,
}

impl ManyTicket {
    fn new(placed: Several) -> Self {
        let waiters = vec![None; placed.runs().len()];
        Self { placed, waiters }
    }

    /// The number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.placed.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn receipts(&self) -> Vec<Result<Receipt>> {
        let mut receipts = Vec::with_capacity(self.len());
        let mut txids = self.placed.txids();
        for Run { completion, slots } in self.placed.runs() {
            let (own, behind) = txids.split_at(slots.len());
            txids = behind;
            let places = slots.clone().zip(own);
            match completion.outcome() {
                Some(Ok(placed)) => receipts.extend(places.map(|place| Ok(receipt(placed, place)))),
                Some(Err(error)) => receipts.extend(places.map(|_| Err(error.clone().during(APPEND_MANY)))),
                None => {}
            }
        }
        receipts
    }
}

fn receipt(placed: &Placed, (slot, txid): (u32, &i64)) -> Receipt {
    placed.receipt(slot, *txid)
}

impl Future for ManyTicket {
    type Output = Vec<Result<Receipt>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        // From the last on: entries are settled in order, so this waits once, and not for one entry after another.
        for (run, waiter) in this.placed.runs().iter().zip(&mut this.waiters).rev() {
            if run.completion.poll(waiter, context).is_pending() {
                return Poll::Pending;
            }
        }
        Poll::Ready(this.receipts())
    }
}

impl Drop for ManyTicket {
    fn drop(&mut self) {
        for (run, waiter) in self.placed.runs().iter().zip(&self.waiters) {
            run.completion.forget(*waiter);
        }
    }
}
