//! Writing a ledger.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};

use super::cluster::Cluster;
use super::ticket::{Ticket, abandoned};
use super::watching;
use crate::cluster::Versioned;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::{Access, Writer, WriterOutput, entry_id, last_of};
use crate::metadata::LedgerState;
use crate::types::{EntryId, LedgerId};

/// Hears how the entries of a ledger end. Called one at a time, in order, on the tasks of connections: it must not block.
pub trait WriterEvents: Send + Sync + 'static {
    /// The entries up to and with this one are acknowledged.
    fn acknowledged(&self, last: EntryId);

    /// The entries from this one on are not acknowledged and never will be; the writer takes no more. Said once, also when
    /// no entry was on its way.
    fn failed(&self, from: EntryId, error: &Error);
}

/// The writer of a ledger: of each there is one for its whole life.
///
/// Entries are acknowledged in the order in which they were appended, each when an ack quorum of bookies has synced it.
/// After an error everything fails, and the ledger is to be recovered. Dropping the writer leaves the ledger as it is, for
/// recovery: entries on their way may or may not be in it then.
pub struct LedgerWriter(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) cluster: Arc<Cluster>,
    pub(super) access: Arc<Access>,
    state: Mutex<State>,
    /// Wakes the task that watches clock and metadata.
    pub(super) alarm: Arc<Notify>,
    /// Wakes those who wait for room, or for entries to be settled, or for the close.
    progress: Notify,
    events: Option<Arc<dyn WriterEvents>>,
}

struct State {
    machine: Writer,
    /// Whether someone is doing what the machine says. One at a time, so that acknowledgements stay in order.
    acting: bool,
    /// One for each entry that is not settled; `None` where nobody waits.
    tickets: VecDeque<Option<oneshot::Sender<Result<EntryId>>>>,
    acknowledged: u64,
    failure: Option<Error>,
    forces: BTreeMap<u64, oneshot::Sender<Result<()>>>,
    closed: Option<Result<u64>>,
    alarm_ms: Option<u64>,
}

impl LedgerWriter {
    pub(super) fn start(
        cluster: Arc<Cluster>,
        access: Arc<Access>,
        known: Versioned,
        events: Option<Arc<dyn WriterEvents>>,
    ) -> Result<Self> {
        let watch = cluster.store.watch(access.id())?;
        let (options, placement) = (cluster.options.writer.clone(), cluster.placement.clone());
        let machine = Writer::new(access.clone(), known, options, placement)?;
        let state = State {
            machine,
            acting: false,
            tickets: VecDeque::new(),
            acknowledged: 0,
            failure: None,
            forces: BTreeMap::new(),
            closed: None,
            alarm_ms: None,
        };
        let shared = Arc::new(Shared {
            cluster,
            access,
            state: Mutex::new(state),
            alarm: Arc::new(Notify::new()),
            progress: Notify::new(),
            events,
        });
        let task = watching::watch(watching::Watcher::of(&shared), watch, shared.alarm.clone());
        shared.cluster.seams.tasks.spawn(Box::pin(task));
        Ok(Self(shared))
    }

    /// The ledger.
    #[must_use]
    pub fn id(&self) -> LedgerId {
        self.0.access.id()
    }

    /// The last acknowledged entry.
    #[must_use]
    pub fn last_acknowledged(&self) -> Option<EntryId> {
        last_of(self.0.state().acknowledged)
    }

    /// Waits for room and appends an entry. The ticket completes when the entry is acknowledged.
    ///
    /// Entries get their ids in the order in which these calls complete. Dropping the call before it completes appends
    /// nothing.
    ///
    /// # Errors
    /// The error that ended the writer, if one did.
    pub async fn append(&self, payload: Bytes) -> Result<Ticket> {
        loop {
            let progress = self.0.progress.notified();
            tokio::pin!(progress);
            progress.as_mut().enable();
            match self.try_append(payload.clone()) {
                Err(error) if error.kind() == ErrorKind::Busy => progress.await,
                result => return result,
            }
        }
    }

    /// Appends an entry if there is room for it.
    ///
    /// # Errors
    /// `busy` if there is not. The error that ended the writer, if one did.
    pub fn try_append(&self, payload: Bytes) -> Result<Ticket> {
        let (sender, receiver) = oneshot::channel();
        self.0.append(payload, Some(sender))?;
        Ok(Ticket(receiver))
    }

