//! The client's side: requests are written, answers read.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use super::super::{Answer, Frame, RequestKey, malformed};
use super::{DEFERRED_SYNC, FREE_BYTES, TOTAL_BYTES, frame, header, operation_of};
use crate::error::{Error, Result};
use crate::proto;
use crate::proto::read_request::Flag;
use crate::protocol::{
    AddRequest, AuthMessage, BookieInfo, EntryList, Operation, Priority, ReadLacResponse, ReadMode,
    ReadRequest, ReadResponse, Request, Response, Status,
};
use crate::types::EntryId;

/// `None` if this version does not have the request.
pub(in crate::codec) fn encode_request(request: &Request, number: u64) -> Result<Option<Frame>> {
    let priority = match request {
        Request::Add(add) => return Ok(Some(encode_add(add, number))),
        Request::BatchRead(_) => return Ok(None),
        Request::Read(read) => read.priority,
        _ => Priority::Normal,
    };
    let mut message =
        proto::Request { header: header(request.operation(), number, priority), ..proto::Request::default() };
    match request {
        Request::Read(read) => message.read_request = Some(read_request(read)?),
        Request::WriteLac(write) => {
            message.write_lac_request = Some(proto::WriteLacRequest {
                ledger_id: write.ledger.number(),
                lac: EntryId::to_wire(write.lac),
                master_key: Bytes::copy_from_slice(write.key.as_bytes()),
                body: write.body.clone(),
            });
        }
        Request::ReadLac(ledger) => {
            message.read_lac_request = Some(proto::ReadLacRequest { ledger_id: ledger.number() });
        }
        Request::Force(ledger) => {
            message.force_ledger_request = Some(proto::ForceLedgerRequest { ledger_id: ledger.number() });
        }
        Request::BookieInfo(info) => {
            let bit = |asked, bit| if asked { bit } else { 0 };
            let requested = Some(bit(info.total, TOTAL_BYTES) | bit(info.free, FREE_BYTES));
            message.get_bookie_info_request = Some(proto::GetBookieInfoRequest { requested });
        }
        Request::ListEntries(ledger) => {
            message.get_list_of_entries_of_ledger_request =
                Some(proto::GetListOfEntriesOfLedgerRequest { ledger_id: ledger.number() });
        }
        Request::Auth(auth) => {
            message.auth_request = Some(proto::AuthMessage {
                auth_plugin_name: auth.plugin.clone(),
                payload: auth.payload.clone(),
            });
        }
        Request::StartTls => message.start_tls_request = Some(proto::StartTlsRequest {}),
        Request::Add(_) | Request::BatchRead(_) => {}
    }
    Ok(Some(frame(&message)))
}

