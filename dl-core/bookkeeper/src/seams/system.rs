//! The real world, on tokio.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::{self, Instant};

use super::names::Names;
use super::{BoxFuture, Clock, Network, Random, Seams, Stream, Tasks};

pub(super) fn seams() -> Seams {
    Seams {
        clock: Arc::new(SystemClock { start: Instant::now() }),
        tasks: Arc::new(SystemTasks(Mutex::new(Some(Handle::current())))),
        network: Arc::new(SystemNetwork::new()),
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
            // What waits without a runtime is over, and is to find that out.
            if Handle::try_current().is_err() {
                return;
            }
            match until {
                Some(until) => time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        })
    }
}

/// On this runtime until it is let go; then on that of whoever calls, if there is one.
struct SystemTasks(Mutex<Option<Handle>>);

impl Tasks for SystemTasks {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        let own = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Detached: what it answers to is told through channels. Without a runtime it is dropped, as in one that has ended.
        if let Some(runtime) = own.or_else(|| Handle::try_current().ok()) {
            drop(runtime.spawn(task));
        }
    }

    fn rest(&self) {
        let own = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        // With nothing locked: it may be the last handle, with which all goes that is left of the runtime.
        drop(own);
    }
}

struct SystemNetwork {
    names: Arc<Names>,
}

impl SystemNetwork {
    fn new() -> Self {
        Self { names: Arc::new(Names::new()) }
    }
}

impl Network for SystemNetwork {
    fn connect(&self, address: &str) -> BoxFuture<'static, io::Result<Box<dyn Stream>>> {
        let (names, address) = (self.names.clone(), address.to_owned());
        Box::pin(async move {
            let stream = TcpStream::connect(&*names.resolve(&address).await?).await?;
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::net::TcpListener;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tokio's own threads are what is to be had no more of")]
    fn a_name_is_looked_up_where_the_runtime_has_no_thread_for_it() {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().max_blocking_threads(1).build().unwrap();
        let (finish, wait) = mpsc::channel::<()>();
        let (busy, is_busy) = mpsc::channel();
        runtime.spawn_blocking(move || {
            busy.send(()).unwrap();
            wait.recv().unwrap_err();
        });
        is_busy.recv().unwrap();
        let connected = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = format!("localhost:{}", listener.local_addr().unwrap().port());
            time::timeout(Duration::from_secs(10), SystemNetwork::new().connect(&address)).await
        });
        drop(finish);
        connected.unwrap().unwrap();
    }
}
