//! What is asked of a log without a reader: positions, counts, the first and the last record.

use dl_core::{Log, Record, Result, Txid};

use crate::boundary::boundary;
use crate::completion::call::dl_call;
use crate::completion::take::put_dlsn;
use crate::dlsn::{self, dl_dlsn};
use crate::error::dl_error;
use crate::handle::Out;
use crate::log::{dl_log, on, put_record};
use crate::record::dl_record;
use crate::waiting::{block, for_call, look, start};

async fn first_record(log: Log) -> Result<Option<Record>> {
    log.first_record().await
}

async fn last_record(log: Log) -> Result<Option<Record>> {
    log.last_record().await
}

/// The position of the first record whose txid is at least `txid`. `found` says whether there is one yet.
///
/// Errors: not-found if there is no such log; invalid-argument for a txid that no record can have.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_dlsn_at_txid(
    log: *mut dl_log,
    txid: i64,
    timeout_ms: i64,
    dlsn: *mut dl_dlsn,
    found: *mut bool,
) -> *mut dl_error {
    boundary(|| {
        let (out, found) = (Out::new(dlsn, "dlsn")?, Out::new(found, "found")?);
        let txid = for_call("dlsn_at_txid", Txid::new(txid))?;
        let verb = on(log, |log| async move { log.dlsn_at_txid(txid).await })?;
        put_dlsn(block(timeout_ms, look("dlsn_at_txid"), verb)?, out, found);
        Ok(())
    })
}

/// Starts dl_log_dlsn_at_txid. Take what it answers with dl_call_take_dlsn. Errors: those of dl_log_dlsn_at_txid come with
/// the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_dlsn_at_txid_start(
    log: *mut dl_log,
    txid: i64,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| {
        let txid = for_call("dlsn_at_txid", Txid::new(txid))?;
        start(call, look("dlsn_at_txid"), on(log, |log| async move { log.dlsn_at_txid(txid).await })?)
    })
}

/// The number of readable records from `from` to `until`, both included; NULL is no bound. As many as a reader with these
/// bounds delivers.
///
/// Errors: not-found if there is no such log.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_count(
    log: *mut dl_log,
    from: *const dl_dlsn,
    until: *const dl_dlsn,
    timeout_ms: i64,
    count: *mut u64,
) -> *mut dl_error {
    boundary(|| Out::new(count, "count")?.fill(block(timeout_ms, look("count"), counting(log, from, until)?)))
}

/// Starts dl_log_count. Take what it answers with dl_call_take_count. Errors: those of dl_log_count come with the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_count_start(
    log: *mut dl_log,
    from: *const dl_dlsn,
    until: *const dl_dlsn,
    call: *mut *mut dl_call,
) -> *mut dl_error {
    boundary(|| start(call, look("count"), counting(log, from, until)?))
}

/// The arguments of counting.
fn counting(
    log: *const dl_log,
    from: *const dl_dlsn,
    until: *const dl_dlsn,
) -> Result<impl Future<Output = Result<u64>> + Send + 'static> {
    let (from, until) = (dlsn::read_or_null(from), dlsn::read_or_null(until));
    on(log, |log| async move {
        match (from, until) {
            (None, None) => log.count().await,
            (from, until) => log.count_between(from, until).await,
        }
    })
}

/// The first readable record; `record` is NULL if there is none yet.
///
/// Errors: not-found if there is no such log.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_first_record(
    log: *mut dl_log,
    timeout_ms: i64,
    record: *mut *mut dl_record,
) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(record, "record")?;
        put_record(block(timeout_ms, look("first_record"), on(log, first_record)?)?, out);
        Ok(())
    })
}

/// Starts dl_log_first_record. Take what it answers with dl_call_take_record. Errors: those of dl_log_first_record come with
/// the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_first_record_start(log: *mut dl_log, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| start(call, look("first_record"), on(log, first_record)?))
}

/// The last record; `record` is NULL if there is none that was not truncated.
///
/// Errors: not-found if there is no such log.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_last_record(
    log: *mut dl_log,
    timeout_ms: i64,
    record: *mut *mut dl_record,
) -> *mut dl_error {
    boundary(|| {
        let out = Out::new(record, "record")?;
        put_record(block(timeout_ms, look("last_record"), on(log, last_record)?)?, out);
        Ok(())
    })
}

/// Starts dl_log_last_record. Take what it answers with dl_call_take_record. Errors: those of dl_log_last_record come with
/// the call.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_last_record_start(log: *mut dl_log, call: *mut *mut dl_call) -> *mut dl_error {
    boundary(|| start(call, look("last_record"), on(log, last_record)?))
}
