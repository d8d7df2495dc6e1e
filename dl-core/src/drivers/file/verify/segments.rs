//! Every segment file: each checksum up to the committed length, truncated ones that are kept included.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::{Pass, Trouble, copy, is_zero, read_through, used_to};
use crate::drivers::file::catalog::SegmentState;
use crate::drivers::file::frame::{FRAME_BYTES, FrameHead};
use crate::drivers::file::index::Place;
use crate::drivers::file::io;
use crate::drivers::file::layout::parse_hex;
use crate::drivers::file::segment::{FIRST_OFFSET, HEAD_BYTES, Segment};
use crate::error::{ErrorKind, Result};
use crate::seams::File;
use crate::store::Unfinished;
use crate::types::{Finding, SegmentId, Severity, Subject};

const SCAN_BYTES: usize = 1 << 20;
/// Where the first entry of a segment starts.
const FIRST: Place = Place { entry: 0, offset: FIRST_OFFSET };

/// How far a segment is committed.
struct Extent {
    /// Every entry below this was acknowledged.
    committed: u64,
    /// What may have been acknowledged ends here at the latest.
    end: u64,
    /// The number of entries, where the metadata says it.
    entries: Option<u64>,
}

/// What a walk through a segment found.
struct Walked {
    /// First and last entry of each whole run.
    whole: Vec<(u64, u64)>,
    /// What is not whole: the place of its first entry, and the entry that follows it, if any is whole.
    gaps: Vec<(Place, Option<u64>)>,
    /// What only a journal holds.
    in_journal: Vec<Place>,
    /// Where the last entry ends.
    end: Place,
    /// The last entry of the run from the first, if the file holds it.
    last: Option<Place>,
}

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

    /// The ids of all segment files.
    fn files_of_segments(&mut self) -> Result<Vec<SegmentId>> {
        let layout = self.layout.clone();
        let is_folder = |name: &str| {
            name.len() == 2 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let parse = |name: &str| SegmentId::new(parse_hex(name)?.try_into().ok()?).ok();
        let mut ids = Vec::new();
        for folder in self.strangers_in(&layout.segments(), |_, name| is_folder(name))? {
            let folder = layout.segments().join(folder);
            let ours = |path: &std::path::PathBuf, name: &str| {
                parse(name).is_some_and(|id| layout.segment(id) == *path)
            };
            ids.extend(self.strangers_in(&folder, ours)?.iter().filter_map(|name| parse(name)));
        }
        Ok(ids)
    }

    /// A file of a segment that the metadata does not know.
    fn orphan(&mut self, id: SegmentId) -> Result<()> {
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
        let walked = walk(&segment, &*file, &extent, &journaled)?;
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

    /// A segment whose file is not there.
    fn missing(&mut self, segment: &Segment, state: SegmentState) -> Result<()> {
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
    fn is_remade(&self, id: SegmentId) -> bool {
        let first = self.journaled.get(&id).and_then(BTreeMap::first_key_value).map(|(first, _)| *first);
        self.control.is_none() && first == Some(FIRST_OFFSET)
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
            finding.kept = Some(runs(&walked.whole));
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

/// Walks from entry to entry; behind damage it goes on with the next entry that is whole.
fn walk(
    segment: &Segment,
    file: &dyn File,
    extent: &Extent,
    journaled: &BTreeMap<u64, u64>,
) -> Result<Walked> {
    let mut walked =
        Walked { whole: Vec::new(), gaps: Vec::new(), in_journal: Vec::new(), end: FIRST, last: None };
    let mut at = FIRST;
    loop {
        let unbroken = walked.gaps.is_empty();
        let stop = segment.walk(file, at, extent.end, |place, _| {
            walked.last = if unbroken { Some(place) } else { walked.last };
            Ok(())
        })?;
        if stop.entry > at.entry {
            walked.whole_to(at.entry, stop.entry - 1);
        }
        walked.end = stop;
        if stop.offset >= extent.committed {
            return Ok(walked);
        }
        if let Some(end) = journaled.get(&stop.offset).filter(|end| **end <= extent.end) {
            walked.in_journal.push(stop);
            walked.last = None;
            walked.whole_to(stop.entry, stop.entry);
            at = Place { entry: stop.entry + 1, offset: *end };
            walked.end = at;
            continue;
        }
        let next = next_whole(segment, file, stop, extent.end)?;
        walked.gaps.push((stop, next.map(|next| next.entry)));
        match next {
            Some(next) => at = next,
            None => return Ok(walked),
        }
    }
}

impl Walked {
    fn whole_to(&mut self, first: u64, last: u64) {
        match self.whole.last_mut() {
            Some(run) if run.1 + 1 == first => run.1 = last,
            _ => self.whole.push((first, last)),
        }
    }
}

/// The next place behind a damaged one where an entry is whole. An entry's checksum covers its offset, so nothing else
/// passes for one.
fn next_whole(segment: &Segment, file: &dyn File, bad: Place, end: u64) -> Result<Option<Place>> {
    let failed = |error| io::failed(error, "reading a segment file", segment.path());
    let mut from = bad.offset + 1;
    loop {
        let mut buffer = vec![0; SCAN_BYTES];
        let read = file.read_at(&mut buffer, from).map_err(failed)?;
        if read < FRAME_BYTES || from >= end {
            return Ok(None);
        }
        for at in 0..=read - FRAME_BYTES {
            let Some(head) = FrameHead::parse(&buffer[at..]).filter(|head| head.entry > bad.entry) else {
                continue;
            };
            let place = Place { entry: head.entry, offset: from + at as u64 };
            // No entry is shorter than its head, so there cannot be more of them in between.
            let fits = place.entry - bad.entry <= place.offset - bad.offset;
            if fits && segment.walk(file, place, place.offset + head.frame_bytes(), |_, _| Ok(()))? != place {
                return Ok(Some(place).filter(|place| place.offset + head.frame_bytes() <= end));
            }
        }
        from += (read - FRAME_BYTES + 1) as u64;
    }
}

fn runs(whole: &[(u64, u64)]) -> String {
    let runs: Vec<_> = whole
        .iter()
        .map(|(first, last)| if first == last { format!("{first}") } else { format!("{first} to {last}") })
        .collect();
    if runs.is_empty() {
        "no entry of the segment".to_owned()
    } else {
        format!("entries {}", runs.join(", "))
    }
}
