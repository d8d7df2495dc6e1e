//! A writer as its handles, its keeper and the segment store share it.

mod append;
mod append_many;
mod source;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, oneshot, watch};

use super::pipeline::{Effects, Flush, Pipeline};
use super::room::Usage;
use crate::engine::layout::LogPaths;
use crate::engine::lock::Leaving;
use crate::engine::open::LastRecord;
use crate::engine::{Engine, guard, layout};
use crate::error::{Error, ErrorKind, Result};
use crate::store::SegmentWriter;
use crate::types::{Compression, Dlsn, LogName};

pub(in crate::engine::writer) use self::source::Source;

/// See the module.
pub(crate) struct WriterCore {
    engine: Arc<Engine>,
    log: LogName,
    compression: Compression,
    state: Mutex<State>,
    /// Tells the keeper to look.
    nudge: Notify,
    /// The error with which the writer ended.
    ended: watch::Sender<Option<Error>>,
}

pub(super) struct State {
    pub(super) pipeline: Pipeline,
    /// The writing end of the pipeline's segment.
    pub(super) store: Option<Arc<dyn SegmentWriter>>,
    pub(super) commands: VecDeque<Command>,
    /// Whether the writer ended by being closed, with everything acknowledged.
    pub(super) closed: bool,
    /// From when the writer was aborted until its keeper let the log go.
    leaving: Option<Leaving>,
}

/// What the keeper is asked to do.
pub(super) enum Command {
    Truncate(Dlsn, Reply<Dlsn>),
    Seal(Reply<()>),
    Close(Reply<()>),
}

pub(super) type Reply<T> = oneshot::Sender<Result<T>>;

impl WriterCore {
    pub(super) fn new(
        engine: Arc<Engine>,
        log: LogName,
        compression: Compression,
        pipeline: Pipeline,
    ) -> Self {
        let state = State { pipeline, store: None, commands: VecDeque::new(), closed: false, leaving: None };
        Self {
            engine,
            log,
            compression,
            state: Mutex::new(state),
            nudge: Notify::new(),
            ended: watch::Sender::new(None),
        }
    }

    /// The last txid that was accepted and not refused since.
    pub(crate) fn accepted_txid(&self) -> i64 {
        self.state(|state| state.pipeline.accepted_txid())
    }

    /// Waits until everything that was appended before is settled, what waits for room too.
    pub(crate) async fn flush(&self) -> Result<()> {
        let newest = match self.change(|state, _| state.pipeline.flush())? {
            Flush::Of(newest) => newest,
            Flush::InLine(told) => match told.await {
                Ok(Some(newest)) => Some(newest),
                // Nothing waits any more: all is settled, or the writer failed.
                Ok(None) => return self.state(|state| state.pipeline.failed().cloned().map_or(Ok(()), Err)),
                // A waker of somebody else panicked before this flush was told.
                Err(_) => return Err(Error::internal("what a flush waits for was not told")),
            },
        };
        let Some(newest) = newest else { return Ok(()) };
        match newest.wait().await {
            // Settled without a place, and so is what came before: its own ticket says so.
            Err(error) if error.kind() != ErrorKind::ConditionFailed => Err(error),
            _ => Ok(()),
        }
    }

    /// See [`crate::Writer::truncate`].
    pub(crate) async fn truncate(&self, before: Dlsn) -> Result<Dlsn> {
        self.ask(|reply| Command::Truncate(before, reply)).await
    }

    /// See [`crate::Writer::seal`].
    pub(crate) async fn seal(&self) -> Result<()> {
        self.ask(Command::Seal).await
    }

    /// See [`crate::Writer::close`].
    pub(crate) async fn close(&self) -> Result<()> {
        if self.state(|state| state.closed) {
            return Ok(());
        }
        match self.ask(Command::Close).await {
            // Another call closed it meanwhile.
            Err(_) if self.state(|state| state.closed) => Ok(()),
            closed => closed,
        }
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.change(|state, effects| {
            if let Some(error) = state.pipeline.failed() {
                return Err(error.clone());
            }
            state.commands.push_back(command(reply));
            effects.nudge = true;
            Ok(())
        })?;
        match answer.await {
            Ok(result) => result,
            // The writer ended first.
            Err(_) => Err(self.ended().await),
        }
    }

