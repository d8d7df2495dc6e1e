//! What bookies have of a segment's ledger, for who verifies a namespace.

use async_trait::async_trait;
use dl_bookkeeper::{
    Copies, CopyFault, CopyProblem, EntryId, EntryState, ErrorKind as ClusterErrorKind, Fragment, LedgerId,
};

use super::LedgerSegments;
use super::error::of_segment;
use super::parking::ledger;
use crate::error::Result;
use crate::store::{Examination, Extent, SegmentExaminer};
use crate::types::{Finding, SegmentId, Severity, Subject};

/// How many runs of entries, and bookies, are named.
const MOST_NAMED: usize = 10;

#[async_trait]
impl SegmentExaminer for LedgerSegments {
    async fn examine(&self, id: SegmentId) -> Result<Examination> {
        let ledger = ledger(id)?;
        match self.closing.guard(self.look(ledger)).await? {
            Ok(extent) => Ok(Examination::Found(extent)),
            Err(error) => match error.kind() {
                ClusterErrorKind::NoSuchLedger => {
                    Ok(Examination::Gone(format!("its ledger {ledger} does not exist any more")))
                }
                ClusterErrorKind::Corrupt | ClusterErrorKind::Unsupported | ClusterErrorKind::TooLarge => {
                    let problem = error.message();
                    let message = format!("the metadata of its ledger {ledger} cannot be read: {problem}");
                    Ok(Examination::Unreadable(message))
                }
                _ => Err(of_segment(error, id)),
            },
        }
    }
}

impl LedgerSegments {
    async fn look(&self, ledger: LedgerId) -> dl_bookkeeper::Result<Extent> {
        let outlook = self.bookkeeper.outlook(ledger).await?;
        // Behind the end: what is confirmed has its ensemble in here.
        let metadata = self.bookkeeper.metadata(ledger).await?.metadata;
        let registered = self.bookkeeper.bookies().await?.into_iter().map(|bookie| bookie.id).collect();
        let severity = |passes| if passes { Severity::Notice } else { Severity::Damage };
        let obstacles = outlook.obstacles.iter();
        let mut extent = Extent {
            called: format!("ledger {ledger}"),
            entries: entries_to(outlook.confirmed),
            closed: outlook.closed,
            kept: entries_to(outlook.kept),
            obstacles: obstacles.map(|each| (severity(each.passes), each.to_string())).collect(),
            ..Extent::default()
        };
        let mut all = Copies::default();
        for fragment in Fragment::all(&metadata, outlook.confirmed) {
            let found = self.bookkeeper.copies(ledger, &metadata, &fragment, &registered, true).await;
            all.bytes += found.bytes;
            all.runs.extend(found.runs);
            all.problems.extend(found.problems);
        }
        // Its writer may just be sending them.
        all.problems.retain(|problem| {
            outlook.closed || !matches!(problem.fault, CopyFault::Missing(_)) || has_lost(&all.runs)
        });
        extent.bytes = all.bytes;
        extent.findings = findings(ledger, &all, &whole(&all));
        Ok(extent)
    }
}

fn has_lost(runs: &[dl_bookkeeper::EntryRun]) -> bool {
    runs.iter().any(|run| run.state == EntryState::Lost)
}

/// The runs of entries of which a copy is good; of two fragments, one run.
fn whole(copies: &Copies) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for run in copies.runs.iter().filter(|run| run.state == EntryState::Whole) {
        let (first, last) = (run.first.number().unsigned_abs(), run.last.number().unsigned_abs());
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == first => *end = last,
            _ => runs.push((first, last)),
        }
    }
    runs
}

/// What is not as it was written: entries that are lost, that may be, or only some of their copies.
fn findings(ledger: LedgerId, copies: &Copies, whole: &[(u64, u64)]) -> Vec<Finding> {
    let bookies =
        named(copies.problems.iter().map(|CopyProblem { bookie, fault }| format!("{bookie} {fault}")), "; ");
    let entries = |state| {
        let runs = copies.runs.iter().filter(move |run| run.state == state);
        let mut runs = runs.map(|run| entries(run.first, run.last)).peekable();
        runs.peek().is_some().then(|| named(runs, ", "))
    };
    let look = format!("dl bk fragments --ledger {ledger} --every-entry");
    let mut found = Vec::new();
    if let Some(lost) = entries(EntryState::Lost) {
        let message = format!("no bookie has {lost} of ledger {ledger} as written: {bookies}");
        let mut finding = Finding::new(Severity::Damage, Subject::Segment, message);
        finding.whole_entries = whole.to_vec();
        let kept = whole.iter().map(|(first, last)| format!("{first} to {last}"));
        found.push(match whole {
            [] => finding,
            _ => finding.keeps(format!("entries {}", named(kept, ", "))),
        });
    }
    if let Some(unknown) = entries(EntryState::Unknown) {
        let message = format!("{unknown} of ledger {ledger} cannot be looked at now: {bookies}");
        found.push(Finding::new(Severity::Notice, Subject::Segment, message).safe(look.clone()));
    }
    if found.is_empty() && !copies.problems.is_empty() {
        let message = format!("copies of entries of ledger {ledger} are missing: {bookies}");
        let finding = Finding::new(Severity::Notice, Subject::Segment, message);
        found.push(finding.keeps("every entry, by other copies").safe(look));
    }
    found
}

fn entries(first: EntryId, last: EntryId) -> String {
    if first == last { format!("entry {first}") } else { format!("entries {first} to {last}") }
}

/// The first of these in a row, and whether there are more.
fn named(texts: impl Iterator<Item = String>, between: &str) -> String {
    let mut texts: Vec<String> = texts.take(MOST_NAMED + 1).collect();
    if texts.len() > MOST_NAMED {
        texts[MOST_NAMED] = "…".to_owned();
    }
    texts.join(between)
}

fn entries_to(last: Option<EntryId>) -> u64 {
    last.map_or(0, |last| last.number().unsigned_abs() + 1)
}
