//! What changes in a namespace and in a log, told as it happens, with no timer.
//!
//! A watch says that something changed, not what: so a watcher looks again and tells what is different from what it
//! told. Many changes between two looks are one look.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::error::Result;
use crate::metadata::Watch;
use crate::types::LogName;

use super::layout::{LogPaths, ROOT_NAME};
use super::queries::{self, SegmentInfo};
use super::{Engine, layout, listing};

/// Names that are asked for at once.
const PAGE: usize = 1_000;

/// What happened to the logs below a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogChange {
    /// This log is there: from the beginning, or it was made since.
    Created(LogName),
    /// This log is gone. One that was deleted and made anew is told as gone, then as there.
    Deleted(LogName),
    /// All that were there when the watching began have been told. Comes once.
    Listed,
}

/// Tells of the logs below a prefix: first of those that are there, then of each that comes or goes, by whatever process.
///
/// It remembers the names it told, and nothing else: changes that undo each other before it looks are not told, and
/// none makes it grow. To look costs as much as to list these logs.
pub struct LogWatcher {
    engine: Arc<Engine>,
    prefix: String,
    /// The logs that were told, or are about to be, with their incarnations.
    known: BTreeMap<LogName, u64>,
    changes: VecDeque<LogChange>,
    listed: bool,
    watch: Looking,
}

/// Tells of the segments of a log: first what is there, then what is there after each change.
pub struct SegmentWatcher {
    engine: Arc<Engine>,
    log: LogName,
    incarnation: Option<u64>,
    told: Option<Vec<SegmentInfo>>,
    watch: Looking,
}

/// A watch, and whether it is known that there is something to look at.
struct Looking {
    watch: Watch,
    due: bool,
}

impl LogWatcher {
    pub(crate) fn new(engine: &Arc<Engine>, prefix: &str) -> Result<Self> {
        let prefix = LogName::prefix(prefix)?;
        let watch = engine.stores.metadata.watch_below(&format!("/{prefix}"), ROOT_NAME)?;
        Ok(Self {
            engine: engine.clone(),
            prefix: prefix.to_owned(),
            known: BTreeMap::new(),
            changes: VecDeque::new(),
            listed: false,
            watch: Looking { watch, due: true },
        })
    }

    /// The next change; waits for one. Dropping this future loses none.
    ///
    /// # Errors
    /// `closed` when the namespace is; otherwise as any call that has to look. The watcher stays usable.
    pub async fn next(&mut self) -> Result<LogChange> {
        let closing = self.engine.closing.clone();
        closing.guard(self.change()).await.map_err(|error| error.during("next"))
    }

    async fn change(&mut self) -> Result<LogChange> {
        loop {
            if let Some(change) = self.changes.pop_front() {
                return Ok(change);
            }
            self.watch.wait().await;
            self.look().await?;
            self.watch.due = false;
        }
    }

    async fn look(&mut self) -> Result<()> {
        let mut now: BTreeMap<LogName, u64> = BTreeMap::new();
        loop {
            let after = now.last_key_value().map(|(name, _)| name);
            let page = listing::list(&*self.engine.stores.metadata, &self.prefix, after, PAGE).await?;
            let last = page.len() < PAGE;
            now.extend(page.into_iter().map(|log| (log.name, log.incarnation)));
            if last {
                break;
            }
        }
        let gone = self.known.iter().filter(|(name, incarnation)| now.get(*name) != Some(*incarnation));
        self.changes.extend(gone.map(|(name, _)| LogChange::Deleted(name.clone())));
        let come = now.iter().filter(|(name, incarnation)| self.known.get(*name) != Some(*incarnation));
        self.changes.extend(come.map(|(name, _)| LogChange::Created(name.clone())));
        if !self.listed {
            self.changes.push_back(LogChange::Listed);
        }
        self.listed = true;
        self.known = now;
        Ok(())
    }
}

impl SegmentWatcher {
    pub(crate) fn new(engine: &Arc<Engine>, log: &LogName, incarnation: Option<u64>) -> Result<Self> {
        let watch = engine.stores.metadata.watch(&LogPaths::new(log).ledgers())?;
        let watch = Looking { watch, due: true };
        Ok(Self { engine: engine.clone(), log: log.clone(), incarnation, told: None, watch })
    }

    /// The segments of the log, oldest first: at first those that are there, then waits until they are different from
    /// what it answered last: one was begun, completed, truncated or freed. Dropping this future loses nothing.
    ///
    /// # Errors
    /// `not-found` when there is no such log, or no longer; `closed` when the namespace is.
    pub async fn next(&mut self) -> Result<Vec<SegmentInfo>> {
        let closing = self.engine.closing.clone();
        closing.guard(self.change()).await.map_err(|error| error.during("next"))
    }

    async fn change(&mut self) -> Result<Vec<SegmentInfo>> {
        loop {
            self.watch.wait().await;
            let now = queries::segments(&self.engine, &self.log).await?;
            layout::require_same(&*self.engine.stores.metadata, &self.log, self.incarnation).await?;
            self.watch.due = false;
            if self.told.as_ref() != Some(&now) {
                return Ok(self.told.insert(now).clone());
            }
        }
    }
}

impl Looking {
    /// Completes when there may be something new, and again until it was looked at.
    async fn wait(&mut self) {
        if !self.due {
            self.watch.changed().await;
            self.due = true;
        }
    }
}
