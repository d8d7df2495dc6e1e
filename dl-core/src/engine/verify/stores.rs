//! Verifying a namespace through its stores: of each segment what its store has, against what its log says.

use crate::engine::layout::LogPaths;
use crate::engine::listing;
use crate::engine::scan::{Found, Kinds, SegmentScan};
use crate::engine::segments::{Segment, SegmentList};
use crate::error::{ErrorKind, Result};
use crate::format::END_OF_STREAM_TXID;
use crate::metadata::{SegmentMetadata, Truncation};
use crate::store::{Examination, Extent, SegmentExaminer, Stores};
use crate::types::{Finding, InProgress, LogName, Severity, Subject, Verification};

/// The most logs that are listed at once.
const PAGE: usize = 1_000;

/// Verifies the logs of a namespace, or one of them.
///
/// # Errors
/// `not-found` if the log that was asked for does not exist; those of the stores.
pub(crate) async fn verify(
    stores: &Stores,
    examiner: &dyn SegmentExaminer,
    log: Option<&LogName>,
) -> Result<Verification> {
    let mut check = Check { stores, examiner, found: Verification::default() };
    if let Some(log) = log {
        check.log(log).await?;
        return Ok(check.found);
    }
    let mut after = None;
    loop {
        let listed = listing::list(&*stores.metadata, "", after.as_ref(), PAGE).await?;
        for log in &listed {
            match check.log(&log.name).await {
                // It was deleted since it was listed.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                checked => checked?,
            }
        }
        match listed.into_iter().next_back() {
            Some(last) => after = Some(last.name),
            None => return Ok(check.found),
        }
    }
}

struct Check<'a> {
    stores: &'a Stores,
    examiner: &'a dyn SegmentExaminer,
    found: Verification,
}

/// What one look at a segment brought.
#[derive(Default)]
struct Looked {
    findings: Vec<Finding>,
    in_progress: Option<InProgress>,
    bytes: u64,
}

