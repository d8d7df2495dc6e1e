//! What holds in every case: acknowledged records are in the log, once, in order, and nothing else that was not appended.

use std::collections::{BTreeMap, BTreeSet};

use dl_core::Dlsn;
use serde_json::Value;

use crate::agent::Reply;
use crate::cases::Step;
use crate::matching::brief;

/// What the processes of a case were told.
#[derive(Default)]
pub(crate) struct Ledger {
    logs: BTreeMap<String, Told>,
    /// Whether stored bytes were changed.
    damaged: bool,
}

#[derive(Default)]
struct Told {
    /// Payloads of all appends, acknowledged or not.
    appended: BTreeSet<String>,
    acknowledged: BTreeMap<Dlsn, String>,
    /// The point of truncation.
    point: Option<Dlsn>,
}

impl Ledger {
    /// Notes what a call may do.
    pub(crate) fn will(&mut self, request: &Step) {
        let log = log_of(request);
        for payload in payloads(request) {
            self.logs.entry(log.clone()).or_default().appended.insert(payload);
        }
    }

    /// Notes what a call did.
    pub(crate) fn did(&mut self, request: &Step, reply: &Reply) -> Result<(), String> {
        let result = match reply {
            Reply::Ok(result) => result,
            // Of records that were appended one by one, those in front of the one that failed.
            Reply::Error(error) => return self.acknowledged(request, error.get("receipts")),
            Reply::Wrong(_) => return Ok(()),
        };
        match request.get("do").and_then(Value::as_str) {
            Some("delete_log") => drop(self.logs.remove(&log_of(request))),
            Some("rename_log") => {
                let to = request.get("to").and_then(Value::as_str).unwrap_or_default();
                if let Some(told) = self.logs.remove(&log_of(request)) {
                    self.logs.insert(to.trim_start_matches('/').to_owned(), told);
                }
            }
            Some("truncate" | "apply_retention") => {
                let point = result.as_str().and_then(|point| point.parse().ok());
                let told = self.logs.entry(log_of(request)).or_default();
                told.point = told.point.max(point);
            }
            _ => {}
        }
        self.acknowledged(request, Some(result))
    }

    /// Notes the receipts of the first records of a request.
    fn acknowledged(&mut self, request: &Step, receipts: Option<&Value>) -> Result<(), String> {
        let receipts = match receipts {
            None => return Ok(()),
            Some(Value::Array(receipts)) => receipts.clone(),
            Some(receipt) => vec![receipt.clone()],
        };
        let told = self.logs.entry(log_of(request)).or_default();
        for (payload, receipt) in payloads(request).into_iter().zip(&receipts) {
            let dlsn = dlsn_of(receipt).ok_or_else(|| format!("{} is no receipt", brief(receipt)))?;
            if told.acknowledged.insert(dlsn, payload).is_some() {
                return Err(format!("{dlsn} was acknowledged twice"));
            }
        }
        Ok(())
    }

    /// Nothing is asked of a damaged namespace.
    pub(crate) fn forgive(&mut self) {
        self.damaged = true;
    }

    /// The logs with acknowledged records.
    pub(crate) fn logs(&self) -> Vec<String> {
        let asked = |told: &Told| !self.damaged && !told.acknowledged.is_empty();
        self.logs.iter().filter(|(_, told)| asked(told)).map(|(name, _)| name.clone()).collect()
    }

    /// Compares with what a reader found, from the first readable record to the end.
    pub(crate) fn audit(&self, log: &str, read: &Value) -> Result<(), String> {
        let Some(told) = self.logs.get(log) else { return Ok(()) };
        let records = read.get("records").and_then(Value::as_array).ok_or("it was not read")?;
        let mut found = BTreeMap::new();
        let mut last: Option<(Dlsn, i64, Option<u64>)> = None;
        for record in records {
            let dlsn = dlsn_of(record).ok_or_else(|| format!("{} is no record", brief(record)))?;
            let txid = record.get("txid").and_then(Value::as_i64).unwrap_or_default();
            let sequence_id = record.get("sequence_id").and_then(Value::as_u64);
            if let Some((before, earlier, previous)) = last {
                let counted = previous.zip(sequence_id).is_none_or(|(previous, id)| id == previous + 1);
                if dlsn <= before || txid < earlier || !counted {
                    return Err(format!("{} comes behind {before} with txid {earlier}", brief(record)));
                }
            }
            last = Some((dlsn, txid, sequence_id));
            let payload = record.get("payload").and_then(Value::as_str).unwrap_or_default();
            if !told.appended.contains(payload) {
                return Err(format!("{} was never appended", brief(record)));
            }
            found.insert(dlsn, payload);
        }
        let first = told.point.unwrap_or(Dlsn::new(0, 0, 0));
        if let Some((below, _)) = found.range(..first).next() {
            return Err(format!("{below} is below the point of truncation, {first}"));
        }
        for (dlsn, payload) in told.acknowledged.range(first..) {
            if found.get(dlsn) != Some(&payload.as_str()) {
                return Err(format!("{dlsn} was acknowledged and is not there"));
            }
        }
        Ok(())
    }
}

fn log_of(request: &Step) -> String {
    // A log has the same name with and without a leading slash.
    request.get("log").and_then(Value::as_str).unwrap_or_default().trim_start_matches('/').to_owned()
}

fn dlsn_of(value: &Value) -> Option<Dlsn> {
    value.get("dlsn").and_then(Value::as_str)?.parse().ok()
}

fn payloads(request: &Step) -> Vec<String> {
    let payload = |record: &Value| record.get("payload").and_then(Value::as_str).map(str::to_owned);
    match (request.get("record"), request.get("records").and_then(Value::as_array)) {
        (Some(record), _) => payload(record).into_iter().collect(),
        (None, Some(records)) => records.iter().filter_map(payload).collect(),
        (None, None) => Vec::new(),
    }
}
