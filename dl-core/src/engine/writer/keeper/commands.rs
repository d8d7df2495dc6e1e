//! What the user of a writer asks of its keeper. Where a result is in another, an error of the outer one ends the writer;
//! one of the inner only fails the command.

use super::Keeper;
use crate::engine::truncate;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Dlsn, LogName};

impl Keeper {
    /// Truncates the log; the segment that is being written is completed first if the new start lies in it.
    pub(super) async fn truncate(&mut self, before: Dlsn) -> Result<Result<Dlsn>> {
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
    pub(super) async fn seal(&mut self) -> Result<Result<()>> {
        if self.sealed {
            return Ok(Ok(()));
        }
        let end = self.core.change(|state, effects| {
            state.pipeline.refuse_for_now(sealed_error(&self.own.log), effects);
            state.pipeline.append_end_of_stream(effects)
        })?;
        self.finish_all().await?;
        let placed = end.wait().await.map(drop);
        if placed.is_ok() {
            self.sealed = true;
            self.core.change(|state, effects| {
                state.pipeline.refuse_new(sealed_error(&self.own.log), effects);
            });
        } else {
            // There was no space for it. Whoever stood in line and did not look has its place still.
            self.core.change(|state, _| state.pipeline.accept_new());
        }
        Ok(placed)
    }

    /// Settles all that was appended and completes the segment, within the time limit.
    pub(super) async fn close(&mut self) -> Result<()> {
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
}

/// What appends to a sealed log get.
pub(super) fn sealed_error(log: &LogName) -> Error {
    Error::sealed("the log was sealed: it accepts no more records, ever").with("log", log)
}
