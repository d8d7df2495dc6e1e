//! Threads that are started when first needed.

use std::io;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::error::{Error, Result};

/// Whether something was started, and whether it runs.
#[derive(Debug, Default)]
pub(super) struct Started {
    started: Mutex<bool>,
    running: watch::Sender<bool>,
}

/// Belongs to what was started, and is dropped at its end.
pub(super) struct Running(watch::Sender<bool>);

impl Started {
    /// Starts it unless it was. If that fails, the next one who needs it tries again.
    ///
    /// # Errors
    /// `unavailable` if there is no thread to be had.
    pub(super) fn start(&self, start: impl FnOnce(Running) -> io::Result<()>) -> Result<()> {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        if !*started {
            self.running.send_replace(true);
            start(Running(self.running.clone())).map_err(|error| {
                Error::unavailable(format!(
                    "starting a thread failed: {error}; the process is out of threads or memory; raise the limit \
                     (ulimit -u), then try again"
                ))
                .caused_by(error)
            })?;
            *started = true;
        }
        Ok(())
    }

    /// Waits until it has ended, if it was started.
    pub(super) async fn ended(&self) {
        let mut running = self.running.subscribe();
        // It cannot fail: the sender is here.
        let _not_running = running.wait_for(|running| !running).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn what_could_not_be_started_is_tried_again_and_started_once() {
        let started = Started::default();
        let error = started.start(|_| Err(io::ErrorKind::WouldBlock.into())).unwrap_err();
        assert_eq!((error.kind(), error.may_have_taken_effect()), (ErrorKind::Unavailable, false));
        let mut times = 0;
        for _ in 0..2 {
            started
                .start(|_| {
                    times += 1;
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(times, 1);
    }
}
