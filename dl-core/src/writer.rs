//! The writer of a log, and the tickets for what it appends.

mod many;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::engine::writer::{Appended, Condition, EntryCompletion, Placed, WaiterSlot, WriterCore};
use crate::error::{Error, Result};
use crate::format::NewRecordSet;
use crate::types::{Dlsn, NewRecord, Receipt};

pub use many::{ManyTicket, Receipts};

/// The one writer of a log, open. Cheap to clone; dropping the last clone without [`close`](Self::close) is an
/// [`abort`](Self::abort).
///
/// After the first fatal error (`fenced` above all) every later call returns that error: open a new writer to go on.
/// `invalid-argument`, `too-large`, `condition-failed`, `quota-exceeded`, `busy` and `storage-full` refuse one append and
/// leave the writer as it was.
///
/// ```
/// # use dl_core::{LogName, Namespace, Options, WriterOptions};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> dl_core::Result<()> {
/// # let namespace = Namespace::open("memory:writer-page", Options::default()).await?;
/// # let log = namespace.log(&LogName::new("orders")?);
/// let writer = log.open_writer(WriterOptions::default().create_log(true)).await?;
///
/// // Room first, the disk later: this loop waits only when too much is in flight.
/// let mut tickets = Vec::new();
/// for number in 0..100 {
///     tickets.push(writer.append(format!("order {number}")).await?);
/// }
/// for ticket in tickets {
///     let receipt = ticket.await?; // durable now
///     assert!(Some(receipt.dlsn) <= writer.last_dlsn());
/// }
/// writer.close().await
/// # }
/// ```
#[derive(Clone)]
pub struct Writer {
    handle: Arc<Handle>,
}

struct Handle {
    core: Arc<WriterCore>,
}

impl Writer {
    pub(crate) fn new(core: Arc<WriterCore>) -> Self {
        Self { handle: Arc::new(Handle { core }) }
    }

    /// Appends a record: waits for room, then answers a ticket that resolves when the record is durable. Appends get
    /// their places in the order in which they got their tickets, and those that wait for room get these in the order in which
    /// they were first polled.
    ///
    /// Dropping this future before it answered appends nothing; dropping the ticket does not undo the append.
    ///
    /// # Errors
    /// `invalid-argument` for a txid below the last one; `too-large`; or what ended the writer.
    pub async fn append(&self, record: impl Into<NewRecord>) -> Result<Ticket> {
        let record = record.into();
        let appended = self.core().append((&record).into(), None).await;
        self.appended(appended, 1, APPEND).await.map(|appended| Ticket::new(appended, APPEND))
    }

    /// Appends a record and waits, on the thread of the caller, until it is durable. A thread that appends alone writes
    /// and syncs itself, which saves two switches between threads for each record.
    ///
    /// For threads of their own: in an async task it would hold up all other tasks of the thread. Works without a
    /// runtime entered; the one on which the namespace was opened must be running.
    ///
    /// # Errors
    /// As [`append`](Self::append), and all that its ticket fails with.
    pub fn blocking_append(&self, record: impl Into<NewRecord>) -> Result<Receipt> {
        let core = self.core();
        let appended =
            core.blocking_append((&record.into()).into()).inspect_err(|error| core.refused(error, 1));
        let ticket = appended.map(|appended| Ticket::new(appended, APPEND));
        let receipt = ticket.and_then(|ticket| match ticket.receipt() {
            Some(receipt) => receipt,
            None => core.wait_for(ticket),
        });
        receipt.map_err(|error| core.wait_for(core.explain(error)).during(APPEND))
    }

    /// Appends a record if the log's last record is then the expected one: judged after all earlier appends of this
    /// writer.
    ///
    /// # Errors
    /// As [`append`](Self::append); the ticket fails with `condition-failed`, which says what the last position is.
    pub async fn append_if(&self, record: impl Into<NewRecord>, condition: Condition) -> Result<Ticket> {
        let record = record.into();
        let appended = self.core().append((&record).into(), Some(condition)).await;
        self.appended(appended, 1, APPEND).await.map(|appended| Ticket::new(appended, APPEND))
    }

    /// Appends a record if the last txid that was accepted, and not refused since, is `after`.
    pub(crate) async fn append_after(&self, after: i64, record: NewRecord) -> Result<Ticket> {
        let appended = self.core().append_after(after, (&record).into()).await;
        self.appended(appended, 1, APPEND).await.map(|appended| Ticket::new(appended, APPEND))
    }