impl Check<'_> {
    async fn log(&mut self, log: &LogName) -> Result<()> {
        let metadata = &*self.stores.metadata;
        let list = match SegmentList::read(metadata, log).await {
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                let mut finding =
                    Finding::new(Severity::Damage, Subject::Metadata, error.message().to_owned());
                finding.log = Some(log.clone());
                self.found.findings.push(finding);
                return Ok(());
            }
            // Nothing is known to be wrong with it, and it is no reason to leave the others alone.
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                let mut finding =
                    Finding::new(Severity::Notice, Subject::Metadata, error.message().to_owned());
                finding.log = Some(log.clone());
                self.found.findings.push(finding);
                return Ok(());
            }
            list => list?,
        };
        let owner = metadata.lock_owner(&LogPaths::new(log).lock()).await?;
        self.found.in_use |= owner.is_some();
        for segment in list.iter() {
            let mut looked = self.segment(log, segment, owner.as_deref()).await?;
            if looked.findings.iter().any(|finding| finding.severity == Severity::Damage) {
                looked = self.again(log, segment, looked).await?;
            }
            self.found.files += 1;
            self.found.bytes += looked.bytes;
            self.found.findings.extend(looked.findings);
            self.found.in_progress.extend(looked.in_progress);
        }
        Ok(())
    }

    /// Looks once more, since what others change meanwhile can look like damage: what remains is what both looks found.
    async fn again(&self, log: &LogName, segment: &Segment, first: Looked) -> Result<Looked> {
        let metadata = &*self.stores.metadata;
        let list = SegmentList::read(metadata, log).await?;
        let same = |other: &&Segment| other.metadata.segment_id == segment.metadata.segment_id;
        let Some(segment) = list.iter().find(same) else { return Ok(Looked::default()) };
        let owner = metadata.lock_owner(&LogPaths::new(log).lock()).await?;
        let mut second = self.segment(log, segment, owner.as_deref()).await?;
        second.findings.retain(|finding| {
            let alike =
                |other: &Finding| (other.severity, other.subject) == (finding.severity, finding.subject);
            finding.severity == Severity::Notice || first.findings.iter().any(alike)
        });
        Ok(second)
    }

    async fn segment(&self, log: &LogName, segment: &Segment, owner: Option<&str>) -> Result<Looked> {
        let metadata = &segment.metadata;
        let mut looked = Looked::default();
        match self.examiner.examine(metadata.segment_id).await? {
            // A truncation frees it before it leaves the list.
            Examination::Gone(_) if metadata.truncation == Truncation::Truncated => {}
            Examination::Gone(message) => {
                looked.findings.push(Finding::new(Severity::Damage, Subject::Segment, message));
            }
            Examination::Unreadable(message) => {
                looked.findings.push(Finding::new(Severity::Damage, Subject::Metadata, message));
            }
            Examination::Found(mut extent) => {
                looked.bytes = extent.bytes;
                looked.findings = std::mem::take(&mut extent.findings);
                if metadata.is_completed() {
                    looked.findings.extend(self.end(log, metadata, &extent).await?);
                } else {
                    let (in_progress, finding) = self.in_progress(log, metadata, &extent, owner).await?;
                    looked.in_progress = Some(in_progress);
                    looked.findings.extend(finding);
                }
            }
        }
        for finding in &mut looked.findings {
            finding.segment_id = Some(metadata.segment_id);
            (finding.log, finding.segment) = (Some(log.clone()), Some(metadata.number));
            if finding.severity == Severity::Damage {
                super::name_reads(finding, log, metadata.number);
            }
        }
        Ok(looked)
    }

    /// What the metadata of a completed segment says otherwise than its store.
    async fn end(
        &self,
        log: &LogName,
        metadata: &SegmentMetadata,
        extent: &Extent,
    ) -> Result<Option<Finding>> {
        let called = &extent.called;
        if !extent.closed {
            let message = format!("the segment is completed, and {called} is not closed");
            return Ok(Some(Finding::new(Severity::Notice, Subject::Metadata, message)));
        }
        let Some(last) = metadata.last_dlsn() else { return Ok(None) };
        let damage = |message| Some(Finding::new(Severity::Damage, Subject::Metadata, message));
        let entries = u64::try_from(last.entry()).unwrap_or(u64::MAX).saturating_add(1);
        if entries > extent.entries {
            let message = match extent.entries.checked_sub(1) {
                Some(end) => {
                    format!("the last record is said to be at {last}, and {called} ends with entry {end}")
                }
                None => format!("the last record is said to be at {last}, and {called} has no entries"),
            };
            return Ok(damage(message));
        }
        let found = self.last(log, metadata, entries).await?;
        Ok(found.and_then(|found| disagreement(metadata, &found, called)).and_then(damage))
    }

    /// The last record below an entry; none if it cannot be read, of which is told otherwise.
    async fn last(&self, log: &LogName, metadata: &SegmentMetadata, entries: u64) -> Result<Option<Found>> {
        let found = async {
            SegmentScan::open(&*self.stores.segments, log, metadata).await?.last(entries, Kinds::Any).await
        };
        match found.await {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Corrupt | ErrorKind::NotFound | ErrorKind::Unavailable
                ) =>
            {
                Ok(None)
            }
            found => found,
        }
    }

    /// A segment in progress as a recovery would find it, and what is to be said of it.
    async fn in_progress(
        &self,
        log: &LogName,
        metadata: &SegmentMetadata,
        extent: &Extent,
        owner: Option<&str>,
    ) -> Result<(InProgress, Option<Finding>)> {
        let last = self.last(log, metadata, extent.entries).await?;
        let none = extent.entries == 0;
        let found = InProgress {
            log: log.clone(),
            segment: metadata.number,
            segment_id: metadata.segment_id,
            entries: extent.entries,
            records: last.map(|last| last.position.into()).or(none.then_some(0)),
            last_dlsn: last.map(|last| last.dlsn),
            unfinished_bytes: 0,
            owner: owner.map(str::to_owned),
            owner_alive: owner.is_some(),
        };
        // Somebody is at it, and nothing would keep another from going on.
        if owner.is_some() && extent.obstacles.is_empty() {
            return Ok((found, None));
        }
        let severity = extent.obstacles.iter().map(|(severity, _)| *severity).max();
        let mut message = match owner {
            Some(owner) => format!("the segment is in progress, written by {owner}"),
            None => "the segment is in progress, and nobody writes it".to_owned(),
        };
        for (_, obstacle) in &extent.obstacles {
            message.push_str("; in the way of a recovery: ");
            message.push_str(obstacle);
        }
        let finding = Finding::new(severity.unwrap_or(Severity::Notice), Subject::Segment, message)
            .keeps(kept(&found, extent))
            .safe(format!("dl recover {log} --explain"));
        let finding =
            if extent.obstacles.is_empty() { finding.safe(format!("dl recover {log}")) } else { finding };
        Ok((found, Some(finding)))
    }
}

