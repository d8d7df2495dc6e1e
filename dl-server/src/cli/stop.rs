//! The wish to end before the input does.

use std::process;

use dl_core::{Error, ErrorKind, Result};
use tokio::signal;
use tokio::sync::watch;

/// Whether to take no more input. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stop {
    pub(crate) fn request(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Completes once it is requested.
    pub(crate) async fn requested(&self) {
        let mut receiver = self.0.subscribe();
        // The sender lives in `self`, so the wait ends only with the value.
        let _seen = receiver.wait_for(|requested| *requested).await;
    }

    /// Makes an interrupt a request to stop, and a second one the end of the process.
    pub(crate) fn at_interrupts(&self) -> Result<()> {
        let mut interrupts = Interrupts::new().map_err(|error| {
            Error::new(ErrorKind::Unavailable, "the system refused to watch for interrupts").caused_by(error)
        })?;
        let stop = self.clone();
        tokio::spawn(async move {
            interrupts.next().await;
            stop.request();
            interrupts.next().await;
            process::exit(i32::from(100 + ErrorKind::Cancelled.number()));
        });
        Ok(())
    }
}

#[cfg(unix)]
struct Interrupts {
    interrupt: signal::unix::Signal,
    terminate: signal::unix::Signal,
}

#[cfg(unix)]
impl Interrupts {
    fn new() -> std::io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Interrupts;

#[cfg(not(unix))]
impl Interrupts {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