    /// The last txid that was accepted and not refused since.
    pub(crate) fn accepted_txid(&self) -> i64 {
        self.core().accepted_txid()
    }

    /// Appends a record if there is room now.
    ///
    /// # Errors
    /// `busy` if there is none; else as [`append`](Self::append).
    pub fn try_append(&self, record: impl Into<NewRecord>) -> Result<Ticket> {
        self.try_placed(&record.into(), None)
    }

    /// Appends a record if there is room now, and if the log's last record is then the expected one.
    ///
    /// # Errors
    /// `busy` if there is no room; else as [`append_if`](Self::append_if).
    pub fn try_append_if(&self, record: impl Into<NewRecord>, condition: Condition) -> Result<Ticket> {
        self.try_placed(&record.into(), Some(condition))
    }

    fn try_placed(&self, record: &NewRecord, condition: Option<Condition>) -> Result<Ticket> {
        let busy = || Error::busy("too much is in flight; wait for acknowledgements");
        let appended =
            self.core().try_append(record.into(), condition).and_then(|room| room.ok_or_else(busy));
        appended.map(|appended| Ticket::new(appended, "try_append")).map_err(|error| {
            self.core().refused(&error, 1);
            error.during("try_append")
        })
    }

    /// Waits until there is room for a record, which is not held: for callers that hand over records without waiting, such
    /// as those with [`try_append`](Self::try_append). A large record may still have to wait for more.
    ///
    /// # Errors
    /// What ended the writer.
    pub async fn ready(&self) -> Result<()> {
        self.explained(self.core().ready().await, "ready").await
    }

    /// Appends records that are all in the log, in consecutive slots, or none of them.
    ///
    /// # Errors
    /// As [`append_if`](Self::append_if); `too-large` if they take more than
    /// [`MAX_BATCH_BYTES`](crate::MAX_BATCH_BYTES) with 20 bytes for each header.
    pub async fn append_batch(
        &self,
        records: Vec<NewRecord>,
        condition: Option<Condition>,
    ) -> Result<BatchTicket> {
        let appended = self.core().append_batch(&records, condition).await;
        let operation = "append_batch";
        let (completion, txids) = self.appended(appended, records.len(), operation).await?;
        Ok(BatchTicket { completion, slot: 0, txids, waiter: None, operation })
    }

    /// Appends a record set: all of its members are in the log, in consecutive slots, or none. The ticket answers a receipt
    /// for each.
    ///
    /// # Errors
    /// As [`append_if`](Self::append_if).
    pub async fn append_record_set(
        &self,
        set: NewRecordSet,
        condition: Option<Condition>,
    ) -> Result<BatchTicket> {
        let appended = self.core().append_record_set(&set, condition).await;
        let members = usize::try_from(set.members).unwrap_or(usize::MAX);
        let operation = "append_record_set";
        let Appended { completion, slot, txid } = self.appended(appended, members, operation).await?;
        Ok(BatchTicket { completion, slot, txids: vec![txid; members], waiter: None, operation })
    }

    /// Waits until all appends that were called before are settled: those that have their tickets, and those that were polled and
    /// still wait for room. The latter have to go on meanwhile, as tasks of their own or joined with this: a future that
    /// nobody polls gets no ticket, and this would wait for it. Appends that are called later are not waited for, nor held up.
    ///
    /// # Errors
    /// What ended the writer; `storage-full` if the last of them was refused.
    pub async fn flush(&self) -> Result<()> {
        self.explained(self.core().flush().await, "flush").await
    }

    /// Truncates the log below `before`. If that lies in the segment being written, the segment is completed first.
    /// Answers the point in force: from then on no reader starts below it. Whole segments below are freed.
    ///
    /// # Errors
    /// What ended the writer.
    pub async fn truncate(&self, before: Dlsn) -> Result<Dlsn> {
        self.explained(self.core().truncate(before).await, "truncate").await
    }

    /// Ends the log for ever: what was appended before stays, every later append, of this or any other writer, fails with
    /// `sealed`.
    ///
    /// # Errors
    /// What ended the writer; `storage-full` if there is no space for the mark, and the log is not sealed.
    pub async fn seal(&self) -> Result<()> {
        self.explained(self.core().seal().await, "seal").await
    }