    /// Appends an entry whose end only the [`WriterEvents`] hear of.
    ///
    /// # Errors
    /// As [`try_append`](Self::try_append).
    pub fn append_quietly(&self, payload: Bytes) -> Result<EntryId> {
        self.0.append(payload, None)
    }

    /// Tells the bookies how far the ledger is confirmed, so that readers see its last entry before there is another.
    pub fn publish(&self) {
        self.0.input(Writer::publish);
    }

    /// Makes durable what was acknowledged before its sync, on all bookies.
    ///
    /// # Errors
    /// Those of the bookies, or the error that ended the writer.
    pub async fn force(&self) -> Result<()> {
        let (sender, receiver) = oneshot::channel();
        self.0.input_in(|state| {
            let force = state.machine.force()?;
            state.forces.insert(force, sender);
            Ok::<(), Error>(())
        })?;
        receiver.await.unwrap_or_else(|_| Err(abandoned()))
    }

    /// Waits until every entry that was appended is acknowledged.
    ///
    /// # Errors
    /// The error that ended the writer, if one did.
    pub async fn flush(&self) -> Result<()> {
        self.0
            .wait_for(|state| match &state.failure {
                _ if state.tickets.is_empty() && state.failure.is_none() => Some(Ok(())),
                Some(error) => Some(Err(error.clone())),
                None => None,
            })
            .await
    }

    /// Asks the metadata store whether the ledger is still open for this writer, for who may have slept through a recovery of
    /// which the bookies remember nothing, and waits until it answers.
    ///
    /// # Errors
    /// The error that ended the writer: `ledger-fenced` if a recovery has begun, `no-such-ledger` if the ledger was deleted. That of
    /// the store, if asking again would not help.
    pub async fn confirm(&self) -> Result<()> {
        let found = loop {
            if let Some(error) = self.0.state().failure.clone() {
                return Err(error);
            }
            match self.0.cluster.store.read(self.id()).await {
                Ok(found) => break found,
                Err(error) if !error.is_retryable() => return Err(error.of_ledger(self.id())),
                Err(_) => self.0.cluster.seams.clock.sleep(watching::RETRY).await,
            }
        };
        let open = found.as_ref().is_some_and(|found| found.metadata.state == LedgerState::Open);
        self.0.input(|machine| machine.observe(found));
        // If it is not open, that was a recovery or the writer's own close, which is being told.
        let ended = |state: &State| match (&state.failure, &state.closed) {
            (Some(error), _) => Some(Err(error.clone())),
            (None, Some(closed)) => Some(closed.clone().map(drop)),
            (None, None) => open.then_some(Ok(())),
        };
        self.0.wait_for(ended).await
    }

    /// Waits until every entry is acknowledged and closes the ledger behind the last one, which it answers. The writer takes
    /// no more.
    ///
    /// # Errors
    /// The error that ended the writer; `ledger-fenced` if a recovery closed the ledger elsewhere.
    pub async fn close(&self) -> Result<Option<EntryId>> {
        self.flush().await?;
        self.0.input(Writer::close);
        let entries = self.0.wait_for(|state| state.closed.clone()).await?;
        Ok(last_of(entries))
    }
}

impl Drop for LedgerWriter {
    fn drop(&mut self) {
        self.0.input(|machine| machine.abandon(abandoned()));
        self.0.alarm.notify_one();
    }
}

impl Shared {
    /// Gives the machine something and does what it then says.
    pub(super) fn input(self: &Arc<Self>, input: impl FnOnce(&mut Writer)) {
        self.input_in(|state| input(&mut state.machine));
    }

    /// When the machine wants to be told the time, and whether it has ended.
    pub(super) fn alarm_ms(&self) -> (Option<u64>, bool) {
        let mut state = self.state();
        state.alarm_ms = state.machine.next_tick_ms();
        (state.alarm_ms, state.machine.has_ended())
    }

