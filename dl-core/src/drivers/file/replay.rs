//! What becomes of journals whose process is gone (rules F8 and F9).
//!
//! The first opener of a directory may stand after a power loss: it writes every entry that the journals hold into
//! its segment again, whether it is there or not, finds out where each segment in progress ends, makes all of that
//! durable, and only then empties the journals. If any step fails, the journals stay for the next try.
//!
//! An opener that finds others alive knows from the commit words what is acknowledged; it empties the journals of
//! dead processes in the same way, up to those words.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::catalog::SegmentState;
use super::io;
use super::journal::{Adopted, Journal, ReadEntry};
use super::layout::{Layout, parse_hex};
use super::metadata::FileMetadata;
use super::segment::Segment;
use super::table::{SegmentTable, restore};
use crate::error::Result;
use crate::seams::{File, Seams};
use crate::types::SegmentId;

/// What replaying needs.
pub(super) struct Replay<'a> {
    pub(super) seams: &'a Seams,
    pub(super) layout: &'a Layout,
    pub(super) namespace: u64,
    pub(super) metadata: &'a FileMetadata,
    pub(super) table: &'a SegmentTable,
}

/// The segments that the journals name, with what the metadata says of each.
type Named = BTreeMap<SegmentId, (Arc<Segment>, Fate)>;

#[derive(Clone)]
enum Fate {
    /// Its entries are written again up to this offset of its file. The last of them ends at `end`.
    Until { file: Arc<dyn File>, length: u64, open: bool, end: u64 },
    /// Deleted: its entries are skipped.
    Skip,
}

impl Replay<'_> {
    /// All journals, for the first opener. Answers the emptied journals; `None` if somebody still holds one.
    pub(super) fn first_open(&self) -> Result<Option<Vec<Journal>>> {
        let (mut journals, busy) = self.adopt_all()?;
        if busy {
            return Ok(None);
        }
        let mut named = Named::new();
        for journal in &mut journals {
            self.write_entries(journal, &mut named, |_| Ok(u64::MAX))?;
        }
        for (segment, fate) in named.values() {
            match fate {
                Fate::Skip => {}
                // Also entries behind those of the journals, that were acknowledged through another.
                Fate::Until { open: true, file, end, .. } => {
                    segment.sync(&mut segment.durable(), &**file)?;
                    let whole = restore(segment)?;
                    if whole < *end {
                        // An entry follows another only once that one is safe (rule F14).
                        return Err(io::corrupt(
                            "an entry is gone in front of one that a journal holds",
                            segment.path(),
                            whole,
                        ));
                    }
                    self.table.set_word(segment, whole)?;
                }
                Fate::Until { open: false, length, file, .. } => {
                    segment.sync(&mut segment.durable(), &**file)?;
                    segment.make_durable(*length, |_| Ok(()))?;
                }
            }
        }
        self.empty(&mut journals)?;
        Ok(Some(journals))
    }

    /// The journals of dead processes, while others live. Answers the emptied journals.
    pub(super) fn adopt_dead(&self) -> Result<Vec<Journal>> {
        let (mut journals, _of_the_living) = self.adopt_all()?;
        for journal in &mut journals {
            let mut named = Named::new();
            self.write_entries(journal, &mut named, |segment| Ok(self.table.word(segment)?.load().length()))?;
            for (segment, fate) in named.values() {
                if let Fate::Until { length, .. } = fate {
                    segment.make_durable(*length, |_| Ok(()))?;
                }
            }
        }
        self.empty(&mut journals)?;
        Ok(journals)
    }

    /// Empties journals, to be used again: their names have to be durable too, which those who made them may not have
    /// lived to see to (rule F11).
    fn empty(&self, journals: &mut [Journal]) -> Result<()> {
        if journals.is_empty() {
            return Ok(());
        }
        let folder = self.layout.journals();
        let failed = |error| io::failed(error, "syncing a folder", &folder);
        self.seams.files.sync_dir(&folder).map_err(failed)?;
        journals.iter_mut().try_for_each(Journal::empty)
    }

    /// Locks every journal that no living process holds; answers also whether one does.
    fn adopt_all(&self) -> Result<(Vec<Journal>, bool)> {
        let folder = self.layout.journals();
        let names = self
            .seams
            .files
            .list(&folder)
            .map_err(|error| io::failed(error, "listing the journals", &folder))?;
        let mut journals = Vec::new();
        let mut busy = false;
        for id in names.iter().filter_map(|name| parse_hex(name)) {
            let path = self.layout.journal(id);
            match Journal::adopt(&*self.seams.files, &path, self.namespace, id)? {
                Adopted::Journal(journal) => journals.push(journal),
                Adopted::Busy => busy = true,
                Adopted::Nothing => {}
            }
        }
        Ok((journals, busy))
    }

    /// Writes the entries of a journal into their segments, each up to the segment's end.
    fn write_entries(
        &self,
        journal: &mut Journal,
        named: &mut Named,
        open_end: impl Fn(&Segment) -> Result<u64>,
    ) -> Result<()> {
        let path = journal.path().to_owned();
        journal.replay(self.metadata.sequence(), |entry| {
            if let Entry::Vacant(unseen) = named.entry(entry.segment) {
                let segment = self.table.segment(entry.segment);
                let fate = self.fate(&entry, &segment, &path, &open_end)?;
                unseen.insert((segment, fate));
            }
            match named.get_mut(&entry.segment) {
                Some((segment, Fate::Until { file, length, end, .. })) if entry.end() <= *length => {
                    *end = entry.end().max(*end);
                    let written = file.write_at(&[entry.frame], entry.offset);
                    written.map_err(|error| io::failed(error, "writing to a segment again", segment.path()))
                }
                _ => Ok(()),
            }
        })
    }

    fn fate(
        &self,
        entry: &ReadEntry<'_>,
        segment: &Arc<Segment>,
        journal: &std::path::Path,
        open_end: impl Fn(&Segment) -> Result<u64>,
    ) -> Result<Fate> {
        let (length, open) = match self.metadata.segment_state(entry.segment)? {
            Some(SegmentState::Open) => (open_end(segment)?, true),
            Some(SegmentState::Closed { length, .. }) => (length, false),
            Some(SegmentState::Deleted) => return Ok(Fate::Skip),
            None if entry.segment.get() < self.metadata.next_segment_id()? => return Ok(Fate::Skip),
            None => {
                let what = format!("a journal holds entries of segment {}, which never was", entry.segment);
                return Err(io::corrupt(what, journal, 0));
            }
        };
        Ok(Fate::Until { file: segment.for_writing()?, length, open, end: 0 })
    }
}
