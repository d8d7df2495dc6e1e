//! Connections to bookies that answer in pieces, out of order, late, never, or with garbage.

mod answers;
mod endings;
mod fake;
mod security;
mod storm;
mod version2;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fake::{FakeBookie, TestClock};
use tokio::task::JoinHandle;

use super::{BookieClient, Bookies, ConnectionOptions};
use crate::cluster::MemoryCluster;
use crate::error::Result;
use crate::protocol::{
    AddRequest, EncodedEntry, Priority, ReadMode, ReadRequest, ReadResponse, Request, Response,
};
use crate::seams::Seams;
use crate::types::{BookieId, EntryId, LedgerId, MasterKey};

/// A client, its bookie, and the time.
struct World {
    bookie: FakeBookie,
    client: BookieClient,
    clock: Arc<TestClock>,
}

impl World {
    async fn new(options: ConnectionOptions) -> Self {
        let bookie = FakeBookie::start().await;
        let (client, clock) = client(&bookie.address(), options);
        Self { bookie, client, clock }
    }

    /// Sends a request without waiting for its end.
    fn send(&self, request: Request) -> JoinHandle<Result<Response>> {
        let client = self.client.clone();
        let runtime = tokio::runtime::Handle::current();
        runtime.spawn(async move { client.call(&request, None).await })
    }
}

fn client(address: &str, options: ConnectionOptions) -> (BookieClient, Arc<TestClock>) {
    let clock = Arc::new(TestClock::default());
    let seams = Seams { clock: clock.clone(), ..Seams::system() };
    let cluster = MemoryCluster::new();
    let id = BookieId::new("bk1").unwrap();
    cluster.register(id.clone(), address, true);
    (Bookies::new(Arc::new(cluster), options, seams).bookie(&id), clock)
}

fn ledger() -> LedgerId {
    LedgerId::new(1).unwrap()
}

fn entry(number: i64) -> EntryId {
    EntryId::new(number).unwrap()
}

fn read(number: i64) -> Request {
    read_as(Some(number), ReadMode::Plain)
}

fn read_as(number: Option<i64>, mode: ReadMode) -> Request {
    Request::Read(ReadRequest {
        ledger: ledger(),
        entry: number.map(entry),
        mode,
        priority: Priority::Normal,
    })
}

fn add(number: i64, payload: usize) -> Request {
    let ids = [1_i64.to_be_bytes(), number.to_be_bytes()].concat();
    let body = EncodedEntry { head: ids.into(), payload: vec![number as u8; payload].into() };
    Request::Add(AddRequest {
        ledger: ledger(),
        entry: entry(number),
        key: MasterKey::from_password(b""),
        body,
        recovery: false,
        deferred_sync: false,
        priority: Priority::Normal,
    })
}

/// The answer to a plain read, which says which entry it is.
fn found(number: i64) -> Response {
    let body = Some(Bytes::from(format!("entry {number}")));
    Response::Read(ReadResponse { entry: Some(entry(number)), body, ..ReadResponse::default() })
}

const SECOND: Duration = Duration::from_secs(1);
