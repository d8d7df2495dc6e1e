//! The bookie's side: requests are read, answers written.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;

use super::super::{Call, Frame, malformed};
use super::{DEFERRED_SYNC, FREE_BYTES, TOTAL_BYTES, frame, operation_of};
use crate::error::{Error, Result};
use crate::proto;
use crate::proto::read_request::Flag;
use crate::protocol::{
    AddRequest, AuthMessage, BookieInfoRequest, EncodedEntry, LongPoll, Operation, Priority, ReadMode,
    ReadRequest, Request, Response, Status, WriteLacRequest,
};
use crate::types::{EntryId, LedgerId, MasterKey};

pub(in crate::codec) fn decode_request(frame: Bytes) -> Result<Call> {
    let message = proto::Request::decode(frame).map_err(|error| wrong().caused_by(error))?;
    let operation = operation_of(&message.header).ok_or_else(wrong)?;
    let priority = match message.header.priority {
        None | Some(0) => Priority::Normal,
        Some(_) => Priority::High,
    };
    let number = message.header.txn_id;
    let request = match operation {
        Operation::Add => add(message.add_request.ok_or_else(wrong)?, priority)?,
        Operation::Read => read(message.read_request.ok_or_else(wrong)?, priority)?,
        Operation::WriteLac => write_lac(message.write_lac_request.ok_or_else(wrong)?)?,
        Operation::ReadLac => {
            Request::ReadLac(ledger(message.read_lac_request.ok_or_else(wrong)?.ledger_id)?)
        }
        Operation::Force => {
            Request::Force(ledger(message.force_ledger_request.ok_or_else(wrong)?.ledger_id)?)
        }
        Operation::BookieInfo => {
            let requested = message.get_bookie_info_request.ok_or_else(wrong)?.requested.unwrap_or(0);
            let asked = |bit| requested & bit != 0;
            Request::BookieInfo(BookieInfoRequest { total: asked(TOTAL_BYTES), free: asked(FREE_BYTES) })
        }
        Operation::ListEntries => Request::ListEntries(ledger(
            message.get_list_of_entries_of_ledger_request.ok_or_else(wrong)?.ledger_id,
        )?),
        Operation::Auth => {
            let body = message.auth_request.ok_or_else(wrong)?;
            Request::Auth(AuthMessage { plugin: body.auth_plugin_name, payload: body.payload })
        }
        Operation::StartTls => Request::StartTls,
        Operation::BatchRead => return Err(wrong()),
    };
    Ok(Call { number, request })
}

fn add(body: proto::AddRequest, priority: Priority) -> Result<Request> {
    Ok(Request::Add(AddRequest {
        ledger: ledger(body.ledger_id)?,
        entry: EntryId::new(body.entry_id).map_err(|_| wrong())?,
        key: key(&body.master_key)?,
        body: EncodedEntry::whole(body.body),
        recovery: body.flag == Some(proto::add_request::Flag::RecoveryAdd as i32),
        deferred_sync: body.write_flags.unwrap_or(0) & DEFERRED_SYNC != 0,
        priority,
    }))
}

fn read(body: proto::ReadRequest, priority: Priority) -> Result<Request> {
    let piggyback = body.flag == Some(Flag::EntryPiggyback as i32);
    let mode = match body.previous_lac {
        _ if body.flag == Some(Flag::FenceLedger as i32) => {
            ReadMode::Fence(key(&body.master_key.unwrap_or_default())?)
        }
        None => ReadMode::Plain,
        Some(lac) => ReadMode::LongPoll(LongPoll {
            previous_lac: EntryId::from_wire(lac)?,
            timeout: body.time_out.map(|wait| Duration::from_millis(u64::try_from(wait).unwrap_or(0))),
            piggyback,
        }),
    };
    Ok(Request::Read(ReadRequest {
        ledger: ledger(body.ledger_id)?,
        entry: EntryId::from_wire(body.entry_id)?,
        mode,
        priority,
    }))
}

fn write_lac(body: proto::WriteLacRequest) -> Result<Request> {
    Ok(Request::WriteLac(WriteLacRequest {
        ledger: ledger(body.ledger_id)?,
        lac: EntryId::from_wire(body.lac)?,
        key: key(&body.master_key)?,
        body: body.body,
    }))
}

fn ledger(number: i64) -> Result<LedgerId> {
    LedgerId::new(number).map_err(|_| wrong())
}

fn key(bytes: &[u8]) -> Result<MasterKey> {
    bytes.try_into().map(MasterKey::from_bytes).map_err(|_| wrong())
}

fn wrong() -> Error {
    malformed("a request in version 3")
}

pub(in crate::codec) fn encode_answer(call: &Call, outcome: &std::result::Result<Response, Status>) -> Frame {
    let status = outcome.as_ref().map_or_else(|status| status.number_v3(), |_| 0);
    let mut message = proto::Response {
        header: super::header(call.request.operation(), call.number, Priority::Normal),
        status,
        ..proto::Response::default()
    };
    let ledger_id = call.request.ledger().map_or(-1, LedgerId::number);
    let entry_id = EntryId::to_wire(call.request.entry());
    match outcome {
        Ok(Response::Add) => message.add_response = Some(proto::AddResponse { status, ledger_id, entry_id }),
        Ok(Response::Read(read)) => {
            message.read_response = Some(proto::ReadResponse {
                status,
                ledger_id,
                entry_id: EntryId::to_wire(read.entry),
                body: read.body.clone(),
                max_lac: read.max_lac.map(EntryId::to_wire),
                lac_update_timestamp: read.lac_updated_ms,
            });
        }
        Ok(Response::WriteLac) => {
            message.write_lac_response = Some(proto::WriteLacResponse { status, ledger_id })
        }
        Ok(Response::ReadLac(lac)) => {
            message.read_lac_response = Some(proto::ReadLacResponse {
                status,
                ledger_id,
                lac_body: lac.explicit_lac.clone(),
                last_entry_body: lac.last_entry.clone(),
            });
        }
        Ok(Response::Force) => {
            message.force_ledger_response = Some(proto::ForceLedgerResponse { status, ledger_id })
        }
        Ok(Response::BookieInfo(info)) => {
            let number = |bytes: Option<u64>| bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
            message.get_bookie_info_response = Some(proto::GetBookieInfoResponse {
                status,
                total_disk_capacity: number(info.total_bytes),
                free_disk_space: number(info.free_bytes),
            });
        }
        Ok(Response::ListEntries(list)) => {
            message.get_list_of_entries_of_ledger_response = Some(proto::GetListOfEntriesOfLedgerResponse {
                status,
                ledger_id,
                availability_of_entries_of_ledger: Some(list.encode()),
            });
        }
        Ok(Response::Auth(auth)) => {
            message.auth_response = Some(proto::AuthMessage {
                auth_plugin_name: auth.plugin.clone(),
                payload: auth.payload.clone(),
            });
        }
        Ok(Response::StartTls) => message.start_tls_response = Some(proto::StartTlsResponse {}),
        // Version 3 has no batched read; and a refusal needs no body.
        Ok(Response::BatchRead(_)) | Err(_) => {}
    }
    frame(&message)
}
