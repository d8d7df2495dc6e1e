//! Threads that are started when first needed.

use std::io;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};

/// Whether something was started.
#[derive(Debug, Default)]
pub(super) struct Started(Mutex<bool>);

impl Started {
    /// Starts it unless it was. If that fails, the next one who needs it tries again.
    ///
    /// # Errors
    /// `unavailable` if there is no thread to be had.
    pub(super) fn start(&self, start: impl FnOnce() -> io::Result<()>) -> Result<()> {
        let mut started = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !*started {
            start().map_err(|error| {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn what_could_not_be_started_is_tried_again_and_started_once() {
        let started = Started::default();
        let error = started.start(|| Err(io::ErrorKind::WouldBlock.into())).unwrap_err();
        assert_eq!((error.kind(), error.may_have_taken_effect()), (ErrorKind::Unavailable, false));
        let mut times = 0;
        for _ in 0..2 {
            started
                .start(|| {
                    times += 1;
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(times, 1);
    }
}
