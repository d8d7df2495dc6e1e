//! A bookie as its clients see it: requests go in, each ends once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::link::{Environment, Link};
use super::options::ConnectionOptions;
use super::reply::Reply;
use crate::cluster::BookieRegistry;
use crate::codec::ProtocolVersion;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{ReadMode, Request, Response};
use crate::seams::Seams;
use crate::types::BookieId;

/// The bookies of a cluster, each with its connections. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct Bookies(Arc<AllBookies>);

struct AllBookies {
    environment: Environment,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    bookies: BTreeMap<BookieId, BookieClient>,
    closed: bool,
}

impl Bookies {
    /// Bookies that are found by `registry`. Nothing is connected before there is something to say.
    #[must_use]
    pub fn new(registry: Arc<dyn BookieRegistry>, options: ConnectionOptions, seams: Seams) -> Self {
        let environment = Environment { registry, options: Arc::new(options), seams };
        Self(Arc::new(AllBookies { environment, known: Mutex::default() }))
    }

    /// One of them, whether it is there or not.
    #[must_use]
    pub fn bookie(&self, id: &BookieId) -> BookieClient {
        let mut known = self.known();
        if let Some(bookie) = known.bookies.get(id) {
            return bookie.clone();
        }
        let bookie = BookieClient::new(id.clone(), self.0.environment.clone());
        if known.closed {
            bookie.close();
        }
        known.bookies.insert(id.clone(), bookie.clone());
        bookie
    }

    /// Forgets bookies for which `keep` says no. Their connections are closed when nobody else has them.
    pub fn retain(&self, mut keep: impl FnMut(&BookieId) -> bool) {
        let mut gone = Vec::new();
        self.known().bookies.retain(|id, bookie| {
            let keep = keep(id);
            if !keep {
                gone.push(bookie.clone());
            }
            keep
        });
        // Closing ends requests, whose callers may come back here: not while the lock is held.
        drop(gone);
    }

    /// Closes every connection: all requests end with `closed`, now and from here on.
    pub fn close(&self) {
        let mut known = self.known();
        known.closed = true;
        let all: Vec<BookieClient> = known.bookies.values().cloned().collect();
        drop(known);
        for bookie in all {
            bookie.close();
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One bookie. Cheap to clone; all clones share the connections, which are closed when the last one is dropped.
///
/// There is a connection for each version of the protocol that is needed. Each is made with the first request, its address
/// resolved anew, and made again with the first request after it broke. A request that is sent ends exactly once: with
/// its answer, at its deadline, when its connection breaks (`unavailable`), or when the client is closed. What is in flight
/// is bounded by the options; more is refused at once with `busy`.
#[derive(Clone)]
pub struct BookieClient(Arc<Links>);

struct Links {
    id: BookieId,
    options: Arc<ConnectionOptions>,
    v2: Link,
    v3: Link,
}

impl BookieClient {
    fn new(id: BookieId, environment: Environment) -> Self {
        let link = |version| Link::new(id.clone(), version, environment.clone());
        let (v2, v3) = (link(ProtocolVersion::V2), link(ProtocolVersion::V3));
        Self(Arc::new(Links { id, options: environment.options, v2, v3 }))
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &BookieId {
        &self.0.id
    }

    /// Sends a request and has `done` called with its outcome: once, whatever happens, perhaps before this returns.
    ///
    /// `done` runs on the connection's task or in the call that ends the request: it must not block. Without a `timeout`
    /// that of the options counts, on top of the time that a long poll may wait.
    pub fn submit(
        &self,
        request: &Request,
        timeout: Option<Duration>,
        done: impl FnOnce(Result<Response>) + Send + 'static,
    ) {
        self.link(request).submit(request, self.timeout(request, timeout), Reply::new(done));
    }

    /// Sends a request and waits for its outcome.
    ///
    /// Dropping the future gives the request up: it is not sent if it was not yet, and otherwise may still take effect.
    ///
    /// # Errors
    /// What the bookie refused with (`no-such-entry`, `ledger-fenced`, …); `timeout`, `unavailable`, `busy`, `closed` where it
    /// did not answer; `unsupported` and `too-large` for what cannot be sent. Of those, errors say whether the request may
    /// have taken effect.
    pub async fn call(&self, request: &Request, timeout: Option<Duration>) -> Result<Response> {
        let (sender, receiver) = oneshot::channel();
        let link = self.link(request);
        let reply = Reply::new(move |outcome| {
            // Nobody listens if the future was dropped.
            let _given_up = sender.send(outcome);
        });
        let number = link.submit(request, self.timeout(request, timeout), reply);
        let _guard = number.map(|number| GiveUp { link, number });
        receiver.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Closed, "the connection was closed")))
    }

    /// Requests in flight, and the bytes that they take of the budget.
    #[must_use]
    pub fn in_flight(&self) -> (usize, usize) {
        let ((requests, bytes), (more_requests, more_bytes)) = (self.0.v2.in_flight(), self.0.v3.in_flight());
        (requests + more_requests, bytes + more_bytes)
    }

    /// Closes the connections: all requests end with `closed`, now and from here on.
    pub fn close(&self) {
        self.0.v2.close();
        self.0.v3.close();
    }

    /// The connection in the version that is preferred, if it has the request.
    fn link(&self, request: &Request) -> &Link {
        let preferred = self.0.options.version;
        let other = match preferred {
            ProtocolVersion::V2 => ProtocolVersion::V3,
            ProtocolVersion::V3 => ProtocolVersion::V2,
        };
        match if preferred.supports(request) { preferred } else { other } {
            ProtocolVersion::V2 => &self.0.v2,
            ProtocolVersion::V3 => &self.0.v3,
        }
    }

    fn timeout(&self, request: &Request, timeout: Option<Duration>) -> Duration {
        timeout.unwrap_or_else(|| {
            let waiting = match request {
                Request::Read(read) => match &read.mode {
                    ReadMode::LongPoll(poll) => poll.timeout.unwrap_or_default(),
                    _ => Duration::ZERO,
                },
                _ => Duration::ZERO,
            };
            self.0.options.request_timeout.saturating_add(waiting)
        })
    }
}

/// Gives a request up when its caller goes away.
struct GiveUp<'a> {
    link: &'a Link,
    number: u64,
}

impl Drop for GiveUp<'_> {
    fn drop(&mut self) {
        self.link.cancel(self.number);
    }
}
