//! What the owner of a log may change in its metadata, and how it stays the only one.
//!
//! Every change is one commit that checks the owner's lock node and carries the versions that it last saw of the nodes
//! it changes. So whoever lost the lock, or was overtaken without knowing, changes nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::format::END_OF_STREAM_TXID;
use crate::metadata::{
    Completed, Node, Op, Outcome, SegmentMetadata, Version, completed_name, in_progress_name,
};
use crate::store::Allocation;
use crate::types::{LogName, SegmentId, SegmentNumber};

use super::Engine;
use super::layout::{LogPaths, Number, number_data, require};
use super::lock::HeldLock;
use super::segments::{Segment, SegmentList};

/// A log whose lock is held, with the state of its metadata.
pub(crate) struct Ownership {
    pub(crate) engine: Arc<Engine>,
    pub(crate) log: LogName,
    pub(crate) paths: LogPaths,
    pub(crate) lock: HeldLock,
    pub(crate) known: Known,
}

/// What its owner knows of a log, and nobody else changes.
pub(crate) struct Known {
    /// Number of the newest segment ever started.
    ledgers: Number,
    max_txid: Number,
    allocation: Node,
    /// The newest completed segment.
    newest_completed: Option<SegmentMetadata>,
    /// The segments in progress with their nodes, oldest first.
    in_progress: VecDeque<Segment>,
}

/// Why a commit did not go through.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The lock is gone.
    Lock,
    /// Something else than what was known is there: another writer changed it.
    Changed,
}

/// What completion says of a segment's records. By default, that there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Content {
    /// The number of user records.
    pub(crate) records: u32,
    /// The txid of the last record; of no meaning if there is none.
    pub(crate) last_txid: i64,
    /// Entry and slot of the last record that counts, if there is one.
    pub(crate) last: Option<(i64, i64)>,
}

impl Ownership {
    /// Reads the state of the log. Its versions are read before the list, so that a change in between is noticed by
    /// the next commit.
    pub(crate) async fn read(
        engine: &Arc<Engine>,
        log: &LogName,
        paths: &LogPaths,
    ) -> Result<(Known, SegmentList)> {
        let metadata = &*engine.stores.metadata;
        let number = async |path: String| {
            let node = require(metadata, log, &path).await?;
            Number::parse(&node, log, &path)
        };
        let ledgers = number(paths.ledgers()).await?;
        let allocation = require(metadata, log, &paths.allocation()).await?;
        let max_txid = number(paths.max_txid()).await?;
        let list = SegmentList::read(metadata, log).await?;
        let known = Known {
            ledgers,
            max_txid,
            allocation,
            newest_completed: list.newest_completed().map(|segment| segment.metadata.clone()),
            in_progress: list.in_progress().cloned().collect(),
        };
        Ok((known, list))
    }

    /// Applies the operations if the lock is held; answers the versions of their nodes.
    pub(crate) async fn commit(&self, ops: Vec<Op>) -> Result<std::result::Result<Vec<Version>, Refused>> {
        let mut checked = Vec::with_capacity(ops.len() + 1);
        checked.push(self.lock.check());
        checked.extend(ops);
        match self.engine.stores.metadata.commit(&checked).await? {
            Outcome::Committed(mut versions) => {
                versions.remove(0);
                Ok(Ok(versions))
            }
            Outcome::Refused(refusal) if refusal.index == 0 => Ok(Err(Refused::Lock)),
            Outcome::Refused(_) => Ok(Err(Refused::Changed)),
        }
    }

    /// Writes `ledgers` and `allocation` back as they are. An earlier owner that holds their versions can then
    /// neither start nor complete a segment.
    pub(crate) async fn claim(&mut self) -> Result<std::result::Result<(), Refused>> {
        let known = &self.known;
        let ops = vec![
            Op::set(self.paths.ledgers(), number_data(known.ledgers.value), known.ledgers.version),
            Op::set(self.paths.allocation(), known.allocation.data.clone(), known.allocation.version),
        ];
        let versions = match self.commit(ops).await? {
            Ok(versions) => versions,
            Err(refused) => return Ok(Err(refused)),
        };
        if let [ledgers, allocation] = versions[..] {
            self.known.ledgers.version = ledgers;
            self.known.allocation.version = allocation;
        }
        Ok(Ok(()))
    }

    /// Makes a segment part of the log, in progress.
    pub(crate) async fn start(
        &mut self,
        allocation: Allocation,
        first_txid: i64,
    ) -> Result<std::result::Result<(), Refused>> {
        let number = self.next_number()?.get();
        let metadata = SegmentMetadata::in_progress(number, allocation.id, first_txid, 0);
        let node = in_progress_name(number);
        let mut ops = allocation.start_ops;
        let before = ops.len();
        ops.push(Op::create(self.paths.segment(&node), metadata.to_string()));
        ops.push(Op::set(self.paths.ledgers(), number_data(number), self.known.ledgers.version));
        let versions = match self.commit(ops).await? {
            Ok(versions) => versions,
            Err(refused) => return Ok(Err(refused)),
        };
        self.engine.telemetry.metrics.segments_started.add(1);
        if let Some(&[version, ledgers]) = versions.get(before..) {
            self.known.ledgers = Number { value: number, version: ledgers };
            self.known.in_progress.push_back(Segment { node, version, metadata });
        }
        Ok(Ok(()))
    }