    /// Settles what was appended, completes the segment and lets the log go.
    ///
    /// # Errors
    /// What ended the writer; `timeout` if it took longer than
    /// [`close_timeout_ms`](crate::WriterOptions::close_timeout_ms): what was not acknowledged by then failed with
    /// `closed`.
    pub async fn close(&self) -> Result<()> {
        self.explained(self.core().close().await, "close").await
    }

    /// Ends the writer now: all that is not acknowledged fails with `closed`, and may be in the log or not.
    pub fn abort(&self) {
        self.core().abort();
    }

    /// The position of the log's last record, of those that are acknowledged; `None` if there is none.
    #[must_use]
    pub fn last_dlsn(&self) -> Option<Dlsn> {
        self.core().last().map(|last| last.dlsn)
    }

    /// The txid of the log's last record, of those that are acknowledged; `None` if there is none.
    #[must_use]
    pub fn last_txid(&self) -> Option<i64> {
        self.core().last().map(|last| last.txid)
    }

    /// Completes when the writer is cut off by another, or ends for any other reason, with the error that its calls then
    /// return.
    pub fn fenced(&self) -> impl Future<Output = Error> + Send + use<> {
        self.core().ended()
    }

    fn core(&self) -> &Arc<WriterCore> {
        &self.handle.core
    }

    /// What an append of so many records answered at the call.
    async fn appended<T>(&self, appended: Result<T>, records: usize, operation: &'static str) -> Result<T> {
        match appended {
            Ok(answer) => Ok(answer),
            Err(error) => {
                self.core().refused(&error, records);
                Err(self.core().explain(error).await.during(operation))
            }
        }
    }

    async fn explained<T>(&self, result: Result<T>, operation: &'static str) -> Result<T> {
        match result {
            Ok(answer) => Ok(answer),
            Err(error) => {
                let error = self.core().explain(error).await.during(operation);
                self.core().failed_call(&error);
                Err(error)
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.core.abort();
    }
}

/// What appends of one record are called in errors, whether they have a condition or block.
const APPEND: &str = "append";

/// Resolves with the receipt of one append, in append order. Dropping it changes nothing.
#[derive(Debug)]
#[must_use = "the append may fail; await the ticket, or flush the writer"]
pub struct Ticket {
    completion: Arc<EntryCompletion>,
    slot: u32,
    txid: i64,
    waiter: WaiterSlot,
    /// The call that it is of.
    operation: &'static str,
}

impl Ticket {
    fn new(appended: Appended, operation: &'static str) -> Self {
        let Appended { completion, slot, txid } = appended;
        Self { completion, slot, txid, waiter: None, operation }
    }

    /// The receipt, if the append is settled.
    fn receipt(&self) -> Option<Result<Receipt>> {
        self.completion.outcome().map(|outcome| self.answer(outcome))
    }

    fn answer(&self, outcome: &Result<Placed>) -> Result<Receipt> {
        match outcome {
            Ok(placed) => Ok(placed.receipt(self.slot, self.txid)),
            Err(error) => Err(error.clone().during(self.operation)),
        }
    }
}

impl Future for Ticket {
    type Output = Result<Receipt>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.completion.poll(&mut this.waiter, context).map(|outcome| this.answer(outcome))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.completion.forget(self.waiter);
    }
}

/// Resolves with the receipts of a batch or of the members of a record set, in its order. Dropping it changes nothing.
#[derive(Debug)]
#[must_use = "the append may fail; await the ticket, or flush the writer"]
pub struct BatchTicket {
    completion: Arc<EntryCompletion>,
    /// That of the first.
    slot: u32,
    txids: Vec<i64>,
    waiter: WaiterSlot,
    /// The call that it is of.
    operation: &'static str,
}

impl Future for BatchTicket {
    type Output = Result<Vec<Receipt>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.completion.poll(&mut this.waiter, context).map(|outcome| match outcome {
            Ok(placed) => {
                Ok((this.slot..).zip(&this.txids).map(|(slot, txid)| placed.receipt(slot, *txid)).collect())
            }
            Err(error) => Err(error.clone().during(this.operation)),
        })
    }
}

impl Drop for BatchTicket {
    fn drop(&mut self) {
        self.completion.forget(self.waiter);
    }
}
