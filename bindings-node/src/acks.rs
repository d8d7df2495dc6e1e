//! The appends of one writer on their way: first in line for room, then waiting for their acknowledgements.
//!
//! Two tasks, so that appends get their places in the order of the calls and their promises are settled in that order
//! too. One task for each append would cost more and promise less. The second one goes on where it is woken if it has little to do.

use std::future::{Future, poll_fn, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use dl_core::{BatchTicket, Error, ManyTicket, Result, Ticket};
use napi::bindgen_prelude::BigInt64Array;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::columns::{self, RECEIPT};
use crate::error::{NativeError, cancelled};
use crate::on_the_spot::{Load, OnTheSpot};
use crate::runtime;
use crate::settler::{Call, Settler};

/// What an append that found room waits for.
pub(crate) enum Tickets {
    /// One record.
    One(Ticket),
    /// All or nothing.
    Batch(BatchTicket),
    /// Records one behind the other, those first that had room at once, and what stopped the rest of them.
    Many(Vec<ManyTicket>, Option<Error>),
    /// No append: the rest of a call that is told behind those that were called before it.
    Rest(Rest),
    /// No append: there is room for one, and that is told at once.
    Room,
}

/// See [`Tickets::Rest`].
type Rest = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

impl Tickets {
    /// Begins a call, and answers its rest.
    pub(crate) async fn of(call: impl Future<Output = Result<()>> + Send + 'static) -> Result<Self> {
        let mut rest: Rest = Box::pin(call);
        let begun = poll_fn(|context| Poll::Ready(rest.as_mut().poll(context))).await;
        Ok(Self::Rest(match begun {
            Poll::Ready(answer) => Box::pin(ready(answer)),
            Poll::Pending => rest,
        }))
    }

    /// Whether it is little work to settle it.
    fn are_little(tickets: &Result<Self>) -> bool {
        matches!(tickets, Ok(Self::One(_)) | Err(_))
    }
}

/// An append that waits for room.
type Placing = Pin<Box<dyn Future<Output = Result<Tickets>> + Send>>;

/// See the module.
pub(crate) struct Acks {
    settler: Settler,
    /// Appends in front of which others wait for room.
    line: UnboundedSender<(Call, Placing)>,
    /// How many of those there are.
    waiting: Arc<AtomicUsize>,
    placed: Placed,
}

/// Where appends go that have their places, or were refused.
#[derive(Clone)]
struct Placed {
    settler: Settler,
    line: UnboundedSender<(Call, Result<Tickets>)>,
    load: Load,
}

impl Placed {
    fn send(&self, call: Call, tickets: Result<Tickets>) {
        self.load.add(Tickets::are_little(&tickets));
        if matches!(tickets, Ok(Tickets::One(_))) {
            self.settler.append_began();
        }
        if self.line.send((call, tickets)).is_err() {
            self.settler.settle::<()>(call, Err(gone()));
        }
    }
}

impl Acks {
    pub(crate) fn new(settler: &Settler) -> Self {
        let (line, in_line) = unbounded_channel();
        let (sender, tickets) = unbounded_channel();
        let placed = Placed { settler: settler.clone(), line: sender, load: Load::default() };
        let waiting = Arc::new(AtomicUsize::new(0));
        settler.spawn(place(settler.clone(), in_line, placed.clone(), waiting.clone()));
        OnTheSpot::spawn(placed.load.clone(), settle(settler.clone(), tickets, placed.load.clone()));
        Self { settler: settler.clone(), line, waiting, placed }
    }

    /// Has an append take its place behind those before it: now, if nothing is in its way.
    pub(crate) fn append(&self, call: Call, placing: impl Future<Output = Result<Tickets>> + Send + 'static) {
        let mut placing: Placing = Box::pin(placing);
        if !self.somebody_waits() {
            let _entered = runtime::made().enter();
            if let Poll::Ready(tickets) = placing.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                self.placed(call, tickets);
                return;
            }
        }
        self.stand_in_line(call, placing);
    }

    /// Begins a call now, as the core does, though appends that were called before may wait for room; tells of it behind these.
    pub(crate) fn begin(&self, call: Call, future: impl Future<Output = Result<()>> + Send + 'static) {
        let mut begun: Placing = Box::pin(Tickets::of(future));
        let _entered = runtime::made().enter();
        match begun.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(rest) => self.append(call, ready(rest)),
            Poll::Pending => self.append(call, begun),
        }
    }

    /// Waits for room behind those who do.
    pub(crate) fn wait_for_room(&self, call: Call, room: impl Future<Output = Result<()>> + Send + 'static) {
        if self.somebody_waits() {
            self.stand_in_line(call, Box::pin(async move { room.await.map(|()| Tickets::Room) }));
        } else {
            self.settler.start(call, room);
        }
    }

    /// Whether an append that was called before has no place yet.
    pub(crate) fn somebody_waits(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    fn stand_in_line(&self, call: Call, placing: Placing) {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let given_up = self.settler.cancel_by(call);
        let placing = Box::pin(async move {
            tokio::select! {
                // One that was given up before it had a place gets none.
                biased;
                _ = given_up => Err(cancelled()),
                tickets = placing => tickets,
            }
        });
        if self.line.send((call, placing)).is_err() {
            self.settler.settle::<()>(call, Err(gone()));
        }
    }

    /// An append that has its place, or was refused.
    pub(crate) fn placed(&self, call: Call, tickets: Result<Tickets>) {
        self.placed.send(call, tickets);
    }
}

