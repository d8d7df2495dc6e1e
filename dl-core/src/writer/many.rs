//! Many records with one call, each for itself.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::Writer;
use crate::engine::writer::{Places, Run, WaiterSlot};
use crate::error::{Error, Result};
use crate::types::{NewRecord, NewRecordView, Receipt};

const APPEND_MANY: &str = "append_many";

impl Writer {
    /// Appends records, each for itself, in their order, as one [`append`](Self::append) after the other does, but cheaper: each
    /// payload is copied once, from where it lies to where it stays. Waits for room where it has to. Ends at the first record that
    /// is refused: answers a ticket for those in front of it, and why it was refused. Whoever wants to go on does so behind it.
    /// One that has its place and cannot be stored, as with `storage-full`, ends nothing: the ticket says what became of each.
    ///
    /// Other appends may get places between these only until it has to wait for room: then it keeps its place in line, in front
    /// of all that is called later, until each of them has its ticket. Dropping this future before it answered appends no more of them;
    /// those that had their places are in the log. Dropping the ticket undoes nothing.
    ///
    /// ```
    /// # use dl_core::{LogName, Namespace, NewRecordView, Options, Txid, WriterOptions};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> dl_core::Result<()> {
    /// # let namespace = Namespace::open("memory:append-many", Options::default()).await?;
    /// # let log = namespace.log(&LogName::new("orders")?);
    /// # let writer = log.open_writer(WriterOptions::default().create_log(true)).await?;
    /// let orders: Vec<_> = (0..100).map(|number| format!("order {number}")).collect();
    /// let (ticket, refused) = writer.append_many(&orders).await;
    /// assert!(refused.is_none() && ticket.len() == 100);
    /// for receipt in ticket.await {
    ///     assert!(Some(receipt?.dlsn) <= writer.last_dlsn());
    /// }
    /// let (ticket, _) = writer.append_many(orders.iter().map(|order| NewRecordView::new(order).txid(Txid::MAX))).await;
    /// assert!(ticket.await.first_error().is_none());
    /// # writer.close().await
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`append`](Self::append) are answered beside the ticket.
    pub fn append_many<'a, R: Into<NewRecordView<'a>>>(
        &'a self,
        records: impl IntoIterator<Item = R>,
    ) -> impl Future<Output = (ManyTicket, Option<Error>)> + Send {
        let records: Vec<NewRecordView<'a>> = records.into_iter().map(Into::into).collect();
        async move {
            let mut placed = Places::with_capacity(records.len());
            let refused = match self.core().append_many(&records, &mut placed).await {
                Ok(()) => None,
                Err(error) => self.appended::<()>(Err(error), 1, APPEND_MANY).await.err(),
            };
            (ManyTicket::new(placed), refused)
        }
    }

    /// Appends the first of these records, each for itself, as [`append_many`](Self::append_many) does, but without waiting: as many
    /// as there is room for now, none that is refused, and none behind. Answers a ticket for those. What became of the next, if
    /// there is one, [`append_rest`](Self::append_rest) says, or `append_many`, which may then wait for its room: for callers whose
    /// payloads lie where they cannot stay that long.
    ///
    /// ```
    /// # use dl_core::{LogName, Namespace, Options, WriterOptions};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> dl_core::Result<()> {
    /// # let namespace = Namespace::open("memory:try-append-many", Options::default()).await?;
    /// # let log = namespace.log(&LogName::new("orders")?);
    /// # let options = WriterOptions::default().create_log(true).in_flight_records(2);
    /// # let writer = log.open_writer(options).await?;
    /// let orders = ["first", "second", "third"];
    /// let now = writer.try_append_many(orders);
    /// assert_eq!(now.len(), 2); // There is room for two.
    /// let (later, refused) = writer.append_many(&orders[now.len()..]).await;
    /// assert!(refused.is_none() && later.len() == 1);
    /// # assert!(now.await.first_error().is_none() && later.await.first_error().is_none());
    /// # writer.close().await
    /// # }
    /// ```
    pub fn try_append_many<'a, R: Into<NewRecordView<'a>>>(
        &self,
        records: impl IntoIterator<Item = R>,
    ) -> ManyTicket {
        let records: Vec<NewRecordView<'a>> = records.into_iter().map(Into::into).collect();
        let mut placed = Places::with_capacity(records.len());
        // Refused again, and then told and counted, when it is appended by who may wait for the explanation.
        let _refused = self.core().try_append_many(&records, &mut placed);
        ManyTicket::new(placed)
    }

    /// Goes on behind [`try_append_many`](Self::try_append_many): appends the rest of its records as
    /// [`append_many`](Self::append_many) does, behind those that have their places, and waits until all are settled. Answers what
    /// became of each, and why one of the rest was refused, which ends it there.
    ///
    /// ```
    /// # use dl_core::{LogName, Namespace, NewRecord, Options, WriterOptions};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> dl_core::Result<()> {
    /// # let namespace = Namespace::open("memory:append-rest", Options::default()).await?;
    /// # let log = namespace.log(&LogName::new("orders")?);
    /// # let options = WriterOptions::default().create_log(true).in_flight_records(2);
    /// # let writer = log.open_writer(options).await?;
    /// let orders = ["first", "second", "third"];
    /// let placed = writer.try_append_many(orders);
    /// let rest = orders[placed.len()..].iter().map(|order| NewRecord::new(*order)).collect();
    /// let (receipts, refused) = writer.append_rest(placed, rest).await;
    /// assert!(refused.is_none() && receipts.len() == 3);
    /// # writer.close().await
    /// # }
    /// ```
    pub async fn append_rest(
        &self,
        mut placed: ManyTicket,
        rest: Vec<NewRecord>,
    ) -> (Receipts, Option<Error>) {
        let mut refused = None;
        if !rest.is_empty() {
            let (ticket, error) = self.append_many(&rest).await;
            placed.append(ticket);
            refused = error;
        }
        // What they had is copied.
        drop(rest);
        (placed.await, refused)
    }
}

