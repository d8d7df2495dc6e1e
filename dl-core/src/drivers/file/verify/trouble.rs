//! What is wrong with one file, and reading files to their last byte.

use std::io;
use std::path::Path;

use crate::drivers::file::slots;
use crate::seams::File;
use crate::types::{Finding, Severity, Subject};

const READ_BYTES: usize = 1 << 20;

/// What is wrong in a file, said of the file: "has lost its head".
pub(in crate::drivers::file) struct Trouble {
    severity: Severity,
    offset: u64,
    what: String,
    kept: Option<String>,
}

impl Trouble {
    /// Something on which no acknowledged record depends.
    pub(in crate::drivers::file) fn notice(offset: u64, what: impl Into<String>) -> Self {
        Self { severity: Severity::Notice, offset, what: what.into(), kept: None }
    }

    /// Something that was acknowledged, or says what was, is damaged.
    pub(in crate::drivers::file) fn damage(offset: u64, what: impl Into<String>) -> Self {
        Self { severity: Severity::Damage, offset, what: what.into(), kept: None }
    }

    /// Says what is kept.
    pub(in crate::drivers::file) fn keeps(mut self, kept: impl Into<String>) -> Self {
        self.kept = Some(kept.into());
        self
    }

    /// The finding about this kind of file.
    pub(super) fn finding(self, subject: Subject, path: &Path) -> Finding {
        let noun = match subject {
            Subject::Journal => "the journal ",
            Subject::Segment => "the segment file ",
            _ if self.what.starts_with(['h', 'i', 'e']) => "the file ",
            _ => "",
        };
        let mut finding =
            Finding::new(self.severity, subject, format!("{noun}{}", self.what)).at(path, self.offset);
        finding.kept = self.kept;
        finding
    }
}

/// Reads a file from here to its end; answers its size.
pub(in crate::drivers::file) fn read_through(file: &dyn File, from: u64) -> io::Result<u64> {
    let mut end = from;
    visit(file, from, |bytes| {
        end += bytes.len() as u64;
        true
    })?;
    Ok(end)
}

/// Where the zeros start in which a file ends; `from` if nothing else follows there.
pub(in crate::drivers::file) fn used_to(file: &dyn File, from: u64) -> io::Result<u64> {
    let (mut at, mut used) = (from, from);
    visit(file, from, |bytes| {
        if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
            used = at + last as u64 + 1;
        }
        at += bytes.len() as u64;
        true
    })?;
    Ok(used)
}

/// Whether the first block of a file is zero but for its head and the two copies of its number.
pub(in crate::drivers::file) fn is_zero(block: &[u8], head_bytes: usize) -> bool {
    let used = |at| at < head_bytes || slots::RANGES.iter().any(|range| range.contains(&at));
    block.iter().enumerate().all(|(at, byte)| *byte == 0 || used(at))
}

fn visit(file: &dyn File, from: u64, mut more: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    let mut buffer = vec![0; READ_BYTES];
    let mut at = from;
    loop {
        let read = file.read_at(&mut buffer, at)?;
        if read == 0 || !more(&buffer[..read]) {
            return Ok(());
        }
        at += read as u64;
    }
}
