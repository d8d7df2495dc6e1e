//! Bytes on the wire and in bookies: frames, both versions of the protocol, entries with their digests. No I/O.
//!
//! Nothing here panics on what a peer sends, and no length is believed before it was compared with a limit.

mod entry;
mod frame;
mod v2;
mod v3;

pub use entry::{Entry, EntryCodec};
pub use frame::{DEFAULT_MAX_FRAME_BYTES, Frame, FrameReader};

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{Operation, Request, Response, Status};

/// A version of the protocol. A connection speaks one of them from its first frame on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProtocolVersion {
    /// Binary. Adds, reads and batched reads only.
    V2,
    /// Protobuf. Everything but batched reads.
    V3,
}

/// What ties an answer to its request.
///
/// Version 3 has a number in each request and answer. Version 2 has one for batched reads only: other answers belong to the
/// oldest request of the same kind about the same entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequestKey {
    /// The number that was sent along.
    Number(u64),
    /// An add of this entry of this ledger.
    Add(i64, i64),
    /// A read of this entry (-1 for the last) of this ledger.
    Read(i64, i64),
    /// Authentication, of which one step is under way at a time.
    Auth,
}

/// An answer, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Which request it answers.
    pub key: RequestKey,
    /// What that request asked for.
    pub operation: Operation,
    /// The outcome.
    pub outcome: std::result::Result<Response, Status>,
}

/// A request as a bookie gets it, and what its answer must carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The number of the request; where version 2 has none, 0.
    pub number: u64,
    /// The request.
    pub request: Request,
}

impl ProtocolVersion {
    /// Whether this version has the request.
    #[must_use]
    pub fn supports(self, request: &Request) -> bool {
        match self {
            Self::V2 => v2::supports(request),
            Self::V3 => !matches!(request, Request::BatchRead(_)),
        }
    }

    /// The frame of a request, and what its answer will carry. `number` must not be in use on this connection.
    ///
    /// # Errors
    /// `unsupported` if this version does not have the request, `too-large` if the frame would be over the limit.
    pub fn encode_request(
        self,
        request: &Request,
        number: u64,
        max_frame_bytes: usize,
    ) -> Result<(Frame, RequestKey)> {
        let encoded = match self {
            Self::V2 => v2::encode_request(request, number),
            Self::V3 => v3::encode_request(request, number)?.map(|frame| (frame, RequestKey::Number(number))),
        };
        let (frame, key) = encoded.ok_or_else(|| {
            let operation = request.operation();
            let message = format!(
                "{self:?} of the protocol has no such request ({operation:?}); use the other version"
            );
            Error::new(ErrorKind::Unsupported, message)
        })?;
        let bytes = frame.payload_bytes();
        if bytes > max_frame_bytes {
            let message = format!(
                "a frame of {bytes} bytes is over the limit of {max_frame_bytes}; send a smaller entry"
            );
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        Ok((frame, key))
    }

    /// Reads the answer in a frame.
    ///
    /// # Errors
    /// `corrupt` if it is none. Nothing more can be read from such a connection.
    pub fn decode_answer(self, frame: Bytes) -> Result<Answer> {
        match self {
            Self::V2 => v2::decode_answer(frame),
            Self::V3 => v3::decode_answer(frame),
        }
    }

    /// Reads the request in a frame, as a bookie does.
    ///
    /// # Errors
    /// `corrupt` if it is none.
    pub fn decode_request(self, frame: Bytes) -> Result<Call> {
        match self {
            Self::V2 => v2::decode_request(frame),
            Self::V3 => v3::decode_request(frame),
        }
    }

    /// The frame of an answer, as a bookie sends it. Without a response to repeat them from, ids are those of the call.
    #[must_use]
    pub fn encode_answer(self, call: &Call, outcome: &std::result::Result<Response, Status>) -> Frame {
        match self {
            Self::V2 => v2::encode_answer(call, outcome),
            Self::V3 => v3::encode_answer(call, outcome),
        }
    }
}

/// The error for frames that cannot be understood.
fn malformed(what: &'static str) -> Error {
    Error::corrupt(format!(
        "{what} cannot be understood: the peer is no bookie, or the connection is damaged"
    ))
}

#[cfg(test)]
pub(crate) mod tests;