/// Places those that wait for room, one after another.
async fn place(
    settler: Settler,
    mut line: UnboundedReceiver<(Call, Placing)>,
    placed: Placed,
    waiting: Arc<AtomicUsize>,
) {
    while let Some((call, placing)) = line.recv().await {
        let tickets = placing.await;
        settler.forget(call);
        if let Ok(Tickets::Room) = tickets {
            // In front of the telling: whoever hears of it finds nobody in line.
            waiting.fetch_sub(1, Ordering::AcqRel);
            settler.settle(call, Ok(()));
            continue;
        }
        placed.send(call, tickets);
        // Behind the sending: whoever finds nobody in line may then overtake nobody.
        waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Settles appends in the order of their places.
async fn settle(settler: Settler, mut placed: UnboundedReceiver<(Call, Result<Tickets>)>, load: Load) {
    while let Some((call, tickets)) = placed.recv().await {
        let little = Tickets::are_little(&tickets);
        match tickets {
            Err(error) => settler.settle::<()>(call, Err(error)),
            Ok(Tickets::One(ticket)) => {
                match ticket.await {
                    Ok(receipt) => settler.acknowledge(call, &receipt),
                    Err(error) => settler.settle::<()>(call, Err(error)),
                }
                settler.append_ended();
            }
            Ok(Tickets::Batch(ticket)) => {
                settler.settle(call, ticket.await.map(|receipts| columns::receipts(&receipts)));
            }
            Ok(Tickets::Many(tickets, refused)) => many(&settler, call, tickets, refused).await,
            Ok(Tickets::Rest(rest)) => settler.settle(call, rest.await),
            Ok(Tickets::Room) => settler.settle(call, Ok(())),
        }
        load.remove(little);
    }
}

/// Settles records that were appended one behind the other: with the first error, which also says how far it went. Receipts behind it
/// would tell of some record, but not of which.
async fn many(settler: &Settler, call: Call, tickets: Vec<ManyTicket>, refused: Option<Error>) {
    let mut receipts = Vec::with_capacity(RECEIPT * tickets.iter().map(ManyTicket::len).sum::<usize>());
    let mut failed = None;
    for ticket in tickets {
        for settled in ticket.await.iter() {
            match settled {
                Ok(receipt) if failed.is_none() => columns::receipt(&receipt, &mut receipts),
                Ok(_) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
    }
    let receipts = BigInt64Array::new(receipts);
    match failed.or(refused) {
        None => settler.settle(call, Ok(receipts)),
        Some(error) => settler.fail(call, NativeError { receipts: Some(receipts), ..error.into() }),
    }
}

fn gone() -> Error {
    Error::new(dl_core::ErrorKind::Closed, "the writer is gone; open a new one to go on")
}
