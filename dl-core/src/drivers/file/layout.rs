//! Where things are in a namespace directory.
//!
//! ```text
//! format                 version, namespace id and feature bits
//! lock                   namespace lock: shared by all who have it open, exclusive for the first opener
//! control                commit words and doorbells, mapped by every process; never synced
//! metadata/lock          lock of the one who appends to the metadata log
//! metadata/GEN.log       metadata log: a snapshot, then every commit since
//! sessions/ID            one per open namespace handle, locked while its process lives
//! journals/ID            journals, locked by the process that writes them
//! segments/XX/ID         one file per segment, in 256 folders by the low byte of the id
//! ```
//!
//! All ids are 16 lower-case hexadecimal digits.

use std::path::{Path, PathBuf};

use crate::types::SegmentId;

/// The paths of one namespace directory.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn format(&self) -> PathBuf {
        self.root.join("format")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(super) fn control(&self) -> PathBuf {
        self.root.join("control")
    }

    /// The folders of a namespace.
    pub(super) fn folders(&self) -> [PathBuf; 4] {
        [self.metadata(), self.sessions(), self.journals(), self.segments()]
    }

    pub(super) fn metadata(&self) -> PathBuf {
        self.root.join("metadata")
    }

    pub(super) fn sessions(&self) -> PathBuf {
        self.root.join("sessions")
    }

    pub(super) fn session(&self, id: u64) -> PathBuf {
        self.sessions().join(hex(id))
    }

    pub(super) fn journals(&self) -> PathBuf {
        self.root.join("journals")
    }

    pub(super) fn journal(&self, id: u64) -> PathBuf {
        self.journals().join(hex(id))
    }

    pub(super) fn segments(&self) -> PathBuf {
        self.root.join("segments")
    }

    pub(super) fn segment_folder(&self, id: SegmentId) -> PathBuf {
        self.segments().join(format!("{:02x}", id.get() & 0xff))
    }

    pub(super) fn segment(&self, id: SegmentId) -> PathBuf {
        self.segment_folder(id).join(hex(id.get().unsigned_abs()))
    }
}

/// What a file of a namespace directory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Journal,
    Segment,
    Metadata,
    Other,
}

impl Purpose {
    /// By where the file is.
    pub(super) fn of(path: &Path) -> Self {
        let mut folders =
            path.ancestors().skip(1).map(|folder| folder.file_name().and_then(|name| name.to_str()));
        match (folders.next().flatten(), folders.next().flatten()) {
            (Some("journals"), _) => Self::Journal,
            (Some("metadata"), _) => Self::Metadata,
            (_, Some("segments")) => Self::Segment,
            _ => Self::Other,
        }
    }
}

/// An id as a file name.
pub(super) fn hex(id: u64) -> String {
    format!("{id:016x}")
}

/// The id that a file name stands for, or `None` for a file that is not ours.
pub(super) fn parse_hex(name: &str) -> Option<u64> {
    let ours = name.len() == 16 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    ours.then(|| u64::from_str_radix(name, 16).ok()).flatten()
}
