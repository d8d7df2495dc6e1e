//! A namespace: where logs are found, made and removed.

use std::sync::Arc;

use crate::LogWatcher;
use crate::drivers::{self, Contents, Examined, Verified};
use crate::engine::{Engine, delete, layout, listing, rename, snapshot, verify};
use crate::error::Result;
use crate::log::Log;
use crate::options::Options;
use crate::seams::Seams;
use crate::store::Stores;
use crate::telemetry::{Event, Events, Hook, Snapshot, Telemetry};
use crate::types::{LogName, NamespaceInfo, Verification};

/// An open namespace: logs, by their names. Cheap to clone; clones share what is in flight.
///
/// A directory may be open in many processes, and more than once in each. [`close`](Self::close) ends writers as
/// [`Writer::abort`](crate::Writer::abort) does: close them first.
///
/// ```
/// use dl_core::{LogName, Namespace, Options, file_uri};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> dl_core::Result<()> {
/// # let folder = tempfile::tempdir().expect("a folder");
/// # let path = folder.path().join("orders");
/// let uri = file_uri(&path)?; // file:///var/lib/orders, say
/// let options = Options::default().client_id("billing").unsafe_filesystem(true); // the folder of a test may lie anywhere
/// let namespace = Namespace::open(&uri, options).await?;
/// for name in ["eu/paid", "eu/sent", "us/paid"] {
///     namespace.create_log(&LogName::new(name)?).await?;
/// }
/// let eu = namespace.list_logs("eu", None, 100).await?;
/// assert_eq!(eu.len(), 2);
/// namespace.close().await
/// # }
/// ```
#[derive(Clone)]
pub struct Namespace {
    engine: Arc<Engine>,
}

impl Namespace {
    /// Opens the namespace at this URI: `memory:name`, `file:///path` or `distributedlog://zookeeper:2181/path`. Options in
    /// its query win over `options`.
    ///
    /// Its work runs on the tokio runtime of the caller.
    ///
    /// # Errors
    /// `invalid-argument` for a URI or an option that cannot be right; `unsupported` for a driver that this build does
    /// not have, or a directory it must not use; `not-found` if there is none and `create_namespace` is off.
    pub async fn open(uri: &str, options: Options) -> Result<Self> {
        Self::open_with(uri, options, Seams::system()?).await
    }

