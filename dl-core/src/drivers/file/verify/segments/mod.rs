//! Every segment file: each checksum up to the committed length, truncated ones that are kept included.
//!
//! Files and segments are held against one another in [`unmatched`], and a file is gone through in [`walk`]; here it is
//! decided how far a segment goes, and what is said of what was found.

mod unmatched;
mod walk;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use super::{Pass, Trouble, is_zero, read_through, used_to};
use crate::drivers::file::catalog::SegmentState;
use crate::drivers::file::frame::FRAME_BYTES;
use crate::drivers::file::io;
use crate::drivers::file::segment::{FIRST_OFFSET, HEAD_BYTES, Segment};
use crate::error::{ErrorKind, Result};
use crate::seams::File;
use crate::store::Unfinished;
use crate::types::{Finding, SegmentId, Severity, Subject};
use walk::{Extent, Walked};

impl Pass<'_> {
    /// Reads the segments that are wanted, and looks for files that no segment is known for.
    pub(super) fn segments(&mut self, wanted: Option<&BTreeSet<SegmentId>>) -> Result<()> {
        let is_wanted = |id: &SegmentId| wanted.is_none_or(|wanted| wanted.contains(id));
        for id in self.files_of_segments()? {
            if !self.catalog.contains_key(&id) && wanted.is_none() {
                let path = self.layout.segment(id);
                if let Err(error) = self.orphan(id) {
                    self.unreadable(error, Subject::Segment, &path)?;
                }
            }
        }
        let known: Vec<_> = self.catalog.iter().map(|(id, state)| (*id, *state)).collect();
        for (id, state) in known.into_iter().filter(|(id, _)| is_wanted(id)) {
            if let Err(error) = self.segment(id, state) {
                self.unreadable(error, Subject::Segment, &self.layout.segment(id))?;
            }
        }
        Ok(())
    }

    fn segment(&mut self, id: SegmentId, state: SegmentState) -> Result<()> {
        let segment = Segment::new(self.files.clone(), Arc::default(), &self.layout, self.namespace, id);
        let Some(file) = segment.for_reading()? else {
            self.missing(&segment, state)?;
            return Ok(());
        };
        let Some(extent) = self.extent(&segment, state)? else { return Ok(()) };
        let journaled = self.journaled.remove(&id).unwrap_or_default();
        let failed = |error| io::failed(error, "reading a segment file", segment.path());
        let bytes = read_through(&*file, 0).map_err(failed)?;
        self.found.files += 1;
        self.found.bytes += bytes;
        let walked = walk::walk(&segment, &*file, &extent, &journaled)?;
        self.report_walk(&segment, &extent, &walked);
        if state == SegmentState::Open {
            let unfinished = self.unfinished(&segment, &*file, &walked)?;
            self.unfinished.push(unfinished);
        }
        if self.control.is_none() {
            self.beside(&segment, &*file, state, &walked)?;
        }
        Ok(())
    }

    /// How far a segment is committed; `None` if it is being deleted.
    fn extent(&mut self, segment: &Segment, state: SegmentState) -> Result<Option<Extent>> {
        let id = segment.id;
        match state {
            SegmentState::Deleted => Ok(None),
            SegmentState::Closed { length, entries } => {
                Ok(Some(Extent { committed: length, end: length, entries: Some(entries) }))
            }
            SegmentState::Open => {
                let durable = match segment.durable_length() {
                    Err(error) if error.kind() == ErrorKind::Corrupt && self.is_remade(id) => FIRST_OFFSET,
                    Err(error) if error.kind() == ErrorKind::Corrupt => {
                        let what = "the start of the segment file is not what was written";
                        let finding = Finding::new(Severity::Damage, Subject::Segment, what);
                        self.report(segment, finding.at(segment.path(), 0));
                        FIRST_OFFSET
                    }
                    durable => durable?,
                };
                let word = self.control.as_ref().map(|control| control.peek(id)).transpose()?.flatten();
                if word.is_some_and(|word| word.is_deleted()) {
                    return Ok(None);
                }
                if let Some(word) = word {
                    if word.length() < durable {
                        let what = "the commit word of a segment is behind what its file says is durable";
                        let finding = Finding::new(Severity::Damage, Subject::Control, what);
                        self.report(segment, finding.in_file(self.layout.control()));
                    }
                    return Ok(Some(Extent { committed: word.length(), end: word.length(), entries: None }));
                }
                let journaled = self.journaled.get(&id).filter(|_| self.control.is_none());
                let journaled = journaled.and_then(|entries| entries.values().max()).copied();
                let committed = durable.max(journaled.unwrap_or(0));
                Ok(Some(Extent { committed, end: u64::MAX, entries: None }))
            }
        }
    }

    fn report_walk(&mut self, segment: &Segment, extent: &Extent, walked: &Walked) {
        for (place, next) in &walked.gaps {
            let last = next.or(extent.entries).and_then(|next| next.checked_sub(1));
            let what = match last {
                Some(last) if last > place.entry => {
                    format!("entries {} to {last} are not what was written", place.entry)
                }
                Some(_) => format!("entry {} is not what was written", place.entry),
                None => format!("entry {} and what follows it are not what was written", place.entry),
            };
            let mut finding =
                Finding::new(Severity::Damage, Subject::Segment, what).at(segment.path(), place.offset);
            finding.whole_entries.clone_from(&walked.whole);
            finding.kept = Some(walk::runs(&walked.whole));
            self.report(segment, finding);
        }
        let ends =
            walked.gaps.is_empty() && extent.entries.is_some_and(|entries| entries != walked.end.entry);
        if ends {
            let what = format!(
                "the metadata says that the segment has {} entries, and the file has {}",
                extent.entries.unwrap_or_default(),
                walked.end.entry
            );
            let finding = Finding::new(Severity::Damage, Subject::Segment, what);
            self.report(segment, finding.at(segment.path(), walked.end.offset));
        }
        for place in &walked.in_journal {
            let what = format!(
                "entry {} is whole in a journal and not in the file; the next opener writes it again",
                place.entry
            );
            let finding = Finding::new(Severity::Notice, Subject::Segment, what);
            self.report(segment, finding.at(segment.path(), place.offset));
        }
    }

    /// What the next writer would find of a segment in progress.
    fn unfinished(&self, segment: &Segment, file: &dyn File, walked: &Walked) -> Result<Unfinished> {
        let failed = |error| io::failed(error, "reading a segment file", segment.path());
        let entries = walked.whole.first().filter(|run| run.0 == 0).map_or(0, |run| run.1 + 1);
        let mut last = None;
        if let Some(place) = walked.last {
            segment.walk(file, place, u64::MAX, |at, frame| {
                if at == place {
                    last = Some(Bytes::copy_from_slice(&frame[FRAME_BYTES..]));
                }
                Ok(())
            })?;
        }
        // Beside a writer, what follows is on its way.
        let beyond = match &self.control {
            None if walked.gaps.is_empty() => used_to(file, walked.end.offset).map_err(failed)?,
            _ => walked.end.offset,
        };
        Ok(Unfinished { id: segment.id, entries, last, unfinished_bytes: beyond - walked.end.offset })
    }

    /// Looks at what lies beside the entries, when nobody writes.
    fn beside(
        &mut self,
        segment: &Segment,
        file: &dyn File,
        state: SegmentState,
        walked: &Walked,
    ) -> Result<()> {
        let failed = |error| io::failed(error, "reading a segment file", segment.path());
        let mut block = vec![0; usize::try_from(FIRST_OFFSET).unwrap_or_default()];
        file.read_at(&mut block, 0).map_err(failed)?;
        let mut troubles = Vec::new();
        if !segment.has_its_head(&block) {
            troubles.push(Trouble::notice(0, "has lost its head, which nothing depends on"));
        }
        if !segment.copies_are_whole(file)? {
            let what = "has lost one of the two copies of its durable length";
            troubles.push(Trouble::notice(512, what));
        }
        if !is_zero(&block, HEAD_BYTES) {
            troubles.push(Trouble::notice(0, "has bytes where nothing is written"));
        }
        // Behind the end of a completed one lies what was never acknowledged and is never read.
        let in_progress = state == SegmentState::Open && walked.gaps.is_empty();
        if in_progress && used_to(file, walked.end.offset).map_err(failed)? > walked.end.offset {
            let what =
                "ends in bytes of an entry that is not whole: it was never acknowledged, or power was lost";
            troubles.push(Trouble::notice(walked.end.offset, what));
        }
        for trouble in troubles {
            self.report(segment, trouble.finding(Subject::Segment, segment.path()));
        }
        Ok(())
    }

    fn report(&mut self, segment: &Segment, mut finding: Finding) {
        finding.segment_id = Some(segment.id);
        self.found.findings.push(finding);
    }
}
