//! One file of the metadata log: a generation. Apart from the log, which goes on from one to the next.
//!
//! Its first block says what it is and, in two [`Slots`], how far it is known to be durable; the frames follow.
//!
//! | bytes of the block | content (little-endian) |
//! |---|---|
//! | 0..8 | `dl\0meta\x01` |
//! | 8..16 | namespace |
//! | 16..24 | generation |
//! | 24..28 | CRC32C over these |

use std::path::PathBuf;
use std::sync::Arc;

use super::frame::{FIRST_OFFSET, Kind, Position};
use crate::drivers::file::io;
use crate::drivers::file::layout::{Layout, hex, parse_hex};
use crate::drivers::file::metadata::codec;
use crate::drivers::file::slots::Slots;
use crate::error::{Error, Result};
use crate::metadata::Tree;
use crate::seams::{File, Files, OpenMode};

/// Bytes of the head of the first block.
pub(super) const HEAD_BYTES: usize = 28;

const MAGIC: &[u8; 8] = b"dl\0meta\x01";
const SNAPSHOT_PIECE_BYTES: usize = 64 << 10;

/// A generation that is open.
pub(super) struct Generation {
    files: Arc<dyn Files>,
    layout: Layout,
    namespace: u64,
    number: u64,
    file: Arc<dyn File>,
    durable: Slots,
    mode: OpenMode,
}

impl Generation {
    /// Opens the oldest from this one on, which was the log at some time. Those before the log are removed while others
    /// may not have read so far; but the log itself is always there.
    pub(super) fn oldest(
        files: Arc<dyn Files>,
        layout: Layout,
        namespace: u64,
        from: u64,
        mode: OpenMode,
    ) -> Result<Self> {
        let folder = layout.metadata();
        loop {
            let numbers = numbers(&*files, &layout)
                .map_err(|error| io::failed(error, "listing the metadata", &folder))?;
            let oldest = numbers.into_iter().find(|number| *number >= from).ok_or_else(|| {
                Error::corrupt("the directory has lost its metadata; restore it from a backup")
                    .with("file", folder.display())
            })?;
            let path = layout.metadata_log(oldest);
            match files.open(&path, mode) {
                Ok(file) => return Self::read(files, layout, namespace, oldest, file, mode),
                // Removed just now, so there is a later one.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(io::failed(error, "opening the metadata log", &path)),
            }
        }
    }

    /// The generation in a file that is open.
    pub(super) fn read(
        files: Arc<dyn Files>,
        layout: Layout,
        namespace: u64,
        number: u64,
        file: Arc<dyn File>,
        mode: OpenMode,
    ) -> Result<Self> {
        let path = layout.metadata_log(number);
        let failed = |error| io::failed(error, "opening the metadata log", &path);
        let mut bytes = [0; HEAD_BYTES];
        file.read_at(&mut bytes, 0).map_err(failed)?;
        if bytes != head(namespace, number) {
            return Err(io::corrupt("the head of the metadata log is not what was written", &path, 0));
        }
        let durable =
            Slots::read(&*file, namespace ^ number).map_err(failed)?.unwrap_or_else(Slots::unwritten);
        Ok(Self { files, layout, namespace, number, file, durable, mode })
    }

    /// Makes one that starts with a snapshot of the tree after a commit, durable with its name; answers also where that
    /// snapshot ends.
    pub(super) fn make(
        files: Arc<dyn Files>,
        layout: Layout,
        namespace: u64,
        number: u64,
        sequence: u64,
        tree: &Tree,
    ) -> Result<(Self, Position)> {
        let path = layout.metadata_log(number);
        let failed = |error| io::failed(error, "making a metadata log", &path);
        if files.exists(&path).map_err(failed)? {
            // Left behind by someone who died before it became the log.
            files.remove(&path).map_err(failed)?;
        }
        let file = files.open(&path, OpenMode::CreateNew).map_err(failed)?;
        let mut bytes = head(namespace, number).to_vec();
        bytes.resize(usize::try_from(FIRST_OFFSET).unwrap_or_default(), 0);
        let mut end = Position::first(namespace, number);
        snapshot(tree, sequence, &mut end, &mut bytes)?;
        file.write_at(&[&bytes], 0).map_err(failed)?;
        let mut durable = Slots::unwritten();
        durable.write(&*file, namespace ^ number, end.offset()).map_err(failed)?;
        file.sync().map_err(failed)?;
        files.sync_dir(&layout.metadata()).map_err(failed)?;
        Ok((Self { files, layout, namespace, number, file, durable, mode: OpenMode::Write }, end))
    }

