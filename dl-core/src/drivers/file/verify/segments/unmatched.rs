//! Files of no segment and segments of no file. Either may be as it should: a segment that was deleted or is being started,
//! one without entries, one whose entries a journal still holds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::walk::FIRST;
use crate::drivers::file::catalog::SegmentState;
use crate::drivers::file::io;
use crate::drivers::file::layout::parse_hex;
use crate::drivers::file::segment::{FIRST_OFFSET, Segment};
use crate::drivers::file::verify::{Pass, copy, read_through};
use crate::error::Result;
use crate::store::Unfinished;
use crate::types::{Finding, SegmentId, Severity, Subject};

impl Pass<'_> {
    /// The ids of all segment files.
    pub(super) fn files_of_segments(&mut self) -> Result<Vec<SegmentId>> {
        let layout = self.layout.clone();
        let is_folder = |name: &str| {
            name.len() == 2 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let parse = |name: &str| SegmentId::new(parse_hex(name)?.try_into().ok()?).ok();
        let mut ids = Vec::new();
        for folder in self.strangers_in(&layout.segments(), |_, name| is_folder(name))? {
            let folder = layout.segments().join(folder);
            let ours = |path: &PathBuf, name: &str| parse(name).is_some_and(|id| layout.segment(id) == *path);
            ids.extend(self.strangers_in(&folder, ours)?.iter().filter_map(|name| parse(name)));
        }
        Ok(ids)
    }

    /// A file of a segment that the metadata does not know.
    pub(super) fn orphan(&mut self, id: SegmentId) -> Result<()> {
        let segment = Segment::new(self.files.clone(), Arc::default(), &self.layout, self.namespace, id);
        let Some(file) = segment.for_reading()? else { return Ok(()) };
        let failed = |error| io::failed(error, "reading a segment file", segment.path());
        self.found.files += 1;
        self.found.bytes += read_through(&*file, 0).map_err(failed)?;
        let Some(next) = self.next_segment_id() else { return Ok(()) };
        let end = segment.walk(&*file, FIRST, u64::MAX, |_, _| Ok(()))?;
        // A segment that another process is starting has its file before the metadata knows of it.
        if self.in_use && end.entry == 0 {
            return Ok(());
        }
        let mut finding = if id.get() < next {
            let message = "the segment was deleted or never became part of a log; its file takes space and nothing else";
            Finding::new(Severity::Notice, Subject::Segment, message)
        } else if end.entry > 0 {
            let message =
                "the file holds entries of a segment that never was, by the metadata: some of that is lost";
            Finding::new(Severity::Damage, Subject::Segment, message).safe(copy(self.layout.root()))
        } else {
            let message = "the file is of a segment that never was, and holds nothing";
            Finding::new(Severity::Notice, Subject::Segment, message)
        };
        finding.whole_entries.extend(end.entry.checked_sub(1).map(|last| (0, last)));
        finding.segment_id = Some(id);
        self.found.findings.push(finding.in_file(segment.path()));
        Ok(())
    }

    /// A segment whose file is not there.
    pub(super) fn missing(&mut self, segment: &Segment, state: SegmentState) -> Result<()> {
        let id = segment.id;
        let word = self.control.as_ref().map(|control| control.peek(id)).transpose()?.flatten();
        let deleted = state == SegmentState::Deleted || word.is_some_and(|word| word.is_deleted());
        if deleted || matches!(state, SegmentState::Closed { entries: 0, .. }) {
            return Ok(());
        }
        let remade = state == SegmentState::Open && self.is_remade(id);
        let finding = if remade {
            let what = "the file is gone, and its entries are in a journal: the next opener makes it anew";
            Finding::new(Severity::Notice, Subject::Segment, what)
        } else if state == SegmentState::Open {
            let what = "the file is gone, with all entries that it had";
            Finding::new(Severity::Damage, Subject::Segment, what)
        } else {
            let what = "the file is gone, with entries that were acknowledged";
            Finding::new(Severity::Damage, Subject::Segment, what)
        };
        let journaled = self.journaled.remove(&id).unwrap_or_default();
        if state == SegmentState::Open {
            let entries = if remade { journaled.len() as u64 } else { 0 };
            self.unfinished.push(Unfinished { id, entries, last: None, unfinished_bytes: 0 });
        }
        self.report(segment, finding.in_file(segment.path()));
        Ok(())
    }

    /// Whether the next opener writes a segment in progress anew from its first entry on.
    pub(super) fn is_remade(&self, id: SegmentId) -> bool {
        let first = self.journaled.get(&id).and_then(BTreeMap::first_key_value).map(|(first, _)| *first);
        self.control.is_none() && first == Some(FIRST_OFFSET)
    }
}
