//! What was found in the files of a namespace, for people and for programs.

use dl_core::{Finding, Verification};
use serde_json::json;

use super::super::failure::{self, Result};
use super::super::output::Output;

/// Prints every finding.
pub(super) fn print(output: &mut Output, verified: &Verification) -> Result<()> {
    for finding in &verified.findings {
        output.item(failure::lines(&text(finding)), || object(finding))?;
    }
    output.flush()
}

/// A finding for people.
pub(in crate::cli) fn text(finding: &Finding) -> String {
    let mut place = finding.file.as_ref().map_or_else(String::new, |file| format!(" {}", file.display()));
    if let Some(offset) = finding.offset {
        place.push_str(&format!(", offset {offset}"));
    }
    if let (Some(log), Some(segment)) = (&finding.log, finding.segment) {
        place.push_str(&format!(", log {log}, segment {segment}"));
    }
    let mut lines = vec![format!("{}{place}: {}", finding.severity, finding.message)];
    lines.extend(finding.kept.iter().map(|kept| format!("  kept: {kept}")));
    lines.extend(finding.safe.iter().map(|command| format!("  safe: {command}")));
    lines.join("\n")
}

/// A finding for programs.
pub(in crate::cli) fn object(finding: &Finding) -> serde_json::Value {
    json!({
        "severity": finding.severity.name(),
        "subject": finding.subject.name(),
        "message": finding.message,
        "file": finding.file.as_ref().map(|file| file.display().to_string()),
        "offset": finding.offset,
        "log": finding.log.as_ref().map(dl_core::LogName::as_str),
        "segment": finding.segment,
        "segment_id": finding.segment_id.map(dl_core::SegmentId::get),
        "whole_entries": finding.whole_entries,
        "kept": finding.kept,
        "safe": finding.safe,
    })
}
