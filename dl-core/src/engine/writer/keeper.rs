//! The task beside each open writer: it starts, rolls and completes segments and watches the lock.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::lock::CUT_OFF;
use crate::engine::open::{last_record, take_over};
use crate::engine::ownership::{Ownership, Refused};
use crate::engine::{Engine, layout, log_options, truncate};
use crate::error::{Error, ErrorKind, Result};
use crate::options::WriterOptions;
use crate::seams::BoxFuture;
use crate::store::{SegmentWriter, Visibility};
use crate::telemetry::WRITER_FENCED;
use crate::types::{Dlsn, LogName};

use super::core::{Command, Reply, Source, WriterCore};
use super::current::Current;
use super::hooks::Hooks;
use super::pipeline::{Pipeline, Settings};
use super::room::Usage;
use super::sweeper::Sweeper;

/// How long a roll that found no space waits before it tries again.
const ROLL_AGAIN: Duration = Duration::from_secs(1);
/// How long to ask who the new owner is before failing without its name.
const ASK_OWNER: Duration = Duration::from_secs(1);

/// Takes the log over and opens a writer on it.
pub(crate) async fn open(
    engine: &Arc<Engine>,
    log: &LogName,
    options: &WriterOptions,
    hooks: Option<Arc<dyn Hooks>>,
) -> Result<Arc<WriterCore>> {
    let own = take_over(engine, log, options.takeover).await?;
    let last = last_record(&own).await?;
    let kept = log_options::for_writer(log_options::read(&*engine.stores.metadata, log).await?, options);
    let saturated = |number| usize::try_from(number).unwrap_or(usize::MAX);
    let settings = Settings {
        room: Usage {
            records: saturated(options.in_flight_records),
            bytes: saturated(options.in_flight_bytes),
        },
        roll_bytes: kept.roll_bytes,
        durability: engine.stores.segments.durability(),
        publish: engine.stores.segments.visibility() == Visibility::AtNextEntry,
        stop_when_full: options.stop_when_full,
        hooks: hooks.clone(),
        telemetry: engine.telemetry.clone(),
        log: log.clone(),
    };
    let sealed = own.is_sealed();
    let floor = if sealed { 0 } else { own.max_txid() };
    let pipeline = Pipeline::new(settings, last, floor);
    let core = Arc::new(WriterCore::new(engine.clone(), log.clone(), kept.compression, pipeline));
    if sealed {
        core.change(|state, effects| state.pipeline.refuse_new(sealed_error(log), effects));
    }
    let keeper = Keeper {
        core: core.clone(),
        own,
        hooks,
        open: None,
        roll_after: Duration::from_millis(kept.roll_ms),
        roll_not_before: Duration::ZERO,
        sweeper: Sweeper::new(engine, &kept),
        close_timeout: Duration::from_millis(options.close_timeout_ms),
        sealed,
    };
    let alive = (engine.keepers.enter(), engine.writers.enter(&core), Gone(core.clone()));
    engine.seams.tasks.spawn(Box::pin(async move {
        keeper.run().await;
        drop(alive);
    }));
    Ok(core)
}

/// Says that the keeper is gone, also one that could not wind up.
struct Gone(Arc<WriterCore>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.let_go();
    }
}

struct Keeper {
    core: Arc<WriterCore>,
    own: Ownership,
    hooks: Option<Arc<dyn Hooks>>,
    /// The segment that is being written.
    open: Option<OpenSegment>,
    /// The age at which a segment is rolled.
    roll_after: Duration,
    /// When a roll may be tried, after one that found no space.
    roll_not_before: Duration,
    /// Frees old segments beside all else.
    sweeper: Sweeper,
    close_timeout: Duration,
    sealed: bool,
}

#[derive(Clone)]
struct OpenSegment {
    number: i64,
    first_txid: i64,
    store: Arc<dyn SegmentWriter>,
    started: Duration,
}

/// What is to be done next.
enum Job {
    End,
    Start,
    Roll,
    Run(Command),
    Wait,
}

/// How the keeper's work ended.
enum End {
    Failed(Error),
    Closed(Reply<()>, Result<()>),
}

