//! Which logs the segments of a verified namespace belong to.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::metadata::{NodePath, SegmentMetadata, Tree};
use crate::types::{Dlsn, Finding, LogName, SegmentId, Severity, Subject, Verification};

use super::layout::{self, LogPaths};

/// The name and the number of segments, by what the store calls them.
type Names = BTreeMap<SegmentId, (LogName, i64)>;

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
    for (id, (log, number)) in names.iter().filter(|(id, _)| !segments.contains_key(id)) {
        let message = "the log has a segment that its store does not know";
        let mut finding = Finding::new(Severity::Damage, Subject::Metadata, message);
        (finding.segment_id, finding.log, finding.segment) = (Some(*id), Some(log.clone()), Some(*number));
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
        let Some((log, number)) = finding.segment_id.and_then(|id| names.get(&id)) else { continue };
        (finding.log, finding.segment) = (Some(log.clone()), Some(*number));
        if finding.severity == Severity::Damage {
            // A reader ends at damage, and one that starts behind it goes on.
            finding.safe.push(format!("dl read {log}"));
            let behind = finding.whole_entries.iter().filter(|(first, _)| *first > 0);
            finding.safe.extend(behind.map(|(first, _)| {
                let from = Dlsn::new(*number, i64::try_from(*first).unwrap_or(i64::MAX), 0);
                format!("dl read {log} --from {from}")
            }));
        }
    }
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
            Ok(segment) => _ = names.insert(segment.segment_id, (log, segment.number)),
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
