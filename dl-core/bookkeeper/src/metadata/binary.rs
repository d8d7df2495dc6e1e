//! Format 3: one protobuf message with its length in front.

use prost::Message;

use crate::error::{Error, Result};
use crate::proto;

pub(super) fn decode(body: &[u8]) -> Result<proto::LedgerMetadata> {
    let mut body = body;
    let metadata = proto::LedgerMetadata::decode_length_delimited(&mut body)
        .map_err(|error| Error::corrupt("metadata of a ledger cannot be decoded").caused_by(error))?;
    if !body.is_empty() {
        return Err(Error::corrupt("metadata of a ledger is followed by other bytes"));
    }
    Ok(metadata)
}

pub(super) fn encode(metadata: &proto::LedgerMetadata, stored: &mut Vec<u8>) {
    stored.extend_from_slice(&metadata.encode_length_delimited_to_vec());
}
