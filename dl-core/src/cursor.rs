//! A cursor of a log.

use crate::engine::cursor::CursorCore;
use crate::error::Result;
use crate::types::{CursorName, Dlsn};

/// A named place in a log: the last record that somebody has processed. Kept durably with the log, in the encoding of
/// DistributedLog's subscribers, for all processes. Cheap to clone.
///
/// A reader with the option [`cursor`](crate::ReaderOptions::cursor) starts behind it. Who moves it forward after each
/// record was processed gets every record at least once: after a crash, those behind the last move come again.
///
/// A handle belongs to the log as it was when the handle was made. If the log is deleted, its cursors are gone, and every
/// call is `not-found`, also when a log of the same name was made since. A log that is renamed keeps its cursors; open
/// them again under the new name.
///
/// While a locked reader has the cursor, only that reader's handle ([`Reader::cursor`](crate::Reader::cursor)) changes it:
/// every other is `locked`, and that one is `fenced` once the reader lost its lock.
///
/// Truncation and retention do not wait for cursors. Who truncates behind one truncates before its position, not behind it:
/// then what follows it is always readable.
#[derive(Clone)]
pub struct Cursor {
    core: CursorCore,
}

impl Cursor {
    pub(crate) fn new(core: CursorCore) -> Self {
        Self { core }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &CursorName {
        self.core.name()
    }

    /// The record that was processed last; `None` if the cursor was never moved, or there is none of this name.
    ///
    /// # Errors
    /// `not-found` if the log is gone; `corrupt` if something else than a position is stored.
    pub async fn position(&self) -> Result<Option<Dlsn>> {
        self.call("position", self.core.position()).await
    }

    /// Moves it forward to the record that was processed last, and makes it if there is none. Answers the position in
    /// force, which is durable. That is a later one if the cursor stands there already: it is never moved back, whatever
    /// other processes do at the same time. So a call can be repeated, and who was overtaken has lost nothing.
    ///
    /// Whether there is a record at the position is not checked: one behind the end of the log skips every record to
    /// come up to it.
    ///
    /// Dropping this future leaves the cursor moved or not.
    ///
    /// # Errors
    /// `locked` if a locked reader has the cursor; `fenced` if this is the handle of one that lost its lock; `not-found`
    /// if the log is gone.
    pub async fn advance(&self, to: Dlsn) -> Result<Dlsn> {
        self.call("advance", self.core.advance(to)).await
    }

    /// Moves it to this position, also back, and makes it if there is none.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub async fn reset(&self, to: Dlsn) -> Result<()> {
        self.call("reset", self.core.reset(to)).await
    }

    /// Removes it. Moving it later makes it anew.
    ///
    /// # Errors
    /// `not-found` if there is none; `locked` while a locked reader has it, this one's included.
    pub async fn delete(&self) -> Result<()> {
        self.call("delete", self.core.delete()).await
    }

    async fn call<T>(&self, operation: &'static str, call: impl Future<Output = Result<T>>) -> Result<T> {
        self.core.engine().call(operation, call).await
    }
}
