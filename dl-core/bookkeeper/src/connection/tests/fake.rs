//! A bookie that says what a test tells it, and a clock that goes when a test says so.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::codec::{Call, DEFAULT_MAX_FRAME_BYTES, FrameReader, ProtocolVersion};
use crate::protocol::{Response, Status};
use crate::seams::{BoxFuture, Clock, Stream};

/// Listens on loopback, on a port that the system chose.
pub(super) struct FakeBookie {
    listener: TcpListener,
}

impl FakeBookie {
    pub(super) async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    pub(super) fn address(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    /// The next connection that is made to it.
    pub(super) async fn accept(&self, version: ProtocolVersion) -> Peer {
        let (stream, _) = self.listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        Peer::new(stream, version)
    }
}

/// The bookie's end of a connection.
pub(super) struct Peer {
    pub(super) stream: Option<Box<dyn Stream>>,
    frames: FrameReader,
    pub(super) version: ProtocolVersion,
}

impl Peer {
    fn new(stream: TcpStream, version: ProtocolVersion) -> Self {
        Self { stream: Some(Box::new(stream)), frames: FrameReader::new(DEFAULT_MAX_FRAME_BYTES), version }
    }

    fn stream(&mut self) -> &mut Box<dyn Stream> {
        self.stream.as_mut().unwrap()
    }

    /// The next request, or `None` when the client has closed the connection.
    pub(super) async fn next_request(&mut self) -> Option<Call> {
        loop {
            if let Some(frame) = self.frames.next_frame().unwrap() {
                return Some(self.version.decode_request(frame).unwrap());
            }
            let stream = self.stream.as_mut().unwrap();
            if stream.read_buf(self.frames.buffer()).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    pub(super) async fn request(&mut self) -> Call {
        self.next_request().await.expect("the client sends a request")
    }

    pub(super) async fn requests(&mut self, count: usize) -> Vec<Call> {
        let mut calls = Vec::new();
        while calls.len() < count {
            calls.push(self.request().await);
        }
        calls
    }

    pub(super) async fn answer(&mut self, call: &Call, outcome: Result<Response, Status>) {
        let frame = self.version.encode_answer(call, &outcome).to_bytes();
        self.send(&frame).await;
    }

    /// Any bytes.
    pub(super) async fn send(&mut self, bytes: &[u8]) {
        let stream = self.stream();
        stream.write_all(bytes).await.unwrap();
        stream.flush().await.unwrap();
    }
}

/// Stands still until it is moved.
pub(super) struct TestClock {
    now: watch::Sender<Duration>,
}

impl Default for TestClock {
    fn default() -> Self {
        Self { now: watch::Sender::new(Duration::from_secs(1_000)) }
    }
}

impl TestClock {
    pub(super) fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now += by);
    }
}

impl Clock for TestClock {
    fn monotonic(&self) -> Duration {
        *self.now.borrow()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let until = self.monotonic().saturating_add(duration);
        let mut now = self.now.subscribe();
        Box::pin(async move {
            if now.wait_for(|now| *now >= until).await.is_err() {
                // The clock is gone: its time never comes.
                std::future::pending::<()>().await;
            }
        })
    }
}