/// Resolves with what became of each record of [`Writer::append_many`], in their order, when all are settled. Dropping it
/// changes nothing.
#[derive(Debug)]
#[must_use = "the appends may fail; await the ticket, or flush the writer"]
pub struct ManyTicket {
    /// Empty once it answered.
    placed: Places,
    /// One for each run of the placed.
    waiters: Vec<WaiterSlot>,
}

impl ManyTicket {
    fn new(placed: Places) -> Self {
        let waiters = vec![None; placed.runs().len()];
        Self { placed, waiters }
    }

    /// Waits for these as well, which follow.
    fn append(&mut self, mut behind: Self) {
        self.placed.append(std::mem::take(&mut behind.placed));
        self.waiters.append(&mut behind.waiters);
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
}

impl Future for ManyTicket {
    type Output = Receipts;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        // From the last on: entries are settled in order, so this waits once, and not for one entry after another.
        for (run, waiter) in this.placed.runs().iter().zip(&mut this.waiters).rev() {
            if run.completion.poll(waiter, context).is_pending() {
                return Poll::Pending;
            }
        }
        Poll::Ready(Receipts { settled: std::mem::take(&mut this.placed) })
    }
}

impl Drop for ManyTicket {
    fn drop(&mut self) {
        for (run, waiter) in self.placed.runs().iter().zip(&self.waiters) {
            run.completion.forget(*waiter);
        }
    }
}

/// What became of each record of [`Writer::append_many`], in their order. What those of one entry have in common is held once,
/// and receipts are made of it for who looks at them.
#[derive(Debug)]
pub struct Receipts {
    settled: Places,
}

impl Receipts {
    /// The number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.settled.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The error of the first record that was not acknowledged; `None` if all were.
    #[must_use]
    pub fn first_error(&self) -> Option<Error> {
        let outcomes = self.settled.runs().iter().filter_map(|run| run.completion.outcome());
        let mut errors = outcomes.filter_map(|outcome| outcome.as_ref().err());
        errors.next().map(|error| error.clone().during(APPEND_MANY))
    }

    /// What became of one after the other.
    pub fn iter(&self) -> impl Iterator<Item = Result<Receipt>> {
        let mut txids = self.settled.txids();
        self.settled.runs().iter().flat_map(move |Run { completion, slots }| {
            let (own, behind) = txids.split_at(slots.len());
            txids = behind;
            // It is there: they are settled.
            let outcome = completion.outcome();
            slots.clone().zip(own).filter_map(move |(slot, txid)| match outcome? {
                Ok(placed) => Some(Ok(placed.receipt(slot, *txid))),
                Err(error) => Some(Err(error.clone().during(APPEND_MANY))),
            })
        })
    }
}

impl IntoIterator for Receipts {
    type Item = Result<Receipt>;
    type IntoIter = std::vec::IntoIter<Result<Receipt>>;

    fn into_iter(self) -> Self::IntoIter {
        let mut receipts = Vec::with_capacity(self.len());
        self.iter().for_each(|receipt| receipts.push(receipt));
        receipts.into_iter()
    }
}
