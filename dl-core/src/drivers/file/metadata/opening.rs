//! Making and opening the metadata of a directory: how far it is read, and what has to be done to it first.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use super::group::open_lock;
use super::log::MetadataLog;
use super::queue::Queue;
use super::{FileMetadata, State};
use crate::drivers::file::catalog;
use crate::drivers::file::control::Control;
use crate::drivers::file::layout::Layout;
use crate::drivers::file::started::Started;
use crate::error::Result;
use crate::metadata::{Changes, NodePath, Tree, TreeOp, Watches};
use crate::seams::{OpenMode, Seams};

/// Makes the metadata of a new directory: durable, with nothing in it.
pub(in crate::drivers::file) fn create(seams: &Seams, layout: &Layout, namespace: u64) -> Result<()> {
    let mut tree = Tree::new();
    let path = NodePath::new(catalog::SEGMENTS)?;
    tree.apply(&[TreeOp::Create { path, data: b"0", owner: None }], &mut Changes::default());
    MetadataLog::create(seams.files.clone(), layout, namespace, &tree)
}

impl FileMetadata {
    /// Reads the metadata, for the first opener: all there is, made durable again, and published.
    pub(in crate::drivers::file) fn open_first(
        seams: &Seams,
        layout: &Layout,
        namespace: u64,
        control: Arc<Control>,
        session: u64,
        lock_wait: Duration,
    ) -> Result<Arc<Self>> {
        let mut log = MetadataLog::open(seams.files.clone(), layout.clone(), namespace, OpenMode::Write)?;
        let mut tree = Tree::new();
        log.follow(&mut tree, u64::MAX, |_| {})?;
        log.secure()?;
        control.publish_metadata(log.sequence());
        Self::new(seams, layout, control, session, lock_wait, OpenMode::Write, State { log, tree })
    }

    /// Reads what is published, beside others.
    pub(in crate::drivers::file) fn open_shared(
        seams: &Seams,
        layout: &Layout,
        namespace: u64,
        control: Arc<Control>,
        session: u64,
        lock_wait: Duration,
    ) -> Result<Arc<Self>> {
        let mut log = MetadataLog::open(seams.files.clone(), layout.clone(), namespace, OpenMode::Write)?;
        let mut tree = Tree::new();
        log.follow(&mut tree, control.metadata_published(), |_| {})?;
        Self::new(seams, layout, control, session, lock_wait, OpenMode::Write, State { log, tree })
    }

    /// Reads what there is up to a commit, or all of it, for a handle that only reads.
    pub(in crate::drivers::file) fn open_reading(
        seams: &Seams,
        layout: &Layout,
        namespace: u64,
        control: Arc<Control>,
        until: u64,
        lock_wait: Duration,
    ) -> Result<Arc<Self>> {
        let mut log = MetadataLog::open(seams.files.clone(), layout.clone(), namespace, OpenMode::Read)?;
        let mut tree = Tree::new();
        log.follow(&mut tree, until, |_| {})?;
        if until == u64::MAX {
            // It stands alone: what it found is all it will ever know.
            control.publish_metadata(log.sequence());
        }
        Self::new(seams, layout, control, 0, lock_wait, OpenMode::Read, State { log, tree })
    }

    fn new(
        seams: &Seams,
        layout: &Layout,
        control: Arc<Control>,
        session: u64,
        lock_wait: Duration,
        mode: OpenMode,
        state: State,
    ) -> Result<Arc<Self>> {
        let lock = match mode {
            OpenMode::Read => None,
            _ => Some(open_lock(seams, layout)?),
        };
        Ok(Arc::new_cyclic(|this| Self {
            this: this.clone(),
            seams: seams.clone(),
            layout: layout.clone(),
            control,
            session,
            lock_wait,
            lock,
            state: Mutex::new(state),
            queue: Queue::default(),
            watches: Watches::new(),
            listening: Started::default(),
            action: OnceLock::new(),
            presence: OnceLock::new(),
        }))
    }
}
