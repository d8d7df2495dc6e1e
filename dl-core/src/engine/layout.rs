//! Where a log keeps what in the metadata tree: DistributedLog's own nodes, so that both can work on one namespace.
//!
//! ```text
//! /{log}                    the user's metadata
//! └── <default>             the root of the log
//!     ├── maxtxid           largest txid of completed segments; 2^63-1 once the log is sealed
//!     ├── version           FF FF FF FF
//!     ├── lock              its children are the members of the write lock
//!     ├── readLock          as of the lock of readers without a cursor
//!     ├── ledgers           number of the newest segment ever started
//!     │   ├── inprogress_…  one for each segment, see metadata/segment.rs
//!     │   └── logrecs_…
//!     ├── allocation        a segment id that is given out and not yet used
//!     ├── options           options kept with the log; not there before they are set, and unknown to DistributedLog
//!     └── subscribers       once a cursor was used
//!         └── {cursor}      its position in Base64; empty if it has none
//!             └── readLock  once a locked reader had it: its children are the members of that lock
//! ```

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::metadata::{Expect, MetadataStore, Node, Op, Outcome, RefusalReason, Version};
use crate::types::{CursorName, LogName, MAX_USER_METADATA_BYTES};

/// What the root of each log is called.
pub(crate) const ROOT_NAME: &str = "<default>";

const LAYOUT_VERSION: [u8; 4] = [0xff; 4];

/// What the lock of readers is called, of the log and of each cursor.
const READ_LOCK: &str = "readLock";

/// The paths of the nodes of one log.
#[derive(Debug, Clone)]
pub(crate) struct LogPaths {
    base: String,
}

impl LogPaths {
    pub(crate) fn new(log: &LogName) -> Self {
        Self { base: format!("/{log}") }
    }

    /// The node with the user's metadata; logs below this one's name are its children too.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn root(&self) -> String {
        format!("{}/<default>", self.base)
    }

    pub(crate) fn max_txid(&self) -> String {
        self.below_root("maxtxid")
    }

    pub(crate) fn version(&self) -> String {
        self.below_root("version")
    }

    pub(crate) fn lock(&self) -> String {
        self.below_root("lock")
    }

    pub(crate) fn read_lock(&self) -> String {
        self.below_root(READ_LOCK)
    }

    /// The parent of the segments. A log exists while this node does.
    pub(crate) fn ledgers(&self) -> String {
        self.below_root("ledgers")
    }

    pub(crate) fn allocation(&self) -> String {
        self.below_root("allocation")
    }

    pub(crate) fn options(&self) -> String {
        self.below_root("options")
    }

    /// The parent of the cursors. It exists once there was one.
    pub(crate) fn cursors(&self) -> String {
        self.below_root("subscribers")
    }

    /// The node with the position of a cursor.
    pub(crate) fn cursor(&self, name: &CursorName) -> String {
        format!("{}/{name}", self.cursors())
    }

    /// The parent of the members of a cursor's lock.
    pub(crate) fn cursor_lock(&self, name: &CursorName) -> String {
        format!("{}/{READ_LOCK}", self.cursor(name))
    }

    /// Whether the children of this node are members of a lock of readers.
    pub(crate) fn is_read_lock(&self, path: &str) -> bool {
        let cursors = self.cursors();
        let below = path.strip_prefix(&cursors).and_then(|below| below.strip_prefix('/'));
        path == self.read_lock()
            || below.and_then(|below| below.split_once('/')).is_some_and(|(_, node)| node == READ_LOCK)
    }

    /// The node of the segment with this node name.
    pub(crate) fn segment(&self, name: &str) -> String {
        format!("{}/<default>/ledgers/{name}", self.base)
    }

    fn below_root(&self, name: &str) -> String {
        format!("{}/<default>/{name}", self.base)
    }

    /// The nodes above the log's own, and this one last.
    pub(crate) fn ancestors_and_base(&self) -> impl Iterator<Item = String> {
        let ancestors = self.base.match_indices('/').skip(1).map(|(end, _)| end);
        ancestors.chain([self.base.len()]).map(|end| self.base[..end].to_owned())
    }

    /// Every node of a log, parents first, with the data it is created with.
    fn nodes(&self) -> Vec<(String, Bytes)> {
        let empty = Bytes::new;
        let mut nodes: Vec<_> = self.ancestors_and_base().map(|path| (path, empty())).collect();
        nodes.extend([
            (self.root(), empty()),
            (self.max_txid(), number_data(0)),
            (self.version(), Bytes::from_static(&LAYOUT_VERSION)),
            (self.lock(), empty()),
            (self.read_lock(), empty()),
            (self.ledgers(), number_data(0)),
            (self.allocation(), empty()),
        ]);
        nodes
    }
}