fn read_request(read: &ReadRequest) -> Result<proto::ReadRequest> {
    let mut message = proto::ReadRequest {
        ledger_id: read.ledger.number(),
        entry_id: EntryId::to_wire(read.entry),
        ..proto::ReadRequest::default()
    };
    match &read.mode {
        ReadMode::Plain => {}
        ReadMode::Fence(key) => {
            message.flag = Some(Flag::FenceLedger as i32);
            message.master_key = Some(Bytes::copy_from_slice(key.as_bytes()));
        }
        ReadMode::LongPoll(poll) => {
            if poll.piggyback && read.entry.is_some() {
                return Err(Error::invalid_argument(
                    "a long poll that brings an entry cannot ask for another one",
                ));
            }
            message.flag = poll.piggyback.then_some(Flag::EntryPiggyback as i32);
            message.previous_lac = Some(EntryId::to_wire(poll.previous_lac));
            message.time_out = poll.timeout.map(|wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        }
    }
    Ok(message)
}

/// Field numbers and types of an add, as they are written in front of the values.
mod tags {
    pub(super) const HEADER: &[u8] = &[0x0a];
    pub(super) const ADD_REQUEST: &[u8] = &[0xaa, 0x06];
    pub(super) const LEDGER: &[u8] = &[0x08];
    pub(super) const ENTRY: &[u8] = &[0x10];
    pub(super) const KEY: &[u8] = &[0x1a];
    pub(super) const BODY: &[u8] = &[0x22];
    pub(super) const WRITE_FLAGS: &[u8] = &[0x28];
    pub(super) const FLAG: &[u8] = &[0xa0, 0x06];
}

/// An add is written by hand, its entry last, so that the entry is sent from where it is: no copy for each bookie.
fn encode_add(add: &AddRequest, number: u64) -> Frame {
    let mut fields = BytesMut::with_capacity(64);
    put(&mut fields, tags::LEDGER, add.ledger.number() as u64);
    put(&mut fields, tags::ENTRY, add.entry.number() as u64);
    put(&mut fields, tags::KEY, add.key.as_bytes().len() as u64);
    fields.extend_from_slice(add.key.as_bytes());
    if add.deferred_sync {
        put(&mut fields, tags::WRITE_FLAGS, DEFERRED_SYNC as u64);
    }
    if add.recovery {
        put(&mut fields, tags::FLAG, proto::add_request::Flag::RecoveryAdd as u64);
    }
    put(&mut fields, tags::BODY, add.body.len() as u64);

    let header = header(Operation::Add, number, add.priority);
    let mut prefix = BytesMut::with_capacity(128);
    prefix.put_bytes(0, Frame::LENGTH_BYTES);
    put(&mut prefix, tags::HEADER, header.encoded_len() as u64);
    header.encode(&mut prefix).expect("the buffer grows as it needs to");
    put(&mut prefix, tags::ADD_REQUEST, (fields.len() + add.body.len()) as u64);
    prefix.extend_from_slice(&fields);
    Frame::new(prefix, add.body.clone())
}

/// A tag and a number of variable length.
fn put(buffer: &mut BytesMut, tag: &[u8], mut value: u64) {
    buffer.extend_from_slice(tag);
    while value >= 0x80 {
        buffer.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    buffer.put_u8(value as u8);
}

pub(in crate::codec) fn decode_answer(frame: Bytes) -> Result<Answer> {
    let wrong = || malformed("an answer in version 3");
    let message = proto::Response::decode(frame).map_err(|error| wrong().caused_by(error))?;
    let operation = operation_of(&message.header).ok_or_else(wrong)?;
    let key = RequestKey::Number(message.header.txn_id);
    // The status in the body counts where there is one.
    let status = Status::check_v3(body_status(&message).unwrap_or(message.status));
    let outcome = match status {
        Err(status) => Err(status),
        Ok(()) => Ok(response(operation, message)?.ok_or_else(wrong)?),
    };
    Ok(Answer { key, operation, outcome })
}

fn body_status(message: &proto::Response) -> Option<i32> {
    None.or(message.read_response.as_ref().map(|body| body.status))
        .or(message.add_response.as_ref().map(|body| body.status))
        .or(message.write_lac_response.as_ref().map(|body| body.status))
        .or(message.read_lac_response.as_ref().map(|body| body.status))
        .or(message.get_bookie_info_response.as_ref().map(|body| body.status))
        .or(message.force_ledger_response.as_ref().map(|body| body.status))
        .or(message.get_list_of_entries_of_ledger_response.as_ref().map(|body| body.status))
}

/// What succeeded; `None` if the body that says so is missing.
fn response(operation: Operation, message: proto::Response) -> Result<Option<Response>> {
    Ok(match operation {
        Operation::Add => message.add_response.map(|_| Response::Add),
        Operation::Read => message.read_response.map(read_response).transpose()?.map(Response::Read),
        Operation::WriteLac => message.write_lac_response.map(|_| Response::WriteLac),
        Operation::ReadLac => message.read_lac_response.map(|body| {
            Response::ReadLac(ReadLacResponse {
                explicit_lac: body.lac_body,
                last_entry: body.last_entry_body,
            })
        }),
        Operation::Force => message.force_ledger_response.map(|_| Response::Force),
        Operation::BookieInfo => message.get_bookie_info_response.map(|body| {
            let bytes = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
            Response::BookieInfo(BookieInfo {
                total_bytes: bytes(body.total_disk_capacity),
                free_bytes: bytes(body.free_disk_space),
            })
        }),
        Operation::ListEntries => match message.get_list_of_entries_of_ledger_response {
            None => None,
            Some(body) => {
                let list = body.availability_of_entries_of_ledger.map(EntryList::decode).transpose()?;
                Some(Response::ListEntries(list.unwrap_or_default()))
            }
        },
        Operation::Auth => message
            .auth_response
            .map(|body| Response::Auth(AuthMessage { plugin: body.auth_plugin_name, payload: body.payload })),
        Operation::StartTls => Some(Response::StartTls),
        Operation::BatchRead => None,
    })
}

fn read_response(body: proto::ReadResponse) -> Result<ReadResponse> {
    Ok(ReadResponse {
        entry: EntryId::from_wire(body.entry_id)?,
        body: body.body,
        max_lac: body.max_lac.map(EntryId::from_wire).transpose()?,
        lac_updated_ms: body.lac_update_timestamp,
    })
}
