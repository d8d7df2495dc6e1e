//! Version 2 of the protocol: a word with version, operation and flags, then fixed fields.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;

use super::{Answer, Call, Frame, RequestKey, malformed};
use crate::error::Result;
use crate::proto;
use crate::protocol::{
    AddRequest, AuthMessage, BatchReadRequest, BatchReadResponse, EncodedEntry, Operation, Priority,
    ReadMode, ReadRequest, ReadResponse, Request, Response, Status,
};
use crate::types::{EntryId, LedgerId, MasterKey};

const VERSION: u8 = 2;

const ADD: u8 = 1;
const READ: u8 = 2;
const AUTH: u8 = 3;
const BATCH_READ: u8 = 7;

const DO_FENCING: u16 = 1;
const RECOVERY_ADD: u16 = 2;
const HIGH_PRIORITY: u16 = 4;

/// Room for all but entries and tokens.
const PREFIX_BYTES: usize = 72;

/// Bytes of an answer in front of what was read.
const ANSWER_BYTES: usize = 24;

pub(super) fn supports(request: &Request) -> bool {
    match request {
        Request::Add(add) => !add.deferred_sync,
        Request::Read(read) => !matches!(read.mode, ReadMode::LongPoll(_)),
        Request::BatchRead(_) | Request::Auth(_) => true,
        Request::WriteLac(_)
        | Request::ReadLac(_)
        | Request::Force(_)
        | Request::BookieInfo(_)
        | Request::ListEntries(_)
        | Request::StartTls => false,
    }
}

/// `None` if this version does not have the request.
pub(super) fn encode_request(request: &Request, number: u64) -> Option<(Frame, RequestKey)> {
    if !supports(request) {
        return None;
    }
    match request {
        Request::Add(add) => Some(encode_add(add)),
        Request::Read(read) => Some(encode_read(read)),
        Request::BatchRead(read) => Some(encode_batch_read(read, number)),
        Request::Auth(auth) => {
            Some((Frame::new(start(AUTH, 0), EncodedEntry::whole(encode_auth(auth))), RequestKey::Auth))
        }
        _ => None,
    }
}

fn encode_add(add: &AddRequest) -> (Frame, RequestKey) {
    let flags = if add.recovery { RECOVERY_ADD } else { 0 } | priority_flag(add.priority);
    let mut prefix = start(ADD, flags);
    prefix.extend_from_slice(add.key.as_bytes());
    (Frame::new(prefix, add.body.clone()), RequestKey::Add(add.ledger.number(), add.entry.number()))
}

fn encode_read(read: &ReadRequest) -> (Frame, RequestKey) {
    let key = match &read.mode {
        ReadMode::Fence(key) => Some(key),
        _ => None,
    };
    let mut prefix = start(READ, key.map_or(0, |_| DO_FENCING) | priority_flag(read.priority));
    let (ledger, entry) = (read.ledger.number(), EntryId::to_wire(read.entry));
    prefix.put_i64(ledger);
    prefix.put_i64(entry);
    if let Some(key) = key {
        prefix.extend_from_slice(key.as_bytes());
    }
    (Frame::plain(prefix), RequestKey::Read(ledger, entry))
}

fn encode_batch_read(read: &BatchReadRequest, number: u64) -> (Frame, RequestKey) {
    let flags = read.fence.map_or(0, |_| DO_FENCING) | priority_flag(read.priority);
    let mut prefix = start(BATCH_READ, flags);
    prefix.put_i64(read.ledger.number());
    prefix.put_i64(read.first.number());
    prefix.put_u64(number);
    prefix.put_i32(i32::try_from(read.max_entries).unwrap_or(i32::MAX));
    prefix.put_i64(i64::try_from(read.max_bytes).unwrap_or(i64::MAX));
    if let Some(key) = &read.fence {
        prefix.extend_from_slice(key.as_bytes());
    }
    (Frame::plain(prefix), RequestKey::Number(number))
}