    /// Completes the oldest segment in progress.
    pub(crate) async fn complete(
        &mut self,
        content: Content,
        complete_ops: Vec<Op>,
    ) -> Result<std::result::Result<(), Refused>> {
        let segment = self
            .known
            .in_progress
            .front()
            .ok_or_else(|| Error::internal("there is no segment to complete").with("log", &self.log))?
            .clone();
        let completed = self.completed(&segment.metadata, content)?;
        let known = &self.known;
        let number = segment.metadata.number;
        let ledgers = known.ledgers.value.max(number);
        let last_txid = completed.completed.map_or(0, |completed| completed.last_txid);
        let max_txid = known.max_txid.value.max(last_txid);
        let mut ops = vec![
            Op::create(self.paths.segment(&completed_name(number)), completed.to_string()),
            Op::delete(self.paths.segment(&segment.node), segment.version),
            Op::set(self.paths.ledgers(), number_data(ledgers), known.ledgers.version),
            Op::set(self.paths.max_txid(), number_data(max_txid), known.max_txid.version),
        ];
        ops.extend(complete_ops);
        let versions = match self.commit(ops).await? {
            Ok(versions) => versions,
            Err(refused) => return Ok(Err(refused)),
        };
        if let [_, _, ledgers_version, max_txid_version, ..] = versions[..] {
            self.known.ledgers = Number { value: ledgers, version: ledgers_version };
            self.known.max_txid = Number { value: max_txid, version: max_txid_version };
        }
        self.engine.telemetry.metrics.segments_completed.add(1);
        self.known.in_progress.pop_front();
        self.known.newest_completed = Some(completed);
        Ok(Ok(()))
    }

    fn completed(&self, segment: &SegmentMetadata, content: Content) -> Result<SegmentMetadata> {
        let mut completed = segment.clone();
        if completed.version >= SegmentMetadata::CURRENT_VERSION {
            completed.start_sequence_id =
                SegmentMetadata::sequence_id_after(self.known.newest_completed.as_ref())?;
        }
        let (last_entry, last_slot) = content.last.unwrap_or((-1, -1));
        if content.last.is_none() {
            // It must not claim a txid that no record has.
            completed.first_txid = self.max_txid();
        }
        completed.completed = Some(Completed {
            last_txid: content.last.map_or(self.max_txid(), |_| content.last_txid),
            completed_ms: self.engine.seams.clock.wall_ms(),
            records: content.records,
            last_entry,
            last_slot,
        });
        Ok(completed)
    }

    /// The number of the next segment: numbers are never used twice.
    pub(crate) fn next_number(&self) -> Result<SegmentNumber> {
        let newest = self.known.in_progress.back().map(|segment| segment.metadata.number);
        let newest = newest.or(self.known.newest_completed.as_ref().map(|segment| segment.number));
        let ledgers = self.known.ledgers.value;
        // The oldest ones that Java wrote have no number.
        let Some(newest) = newest.filter(|number| *number > 0) else {
            let first = self.engine.stores.segments.first_number();
            // Before the namespace was told to begin later, Java may have deleted the only segment, an empty one.
            let gone = SegmentNumber::FIRST.get();
            return if [0, gone, first.get() - 1, first.get()].contains(&ledgers) {
                Ok(first)
            } else {
                Err(self.misfit(ledgers, 0))
            };
        };
        // A segment that Java found empty was deleted, and its number is used again.
        let next = newest.saturating_add(1);
        if ledgers != newest && ledgers != next {
            return Err(self.misfit(ledgers, newest));
        }
        SegmentNumber::new(next).map_err(|_| {
            let message = "the log has used the last number of a segment; copy it to another log";
            Error::new(ErrorKind::Unsupported, message).with("log", &self.log)
        })
    }

    fn misfit(&self, ledgers: i64, newest: i64) -> Error {
        Error::corrupt("the number of the newest segment does not fit the list of segments")
            .with("log", &self.log)
            .with("ledgers", ledgers)
            .with("newest", newest)
    }

    /// The segment id that an earlier owner was given and never used.
    ///
    /// # Errors
    /// `corrupt` if its node holds something else.
    pub(crate) fn given_out(&self) -> Result<Vec<SegmentId>> {
        let node = &self.known.allocation;
        if node.data.is_empty() {
            return Ok(Vec::new());
        }
        let path = self.paths.allocation();
        let id = SegmentId::new(Number::parse(node, &self.log, &path)?.value).map_err(|error| {
            Error::corrupt("the node for new segments holds no segment id")
                .with("log", &self.log)
                .with("node", path)
                .caused_by(error)
        })?;
        Ok(vec![id])
    }

    /// The oldest segment in progress.
    pub(crate) fn oldest_in_progress(&self) -> Option<&SegmentMetadata> {
        self.known.in_progress.front().map(|segment| &segment.metadata)
    }

    /// The sequence id that the next record gets, hugely negative where Java did not count; all segments are
    /// completed.
    pub(crate) fn next_sequence_id(&self) -> Result<i64> {
        SegmentMetadata::sequence_id_after(self.known.newest_completed.as_ref())
    }

    /// The largest txid of completed segments; no smaller one may follow.
    pub(crate) fn max_txid(&self) -> i64 {
        self.known.max_txid.value
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.known.max_txid.value == END_OF_STREAM_TXID
    }
}