impl Keeper {
    async fn run(mut self) {
        let closing = self.own.engine.closing.clone();
        let lost = self.own.lock.lost();
        let end = tokio::select! {
            biased;
            () = closing.closed() => End::Failed(closing.error()),
            error = lost => End::Failed(error),
            end = self.work() => end,
        };
        Box::pin(self.wind_up(end)).await;
    }

    /// Settles what is left and lets the log go; a segment that is open is left to recovery.
    async fn wind_up(self, end: End) {
        let (error, reply) = match end {
            End::Failed(error) => (explain(&self.own, error).await, None),
            End::Closed(reply, result) => {
                let closed = Error::closed("the writer was closed; open a new one to go on");
                (closed.with("log", &self.own.log), Some((reply, result)))
            }
        };
        let core = self.core;
        core.change(|state, _| state.closed = matches!(reply, Some((_, Ok(())))));
        if error.kind() == ErrorKind::Fenced {
            fenced(&self.own, &error);
        }
        core.fail(error);
        drop(self.open);
        // If it cannot be released, the next writer takes it by force, or finds it gone with this process.
        let _best_effort = self.own.lock.release().await;
        if let Some((reply, result)) = reply {
            // The caller may have gone.
            let _unheard = reply.send(result);
        }
        // Whoever asked for more gets the failure.
        core.change(|state, _| std::mem::take(&mut state.commands));
    }

    /// Does one job after another until the writer ends.
    async fn work(&mut self) -> End {
        loop {
            let end = match self.next_job() {
                Job::Wait => {
                    self.wait().await;
                    continue;
                }
                // On the heap: a writer that rests takes little room.
                job => Box::pin(self.run_job(job)).await,
            };
            match end {
                Ok(None) => {}
                Ok(Some(end)) => return end,
                Err(error) => return End::Failed(error),
            }
        }
    }

    async fn run_job(&mut self, job: Job) -> Result<Option<End>> {
        match job {
            Job::End => return Ok(Some(End::Failed(self.cause()))),
            Job::Start => self.start().await?,
            Job::Roll => self.roll().await?,
            Job::Run(Command::Close(reply)) => {
                return match self.close().await {
                    Err(error) if error.kind() != ErrorKind::Timeout => Err(error),
                    result => Ok(Some(End::Closed(reply, result))),
                };
            }
            Job::Run(Command::Seal(reply)) => answer(reply, self.seal().await)?,
            Job::Run(Command::Truncate(before, reply)) => answer(reply, self.truncate(before).await)?,
            Job::Wait => {}
        }
        Ok(None)
    }

    fn next_job(&self) -> Job {
        let may_roll = self.now() >= self.roll_not_before;
        let old = self.open.as_ref().is_some_and(|open| self.now() >= open.started + self.roll_after);
        self.core.change(|state, _| {
            let pipeline = &state.pipeline;
            let written = pipeline.segment().is_some_and(|segment| !segment.is_empty());
            if pipeline.broken().is_some() {
                Job::End
            } else if let Some(command) = state.commands.pop_front() {
                Job::Run(command)
            } else if pipeline.needs_segment() {
                Job::Start
            } else if may_roll && (pipeline.needs_roll() || (old && written)) {
                Job::Roll
            } else {
                Job::Wait
            }
        })
    }

