//! The segments of a log, as its metadata lists them.

use crate::error::{Error, Result};
use crate::format::END_OF_STREAM_TXID;
use crate::metadata::{MetadataStore, SegmentMetadata, Truncation, Version};
use crate::types::{Dlsn, LogName};

use super::layout::{self, LogPaths};

/// How often a list that changes while it is read, or seems to have a gap, is read again.
const ATTEMPTS: usize = 20;

/// A segment and its node.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    /// The name of its node.
    pub(crate) node: String,
    /// The version its node was read in.
    pub(crate) version: Version,
    pub(crate) metadata: SegmentMetadata,
}

/// The segments of a log in order: numbered without a gap (those that Java wrote without a number come first).
#[derive(Debug, Clone, Default)]
pub(crate) struct SegmentList(Vec<Segment>);

impl SegmentList {
    /// Reads the list.
    ///
    /// # Errors
    /// `not-found` if the log does not exist; `corrupt` if a segment in the middle is missing.
    pub(crate) async fn read(metadata: &dyn MetadataStore, log: &LogName) -> Result<Self> {
        let paths = LogPaths::new(log);
        let mut problem = None;
        for _ in 0..ATTEMPTS {
            let children = metadata.children(&paths.ledgers()).await?.ok_or_else(|| layout::no_log(log))?;
            let mut segments = Vec::with_capacity(children.len());
            for child in &children {
                let path = paths.segment(&child.name);
                // A node that is gone was completed or purged since it was listed.
                let Some(node) = metadata.get(&path).await? else { break };
                let metadata = SegmentMetadata::parse(&node.data)
                    .map_err(|error| error.with("log", log).with("node", &path))?;
                segments.push(Segment { node: child.name.clone(), version: node.version, metadata });
            }
            if segments.len() < children.len() {
                continue;
            }
            segments.sort_by_key(|segment| segment.metadata.sort_key());
            match gap(&segments) {
                None => return Ok(Self(segments)),
                // It was seen twice in a row: it is not due to a change.
                found if found == problem => break,
                found => problem = found,
            }
        }
        Err(match problem {
            Some(number) => {
                Error::corrupt("the list of segments has a gap: a segment that once was there is missing")
                    .with("segment", number)
            }
            None => Error::unavailable("the list of segments changes too fast to be read; try again"),
        }
        .with("log", log))
    }

    /// Reads the list of this incarnation of a log; of any, without one.
    ///
    /// # Errors
    /// As [`read`](Self::read); `not-found` if the log is another by now.
    pub(crate) async fn read_of(
        metadata: &dyn MetadataStore,
        log: &LogName,
        incarnation: Option<u64>,
    ) -> Result<Self> {
        let list = Self::read(metadata, log).await?;
        // Behind the list: if the log is the same now, what was read was its.
        layout::require_same(metadata, log, incarnation).await?;
        Ok(list)
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Segment> {
        self.0.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn newest_completed(&self) -> Option<&Segment> {
        self.0.iter().rev().find(|segment| segment.metadata.is_completed())
    }

    pub(crate) fn in_progress(&self) -> impl Iterator<Item = &Segment> {
        self.0.iter().filter(|segment| !segment.metadata.is_completed())
    }

    /// Whether the newest segment ends the log for ever.
    pub(crate) fn is_sealed(&self) -> bool {
        let completed = self.0.last().and_then(|segment| segment.metadata.completed);
        completed.is_some_and(|completed| completed.last_txid == END_OF_STREAM_TXID)
    }

    /// The segments that still have readable records, or may get some.
    pub(crate) fn readable(&self) -> &[Segment] {
        let truncated = |segment: &Segment| segment.metadata.truncation == Truncation::Truncated;
        let start = self.0.iter().position(|segment| !truncated(segment)).unwrap_or(self.0.len());
        &self.0[start..]
    }

    /// The position, or the start of a later segment if no record lies between.
    pub(crate) fn past_ends(&self, mut position: Dlsn) -> Dlsn {
        for segment in self.iter().map(|segment| &segment.metadata) {
            // Of the oldest ones that Java wrote, the metadata does not know the last record.
            let known =
                segment.number == position.segment() && segment.is_completed() && segment.version >= 2;
            if known && segment.last_dlsn().is_none_or(|last| last < position) {
                position = Dlsn::new(segment.number.saturating_add(1), 0, 0);
            }
        }
        position
    }

    /// The segment in front of this one, if it is listed.
    pub(crate) fn before(&self, number: i64) -> Option<&Segment> {
        self.0.iter().rev().find(|segment| segment.metadata.number < number)
    }

    /// The segment behind this one, if it is listed.
    pub(crate) fn after(&self, number: i64) -> Option<&Segment> {
        self.0.iter().find(|segment| segment.metadata.number > number)
    }

    /// The point of truncation in force: no record below it is read.
    pub(crate) fn first_readable(&self) -> Dlsn {
        match (self.readable().first(), self.0.last()) {
            (Some(segment), _) => segment.first_readable(),
            (None, Some(last)) => Dlsn::new(last.metadata.number.saturating_add(1), 0, 0),
            (None, None) => Dlsn::FIRST,
        }
    }

    /// The sequence id of the first record of this segment, hugely negative where Java did not count; `None` while
    /// a segment in front of it is in progress.
    pub(crate) fn first_sequence_id(&self, segment: &SegmentMetadata) -> Option<i64> {
        if segment.is_completed() || segment.version < SegmentMetadata::CURRENT_VERSION {
            return Some(segment.first_sequence_id());
        }
        let previous = self.before(segment.number).map(|previous| &previous.metadata);
        SegmentMetadata::sequence_id_after(previous).ok()
    }
}

impl Segment {
    /// Its first record that was not truncated.
    pub(crate) fn first_readable(&self) -> Dlsn {
        match self.metadata.truncation {
            Truncation::Partial => self.metadata.min_active_dlsn(),
            _ => self.metadata.first_dlsn(),
        }
    }
}

/// The number that should be in the list and is not, or is in it twice.
fn gap(segments: &[Segment]) -> Option<i64> {
    let mut pairs = segments.iter().zip(segments.iter().skip(1));
    pairs.find_map(|(segment, next)| {
        let (number, following) = (segment.metadata.number, next.metadata.number);
        let numbered = segment.metadata.version >= 2 && next.metadata.version >= 2;
        (numbered && number.checked_add(1) != Some(following)).then(|| number.saturating_add(1))
    })
}