    /// Settles everything at once with `closed`.
    pub(crate) fn abort(&self) {
        self.change(|state, _| {
            if state.pipeline.failed().is_none() {
                state.leaving = Some(self.engine.releases.begin(&LogPaths::new(&self.log).lock()));
            }
        });
        self.fail(Error::closed("the writer was aborted; open a new one to go on"));
    }

    pub(crate) fn last(&self) -> Option<LastRecord> {
        self.state(|state| state.pipeline.last())
    }

    /// Waits until the writer is cut off, fails, or is closed.
    pub(crate) fn ended(&self) -> impl Future<Output = Error> + Send + use<> {
        let mut ended = self.ended.subscribe();
        async move {
            match ended.wait_for(Option::is_some).await {
                Ok(error) => error.clone().unwrap_or_else(dropped),
                Err(_) => dropped(),
            }
        }
    }

    /// What is appended and not settled.
    pub(crate) fn in_flight(&self) -> Usage {
        self.state(|state| state.pipeline.in_flight())
    }

    /// Counts an append that was refused at the call.
    pub(crate) fn refused(&self, error: &Error, records: usize) {
        self.engine.telemetry.metrics.append_refused.add(error.kind(), records as u64);
    }

    /// Counts a call that failed.
    pub(crate) fn failed_call(&self, error: &Error) {
        self.engine.telemetry.failed(error);
    }

    pub(crate) fn log(&self) -> &LogName {
        &self.log
    }

    /// What the caller of a failed call is told: which log it was, and a writer that was cut off by whoever deleted its log finds
    /// no log.
    pub(crate) async fn explain(&self, error: Error) -> Error {
        let error = error.with("log", &self.log);
        if error.kind() != ErrorKind::Fenced {
            return error;
        }
        match layout::exists(&*self.engine.stores.metadata, &self.log).await {
            Ok(false) => layout::no_log(&self.log),
            Ok(true) | Err(_) => error,
        }
    }

    /// Changes the state, then does what the change asks for.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State, &mut Effects) -> T) -> T {
        let mut effects = Effects::default();
        let mut state = guard(&self.state);
        let answer = change(&mut state, &mut effects);
        let store = state.store.as_ref().filter(|_| effects.wake_store).cloned();
        drop(state);
        // First of all: a waker is foreign code, and a flush that is told nothing does not know what it waits for.
        for (flush, newest) in effects.flushes {
            // Its caller may have given it up.
            let _unheard = flush.send(newest);
        }
        if let Some(waker) = self.engine.budget.leave(&mut effects.left_budget) {
            waker.wake();
        }
        if effects.released_bytes > 0
            && let Some(waker) = self.engine.budget.give_back(effects.released_bytes)
        {
            waker.wake();
        }
        effects.wakers.into_iter().for_each(std::task::Waker::wake);
        match store {
            Some(store) if effects.work_here => store.wake_and_work(),
            Some(store) => store.wake(),
            None => {}
        }
        if effects.nudge {
            self.nudge.notify_one();
        }
        answer
    }

    /// Looks at the state.
    pub(super) fn state<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&guard(&self.state))
    }

    /// Waits until there may be something to look at.
    pub(super) async fn nudged(&self) {
        self.nudge.notified().await;
    }

    /// Settles everything with this error, unless the writer failed before.
    pub(super) fn fail(&self, error: Error) {
        // Whatever the cause: no call on this writer will ever succeed.
        let error = error.retry(false);
        let store = self.change(|state, effects| {
            state.pipeline.fail(error.clone(), effects);
            state.store.take()
        });
        self.ended.send_if_modified(|ended| {
            let first = ended.is_none();
            ended.get_or_insert(error);
            first
        });
        // Outside the lock: the store may be calling its source.
        drop(store);
    }

    /// Says that the log was let go.
    pub(super) fn let_go(&self) {
        self.change(|state, _| state.leaving = None);
    }

    /// The error with which the writer failed.
    pub(super) fn failure(&self) -> Error {
        self.state(|state| state.pipeline.failed().cloned()).unwrap_or_else(dropped)
    }
}

fn dropped() -> Error {
    Error::closed("the writer is gone; open a new one to go on")
}
