//! The task beside each open writer: it starts, rolls and completes segments and watches the lock.
//!
//! What is to be done next, and how it all ends, is here; how it is done in [`turnover`] and [`commands`].

mod commands;
mod cut_off;
mod turnover;

use std::sync::Arc;
use std::time::Duration;

use crate::engine::open::{last_record, take_over};
use crate::engine::ownership::Ownership;
use crate::engine::{Engine, log_options};
use crate::error::{Error, ErrorKind, Result};
use crate::options::WriterOptions;
use crate::seams::BoxFuture;
use crate::store::{Replication, Visibility};
use crate::types::LogName;

use super::core::{Command, Reply, WriterCore};
use super::hooks::Hooks;
use super::pipeline::{Pipeline, Settings};
use super::room::Usage;
use super::sweeper::Sweeper;
use commands::sealed_error;
use turnover::OpenSegment;

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
        replication: Replication {
            ensemble: kept.ensemble_size,
            write_quorum: kept.write_quorum,
            ack_quorum: kept.ack_quorum,
        },
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
    /// How many copies its segments get.
    replication: Replication,
    /// Frees old segments beside all else.
    sweeper: Sweeper,
    close_timeout: Duration,
    sealed: bool,
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
            End::Failed(error) => (cut_off::explain(&self.own, error).await, None),
            End::Closed(reply, result) => {
                let closed = Error::closed("the writer was closed; open a new one to go on");
                (closed.with("log", &self.own.log), Some((reply, result)))
            }
        };
        let core = self.core;
        core.change(|state, _| state.closed = matches!(reply, Some((_, Ok(())))));
        if error.kind() == ErrorKind::Fenced {
            cut_off::fenced(&self.own, &error);
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

    /// Why the writer ends.
    fn cause(&self) -> Error {
        self.core.state(|state| state.pipeline.broken().cloned()).unwrap_or_else(|| self.core.failure())
    }

    fn now(&self) -> Duration {
        self.own.engine.seams.clock.monotonic()
    }
}

/// Answers a command, unless an error ends the writer: then whoever asked gets that error, once all is known about it.
fn answer<T>(reply: Reply<T>, result: Result<Result<T>>) -> Result<()> {
    let answer = result?;
    // The caller may have gone.
    let _unheard = reply.send(answer);
    Ok(())
}
