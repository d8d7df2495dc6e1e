//! The real world, on tokio.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::{self, Instant};

use super::{BoxFuture, Clock, Network, Random, Seams, Stream, Tasks};

pub(super) fn seams() -> Seams {
    Seams {
        clock: Arc::new(SystemClock { start: Instant::now() }),
        tasks: Arc::new(SystemTasks(Handle::current())),
        network: Arc::new(SystemNetwork),
        random: Arc::new(SystemRandom),
    }
}

struct SystemClock {
    start: Instant,
}

impl Clock for SystemClock {
    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // A sleep of tokio's is bound to the clock that this one tells.
        let until = Instant::now().checked_add(duration);
        Box::pin(async move {
            match until {
                Some(until) => time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        })
    }
}

struct SystemTasks(Handle);

impl Tasks for SystemTasks {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        // Detached: what it answers to is told through channels.
        drop(self.0.spawn(task));
    }
}

struct SystemNetwork;

impl Network for SystemNetwork {
    fn connect(&self, address: &str) -> BoxFuture<'static, io::Result<Box<dyn Stream>>> {
        let address = address.to_owned();
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> io::Result<()> {
        let source = rustls::crypto::ring::default_provider().secure_random;
        source.fill(buffer).map_err(|_| io::Error::other("the system has no randomness to give"))
    }
}
