//! The real world: the system's clocks, threads and files.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is where the seams reach the system"
)]

mod clock;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod fork;
#[cfg(target_os = "linux")]
mod locks;
mod per_process;
mod place;
mod pool;
mod priority;
mod random;
#[cfg(feature = "runtime")]
mod runtime;
mod tasks;
#[cfg(not(target_os = "linux"))]
mod unsupported;
#[cfg(target_os = "linux")]
mod words;

use std::sync::Arc;

use tokio::runtime::Handle;

#[cfg(target_os = "linux")]
use files::SystemFiles;
#[cfg(not(target_os = "linux"))]
use unsupported::SystemFiles;

#[cfg(feature = "runtime")]
pub use self::runtime::build_runtime;

pub(crate) use self::per_process::PerProcess;

use self::clock::SystemClock;
use self::place::Place;
use self::random::SystemRandom;
use self::tasks::SystemTasks;
use super::Seams;
use crate::error::{Error, Result};

impl Seams {
    /// The real world, with tasks and timers on the tokio runtime of the caller, which must have timers enabled.
    ///
    /// On other systems than Linux every call on files answers [`std::io::ErrorKind::Unsupported`].
    ///
    /// # Errors
    /// `invalid-argument` without a runtime; `unavailable` if the system has no memory left to watch for forks.
    pub fn system() -> Result<Self> {
        let runtime = Handle::try_current().map_err(|error| {
            Error::invalid_argument(
                "there is no tokio runtime here; call it inside of one (#[tokio::main], Runtime::block_on or Runtime::enter)",
            )
            .caused_by(error)
        })?;
        let files = SystemFiles::new()
            .map_err(|error| Error::unavailable("the system refused to watch for forks").caused_by(error))?;
        let place = Place::new(runtime);
        Ok(Self {
            clock: Arc::new(SystemClock::new(place.clone())),
            random: Arc::new(SystemRandom),
            tasks: Arc::new(SystemTasks::new(place)),
            files: Arc::new(files),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn without_a_runtime_the_error_says_what_to_do() {
        let error = Seams::system().err().expect("there is no runtime");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains("inside of one"));
    }

    #[tokio::test]
    async fn with_a_runtime_it_is_complete() {
        let seams = Seams::system().unwrap();
        let number = seams.random.next_u64();
        assert_eq!(seams.tasks.blocking(move || number).await, number);
    }
}