pub(super) fn decode_answer(mut frame: Bytes) -> Result<Answer> {
    let wrong = || malformed("an answer in version 2");
    let (operation, _) = word(&mut frame).ok_or_else(wrong)?;
    if operation == AUTH {
        let message = decode_auth(frame).ok_or_else(wrong)?;
        return Ok(Answer {
            key: RequestKey::Auth,
            operation: Operation::Auth,
            outcome: Ok(Response::Auth(message)),
        });
    }
    let status = Status::check_v2(frame.try_get_i32().map_err(|_| wrong())?);
    let ledger = frame.try_get_i64().map_err(|_| wrong())?;
    let entry = frame.try_get_i64().map_err(|_| wrong())?;
    match operation {
        ADD => Ok(Answer {
            key: RequestKey::Add(ledger, entry),
            operation: Operation::Add,
            outcome: status.map(|()| Response::Add),
        }),
        READ => {
            let entry_id = EntryId::from_wire(entry)?;
            let body = ReadResponse { entry: entry_id, body: Some(frame), ..ReadResponse::default() };
            Ok(Answer {
                key: RequestKey::Read(ledger, entry),
                operation: Operation::Read,
                outcome: status.map(|()| Response::Read(body)),
            })
        }
        BATCH_READ => {
            let number = frame.try_get_u64().map_err(|_| wrong())?;
            let outcome = match status {
                Err(status) => Err(status),
                Ok(()) => {
                    let first = EntryId::new(entry).map_err(|_| wrong())?;
                    Ok(Response::BatchRead(BatchReadResponse {
                        first,
                        bodies: bodies(frame).ok_or_else(wrong)?,
                    }))
                }
            };
            Ok(Answer { key: RequestKey::Number(number), operation: Operation::BatchRead, outcome })
        }
        _ => Err(wrong()),
    }
}

/// Entries, each with its length in front; at least one.
fn bodies(mut frame: Bytes) -> Option<Vec<Bytes>> {
    let mut bodies = Vec::new();
    while frame.has_remaining() {
        let length = usize::try_from(frame.try_get_u32().ok()?).ok()?;
        if length > frame.len() {
            return None;
        }
        bodies.push(frame.split_to(length));
    }
    (!bodies.is_empty()).then_some(bodies)
}

pub(super) fn decode_request(mut frame: Bytes) -> Result<Call> {
    let wrong = || malformed("a request in version 2");
    let (operation, flags) = word(&mut frame).ok_or_else(wrong)?;
    let priority = if flags & HIGH_PRIORITY == 0 { Priority::Normal } else { Priority::High };
    let fences = flags & DO_FENCING != 0;
    let mut number = 0;
    let request = match operation {
        ADD => {
            let key = take_key(&mut frame).ok_or_else(wrong)?;
            let mut ids = frame.clone();
            let ledger = ids.try_get_i64().map_err(|_| wrong())?;
            let entry = ids.try_get_i64().map_err(|_| wrong())?;
            Request::Add(AddRequest {
                ledger: LedgerId::new(ledger).map_err(|_| wrong())?,
                entry: EntryId::new(entry).map_err(|_| wrong())?,
                key,
                body: EncodedEntry::whole(frame),
                recovery: flags & RECOVERY_ADD != 0,
                deferred_sync: false,
                priority,
            })
        }
        READ => {
            let (ledger, entry) = take_ids(&mut frame).ok_or_else(wrong)?;
            let mode = if fences {
                ReadMode::Fence(take_key(&mut frame).ok_or_else(wrong)?)
            } else {
                ReadMode::Plain
            };
            Request::Read(ReadRequest { ledger, entry: EntryId::from_wire(entry)?, mode, priority })
        }
        BATCH_READ => {
            let (ledger, first) = take_ids(&mut frame).ok_or_else(wrong)?;
            number = frame.try_get_u64().map_err(|_| wrong())?;
            let max_entries = frame.try_get_i32().map_err(|_| wrong())?;
            let max_bytes = frame.try_get_i64().map_err(|_| wrong())?;
            Request::BatchRead(BatchReadRequest {
                ledger,
                first: EntryId::new(first).map_err(|_| wrong())?,
                max_entries: u32::try_from(max_entries).unwrap_or(0),
                max_bytes: usize::try_from(max_bytes).unwrap_or(0),
                fence: if fences { Some(take_key(&mut frame).ok_or_else(wrong)?) } else { None },
                priority,
            })
        }
        AUTH => Request::Auth(decode_auth(frame).ok_or_else(wrong)?),
        _ => return Err(wrong()),
    };
    Ok(Call { number, request })
}