    /// Opens a namespace in a given world.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_with(uri: &str, options: Options, seams: Seams) -> Result<Self> {
        Self::open_telling(uri, options, seams, None).await
    }

    /// Opens the namespace, with a function that gets its [events](Event): what an operator wants to hear of, such as a
    /// writer that was cut off, a segment that was recovered, a sync that failed.
    ///
    /// It gets one event after another, on a task of its own and outside of all locks, and should not block: events that
    /// come faster than it takes them are dropped and counted. If it panics, only that event is lost.
    /// [`close`](Self::close) returns after it was told of everything.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_with_events(
        uri: &str,
        options: Options,
        hook: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Result<Self> {
        Self::open_telling(uri, options, Seams::system()?, Some(Arc::new(hook))).await
    }

    pub(crate) async fn open_telling(
        uri: &str,
        mut options: Options,
        seams: Seams,
        hook: Option<Hook>,
    ) -> Result<Self> {
        let events = hook.map_or_else(Events::default, |hook| Events::to(hook, &*seams.tasks));
        let telemetry = Arc::new(Telemetry::new(events));
        let opened = drivers::open(uri, &mut options, &seams, &telemetry).await;
        let (stores, owner) = opened.map_err(|error| error.during("open"))?;
        Ok(Self::on(stores, seams, options, owner, telemetry))
    }

    /// The namespace in these stores, opened by who names itself so.
    pub(crate) fn on(
        stores: Stores,
        seams: Seams,
        options: Options,
        owner: String,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        Self { engine: Arc::new(Engine::new(stores, seams, options, owner, telemetry)) }
    }

    /// Reads every byte that belongs to the namespace at this URI (to `log`, if it is given: then of segments only its
    /// own), journals and metadata included, and says what is not as it was written. It changes nothing, locks nothing,
    /// and works beside processes that write, and where [`open`](Self::open) fails. What the records say, their order
    /// and numbers, is for who reads the logs.
    ///
    /// On BookKeeper these are every copy of every entry of the ledgers of its logs, and what the metadata of logs and of
    /// ledgers say of each other; no ledger is fenced.
    ///
    /// # Errors
    /// `not-found` if there is no namespace, or no such log in metadata that is whole; `unsupported` for a namespace
    /// that is newer than this build; `permission-denied`.
    pub async fn verify(uri: &str, options: Options, log: Option<&LogName>) -> Result<Verification> {
        Self::verify_with(uri, options, log, Seams::system()?).await
    }

    /// What the namespace at this URI is: its format, how much it holds, and who has it open. Opens and changes nothing.
    ///
    /// # Errors
    /// `not-found` if there is none; `corrupt` if the file is damaged that says what it is.
    pub async fn inspect(uri: &str, options: Options) -> Result<NamespaceInfo> {
        Self::inspected(uri, options).await.map_err(|error| error.during("inspect"))
    }

    async fn inspected(uri: &str, mut options: Options) -> Result<NamespaceInfo> {
        let (mut info, contents) = drivers::inspect(uri, &mut options, &Seams::system()?).await?;
        info.logs = match contents {
            Contents::Unknown => None,
            Contents::Tree(tree) => Some(verify::count_logs(&tree)),
            Contents::Store(metadata, session) => {
                let listed = listing::list(&*metadata, "", None, usize::MAX).await;
                session.close().await?;
                Some(listed?.len() as u64)
            }
        };
        Ok(info)
    }

    /// Deletes the namespace at this URI, which is on BookKeeper and must have no logs.
    ///
    /// # Errors
    /// `condition-failed` if it has logs; `not-found` if there is none; `unsupported` for a directory, which is removed as
    /// any other, and for memory.
    pub async fn delete(uri: &str, mut options: Options) -> Result<()> {
        drivers::delete(uri, &mut options).await.map_err(|error| error.during("delete"))
    }

    /// Verifies a namespace in a given world.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub async fn verify_with(
        uri: &str,
        options: Options,
        log: Option<&LogName>,
        seams: Seams,
    ) -> Result<Verification> {
        Self::verified(uri, options, log, seams).await.map_err(|error| error.during("verify"))
    }

    async fn verified(
        uri: &str,
        mut options: Options,
        log: Option<&LogName>,
        seams: Seams,
    ) -> Result<Verification> {
        let select = Arc::new(verify::select(log.cloned()));
        let examined = match drivers::verify(uri, &mut options, select, &seams).await? {
            Verified::Files(examined) => examined,
            Verified::Stores(stores, examiner) => {
                let verified = verify::stores::verify(&stores, &*examiner, log).await;
                stores.session.close().await?;
                return verified;
            }
        };
        let Examined { mut verification, tree, segments, unfinished, alive } = examined;
        verify::name(&tree, segments.as_ref(), log, &mut verification)?;
        verification.in_progress = verify::in_progress(&tree, unfinished, &alive);
        Ok(verification)
    }

    /// Makes a log.
    ///
    /// # Errors
    /// `already-exists` if it is there.
    pub async fn create_log(&self, name: &LogName) -> Result<()> {
        self.engine.change("create_log", layout::create(&*self.engine.stores.metadata, name)).await
    }

    /// A handle on a log that exists, as it is now: when that log was deleted its calls are `not-found`, also if one of the
    /// same name was made since.
    ///
    /// # Errors
    /// `not-found` if it does not.
    pub async fn open_log(&self, name: &LogName) -> Result<Log> {
        let incarnation =
            self.engine.call("open_log", layout::incarnation(&*self.engine.stores.metadata, name)).await?;
        Ok(Log::new(self.engine.clone(), name.clone(), Some(incarnation)))
    }

    /// A handle on the log of this name, whichever that is when a call is made, and whether there is one: the call finds
    /// out.
    #[must_use]
    pub fn log(&self, name: &LogName) -> Log {
        Log::new(self.engine.clone(), name.clone(), None)
    }

    /// Whether the log exists.
    ///
    /// # Errors
    /// As any call that has to look: `closed`, `unavailable`, ….
    pub async fn log_exists(&self, name: &LogName) -> Result<bool> {
        self.engine.call("log_exists", layout::exists(&*self.engine.stores.metadata, name)).await
    }

    /// Takes the log from whoever writes it, frees all it holds and removes it; logs below its name stay.
    ///
    /// # Errors
    /// `not-found` if it does not exist; `locked` if another writer took it at the same time.
    pub async fn delete_log(&self, name: &LogName) -> Result<()> {
        self.engine.change("delete_log", delete::delete(&self.engine, name)).await
    }

    /// Gives a log another name, and moves all that belongs to it; logs below its old name stay where they are.
    ///
    /// # Errors
    /// `not-found` if it does not exist; `already-exists` if there is a log of the new name; `locked` while a writer or a
    /// locked reader holds it.
    pub async fn rename_log(&self, from: &LogName, to: &LogName) -> Result<()> {
        self.engine.change("rename_log", rename::rename(&self.engine, from, to)).await
    }

    /// The full names of logs below `prefix` (a path; all logs, if it is empty) and behind `after`, in byte order, at
    /// most `limit`.
    ///
    /// # Errors
    /// `invalid-argument` for a prefix that no log can have, such as `a//b`; as any call that has to look.
    pub async fn list_logs(
        &self,
        prefix: &str,
        after: Option<&LogName>,
        limit: usize,
    ) -> Result<Vec<LogName>> {
        let listed = self
            .engine
            .call("list_logs", listing::list(&*self.engine.stores.metadata, prefix, after, limit))
            .await?;
        Ok(listed.into_iter().map(|log| log.name).collect())
    }

    /// Watches the logs below `prefix` (a path; all logs, if it is empty): tells of those that are there, then of each that
    /// is made or deleted, by this process or another.
    ///
    /// # Errors
    /// `invalid-argument` for a prefix that no log can have, such as `a//b`; `unavailable` if the system lacks the means, such
    /// as a thread, to hear of changes made elsewhere.
    pub fn watch_logs(&self, prefix: &str) -> Result<LogWatcher> {
        LogWatcher::new(&self.engine, prefix).map_err(|error| error.during("watch_logs"))
    }

    /// Closes the namespace: every pending call on it, its logs, writers and readers ends with `closed`.
    ///
    /// What writers had in flight may be in the log or not, as after [`Writer::abort`](crate::Writer::abort). When this
    /// returns, nothing is left of the system's: no file, lock or map of the directory and no thread that works for it or
    /// waits for work, whatever handles are still about.
    ///
    /// One thing can stay for a while: where the system has not answered yet what a host name stands for, threads that asked it
    /// wait on, since it gives no means to break that off: one for each bookie's name, and for ZooKeeper one for each attempt
    /// to reach it.
    ///
    /// # Errors
    /// What the driver reports.
    pub async fn close(&self) -> Result<()> {
        self.engine.closing.close();
        self.engine.keepers.empty().await;
        let closed = self.engine.stores.session.close().await;
        if self.engine.seams.files.forks() == 0 {
            // In a forked child nobody would tell.
            self.engine.telemetry.events.told().await;
            self.engine.seams.tasks.rest();
        }
        closed.map_err(|error| error.during("close"))
    }

    /// The metrics of this namespace handle and its clones, from its opening on. docs/metrics.md lists them.
    ///
    /// How far readers are behind is looked up for it; what cannot be looked up counts as 0.
    pub async fn metrics(&self) -> Snapshot {
        snapshot::take(&self.engine, false).await
    }

    /// The [`metrics`](Self::metrics), and behind them those of each log with an open writer or reader.
    pub async fn metrics_by_log(&self) -> Snapshot {
        snapshot::take(&self.engine, true).await
    }

    #[cfg(test)]
    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }
}
