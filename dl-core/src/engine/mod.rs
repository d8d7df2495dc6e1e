//! The log itself, over any metadata store and any segment store.
//!
//! Read it in the order of a payload's way: [`open`] takes a log over and [`recovery`] ends what earlier writers left
//! behind; [`writer`] gathers records into entries, hands them to the segment store and resolves tickets; [`reader`]
//! brings them back, and a [`cursor`] keeps the place of whoever reads. Everything that a writer changes in metadata goes
//! through [`ownership`].

mod closing;
pub(crate) mod cursor;
pub(crate) mod delete;
pub(crate) mod layout;
pub(crate) mod listing;
mod lock;
pub(crate) mod log_options;
mod metered;
pub(crate) mod open;
mod ownership;
pub(crate) mod queries;
pub(crate) mod reader;
mod recovery;
pub(crate) mod rename;
pub(crate) mod retention;
mod roster;
mod scan;
pub(crate) mod segments;
pub(crate) mod snapshot;
#[cfg(test)]
mod tests;
pub(crate) mod truncate;
pub(crate) mod verify;
pub(crate) mod watching;
pub(crate) mod writer;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use closing::{Closing, Population};

use crate::error::{Error, ErrorKind, Result};
use crate::options::Options;
use crate::seams::Seams;
use crate::store::Stores;
use crate::telemetry::Telemetry;
use lock::Releases;
use metered::MeteredMetadata;
use reader::Seat;
use roster::Roster;
use writer::{Budget, WriterCore};

/// What all logs of an open namespace share.
pub(crate) struct Engine {
    pub(crate) stores: Stores,
    pub(crate) seams: Seams,
    pub(crate) options: Options,
    /// How this process names itself as the owner of a log.
    pub(crate) owner: String,
    /// The bytes that all writers together may have in flight.
    pub(crate) budget: Arc<Budget>,
    /// Set when the namespace is closed.
    pub(crate) closing: Closing,
    /// The keepers of its open writers.
    pub(crate) keepers: Population,
    /// The locks that are about to be let go.
    pub(crate) releases: Arc<Releases>,
    /// The locks that callers asked for who have gone away since.
    pub(crate) given_up: Arc<Releases>,
    pub(crate) telemetry: Arc<Telemetry>,
    /// Its open writers.
    pub(crate) writers: Arc<Roster<WriterCore>>,
    /// How far its open readers are.
    pub(crate) readers: Arc<Roster<Seat>>,
}

impl Engine {
    pub(crate) fn new(
        stores: Stores,
        seams: Seams,
        options: Options,
        owner: String,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        let in_flight = usize::try_from(options.in_flight_bytes).unwrap_or(usize::MAX);
        let metadata = MeteredMetadata::new(stores.metadata, seams.clock.clone(), telemetry.clone());
        Self {
            stores: Stores { metadata: Arc::new(metadata), ..stores },
            seams,
            options,
            owner,
            budget: Arc::new(Budget::new(in_flight)),
            closing: Closing::new("namespace"),
            keepers: Population::default(),
            releases: Arc::default(),
            given_up: Arc::default(),
            telemetry,
            writers: Arc::default(),
            readers: Arc::default(),
        }
    }

    /// Runs a call on the namespace or a log, which has this name in errors, until it ends or the namespace is closed.
    pub(crate) async fn call<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let answer = self.closing.guard(call).await.map_err(|error| error.during(operation));
        answer.inspect_err(|error| self.telemetry.failed(error))
    }

    /// As [`call`](Self::call), for one that changes something.
    ///
    /// # Errors
    /// `permission-denied` if the namespace was opened for reading only.
    pub(crate) async fn change<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.check_writable().map_err(|error| error.during(operation))?;
        self.call(operation, call).await
    }

    /// # Errors
    /// `permission-denied` if the namespace was opened for reading only.
    fn check_writable(&self) -> Result<()> {
        if self.options.read_only {
            let message = "the namespace was opened for reading only; open it without read_only";
            return Err(Error::new(ErrorKind::PermissionDenied, message));
        }
        Ok(())
    }
}

/// Locks a mutex. What it guards is whole between any two statements of ours, so a panic elsewhere spoils nothing.
pub(crate) fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
