//! Version 3 of the protocol: protobuf.

mod client;
mod server;

pub(super) use client::{decode_answer, encode_request};
pub(super) use server::{decode_request, encode_answer};

use bytes::BytesMut;
use prost::Message;

use super::Frame;
use crate::proto;
use crate::protocol::{EncodedEntry, Operation, Priority};

const VERSION: i32 = 3;

/// What the Java client sends; any number above 0 is high.
const HIGH_PRIORITY: u32 = 100;

/// Bit of the write flags.
const DEFERRED_SYNC: i32 = 1;

/// Bits of what is asked of a bookie's disks.
const TOTAL_BYTES: i64 = 1;
const FREE_BYTES: i64 = 2;

/// Operations with their numbers; a batched read has none.
const OPERATIONS: [(Operation, proto::Operation); 9] = [
    (Operation::Add, proto::Operation::AddEntry),
    (Operation::Read, proto::Operation::ReadEntry),
    (Operation::WriteLac, proto::Operation::WriteLac),
    (Operation::ReadLac, proto::Operation::ReadLac),
    (Operation::Force, proto::Operation::ForceLedger),
    (Operation::BookieInfo, proto::Operation::GetBookieInfo),
    (Operation::ListEntries, proto::Operation::GetListOfEntriesOfLedger),
    (Operation::Auth, proto::Operation::Auth),
    (Operation::StartTls, proto::Operation::StartTls),
];

fn header(operation: Operation, number: u64, priority: Priority) -> proto::Header {
    proto::Header {
        version: VERSION,
        operation: OPERATIONS
            .iter()
            .find(|(known, _)| *known == operation)
            .map_or(0, |(_, number)| *number as i32),
        txn_id: number,
        priority: (priority == Priority::High).then_some(HIGH_PRIORITY),
    }
}

fn operation_of(header: &proto::Header) -> Option<Operation> {
    OPERATIONS.iter().find(|(_, number)| *number as i32 == header.operation).map(|(operation, _)| *operation)
}

/// A message in a frame of its own.
fn frame(message: &impl Message) -> Frame {
    let mut prefix = BytesMut::zeroed(Frame::LENGTH_BYTES);
    message.encode(&mut prefix).expect("the buffer grows as it needs to");
    Frame::new(prefix, EncodedEntry::whole(bytes::Bytes::new()))
}
