//! What formats 2 and 3 have in common: the message, and what it means.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{LedgerMetadata, LedgerState, MetadataFormat, checked, closed, quorum};
use crate::error::{Error, Result};
use crate::proto;
use crate::types::{BookieId, DigestType, EntryId};

pub(super) fn to_metadata(message: proto::LedgerMetadata, format: MetadataFormat) -> Result<LedgerMetadata> {
    let state = match proto::ledger_metadata::State::try_from(message.state) {
        Ok(proto::ledger_metadata::State::Open) => LedgerState::Open,
        Ok(proto::ledger_metadata::State::InRecovery) => LedgerState::InRecovery,
        Ok(proto::ledger_metadata::State::Closed) => {
            closed(message.last_entry_id.unwrap_or(-1), message.length)?
        }
        Err(_) => return Err(Error::corrupt(format!("a ledger is in the unknown state {}", message.state))),
    };
    let write = message.quorum_size;
    let ack = message.ack_quorum_size.unwrap_or(write);
    let metadata = LedgerMetadata {
        format,
        quorum: quorum(message.ensemble_size.into(), write.into(), ack.into())?,
        state,
        digest: digest(message.digest_type)?,
        password: message.password.unwrap_or_default(),
        created_ms: message.ctime,
        custom: message.custom_metadata.into_iter().map(pair).collect(),
        creation_token: message.c_token.unwrap_or(0),
        ensembles: BTreeMap::new(),
    };
    let ensembles = message.segment.into_iter().map(ensemble).collect::<Result<_>>()?;
    checked(metadata, ensembles)
}

/// The message that the Java client would write: what is optional is there, but for the time of creation.
pub(super) fn from_metadata(metadata: &LedgerMetadata) -> proto::LedgerMetadata {
    let (state, last_entry, length) = match metadata.state {
        LedgerState::Open => (proto::ledger_metadata::State::Open, None, 0),
        LedgerState::InRecovery => (proto::ledger_metadata::State::InRecovery, None, 0),
        LedgerState::Closed { last_entry, length } => {
            (proto::ledger_metadata::State::Closed, last_entry, i64::try_from(length).unwrap_or(i64::MAX))
        }
    };
    // Sizes are at most Quorum::MAX_ENSEMBLE.
    let size = |size: usize| size as i32;
    proto::LedgerMetadata {
        quorum_size: size(metadata.quorum.write()),
        ensemble_size: size(metadata.quorum.ensemble()),
        length,
        last_entry_id: Some(EntryId::to_wire(last_entry)),
        state: state as i32,
        segment: metadata.ensembles.iter().map(segment).collect(),
        digest_type: Some(digest_number(metadata.digest) as i32),
        password: Some(metadata.password.clone()),
        ack_quorum_size: Some(size(metadata.quorum.ack())),
        ctime: metadata.created_ms,
        custom_metadata: metadata.custom.iter().map(custom).collect(),
        c_token: (metadata.format == MetadataFormat::Binary).then_some(metadata.creation_token),
    }
}

/// Without a type the Java client takes it for CRC32.
fn digest(number: Option<i32>) -> Result<DigestType> {
    let Some(number) = number else { return Ok(DigestType::Crc32) };
    match proto::ledger_metadata::DigestType::try_from(number) {
        Ok(proto::ledger_metadata::DigestType::Crc32) => Ok(DigestType::Crc32),
        Ok(proto::ledger_metadata::DigestType::Hmac) => Ok(DigestType::Mac),
        Ok(proto::ledger_metadata::DigestType::Crc32c) => Ok(DigestType::Crc32c),
        Ok(proto::ledger_metadata::DigestType::Dummy) => Ok(DigestType::Dummy),
        Err(_) => Err(Error::corrupt(format!("a ledger has the unknown digest type {number}"))),
    }
}

const fn digest_number(digest: DigestType) -> proto::ledger_metadata::DigestType {
    match digest {
        DigestType::Crc32 => proto::ledger_metadata::DigestType::Crc32,
        DigestType::Mac => proto::ledger_metadata::DigestType::Hmac,
        DigestType::Crc32c => proto::ledger_metadata::DigestType::Crc32c,
        DigestType::Dummy => proto::ledger_metadata::DigestType::Dummy,
    }
}

fn ensemble(segment: proto::ledger_metadata::Segment) -> Result<(i64, Vec<BookieId>)> {
    let bookies = segment.ensemble_member.iter().map(|id| BookieId::new(id)).collect::<Result<_>>();
    Ok((segment.first_entry_id, bookies.map_err(|error| Error::corrupt(error.message().to_owned()))?))
}

fn segment((first, bookies): (&EntryId, &Vec<BookieId>)) -> proto::ledger_metadata::Segment {
    proto::ledger_metadata::Segment {
        ensemble_member: bookies.iter().map(|bookie| bookie.as_str().to_owned()).collect(),
        first_entry_id: first.number(),
    }
}

fn pair(custom: proto::ledger_metadata::CustomMetadata) -> (String, Bytes) {
    (custom.key.unwrap_or_default(), custom.value.unwrap_or_default())
}

fn custom((key, value): &(String, Bytes)) -> proto::ledger_metadata::CustomMetadata {
    proto::ledger_metadata::CustomMetadata { key: Some(key.clone()), value: Some(value.clone()) }
}
