//! Sending the requests of a state machine and gathering the answers.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::cluster::Cluster;
use crate::connection::Bookies;
use crate::error::Result;
use crate::protocol::{Request, Response};
use crate::types::BookieId;

/// Who hears how a request ended: once, whatever happens, perhaps before it is sent.
pub(crate) type Done = Box<dyn FnOnce(Result<Response>) + Send>;

/// Carries requests to bookies.
pub(crate) trait Transport: Send + Sync + 'static {
    /// Sends a request. It never blocks, and every request ends.
    fn submit(&self, to: &BookieId, request: &Request, done: Done);

    /// Ends every request, now and from here on.
    fn close(&self) {}
}

impl Transport for Bookies {
    fn submit(&self, to: &BookieId, request: &Request, done: Done) {
        self.bookie(to).submit(request, None, done);
    }

    fn close(&self) {
        Self::close(self);
    }
}

/// The answers that one state machine waits for.
pub(super) struct Post<T> {
    cluster: Arc<Cluster>,
    sender: mpsc::UnboundedSender<(T, Result<Response>)>,
    receiver: mpsc::UnboundedReceiver<(T, Result<Response>)>,
}

impl<T: Send + 'static> Post<T> {
    pub(super) fn new(cluster: Arc<Cluster>) -> Self {
        // As many answers as the machine asked for: it bounds that.
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { cluster, sender, receiver }
    }

    pub(super) fn send(&self, to: &BookieId, token: T, request: &Request) {
        let sender = self.sender.clone();
        let done = move |answer| {
            // Nobody waits for it if the call was dropped.
            let _unwanted = sender.send((token, answer));
        };
        self.cluster.transport.submit(to, request, Box::new(done));
    }

    /// The next answer, or `None` when it is this time.
    pub(super) async fn next(&mut self, tick_ms: Option<u64>) -> Option<(T, Result<Response>)> {
        tokio::select! {
            biased;
            answer = self.receiver.recv() => answer,
            () = self.cluster.until(tick_ms) => None,
        }
    }
}
