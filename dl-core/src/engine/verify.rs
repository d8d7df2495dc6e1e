//! Which logs the segments of a verified namespace belong to.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::error::Result;
use crate::format::{RecordHeads, open_entry};
use crate::metadata::{NodePath, SegmentMetadata, Session, Tree, lock};
use crate::store::Unfinished;
use crate::types::{Dlsn, Finding, InProgress, LogName, SegmentId, Severity, Subject, Verification};

use super::layout::{self, LogPaths};

pub(crate) mod stores;

/// The logs of segments and what they say of these, by what the store calls them.
type Names = BTreeMap<SegmentId, (LogName, SegmentMetadata)>;

/// Finds the segments of this log in a tree; `None` if there is none, and so no choice.
pub(crate) fn select(log: Option<LogName>) -> impl Fn(&Tree) -> Option<BTreeSet<SegmentId>> + Send + Sync {
    move |tree| {
        let log = log.as_ref()?;
        let (names, _) = names(tree);
        Some(names.into_iter().filter(|(_, (name, _))| name == log).map(|(id, _)| id).collect())
    }
}

/// Names the logs in what was found, and adds what log and store say differently. `segments` are those that the store
/// knows, and whether they are not deleted.
///
/// # Errors
/// `not-found` if the log that was asked for does not exist.
pub(crate) fn name(
    tree: &Tree,
    segments: Option<&BTreeMap<SegmentId, bool>>,
    log: Option<&LogName>,
    verification: &mut Verification,
) -> Result<()> {
    let Some(segments) = segments else {
        name_findings(&names(tree).0, verification);
        return Ok(());
    };
    if let Some(log) = log
        && tree.get(NodePath::new(&LogPaths::new(log).ledgers())?, |_| true).is_none()
    {
        return Err(layout::no_log(log));
    }
    let (names, mut unreadable) = names(tree);
    verification.findings.append(&mut unreadable);
    for (id, (log, segment)) in names.iter().filter(|(id, _)| !segments.contains_key(id)) {
        let message = "the log has a segment that its store does not know";
        let mut finding = Finding::new(Severity::Damage, Subject::Metadata, message);
        (finding.segment_id, finding.log, finding.segment) =
            (Some(*id), Some(log.clone()), Some(segment.number));
        verification.findings.push(finding);
    }
    // What is being deleted has left its log.
    for (id, _) in segments.iter().filter(|(id, there)| **there && !names.contains_key(id)) {
        let message = "the store has a segment that belongs to no log";
        let mut finding = Finding::new(Severity::Notice, Subject::Metadata, message);
        finding.segment_id = Some(*id);
        verification.findings.push(finding);
    }
    name_findings(&names, verification);
    Ok(())
}

fn name_findings(names: &Names, verification: &mut Verification) {
    for finding in &mut verification.findings {
        let Some((log, segment)) = finding.segment_id.and_then(|id| names.get(&id)) else { continue };
        (finding.log, finding.segment) = (Some(log.clone()), Some(segment.number));
        if finding.severity == Severity::Damage {
            name_reads(finding, log, segment.number);
        }
    }
}

/// Adds the commands that read what is left: a reader ends at damage, and one that starts behind it goes on.
fn name_reads(finding: &mut Finding, log: &LogName, segment: i64) {
    finding.safe.push(format!("dl read {log}"));
    let behind = finding.whole_entries.iter().filter(|(first, _)| *first > 0);
    finding.safe.extend(behind.map(|(first, _)| {
        let from = Dlsn::new(segment, i64::try_from(*first).unwrap_or(i64::MAX), 0);
        format!("dl read {log} --from {from}")
    }));
}

/// The segments in progress, with what their last entries say and who holds their logs.
pub(crate) fn in_progress(
    tree: &Tree,
    unfinished: Vec<Unfinished>,
    alive: &BTreeSet<Session>,
) -> Vec<InProgress> {
    let (names, _) = names(tree);
    let named = unfinished.into_iter().filter_map(|segment| {
        let (log, metadata) = names.get(&segment.id)?;
        let last = segment.last.and_then(|entry| last_record(entry, segment.entries, metadata));
        let lock = LogPaths::new(log).lock();
        let path = NodePath::new(&lock).ok()?;
        let living = lock::owner(tree, path, |session| alive.contains(&session));
        let none = segment.entries == 0;
        Some(InProgress {
            log: log.clone(),
            segment: metadata.number,
            segment_id: segment.id,
            entries: segment.entries,
            records: last.map(|(_, records)| records).or(none.then_some(0)),
            last_dlsn: last.map(|(dlsn, _)| dlsn),
            unfinished_bytes: segment.unfinished_bytes,
            owner_alive: living.is_some(),
            owner: living.or_else(|| lock::owner(tree, path, |_| true)),
        })
    });
    let mut found: Vec<_> = named.collect();
    found.sort_by(|a, b| (&a.log, a.segment).cmp(&(&b.log, b.segment)));
    found
}

/// The number of logs in a tree.
pub(crate) fn count_logs(tree: &Tree) -> u64 {
    let (mut count, mut path) = (0, Vec::new());
    let visited = tree.visit(|node| {
        path.truncate(node.depth.saturating_sub(1));
        path.extend((node.depth > 0).then(|| node.name.to_owned()));
        count += u64::from(path.ends_with(&["<default>".to_owned(), "ledgers".to_owned()]));
        Ok(())
    });
    debug_assert!(visited.is_ok(), "the visit above never fails");
    count
}

/// The position of the last record in the last of so many entries, and how many records there are up to it.
fn last_record(entry: Bytes, entries: u64, segment: &SegmentMetadata) -> Option<(Dlsn, u64)> {
    let area = open_entry(entry, segment.enveloped()).ok()?;
    let head = RecordHeads::new(&area).last()?.ok()?;
    let number = i64::try_from(entries.checked_sub(1)?).ok()?;
    let dlsn = Dlsn::new(segment.number, number, i64::from(head.end_slot()) - 1);
    Some((dlsn, head.last_position().into()))
}

/// The segments of all logs, and what cannot be read of them.
fn names(tree: &Tree) -> (Names, Vec<Finding>) {
    let mut names = Names::new();
    let mut unreadable = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let visited = tree.visit(|node| {
        path.truncate(node.depth.saturating_sub(1));
        path.extend((node.depth > 0).then(|| node.name.to_owned()));
        let Some(log) = log_of(&path) else { return Ok(()) };
        match SegmentMetadata::parse(node.data) {
            Ok(segment) => _ = names.insert(segment.segment_id, (log, segment)),
            Err(error) => {
                let message = format!(
                    "the metadata of the segment {:?} cannot be read: {}",
                    node.name,
                    error.message()
                );
                let mut finding = Finding::new(Severity::Damage, Subject::Metadata, message);
                finding.log = Some(log);
                unreadable.push(finding);
            }
        }
        Ok(())
    });
    debug_assert!(visited.is_ok(), "the visit above never fails");
    (names, unreadable)
}

/// The log whose segment a node is, by the names on its path.
fn log_of(path: &[String]) -> Option<LogName> {
    match path {
        [log @ .., root, ledgers, _] if !log.is_empty() && root == "<default>" && ledgers == "ledgers" => {
            LogName::new(&log.join("/")).ok()
        }
        _ => None,
    }
}
