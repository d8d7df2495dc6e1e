//! Where a measurement takes place.

use std::cell::RefCell;
use std::env;
use std::path::{self, PathBuf};
use std::process;
use std::time::SystemTime;

use dl_core::{Error, ErrorKind, Log, LogName, Namespace, ReaderOptions, WriterOptions, file_uri};
use tempfile::TempDir;

use super::super::Shared;
use super::super::failure::Result;
use super::super::namespace::{Missing, Scope};
use super::super::stop::Stop;
use super::logs;

/// Where temporary directories are made, unless TMPDIR says otherwise: on most systems this is on a disk, unlike /tmp.
const TEMPORARY: &str = "/var/tmp";

/// Logs that are deleted at once.
const DELETES: usize = 16;

/// A namespace to measure in, and the logs that were made for it.
pub(super) struct Site {
    pub(super) namespace: Namespace,
    pub(super) uri: String,
    pub(super) writer_options: WriterOptions,
    pub(super) reader_options: ReaderOptions,
    /// Names nobody else uses begin with this.
    prefix: String,
    logs: RefCell<Vec<LogName>>,
}

/// Measures in the namespace that was named, or a temporary one, and leaves nothing behind there.
///
/// # Errors
/// What the work ran into; `cancelled` after an interrupt.
pub(super) async fn measure<T>(shared: &Shared, work: impl AsyncFnOnce(&Site) -> Result<T>) -> Result<T> {
    let stop = Stop::default();
    stop.at_interrupts()?;
    let place = Place::new(shared.namespace.uri()?.as_deref())?;
    let site = Site::open(&place.uri, shared).await?;
    let measured = until(&stop, work(&site)).await;
    let left = site.leave(place.directory.is_none()).await;
    let removed = place.remove();
    let measured = measured?;
    left?;
    removed?;
    Ok(measured)
}

/// Measures at the URI of a temporary namespace that is not there yet.
///
/// # Errors
/// As [`measure`].
pub(super) async fn measure_apart<T>(work: impl AsyncFnOnce(&str) -> Result<T>) -> Result<T> {
    let stop = Stop::default();
    stop.at_interrupts()?;
    let place = Place::new(None)?;
    let measured = until(&stop, work(&place.uri)).await;
    let removed = place.remove();
    let measured = measured?;
    removed?;
    Ok(measured)
}

async fn until<T>(stop: &Stop, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        biased;
        () = stop.requested() => {
            Err(Error::new(ErrorKind::Cancelled, "interrupted; nothing was measured").into())
        }
        measured = work => measured,
    }
}

impl Site {
    async fn open(uri: &str, shared: &Shared) -> Result<Self> {
        let (mut writer_options, mut reader_options) = (WriterOptions::default(), ReaderOptions::default());
        let scope = Scope::Both(&mut writer_options, &mut reader_options);
        let namespace = shared.namespace.open_at(uri, Missing::Create, scope).await?;
        let time = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_nanos());
        let prefix = format!("dl-bench-{}-{time}", process::id());
        let uri = uri.to_owned();
        Ok(Self { namespace, uri, writer_options, reader_options, prefix, logs: RefCell::default() })
    }

    /// A log that is new.
    pub(super) async fn create_log(&self) -> Result<Log> {
        let name = self.name()?;
        self.namespace.create_log(&name).await?;
        Ok(self.namespace.log(&name))
    }

    /// A name for a new log, which is deleted at the end if it is there.
    pub(super) fn name(&self) -> Result<LogName> {
        let mut logs = self.logs.borrow_mut();
        let name = LogName::new(&format!("{}-{}", self.prefix, logs.len()))?;
        logs.push(name.clone());
        Ok(name)
    }

    /// Closes the namespace. If it stays, the logs go.
    async fn leave(self, namespace_stays: bool) -> Result<()> {
        if namespace_stays {
            let namespace = self.namespace.clone();
            let delete = move |name| {
                let namespace = namespace.clone();
                async move {
                    match namespace.delete_log(&name).await {
                        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                        deleted => deleted,
                    }
                }
            };
            logs::each(self.logs.take(), DELETES, delete).await?;
        }
        Ok(self.namespace.close().await?)
    }
}

/// A URI, and the directory that was made for it.
struct Place {
    uri: String,
    directory: Option<TempDir>,
}

impl Place {
    fn new(named: Option<&str>) -> dl_core::Result<Self> {
        if let Some(uri) = named {
            return Ok(Self { uri: uri.to_owned(), directory: None });
        }
        let directory = temporary()?;
        Ok(Self { uri: file_uri(&directory.path().join("namespace"))?, directory: Some(directory) })
    }

    fn remove(self) -> dl_core::Result<()> {
        let Some(directory) = self.directory else { return Ok(()) };
        let path = directory.path().to_owned();
        directory.close().map_err(|error| {
            let message = format!("removing the temporary directory failed: {error}");
            Error::new(ErrorKind::Unavailable, message).with("file", path.display()).caused_by(error)
        })
    }
}

fn temporary() -> dl_core::Result<TempDir> {
    let parent = env::var_os("TMPDIR").map_or_else(|| PathBuf::from(TEMPORARY), PathBuf::from);
    let made = path::absolute(&parent)
        .and_then(|parent| tempfile::Builder::new().prefix("dl-bench.").tempdir_in(parent));
    made.map_err(|error| {
        let message = format!("making a temporary directory failed: {error}; name a namespace with --ns");
        Error::new(ErrorKind::Unavailable, message).with("file", parent.display()).caused_by(error)
    })
}