    fn append(
        self: &Arc<Self>,
        payload: Bytes,
        ticket: Option<oneshot::Sender<Result<EntryId>>>,
    ) -> Result<EntryId> {
        self.input_in(|state| {
            let entry = state.machine.append(payload)?;
            state.tickets.push_back(ticket);
            Ok(entry_id(entry))
        })
    }

    fn input_in<T>(self: &Arc<Self>, input: impl FnOnce(&mut State) -> T) -> T {
        let now_ms = self.cluster.now_ms();
        let mut state = self.state();
        state.machine.tick(now_ms);
        let result = input(&mut state);
        let act = !std::mem::replace(&mut state.acting, true);
        drop(state);
        if act {
            self.act();
        }
        result
    }

    /// Does what the machine says until it has nothing more to say. Answers that come meanwhile, also from the calls made
    /// here, are seen to in the same run.
    fn act(self: &Arc<Self>) {
        loop {
            let mut state = self.state();
            let Some(output) = state.machine.poll() else {
                state.acting = false;
                let next = state.machine.next_tick_ms();
                if next.is_some() && (state.alarm_ms.is_none() || next < state.alarm_ms) {
                    state.alarm_ms = next;
                    self.alarm.notify_one();
                }
                return;
            };
            self.do_one(state, output);
        }
    }

    fn do_one(self: &Arc<Self>, mut state: MutexGuard<'_, State>, output: WriterOutput) {
        match output {
            WriterOutput::Send { to, token, request } => {
                drop(state);
                let shared = self.clone();
                let done = move |answer| shared.input(|machine| machine.answer(token, answer));
                self.cluster.transport.submit(&to, &request, Box::new(done));
            }
            WriterOutput::Metadata(call) => {
                drop(state);
                let asked = watching::Asked::new(self.clone());
                self.cluster.seams.tasks.spawn(Box::pin(asked.ask(call)));
            }
            WriterOutput::Acknowledged { entries } => self.acknowledged(state, entries),
            WriterOutput::Failed { from, error } => self.failed(state, from, error),
            WriterOutput::Published { .. } => {}
            WriterOutput::Forced { force, result } => {
                let waiting = state.forces.remove(&force);
                drop(state);
                // Nobody waits if the call was dropped.
                waiting.map(|waiting| waiting.send(result));
            }
            WriterOutput::Closed(result) => {
                state.closed = Some(result);
                drop(state);
                self.progress.notify_waiters();
            }
        }
    }

    fn acknowledged(&self, mut state: MutexGuard<'_, State>, entries: u64) {
        let first = std::mem::replace(&mut state.acknowledged, entries);
        let count = usize::try_from(entries - first).unwrap_or(usize::MAX).min(state.tickets.len());
        let settled: Vec<_> = state.tickets.drain(..count).collect();
        drop(state);
        if let Some(events) = &self.events {
            events.acknowledged(entry_id(entries - 1));
        }
        for (entry, ticket) in (first..).zip(settled) {
            // Nobody waits if the ticket was dropped.
            ticket.map(|ticket| ticket.send(Ok(entry_id(entry))));
        }
        self.progress.notify_waiters();
    }

    fn failed(&self, mut state: MutexGuard<'_, State>, from: u64, error: Error) {
        let first_time = state.failure.is_none();
        let settled = std::mem::take(&mut state.tickets);
        let error = error.of_ledger(self.access.id());
        state.failure.get_or_insert_with(|| error.clone());
        drop(state);
        if let Some(events) = self.events.as_ref().filter(|_| first_time) {
            events.failed(entry_id(from), &error);
        }
        for ticket in settled.into_iter().flatten() {
            // Nobody waits if the ticket was dropped. An entry on its way may be found by a recovery.
            let _dropped = ticket.send(Err(error.clone().maybe_effective()));
        }
        self.progress.notify_waiters();
    }

    #[cfg(test)]
    pub(super) async fn wait_until_failed(&self) {
        self.wait_for(|state| state.failure.clone()).await;
    }

    async fn wait_for<T>(&self, found: impl Fn(&State) -> Option<T>) -> T {
        loop {
            let progress = self.progress.notified();
            tokio::pin!(progress);
            progress.as_mut().enable();
            if let Some(found) = found(&self.state()) {
                return found;
            }
            progress.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in there is a bug of ours; whoever comes next may as well be answered.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