pub(super) fn encode_answer(call: &Call, outcome: &std::result::Result<Response, Status>) -> Frame {
    let operation = match &call.request {
        Request::Read(_) => READ,
        Request::BatchRead(_) => BATCH_READ,
        Request::Auth(_) => AUTH,
        _ => ADD,
    };
    let mut frame = start(operation, 0);
    if let Ok(Response::Auth(auth)) = outcome {
        return Frame::new(frame, EncodedEntry::whole(encode_auth(auth)));
    }
    frame.put_i32(outcome.as_ref().map_or_else(|status| status.number_v2(), |_| 0));
    frame.put_i64(call.request.ledger().map_or(-1, LedgerId::number));
    frame.put_i64(EntryId::to_wire(call.request.entry()));
    if operation == BATCH_READ {
        frame.put_u64(call.number);
    }
    match outcome {
        Ok(Response::Read(ReadResponse { body: Some(body), .. })) => {
            Frame::new(frame, EncodedEntry::whole(body.clone()))
        }
        Ok(Response::BatchRead(BatchReadResponse { bodies, .. })) => {
            for body in bodies {
                frame.put_u32(body.len() as u32);
                frame.extend_from_slice(body);
            }
            Frame::plain(frame)
        }
        _ => Frame::plain(frame),
    }
}

/// Room for the length, and the word.
fn start(operation: u8, flags: u16) -> BytesMut {
    let mut frame = BytesMut::with_capacity(PREFIX_BYTES.max(ANSWER_BYTES));
    frame.put_bytes(0, Frame::LENGTH_BYTES);
    frame.put_u32(u32::from(VERSION) << 24 | u32::from(operation) << 16 | u32::from(flags));
    frame
}

/// Operation and flags. In the oldest version the whole word is the operation.
fn word(frame: &mut Bytes) -> Option<(u8, u16)> {
    let word = frame.try_get_u32().ok()?;
    let [version, operation, high, low] = word.to_be_bytes();
    match version {
        0 => u8::try_from(word).ok().map(|operation| (operation, 0)),
        1..=VERSION => Some((operation, u16::from_be_bytes([high, low]))),
        _ => None,
    }
}

fn take_ids(frame: &mut Bytes) -> Option<(LedgerId, i64)> {
    let ledger = LedgerId::new(frame.try_get_i64().ok()?).ok()?;
    Some((ledger, frame.try_get_i64().ok()?))
}

fn take_key(frame: &mut Bytes) -> Option<MasterKey> {
    let mut key = [0; MasterKey::BYTES];
    frame.try_copy_to_slice(&mut key).ok()?;
    Some(MasterKey::from_bytes(key))
}

const fn priority_flag(priority: Priority) -> u16 {
    match priority {
        Priority::Normal => 0,
        Priority::High => HIGH_PRIORITY,
    }
}

fn encode_auth(auth: &AuthMessage) -> Bytes {
    let message = proto::AuthMessage { auth_plugin_name: auth.plugin.clone(), payload: auth.payload.clone() };
    message.encode_to_vec().into()
}

fn decode_auth(frame: Bytes) -> Option<AuthMessage> {
    let message = proto::AuthMessage::decode(frame).ok()?;
    Some(AuthMessage { plugin: message.auth_plugin_name, payload: message.payload })
}