    /// Waits for a nudge, or until the segment may be rolled. Meanwhile old segments are freed.
    async fn wait(&mut self) {
        let now = self.now();
        self.sweeper.look(&self.own);
        let full = self.core.state(|state| state.pipeline.needs_roll());
        let timer: Option<BoxFuture<'static, ()>> = self.open.as_mut().map(|open| {
            if now >= open.started + self.roll_after {
                // Nothing was written to it: its age counts from the first record.
                open.started = now;
            }
            let due = if full { self.roll_not_before } else { open.started + self.roll_after };
            self.own.engine.seams.clock.sleep(due.saturating_sub(now))
        });
        let timer = async {
            match timer {
                None => std::future::pending().await,
                Some(timer) => timer.await,
            }
        };
        tokio::select! {
            biased;
            () = self.core.nudged() => {}
            () = self.sweeper.run() => {}
            () = timer => {}
        }
    }

    /// Starts a segment for the records that wait.
    async fn start(&mut self) -> Result<()> {
        let waiting = self.core.change(|state, effects| state.pipeline.first_waiting_txid(effects));
        let Some(first_txid) = waiting else { return Ok(()) };
        let first_sequence_id = self.own.next_sequence_id()?;
        match self.begin(|_| first_txid).await {
            Ok(segment) => self.install(segment, first_sequence_id),
            Err(error) if is_refusal(&error) => {
                self.core.change(|state, effects| state.pipeline.refuse_queue(&error, effects));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Goes on with a new segment. The old one gets what is appended until the new one is made, and is completed while
    /// the new one is being written.
    async fn roll(&mut self) -> Result<()> {
        let Some(old) = self.open.clone() else { return Ok(()) };
        let began = self.now();
        let idle = self.core.state(|state| state.pipeline.newest_pending().is_none());
        if idle {
            self.finish().await?;
            self.rolled(began);
            return Ok(());
        }
        let begun = self.begin(|core| core.change(|state, _| state.pipeline.cut())).await;
        let new = match begun {
            Ok(new) => new,
            Err(error) if is_refusal(&error) => {
                self.roll_not_before = self.now() + ROLL_AGAIN;
                self.core.change(|state, effects| state.pipeline.uncut(effects));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let end = self.drained().await?;
        self.install(new, end.next_sequence_id());
        self.complete(old, &end).await?;
        self.rolled(began);
        Ok(())
    }

    fn rolled(&self, began: Duration) {
        self.own.engine.telemetry.metrics.roll.record_time(self.now().saturating_sub(began));
    }

    /// Completes the segment, if one is open, and leaves none.
    async fn finish(&mut self) -> Result<()> {
        let Some(open) = self.open.clone() else { return Ok(()) };
        self.core.change(|state, _| state.pipeline.cut());
        let end = self.drained().await?;
        self.open = None;
        self.core.change(|state, _| state.store.take());
        self.complete(open, &end).await?;
        // Only now may another one be started.
        self.core.change(|_, effects| effects.nudge = true);
        Ok(())
    }

    /// Makes a segment and starts it, with the txid that is asked for between the two.
    async fn begin(&mut self, first_txid: impl FnOnce(&WriterCore) -> i64) -> Result<OpenSegment> {
        let segments = self.own.engine.stores.segments.clone();
        let number = self.own.next_number()?.get();
        let allocation = segments.allocate(&self.own.paths.root(), &[self.own.lock.check()]).await?;
        let store = segments.create(allocation.id, Source::new(&self.core, number)).await;
        let store = store.map_err(|error| error.in_segment(number))?;
        let first_txid = first_txid(&self.core);
        committed(self.own.start(allocation, first_txid).await?)?;
        // There is room again.
        self.roll_not_before = Duration::ZERO;
        Ok(OpenSegment { number, first_txid, store, started: self.now() })
    }

    fn install(&mut self, segment: OpenSegment, first_sequence_id: i64) {
        let opening = self.hooks.as_ref().and_then(|hooks| hooks.segment_starts(segment.number));
        let current = Current::new(segment.number, segment.first_txid, first_sequence_id, opening);
        self.core.change(|state, effects| {
            if state.pipeline.failed().is_none() {
                state.store = Some(segment.store.clone());
                state.pipeline.install(current, effects);
            }
        });
        self.open = Some(segment);
    }

    /// Waits until the segment that was cut got all it gets, and takes it out of the pipeline.
    async fn drained(&mut self) -> Result<Current> {
        loop {
            let end = self.core.change(|state, _| match state.pipeline.broken() {
                Some(error) => Err(error.clone()),
                None if state.pipeline.is_drained() => Ok(state.pipeline.uninstall()),
                None => Ok(None),
            })?;
            match end {
                Some(end) => return Ok(end),
                None => self.core.nudged().await,
            }
        }
    }

    async fn complete(&mut self, segment: OpenSegment, end: &Current) -> Result<()> {
        let closed = segment.store.close().await.map_err(|error| error.in_segment(segment.number))?;
        committed(self.own.complete(end.content(), closed.complete_ops).await?)?;
        self.sweeper.look_soon();
        Ok(())
    }

    async fn truncate(&mut self, before: Dlsn) -> Result<Result<Dlsn>> {
        if self.open.as_ref().is_some_and(|open| before > Dlsn::new(open.number, 0, 0)) {
            self.finish().await?;
        }
        // Two that free the same segments would get into each other's way.
        self.sweeper.finish().await;
        let lock = Some(self.own.lock.check());
        match truncate::truncate(&self.own.engine, &self.own.log, None, before, lock).await {
            Err(error) if error.kind() == ErrorKind::Fenced => Err(error),
            result => Ok(result),
        }
    }

    /// Writes the end of the stream behind everything and completes the segment.
    async fn seal(&mut self) -> Result<Result<()>> {
        if self.sealed {
            return Ok(Ok(()));
        }
        let end = self.core.change(|state, effects| {
            state.pipeline.refuse_new(sealed_error(&self.own.log), effects);
            state.pipeline.append_end_of_stream(effects)
        })?;
        self.finish_all().await?;
        let placed = end.wait().await.map(drop);
        if placed.is_ok() {
            self.sealed = true;
        } else {
            // There was no space for it.
            self.core.change(|state, _| state.pipeline.accept_new());
        }
        Ok(placed)
    }

    /// Settles all that was appended and completes the segment, within the time limit.
    async fn close(&mut self) -> Result<()> {
        let closing = Error::closed("the writer is being closed; open a new one to go on");
        self.core.change(|state, effects| state.pipeline.refuse_new(closing, effects));
        let mut timeout = self.own.engine.seams.clock.sleep(self.close_timeout);
        let within = format!("the writer was not closed within {} ms", self.close_timeout.as_millis());
        tokio::select! {
            biased;
            result = self.finish_all() => result?,
            () = &mut timeout => {
                return Err(Error::timeout(within).with("log", self.core.log()).maybe_effective());
            }
        }
        tokio::select! {
            biased;
            () = self.sweeper.wind_up(&self.own) => {}
            // The next writer frees what is left.
            () = timeout => {}
        }
        Ok(())
    }

    async fn finish_all(&mut self) -> Result<()> {
        if self.core.state(|state| state.pipeline.needs_segment()) {
            self.start().await?;
        }
        self.finish().await
    }

    /// Why the writer ends.
    fn cause(&self) -> Error {
        self.core.state(|state| state.pipeline.broken().cloned()).unwrap_or_else(|| self.core.failure())
    }

    fn now(&self) -> Duration {
        self.own.engine.seams.clock.monotonic()
    }
}

/// Finds out what an error means: who cut the writer off, or that the log was deleted.
async fn explain(own: &Ownership, error: Error) -> Error {
    if !matches!(error.kind(), ErrorKind::Fenced | ErrorKind::NotFound) {
        return error.with("log", &own.log);
    }
    let metadata = &*own.engine.stores.metadata;
    let find_out = async {
        match layout::exists(metadata, &own.log).await {
            Ok(false) => layout::no_log(&own.log),
            Ok(true) | Err(_) => {
                let fenced = Error::fenced(CUT_OFF).with("log", &own.log);
                match metadata.lock_owner(&own.paths.lock()).await {
                    Ok(Some(owner)) => fenced.with("owner", owner),
                    Ok(None) | Err(_) => fenced,
                }
            }
        }
    };
    tokio::select! {
        biased;
        error = find_out => error,
        () = own.engine.seams.clock.sleep(ASK_OWNER) => error.with("log", &own.log),
    }
}

/// Counts and tells that the writer was cut off.
fn fenced(own: &Ownership, error: &Error) {
    own.engine.telemetry.metrics.writers_fenced.add(1);
    own.engine.telemetry.tell(WRITER_FENCED, "another writer took the log", |event| event.caused_by(error));
}

/// Answers a command, unless an error ends the writer: then whoever asked gets that error, once all is known about it.
fn answer<T>(reply: Reply<T>, result: Result<Result<T>>) -> Result<()> {
    let answer = result?;
    // The caller may have gone.
    let _unheard = reply.send(answer);
    Ok(())
}

/// Whether an error says that there was no room, so that nothing was done.
fn is_refusal(error: &Error) -> bool {
    let refusal = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
    refusal && !error.may_have_taken_effect()
}

/// # Errors
/// `fenced` if another writer acted.
fn committed<T>(outcome: std::result::Result<T, Refused>) -> Result<T> {
    outcome.map_err(|_| Error::fenced(CUT_OFF))
}

fn sealed_error(log: &LogName) -> Error {
    Error::sealed("the log was sealed: it accepts no more records, ever").with("log", log)
}