/// Makes a log, with whatever nodes it still misses, in one commit.
///
/// # Errors
/// `already-exists` if it is there.
pub(crate) async fn create(metadata: &dyn MetadataStore, log: &LogName) -> Result<()> {
    let paths = LogPaths::new(log);
    loop {
        let mut missing = Vec::new();
        for (path, data) in paths.nodes() {
            if metadata.get(&path).await?.is_none() {
                missing.push(Op::create(path, data));
            }
        }
        if missing.is_empty() {
            return Err(Error::already_exists("the log exists already; open it").with("log", log));
        }
        match metadata.commit(&missing).await? {
            Outcome::Committed(_) => return Ok(()),
            // Somebody else made or deleted a node meanwhile: look again.
            Outcome::Refused(refusal)
                if matches!(refusal.reason, RefusalReason::Exists | RefusalReason::Missing) => {}
            Outcome::Refused(refusal) => {
                return Err(
                    Error::internal(format!("creating a log was refused: {refusal:?}")).with("log", log)
                );
            }
        }
    }
}

/// Whether the log exists.
pub(crate) async fn exists(metadata: &dyn MetadataStore, log: &LogName) -> Result<bool> {
    Ok(metadata.get(&LogPaths::new(log).ledgers()).await?.is_some())
}

/// What tells the log from an earlier one of the same name.
///
/// # Errors
/// `not-found` if it does not exist.
pub(crate) async fn incarnation(metadata: &dyn MetadataStore, log: &LogName) -> Result<u64> {
    Ok(require(metadata, log, &LogPaths::new(log).ledgers()).await?.version.created)
}

/// What stands for the log in metadata, if it is this incarnation; any, without one.
///
/// # Errors
/// `not-found` if it is gone, or another since.
pub(crate) async fn require_same(
    metadata: &dyn MetadataStore,
    log: &LogName,
    incarnation: Option<u64>,
) -> Result<Node> {
    let node = require(metadata, log, &LogPaths::new(log).ledgers()).await?;
    match incarnation {
        Some(incarnation) if node.version.created != incarnation => {
            let message = "the log was deleted, and made anew since; open it again";
            Err(Error::not_found(message).with("log", log).with("incarnation", incarnation))
        }
        _ => Ok(node),
    }
}

/// A node of the log that has to be there.
///
/// # Errors
/// `not-found` if it is not: the log does not exist.
pub(crate) async fn require(metadata: &dyn MetadataStore, log: &LogName, path: &str) -> Result<Node> {
    metadata.get(path).await?.ok_or_else(|| no_log(log))
}

/// The error for a log that is not there, or no longer.
pub(crate) fn no_log(log: &LogName) -> Error {
    Error::not_found("there is no such log; create it, or check its name").with("log", log)
}

/// Replaces the data of the log's own node: the user's metadata.
///
/// # Errors
/// `too-large` if it is over the limit; `not-found`; what the commit fails with.
pub(crate) async fn set_user_metadata(
    metadata: &dyn MetadataStore,
    log: &LogName,
    incarnation: Option<u64>,
    data: Bytes,
) -> Result<()> {
    if data.len() > MAX_USER_METADATA_BYTES {
        return Err(Error::too_large(format!(
            "the user metadata has {} bytes; the most is {MAX_USER_METADATA_BYTES}: keep the rest elsewhere, and here where it is",
            data.len()
        ))
        .with("log", log));
    }
    let paths = LogPaths::new(log);
    loop {
        let there = require_same(metadata, log, incarnation).await?.version;
        let same = Op::Check { path: paths.ledgers(), expect: Expect::Version(there) };
        let set = Op::Set { path: paths.base().to_owned(), data: data.clone(), expect: Expect::Any };
        // Refused: a segment was started meanwhile, or the log deleted.
        if let Outcome::Committed(_) = metadata.commit(&[same, set]).await? {
            return Ok(());
        }
    }
}

/// A number as the data of a node.
pub(crate) fn number_data(number: i64) -> Bytes {
    Bytes::from(number.to_string())
}

/// A node whose data is a number, with the version it was read in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number {
    pub(crate) value: i64,
    pub(crate) version: Version,
}

impl Number {
    /// Reads the data of the node at `path`.
    ///
    /// # Errors
    /// `corrupt` if it is not a decimal number.
    pub(crate) fn parse(node: &Node, log: &LogName, path: &str) -> Result<Self> {
        let text = std::str::from_utf8(&node.data).ok();
        let plain = |text: &&str| text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
        let value = text.filter(plain).and_then(|text| text.parse().ok()).ok_or_else(|| {
            let data = node.data[..node.data.len().min(50)].escape_ascii();
            Error::corrupt("a metadata node does not hold a number")
                .with("log", log)
                .with("node", path)
                .with("data", data)
        })?;
        Ok(Self { value, version: node.version })
    }
}