    /// Makes the one after this.
    pub(super) fn make_next(&self, sequence: u64, tree: &Tree) -> Result<(Self, Position)> {
        let (files, layout) = (self.files.clone(), self.layout.clone());
        Self::make(files, layout, self.namespace, self.number + 1, sequence, tree)
    }

    /// Opens the oldest from that one on.
    pub(super) fn oldest_from(&self, number: u64) -> Result<Self> {
        Self::oldest(self.files.clone(), self.layout.clone(), self.namespace, number, self.mode)
    }

    /// Removes those before this one, for good: the frame by which the last of them points to this one may never have
    /// become durable, and without it an older one would pass for the log again.
    pub(super) fn remove_older(&self) -> Result<()> {
        let folder = self.layout.metadata();
        let failed = |error| io::failed(error, "removing old metadata", &folder);
        for number in numbers(&*self.files, &self.layout).map_err(failed)? {
            if number < self.number {
                self.files.remove(&self.layout.metadata_log(number)).map_err(failed)?;
                self.files.sync_dir(&folder).map_err(failed)?;
            }
        }
        Ok(())
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    pub(super) fn path(&self) -> PathBuf {
        self.layout.metadata_log(self.number)
    }

    /// In front of the first frame.
    pub(super) fn start(&self) -> Position {
        Position::first(self.namespace, self.number)
    }

    /// How far it is known to be durable: damage below that is `corrupt`, never taken for the end.
    pub(super) fn durable(&self) -> u64 {
        self.durable.value()
    }

    /// Notes how far it is durable; itself durable with the next sync.
    pub(super) fn vouch(&mut self, end: u64) -> Result<()> {
        let written = self.durable.write(&*self.file, self.namespace ^ self.number, end);
        written.map_err(|error| io::failed(error, "writing to the metadata log", &self.path()))
    }

    /// Whether both copies of the durable length are as they were written.
    pub(super) fn copies_are_whole(&self) -> std::io::Result<bool> {
        Slots::are_whole(&*self.file, self.namespace ^ self.number)
    }
}

impl Layout {
    /// The file of a generation.
    pub(super) fn metadata_log(&self, generation: u64) -> PathBuf {
        self.metadata().join(format!("{}.log", hex(generation)))
    }
}

/// The generations that are there, oldest first.
pub(super) fn numbers(files: &dyn Files, layout: &Layout) -> std::io::Result<Vec<u64>> {
    let names = files.list(&layout.metadata())?;
    let mut numbers: Vec<u64> =
        names.iter().filter_map(|name| parse_hex(name.strip_suffix(".log")?)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// What the first block starts with.
pub(super) fn head(namespace: u64, number: u64) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..8].copy_from_slice(MAGIC);
    head[8..16].copy_from_slice(&namespace.to_le_bytes());
    head[16..24].copy_from_slice(&number.to_le_bytes());
    let check = crc32c::crc32c(&head[..24]);
    head[24..].copy_from_slice(&check.to_le_bytes());
    head
}

/// Appends the frames of a snapshot.
fn snapshot(tree: &Tree, sequence: u64, end: &mut Position, to: &mut Vec<u8>) -> Result<()> {
    let mut piece = Vec::new();
    tree.visit(|node| {
        codec::encode_node(&node, &mut piece);
        if piece.len() >= SNAPSHOT_PIECE_BYTES {
            end.push(to, Kind::Nodes, sequence, &piece);
            piece.clear();
        }
        Ok(())
    })?;
    end.push(to, Kind::Nodes, sequence, &piece);
    let mut created = Vec::new();
    codec::number(tree.created(), &mut created);
    end.push(to, Kind::End, sequence, &created);
    Ok(())
}
