//! The writer of a log.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use dl_core::{Compression, Error, ErrorKind, ManyTicket, NewRecordSet, Writer};
use napi::Either;
use napi::bindgen_prelude::{BigInt, BigInt64Array, Uint32Array};
use napi_derive::napi;

use crate::acks::{Acks, Tickets};
use crate::error::NativeError;
use crate::port::now;
use crate::settler::Settler;
use crate::values::{Shown, condition, position, record, txid};

/// An open writer.
#[napi]
pub struct NativeWriter {
    settler: Settler,
    writer: Writer,
    acks: Acks,
}

impl NativeWriter {
    pub(crate) fn new(settler: &Settler, writer: Writer) -> Self {
        Self { settler: settler.clone(), acks: Acks::new(settler), writer }
    }

    /// Why there is no room for an append in front of which others wait.
    fn busy(&self) -> Error {
        let busy = || Error::new(ErrorKind::Busy, "appends wait for room; wait for their acknowledgements");
        self.ended().unwrap_or_else(busy).during("try_append")
    }

    /// The error that ended the writer, if one has.
    fn ended(&self) -> Option<Error> {
        let ended = pin!(self.writer.fenced());
        match ended.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(error) => Some(error),
            Poll::Pending => None,
        }
    }
}

/// What is at the end of the log.
#[napi(object, object_from_js = false)]
pub struct Last {
    /// The position of the last acknowledged record, as text.
    pub dlsn: Option<String>,
    /// Its txid.
    pub txid: Option<BigInt>,
}

