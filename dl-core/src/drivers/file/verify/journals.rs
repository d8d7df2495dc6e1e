//! Every journal, also of processes that live.

use super::{Pass, copy};
use crate::drivers::file::catalog::SegmentState;
use crate::drivers::file::journal::Journal;
use crate::drivers::file::layout::parse_hex;
use crate::error::Result;
use crate::types::{Finding, SegmentId, Severity, Subject};

impl Pass<'_> {
    /// Reads every journal, and notes which entries it holds.
    pub(super) fn journals(&mut self) -> Result<()> {
        let folder = self.layout.journals();
        for name in self.strangers_in(&folder, |_, _| true)? {
            let Some(id) = parse_hex(&name) else { continue };
            if let Err(error) = self.journal(id) {
                self.unreadable(error, Subject::Journal, &folder.join(name))?;
            }
        }
        Ok(())
    }

    fn journal(&mut self, id: u64) -> Result<()> {
        let path = self.layout.journal(id);
        let next_id = self.next_segment_id();
        let (catalog, journaled) = (&self.catalog, &mut self.journaled);
        let mut unknown: Option<SegmentId> = None;
        let names = (self.namespace, id);
        let looked = Journal::look(&*self.files, &path, names, self.sequence, |held, entry| {
            let known = match catalog.get(&entry.segment) {
                Some(SegmentState::Deleted) => return,
                Some(_) => true,
                // Metadata that was read before may not know it yet.
                None => held || next_id.is_none_or(|next| entry.segment.get() < next),
            };
            if known {
                journaled.entry(entry.segment).or_default().insert(entry.offset, entry.end());
            } else {
                unknown.get_or_insert(entry.segment);
            }
        })?;
        let Some(looked) = looked else { return Ok(()) };
        self.found.files += 1;
        self.found.bytes += looked.bytes;
        let root = self.layout.root().to_owned();
        let kept = format!(
            "the {} batches in front of it; its entries are in the segment files too, unless \
                            power was lost: see what is said of those",
            looked.batches
        );
        self.found.findings.extend(looked.troubles.into_iter().map(|trouble| {
            let finding = trouble.finding(Subject::Journal, &path);
            match finding.severity {
                Severity::Damage => finding.keeps(&*kept).safe(copy(&root)),
                Severity::Notice => finding,
            }
        }));
        if let Some(segment) = unknown {
            let message = "the journal holds entries of a segment that never was, by the metadata: some of that is lost";
            let mut finding = Finding::new(Severity::Damage, Subject::Journal, message).in_file(path);
            finding.segment_id = Some(segment);
            self.found.findings.push(finding.safe(copy(&root)));
        }
        Ok(())
    }
}
