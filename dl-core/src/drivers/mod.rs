//! The drivers: each keeps the metadata and the segments of a namespace somewhere else.

#[cfg(feature = "bookkeeper")]
pub(crate) mod bookkeeper;
#[cfg(not(feature = "bookkeeper"))]
#[path = "no_bookkeeper.rs"]
pub(crate) mod bookkeeper;
pub(crate) mod file;
pub(crate) mod memory;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::metadata::{MetadataStore, Session, Tree};
use crate::options::{Location, Options, shown_uri};
use crate::seams::{OpenMode, Seams};
use crate::store::{SegmentExaminer, StoreSession, Stores, Unfinished};
use crate::telemetry::Telemetry;
use crate::types::{NamespaceInfo, SegmentId, Verification};

/// Opens the namespace at this URI, whose query is set in `options`. Answers also how this process names itself as the
/// owner of a log.
pub(crate) async fn open(
    uri: &str,
    options: &mut Options,
    seams: &Seams,
    telemetry: &Arc<Telemetry>,
) -> Result<(Stores, String)> {
    let location = Location::parse(uri, options)?;
    options.validate()?;
    let owner = options.client_id.clone().unwrap_or_else(|| process_name(seams));
    let stores = match location {
        Location::Memory(name) => memory::open(&name, seams),
        Location::File(path) => {
            let file = file::FileOptions {
                client_id: owner.clone(),
                lock_wait: Duration::from_millis(options.lock_wait_ms),
                journal_bytes: options.journal_bytes,
                large_flush_bytes: options.large_flush_bytes,
                unsafe_filesystem: options.unsafe_filesystem,
                create: options.create_namespace,
                read_only: options.read_only,
            };
            let slow_sync = Duration::from_millis(options.slow_sync_ms);
            file::open_watched(&path, &file, seams, telemetry, slow_sync).await?
        }
        Location::BookKeeper(place) => bookkeeper::open(&place, options, seams).await?,
    };
    Ok((stores, owner))
}

/// What verifying a namespace needs.
pub(crate) enum Verified {
    /// Nothing more: this is what its files hold.
    Files(Examined),
    /// To go through its stores, which are open for reading.
    Stores(Stores, Arc<dyn SegmentExaminer>),
}

/// What verifying the files of a namespace brought.
pub(crate) struct Examined {
    pub(crate) verification: Verification,
    /// The tree of metadata, as far as it can be read.
    pub(crate) tree: Tree,
    /// The segments that the store knows, and whether they are not deleted; if all of its metadata can be read.
    pub(crate) segments: Option<BTreeMap<SegmentId, bool>>,
    /// The segments in progress.
    pub(crate) unfinished: Vec<Unfinished>,
    /// The sessions of processes that live.
    pub(crate) alive: BTreeSet<Session>,
}

/// Which segments to read, by the tree; all, if `None`.
pub(crate) type Select = Arc<dyn Fn(&Tree) -> Option<BTreeSet<SegmentId>> + Send + Sync>;

/// Reads every byte of the files of the namespace at this URI, or opens it for who verifies it, and changes nothing.
pub(crate) async fn verify(
    uri: &str,
    options: &mut Options,
    select: Select,
    seams: &Seams,
) -> Result<Verified> {
    let location = Location::parse(uri, options)?;
    options.validate()?;
    match location {
        // What this process has in its memory is what it wrote there.
        Location::Memory(_) => Ok(Verified::Files(Examined {
            verification: Verification::default(),
            tree: Tree::new(),
            segments: None,
            unfinished: Vec::new(),
            alive: BTreeSet::new(),
        })),
        Location::File(path) => Ok(Verified::Files(file::verify(&path, select, seams).await?)),
        Location::BookKeeper(place) => {
            let (stores, examiner) = bookkeeper::verify(&place, options, seams).await?;
            Ok(Verified::Stores(stores, examiner))
        }
    }
}

/// What a namespace holds, as far as it can be read without opening it.
pub(crate) enum Contents {
    /// Nothing that can be read.
    Unknown,
    /// Its metadata.
    Tree(Tree),
    /// Its metadata, to be read in this session.
    Store(Arc<dyn MetadataStore>, Arc<dyn StoreSession>),
}

/// What the namespace at this URI is, without opening it.
pub(crate) async fn inspect(
    uri: &str,
    options: &mut Options,
    seams: &Seams,
) -> Result<(NamespaceInfo, Contents)> {
    let location = Location::parse(uri, options)?;
    options.validate()?;
    match location {
        Location::Memory(_) => {
            Ok((NamespaceInfo { driver: "memory", ..NamespaceInfo::default() }, Contents::Unknown))
        }
        Location::File(path) => {
            let (info, tree) = file::inspect(&path, seams).await?;
            Ok((info, tree.map_or(Contents::Unknown, Contents::Tree)))
        }
        Location::BookKeeper(place) => {
            let (info, metadata, session) = bookkeeper::inspect(&place, options, seams).await?;
            Ok((info, Contents::Store(metadata, session)))
        }
    }
}

/// Deletes the namespace at this URI, which has no logs.
pub(crate) async fn delete(uri: &str, options: &mut Options) -> Result<()> {
    let location = Location::parse(uri, options)?;
    options.validate()?;
    let unsupported = |message: &'static str| Err(Error::unsupported(message).with("uri", shown_uri(uri)));
    match location {
        Location::Memory(_) => unsupported("a namespace in memory is gone with the last handle on it"),
        Location::File(_) => unsupported("a namespace in a directory is deleted by removing the directory"),
        Location::BookKeeper(place) => bookkeeper::delete(&place, options).await,
    }
}

/// Host name and process id, as far as the system tells them.
fn process_name(seams: &Seams) -> String {
    let mut name = [0; 64];
    let host = seams
        .files
        .open(Path::new("/proc/sys/kernel/hostname"), OpenMode::Read)
        .and_then(|file| file.read_at(&mut name, 0))
        .map(|length| String::from_utf8_lossy(&name[..length]).trim().to_owned());
    let process = seams.files.process().map_or(0, |(id, _)| id);
    format!("{}:{process}", host.unwrap_or_else(|_| "localhost".to_owned()))
}