#[napi]
impl NativeWriter {
    /// Appends a record.
    #[napi(catch_unwind)]
    pub fn append(&self, call: f64, payload: &[u8], chosen: Option<BigInt>, expected: Option<String>) {
        let prepared = txid(chosen).and_then(|txid| Ok((record(payload, txid), condition(expected)?)));
        let (record, condition) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return self.settler.settle::<()>(call, Err(error.during("append"))),
        };
        let writer = self.writer.clone();
        self.acks.append(call, async move {
            let ticket = match condition {
                None => writer.append(record).await?,
                Some(condition) => writer.append_if(record, condition).await?,
            };
            Ok(Tickets::One(ticket))
        });
    }

    /// Appends a record if there is room now; else answers why not.
    #[napi(catch_unwind)]
    pub fn try_append(&self, call: f64, payload: &[u8], chosen: Option<BigInt>) -> Either<NativeError, bool> {
        let chosen = txid(chosen).map_err(|error| error.during("try_append"));
        let ticket = chosen.and_then(|txid| {
            // Nor is there room where others wait for it.
            if self.acks.somebody_waits() {
                Err(self.busy())
            } else {
                self.writer.try_append(record(payload, txid))
            }
        });
        now(ticket.map(|ticket| {
            self.acks.placed(call, Ok(Tickets::One(ticket)));
            true
        }))
    }

    /// Appends records one behind the other: those for which there is room where JavaScript has them, the others by way of a copy.
    #[napi(catch_unwind)]
    pub fn append_many(&self, call: f64, data: &[u8], lengths: Uint32Array, txids: Option<BigInt64Array>) {
        let shown = match Shown::new(data, &lengths, txids.as_ref()) {
            Ok(shown) => shown,
            Err(error) => return self.settler.settle::<()>(call, Err(error.during("append_many"))),
        };
        let mut tickets = Vec::with_capacity(2);
        // Nobody is overtaken: who comes to wait later is called by this thread.
        if !self.acks.somebody_waits() {
            let placed = self.writer.try_append_many(shown.views());
            if placed.len() == shown.len() {
                return self.acks.placed(call, Ok(Tickets::Many(vec![placed], None)));
            }
            tickets.push(placed);
        }
        let rest = shown.copies(tickets.iter().map(ManyTicket::len).sum());
        let writer = self.writer.clone();
        self.acks.append(call, async move {
            let (ticket, refused) = writer.append_many(&rest).await;
            tickets.push(ticket);
            Ok(Tickets::Many(tickets, refused))
        });
    }

    /// Appends records that are all in the log or none.
    #[napi(catch_unwind)]
    pub fn append_batch(
        &self,
        call: f64,
        data: &[u8],
        lengths: Uint32Array,
        txids: Option<BigInt64Array>,
        expected: Option<String>,
    ) {
        let prepared = Shown::new(data, &lengths, txids.as_ref())
            .and_then(|records| Ok((records.copies(0), condition(expected)?)))
            .map_err(|error| error.during("append_batch"));
        let writer = self.writer.clone();
        self.acks.append(call, async move {
            let (records, condition) = prepared?;
            Ok(Tickets::Batch(writer.append_batch(records, condition).await?))
        });
    }

    /// Appends a record set.
    #[napi(catch_unwind)]
    pub fn append_record_set(
        &self,
        call: f64,
        data: &[u8],
        lengths: Uint32Array,
        chosen: Option<BigInt>,
        compression: String,
        expected: Option<String>,
    ) {
        let prepared = Shown::new(data, &lengths, None)
            .and_then(|members| NewRecordSet::pack(&members.payloads(), compression.parse::<Compression>()?))
            .and_then(|set| match txid(chosen)? {
                Some(txid) => Ok(set.txid(txid)),
                None => Ok(set),
            })
            .and_then(|set| Ok((set, condition(expected)?)))
            .map_err(|error| error.during("append_record_set"));
        let writer = self.writer.clone();
        self.acks.append(call, async move {
            let (set, condition) = prepared?;
            Ok(Tickets::Batch(writer.append_record_set(set, condition).await?))
        });
    }

    /// Waits for room.
    #[napi(catch_unwind)]
    pub fn ready(&self, call: f64) {
        let writer = self.writer.clone();
        self.acks.wait_for_room(call, async move { writer.ready().await });
    }

    /// Waits until all appends that were called before are settled.
    #[napi(catch_unwind)]
    pub fn flush(&self, call: f64) {
        let writer = self.writer.clone();
        // Begun at its place in line, so that it waits for all that is in front of it, and for nothing behind.
        self.acks.append(call, Tickets::of(async move { writer.flush().await }));
    }

    /// Truncates the log, its open segment included.
    #[napi(catch_unwind)]
    pub fn truncate(&self, call: f64, before: String) {
        let writer = self.writer.clone();
        self.settler.start(call, async move {
            Ok(writer.truncate(position("truncate", &before)?).await?.to_string())
        });
    }

    /// Ends the log for ever.
    #[napi(catch_unwind)]
    pub fn seal(&self, call: f64) {
        let writer = self.writer.clone();
        self.acks.begin(call, async move { writer.seal().await });
    }

    /// Settles what was appended and lets the log go.
    #[napi(catch_unwind)]
    pub fn close(&self, call: f64) {
        let writer = self.writer.clone();
        self.acks.begin(call, async move { writer.close().await });
    }

    /// Ends the writer now.
    #[napi(catch_unwind)]
    pub fn abort(&self) {
        self.writer.abort();
    }

    /// Waits for the error that ends the writer, and answers it as a result.
    #[napi(catch_unwind)]
    pub fn fenced(&self, call: f64) {
        let fenced = self.writer.fenced();
        self.settler.start(call, async move { Ok(NativeError::from(fenced.await)) });
    }

    /// What is acknowledged at the end of the log.
    #[napi(catch_unwind)]
    pub fn last(&self) -> Last {
        Last {
            dlsn: self.writer.last_dlsn().map(|dlsn| dlsn.to_string()),
            txid: self.writer.last_txid().map(BigInt::from),
        }
    }
}

impl Drop for NativeWriter {
    /// Also where an append still holds the writer: what JavaScript let go of is over.
    fn drop(&mut self) {
        self.writer.abort();
    }
}
