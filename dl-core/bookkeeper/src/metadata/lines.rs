//! Format 1: lines of text, as BookKeeper 4.0 and 4.1 wrote them.

use std::collections::BTreeMap;
use std::fmt::Write;

use bytes::Bytes;

use super::{LedgerMetadata, LedgerState, MetadataFormat, checked, closed, quorum};
use crate::error::{Error, Result};
use crate::types::{BookieId, DigestType, EntryId};

const CLOSED: &str = "CLOSED";

/// Stands for the last entry of a ledger that is in recovery.
const IN_RECOVERY: i64 = -102;

/// Write quorum, ensemble size, length, a line for each ensemble, and perhaps one that says how it ended.
pub(super) fn decode(body: &[u8]) -> Result<LedgerMetadata> {
    let text = std::str::from_utf8(body).map_err(|_| Error::corrupt("metadata is no text"))?;
    let mut lines = text.lines();
    let mut next = || lines.next().ok_or_else(|| Error::corrupt("metadata is cut short")).and_then(number);
    let (write, ensemble, length) = (next()?, next()?, next()?);
    let mut state = LedgerState::Open;
    let mut ensembles = Vec::new();
    for line in lines {
        let (first, rest) =
            line.split_once('\t').ok_or_else(|| Error::corrupt("a line of metadata is cut short"))?;
        let first = number(first)?;
        if rest == CLOSED {
            state = if first == IN_RECOVERY { LedgerState::InRecovery } else { closed(first, length)? };
            break;
        }
        let bookies = rest.split('\t').map(BookieId::new).collect::<Result<_>>();
        ensembles.push((first, bookies.map_err(|error| Error::corrupt(error.message().to_owned()))?));
    }
    let metadata = LedgerMetadata {
        format: MetadataFormat::Lines,
        quorum: quorum(ensemble, write, write)?,
        state,
        // What the Java client takes it for.
        digest: DigestType::Crc32,
        password: Bytes::new(),
        created_ms: None,
        custom: Vec::new(),
        creation_token: 0,
        ensembles: BTreeMap::new(),
    };
    checked(metadata, ensembles)
}

pub(super) fn encode(metadata: &LedgerMetadata, stored: &mut Vec<u8>) {
    let length = match metadata.state {
        LedgerState::Closed { length, .. } => length,
        _ => 0,
    };
    let mut text = format!("{}\n{}\n{length}\n", metadata.quorum.write(), metadata.quorum.ensemble());
    for (first, bookies) in &metadata.ensembles {
        text.push_str(&first.to_string());
        for bookie in bookies {
            text.push('\t');
            text.push_str(bookie.as_str());
        }
        text.push('\n');
    }
    let end = match metadata.state {
        LedgerState::Open => None,
        LedgerState::InRecovery => Some(IN_RECOVERY),
        LedgerState::Closed { last_entry, .. } => Some(EntryId::to_wire(last_entry)),
    };
    if let Some(end) = end {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{end}\t{CLOSED}");
    }
    stored.extend_from_slice(text.as_bytes());
}

fn number(text: &str) -> Result<i64> {
    text.parse().map_err(|_| Error::corrupt("a number in metadata is none"))
}