/// What a recovery keeps, in words.
fn kept(found: &InProgress, extent: &Extent) -> String {
    let mut kept = match (found.entries.checked_sub(1), found.records, found.last_dlsn) {
        (None, ..) => "no entry that readers have seen".to_owned(),
        (Some(last), Some(records), Some(dlsn)) => {
            format!("entries 0 to {last} with {records} records, the last at {dlsn}")
        }
        (Some(last), ..) => format!("entries 0 to {last}"),
    };
    let more = extent.kept.saturating_sub(extent.entries);
    if more > 0 {
        kept.push_str(&format!(", and {more} entries behind them, which readers have not seen yet"));
    }
    kept
}

/// What the metadata of a completed segment says otherwise than the last record it counts.
fn disagreement(metadata: &SegmentMetadata, found: &Found, called: &str) -> Option<String> {
    let (end, last) = (metadata.completed?, metadata.last_dlsn()?);
    // Java can be told not to count; the end of a sealed log has a txid of its own.
    let counts = found.position > 0 || end.records == 0;
    let has_txid = end.last_txid != END_OF_STREAM_TXID;
    if found.dlsn != last {
        Some(format!("the last record is said to be at {last}, and {called} has it at {}", found.dlsn))
    } else if counts && found.position != end.records {
        Some(format!("it is said to have {} records, and {called} has {}", end.records, found.position))
    } else if has_txid && found.txid != end.last_txid {
        Some(format!("its last txid is said to be {}, and {called} has {}", end.last_txid, found.txid))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Dlsn;

    #[test]
    fn what_metadata_and_the_last_record_say_is_compared() {
        let text = "12884901893;7;1;9;1700000000000;1;4;1;0;0;0";
        let metadata = SegmentMetadata::parse(text).unwrap();
        let found = Found { dlsn: Dlsn::new(1, 4, 1), txid: 9, position: 3 };
        let said = |found: Found| disagreement(&metadata, &found, "ledger 7");
        assert_eq!(said(found), None);
        assert_eq!(said(Found { position: 0, ..found }), None, "without counts");
        let other = said(Found { dlsn: Dlsn::new(1, 4, 0), ..found }).unwrap();
        assert_eq!(other, "the last record is said to be at 1:4:1, and ledger 7 has it at 1:4:0");
        let other = said(Found { position: 4, ..found }).unwrap();
        assert_eq!(other, "it is said to have 3 records, and ledger 7 has 4");
        let other = said(Found { txid: 8, ..found }).unwrap();
        assert_eq!(other, "its last txid is said to be 9, and ledger 7 has 8");
        let sealed = SegmentMetadata::parse(text.replace(";9;", ";9223372036854775807;")).unwrap();
        assert_eq!(disagreement(&sealed, &found, "ledger 7"), None);
    }
}
