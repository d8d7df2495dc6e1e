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

/// Where temporary directories are made, unless TMPDIR says otherwise: on most systems this is on a disk, unlike /tmp.
const TEMPORARY: &str = "/var/tmp";

/// A namespace to measure in, and the logs that were made for it.
pub(super) struct Site {
    namespace: Namespace,
    pub(super) writer_options: WriterOptions,
    pub(super) reader_options: ReaderOptions,
    /// Names nobody else uses begin with this.
    prefix: String,
    logs: RefCell<Vec<LogName>>,
}

/// Measures in a namespace, and leaves nothing behind there.
///
/// # Errors
/// What the work ran into; `cancelled` after an interrupt.
pub(super) async fn measure<T>(shared: &Shared, work: impl AsyncFnOnce(&Site) -> Result<T>) -> Result<T> {
    let stop = Stop::default();
    stop.at_interrupts()?;
    let mut directory = None;
    let uri = match shared.namespace.uri() {
        Some(uri) => uri.to_owned(),
        None => file_uri(&directory.insert(temporary()?).path().join("namespace"))?,
    };
    let site = Site::open(&uri, shared).await?;
    let measured = tokio::select! {
        biased;
        () = stop.requested() => Err(Error::new(ErrorKind::Cancelled, "interrupted; nothing was measured").into()),
        measured = work(&site) => measured,
    };
    let left = site.leave(directory.is_none()).await;
    let removed = directory.map_or(Ok(()), remove);
    let measured = measured?;
    left?;
    removed?;
    Ok(measured)
}

impl Site {
    async fn open(uri: &str, shared: &Shared) -> Result<Self> {
        let (mut writer_options, mut reader_options) = (WriterOptions::default(), ReaderOptions::default());
        let scope = Scope::Both(&mut writer_options, &mut reader_options);
        let namespace = shared.namespace.open_at(uri, Missing::Create, scope).await?;
        let time = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_nanos());
        let prefix = format!("dl-bench-{}-{time}", process::id());
        Ok(Self { namespace, writer_options, reader_options, prefix, logs: RefCell::default() })
    }

    /// A log that is new.
    pub(super) async fn create_log(&self) -> Result<Log> {
        let name = LogName::new(&format!("{}-{}", self.prefix, self.logs.borrow().len()))?;
        self.namespace.create_log(&name).await?;
        self.logs.borrow_mut().push(name.clone());
        Ok(self.namespace.log(&name))
    }

    /// Closes the namespace. If it stays, the logs go.
    async fn leave(self, namespace_stays: bool) -> Result<()> {
        if namespace_stays {
            for log in self.logs.take() {
                self.namespace.delete_log(&log).await?;
            }
        }
        Ok(self.namespace.close().await?)
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

fn remove(directory: TempDir) -> dl_core::Result<()> {
    let path = directory.path().to_owned();
    directory.close().map_err(|error| {
        let message = format!("removing the temporary directory failed: {error}");
        Error::new(ErrorKind::Unavailable, message).with("file", path.display()).caused_by(error)
    })
}
