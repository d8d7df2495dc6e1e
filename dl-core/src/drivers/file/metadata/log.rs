//! The metadata log: a file that starts with a snapshot of the tree and goes on with every commit since.
//!
//! | bytes of a frame | content (little-endian) |
//! |---|---|
//! | 0..4 | CRC32C over namespace, generation, the checksum of the frame before, and all below |
//! | 4..8 | length of the payload |
//! | 8..16 | sequence: the number of the last commit, this one included |
//! | 16 | kind: 1 nodes of the snapshot, 2 its end, 3 a commit, 4 continued in the next generation |
//! | 17.. | payload |
//!
//! Each checksum covers the one before, so a leftover of a commit that was never published cannot pass as the
//! successor of another. The file's first block holds what it is and how far it is known to be durable: damage below
//! that is `corrupt`, never taken for the end. When commits outweigh the snapshot, the log is continued in a new file;
//! the old one is removed once that is durable.

pub(in crate::drivers::file) mod examine;

use std::sync::Arc;

use super::super::io;
use super::super::layout::{Layout, hex, parse_hex};
use super::super::slots::Slots;
use super::codec;
use crate::error::{Error, Result};
use crate::metadata::{Changes, Loader, Outcome, Tree, TreeOp};
use crate::seams::{File, Files, OpenMode};

const MAGIC: &[u8; 8] = b"dl\0meta\x01";
const FIRST_OFFSET: u64 = 4_096;
const HEAD_BYTES: usize = 17;
const FILE_HEAD_BYTES: usize = 28;
const MAX_FRAME_BYTES: usize = 64 << 20;
const SNAPSHOT_PIECE_BYTES: usize = 64 << 10;
const READ_BYTES: usize = 1 << 20;
/// Space kept ahead of the end, so that truncation and deletion work on a full disk (rule F12).
const RESERVE_BYTES: u64 = 1 << 20;
/// A log is not continued in a new file before it has this many bytes.
const LEAST_COMPACT_BYTES: u64 = 4 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nodes = 1,
    End = 2,
    Commit = 3,
    Continued = 4,
}

/// The log as one process has read it.
pub(super) struct MetadataLog {
    files: Arc<dyn Files>,
    layout: Layout,
    namespace: u64,
    generation: u64,
    file: Arc<dyn File>,
    durable: Slots,
    end: u64,
    chain: u32,
    sequence: u64,
    snapshot_end: u64,
    reserved: u64,
    mode: OpenMode,
}

/// Commits ready to be written.
pub(super) struct Prepared {
    file: Arc<dyn File>,
    path: std::path::PathBuf,
    offset: u64,
    bytes: Vec<u8>,
    chain: u32,
    sequence: u64,
}

impl Prepared {
    /// Writes them and makes them durable. After an error they may take effect when power is lost.
    pub(super) fn write(&self) -> Result<()> {
        let written = self.file.write_at(&[&self.bytes], self.offset).and_then(|()| self.file.sync());
        written.map_err(|error| io::uncertain(error, "writing to the metadata log", &self.path))
    }
}

/// A frame as read.
struct Frame {
    kind: Kind,
    sequence: u64,
    check: u32,
    payload: Vec<u8>,
}

impl MetadataLog {
    /// Makes the first generation from a tree, durable with its name.
    pub(super) fn create(files: Arc<dyn Files>, layout: &Layout, namespace: u64, tree: &Tree) -> Result<()> {
        Self::write_generation(files, layout.clone(), namespace, 1, 0, tree).map(drop)
    }

    /// Opens the oldest generation, not yet read, with an empty tree.
    pub(super) fn open(
        files: Arc<dyn Files>,
        layout: Layout,
        namespace: u64,
        mode: OpenMode,
    ) -> Result<Self> {
        Self::open_from(files, layout, namespace, 0, mode)
    }

    /// Opens the oldest generation from this one on, which was the log at some time. Those before the log are removed
    /// while others may not have read so far; but the log itself is always there.
    fn open_from(
        files: Arc<dyn Files>,
        layout: Layout,
        namespace: u64,
        from: u64,
        mode: OpenMode,
    ) -> Result<Self> {
        let folder = layout.metadata();
        loop {
            let names =
                files.list(&folder).map_err(|error| io::failed(error, "listing the metadata", &folder))?;
            let generations = names.iter().filter_map(|name| parse_hex(name.strip_suffix(".log")?));
            let oldest = generations.filter(|generation| *generation >= from).min().ok_or_else(|| {
                Error::corrupt("the directory has lost its metadata; restore it from a backup")
                    .with("file", folder.display())
            })?;
            let path = layout.metadata_log(oldest);
            match files.open(&path, mode) {
                Ok(file) => return Self::begin(files, layout, namespace, oldest, file, mode),
                // Removed just now, so there is a later one.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(io::failed(error, "opening the metadata log", &path)),
            }
        }
    }

    fn begin(
        files: Arc<dyn Files>,
        layout: Layout,
        namespace: u64,
        generation: u64,
        file: Arc<dyn File>,
        mode: OpenMode,
    ) -> Result<Self> {
        let path = layout.metadata_log(generation);
        let failed = |error| io::failed(error, "opening the metadata log", &path);
        let mut head = [0; FILE_HEAD_BYTES];
        file.read_at(&mut head, 0).map_err(failed)?;
        if head != file_head(namespace, generation) {
            return Err(io::corrupt("the head of the metadata log is not what was written", &path, 0));
        }
        let durable =
            Slots::read(&*file, namespace ^ generation).map_err(failed)?.unwrap_or_else(Slots::unwritten);
        Ok(Self {
            files,
            layout,
            namespace,
            generation,
            file,
            durable,
            end: FIRST_OFFSET,
            chain: 0,
            sequence: 0,
            snapshot_end: FIRST_OFFSET,
            reserved: 0,
            mode,
        })
    }

    /// The number of the last commit read or written.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Reads on, up to commit `until`, applying it to the tree. Calls `changed` after each commit. Answers whether it
    /// read all: if not, it went from a snapshot to a later one, and nobody knows what changed in between.
    ///
    /// # Errors
    /// `corrupt` if the log ends before `until`, or in what is known to be durable.
    pub(super) fn follow(
        &mut self,
        tree: &mut Tree,
        until: u64,
        mut changed: impl FnMut(&Changes<'_>),
    ) -> Result<bool> {
        let mut buffer = Buffer::default();
        let mut skipped = false;
        while self.sequence < until || self.end == FIRST_OFFSET {
            let Some(frame) = self.next_frame(&mut buffer)? else {
                return if until == u64::MAX && self.end >= self.durable.value() {
                    Ok(!skipped)
                } else {
                    Err(io::corrupt("the metadata log is not what was written", &self.path(), self.end))
                };
            };
            match frame.kind {
                Kind::Nodes | Kind::End => *tree = self.load_snapshot(frame, &mut buffer)?,
                Kind::Commit => {
                    self.apply(&frame.payload, tree, &mut changed)?;
                    self.pass(&frame);
                }
                Kind::Continued => {
                    let wanted = codec::decode_number(&frame.payload)?;
                    let (files, layout) = (self.files.clone(), self.layout.clone());
                    *self = Self::open_from(files, layout, self.namespace, wanted, self.mode)?;
                    skipped |= self.generation != wanted;
                    buffer = Buffer::default();
                }
            }
        }
        Ok(!skipped)
    }

    fn apply(&self, payload: &[u8], tree: &mut Tree, changed: &mut impl FnMut(&Changes<'_>)) -> Result<()> {
        let read = codec::decode_ops(payload)?;
        let ops = read.iter().map(codec::ReadOp::op).collect::<Result<Vec<_>>>()?;
        let mut changes = Changes::default();
        match tree.apply(&ops, &mut changes) {
            Outcome::Committed(_) => {
                changed(&changes);
                Ok(())
            }
            Outcome::Refused(_) => {
                Err(io::corrupt("a commit in the metadata log cannot be applied", &self.path(), self.end))
            }
        }
    }

    fn load_snapshot(&mut self, mut frame: Frame, buffer: &mut Buffer) -> Result<Tree> {
        let mut loader = Loader::default();
        while frame.kind == Kind::Nodes {
            codec::decode_nodes(&frame.payload, |node| loader.push(node))?;
            self.pass(&frame);
            frame = self.next_frame(buffer)?.ok_or_else(|| self.cut_short())?;
        }
        if frame.kind != Kind::End {
            return Err(self.cut_short());
        }
        self.pass(&frame);
        self.snapshot_end = self.end;
        loader.finish(codec::decode_number(&frame.payload)?)
    }

    fn cut_short(&self) -> Error {
        io::corrupt("the snapshot at the start of the metadata log is cut short", &self.path(), self.end)
    }

    fn pass(&mut self, frame: &Frame) {
        self.end += (HEAD_BYTES + frame.payload.len()) as u64;
        self.chain = frame.check;
        self.sequence = frame.sequence;
    }

    /// The frame at the end of what was read; `None` if none that was written in its turn is there.
    fn next_frame(&self, buffer: &mut Buffer) -> Result<Option<Frame>> {
        let failed = |error| io::failed(error, "reading the metadata log", &self.path());
        let head = buffer.bytes(&*self.file, self.end, HEAD_BYTES).map_err(failed)?;
        let Some(head) = head else { return Ok(None) };
        let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap_or_default());
        let (check, length) = (number(0), number(4) as usize);
        let sequence = u64::from_le_bytes(head[8..16].try_into().unwrap_or_default());
        let Some(kind) = Kind::from_byte(head[16]).filter(|_| length <= MAX_FRAME_BYTES) else {
            return Ok(None);
        };
        let frame = buffer.bytes(&*self.file, self.end, HEAD_BYTES + length).map_err(failed)?;
        let Some(frame) = frame.filter(|frame| self.check(&frame[4..]) == check) else { return Ok(None) };
        Ok(Some(Frame { kind, sequence, check, payload: frame[HEAD_BYTES..].to_vec() }))
    }

    fn check(&self, rest: &[u8]) -> u32 {
        check(self.namespace, self.generation, self.chain, rest)
    }

    /// Lays out commits behind the end; each gets the next number. They count once [`finish`](Self::finish) was
    /// called; if they are not, the next ones overwrite them.
    pub(super) fn prepare(&mut self, commits: &[Vec<TreeOp<'_>>]) -> Result<Prepared> {
        let mut bytes = Vec::new();
        let (mut chain, mut sequence) = (self.chain, self.sequence);
        for ops in commits {
            let mut payload = Vec::new();
            codec::encode_ops(ops, &mut payload);
            if payload.len() > MAX_FRAME_BYTES {
                return Err(Error::too_large(format!(
                    "a commit of {} bytes is over {MAX_FRAME_BYTES}",
                    payload.len()
                )));
            }
            sequence += 1;
            chain = push_frame(
                &mut bytes,
                (self.namespace, self.generation, chain),
                Kind::Commit,
                sequence,
                &payload,
            );
        }
        self.reserve(self.end + bytes.len() as u64)?;
        Ok(Prepared { file: self.file.clone(), path: self.path(), offset: self.end, bytes, chain, sequence })
    }

    /// Takes note of commits that are durable.
    pub(super) fn finish(&mut self, prepared: &Prepared) {
        self.end = prepared.offset + prepared.bytes.len() as u64;
        (self.chain, self.sequence) = (prepared.chain, prepared.sequence);
    }

    /// Notes in the file how far it is durable, which sharpens the search for damage. Only what is published: whoever dies in
    /// between leaves commits that the next ones overwrite, and if those are shorter, the note would speak of more than
    /// there is.
    pub(super) fn note_published(&mut self) {
        // The commits are durable whether or not the file's head says so.
        let _stays_behind = self.vouch();
    }

    /// Notes in the file how far it is durable; itself durable with the next sync.
    fn vouch(&mut self) -> Result<()> {
        let owner = self.namespace ^ self.generation;
        let written = self.durable.write(&*self.file, owner, self.end);
        written.map_err(|error| io::failed(error, "writing to the metadata log", &self.path()))
    }

    fn reserve(&mut self, end: u64) -> Result<()> {
        if end + RESERVE_BYTES / 2 <= self.reserved {
            return Ok(());
        }
        let from = self.reserved.max(self.end);
        match self.file.reserve(from, end + RESERVE_BYTES - from) {
            Ok(()) => self.reserved = end + RESERVE_BYTES,
            // On a full disk the reserve is used up first: ours, or that of whoever wrote before us.
            Err(_) if end <= self.reserved => {}
            Err(_) => {
                let taken = self.file.reserve(from, end - from);
                taken.map_err(|error| io::failed(error, "taking space for the metadata", &self.path()))?;
                self.reserved = end;
            }
        }
        Ok(())
    }

    /// For the first opener, who read to the end: makes all of it durable again, since it may be in memory only.
    pub(super) fn secure(&mut self) -> Result<()> {
        let path = self.path();
        let failed = |error| io::failed(error, "syncing the metadata log", &path);
        let from = self.durable.value().clamp(FIRST_OFFSET, self.end);
        let mut at = from;
        let mut buffer = vec![0; READ_BYTES];
        while at < self.end {
            let bytes = usize::try_from(self.end - at).unwrap_or(READ_BYTES).min(READ_BYTES);
            let read = self.file.read_at(&mut buffer[..bytes], at).map_err(failed)?;
            if read < bytes {
                return Err(self.cut_short());
            }
            self.file.write_at(&[&buffer[..read]], at).map_err(failed)?;
            at += read as u64;
        }
        self.file.sync().map_err(failed)?;
        self.vouch()?;
        self.file.sync().map_err(failed)?;
        self.remove_older()
    }

    /// Continues the log in a new generation if the commits outweigh the snapshot.
    pub(super) fn compact(&mut self, tree: &Tree) -> Result<()> {
        let commits = self.end - self.snapshot_end;
        if commits < LEAST_COMPACT_BYTES.max(4 * (self.snapshot_end - FIRST_OFFSET)) {
            return Ok(());
        }
        let generation = self.generation + 1;
        let next = Self::write_generation(
            self.files.clone(),
            self.layout.clone(),
            self.namespace,
            generation,
            self.sequence + 1,
            tree,
        )?;
        // From here the new generation is the log; without this frame it is nothing.
        let mut payload = Vec::new();
        codec::number(generation, &mut payload);
        let mut bytes = Vec::new();
        push_frame(
            &mut bytes,
            (self.namespace, self.generation, self.chain),
            Kind::Continued,
            self.sequence + 1,
            &payload,
        );
        let failed = |error| io::failed(error, "writing to the metadata log", &self.path());
        self.file.write_at(&[&bytes], self.end).map_err(failed)?;
        self.file.sync().map_err(failed)?;
        *self = Self { mode: self.mode, ..next };
        // What cannot be removed now is removed by the next first opener.
        let _stays = self.remove_older();
        Ok(())
    }

    /// Removes the generations before this one, for good: the frame by which the last of them points to this one may
    /// never have become durable, and without it an older one would pass for the log again.
    fn remove_older(&self) -> Result<()> {
        let folder = self.layout.metadata();
        let failed = |error| io::failed(error, "removing old metadata", &folder);
        for name in self.files.list(&folder).map_err(failed)? {
            let generation = name.strip_suffix(".log").and_then(parse_hex);
            if generation.is_some_and(|generation| generation < self.generation) {
                self.files.remove(&folder.join(&name)).map_err(failed)?;
                self.files.sync_dir(&folder).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn write_generation(
        files: Arc<dyn Files>,
        layout: Layout,
        namespace: u64,
        generation: u64,
        sequence: u64,
        tree: &Tree,
    ) -> Result<Self> {
        let path = layout.metadata_log(generation);
        let failed = |error| io::failed(error, "making a metadata log", &path);
        if files.exists(&path).map_err(failed)? {
            // Left behind by someone who died before it became the log.
            files.remove(&path).map_err(failed)?;
        }
        let file = files.open(&path, OpenMode::CreateNew).map_err(failed)?;
        let mut bytes = file_head(namespace, generation).to_vec();
        bytes.resize(usize::try_from(FIRST_OFFSET).unwrap_or_default(), 0);
        let mut chain = 0;
        let mut piece = Vec::new();
        tree.visit(|node| {
            codec::encode_node(&node, &mut piece);
            if piece.len() >= SNAPSHOT_PIECE_BYTES {
                chain = push_frame(&mut bytes, (namespace, generation, chain), Kind::Nodes, sequence, &piece);
                piece.clear();
            }
            Ok(())
        })?;
        chain = push_frame(&mut bytes, (namespace, generation, chain), Kind::Nodes, sequence, &piece);
        let mut created = Vec::new();
        codec::number(tree.created(), &mut created);
        chain = push_frame(&mut bytes, (namespace, generation, chain), Kind::End, sequence, &created);
        file.write_at(&[&bytes], 0).map_err(failed)?;
        let end = bytes.len() as u64;
        let mut durable = Slots::unwritten();
        durable.write(&*file, namespace ^ generation, end).map_err(failed)?;
        file.sync().map_err(failed)?;
        files.sync_dir(&layout.metadata()).map_err(failed)?;
        Ok(Self {
            files,
            layout,
            namespace,
            generation,
            file,
            durable,
            end,
            chain,
            sequence,
            snapshot_end: end,
            reserved: 0,
            mode: OpenMode::Write,
        })
    }

    fn path(&self) -> std::path::PathBuf {
        self.layout.metadata_log(self.generation)
    }
}

impl Layout {
    fn metadata_log(&self, generation: u64) -> std::path::PathBuf {
        self.metadata().join(format!("{}.log", hex(generation)))
    }
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Nodes, Self::End, Self::Commit, Self::Continued].into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// A window on the file, so that frames are not read one by one.
#[derive(Default)]
struct Buffer {
    offset: u64,
    bytes: Vec<u8>,
}

impl Buffer {
    fn bytes(&mut self, file: &dyn File, offset: u64, count: usize) -> std::io::Result<Option<&[u8]>> {
        let inside = |buffer: &Self| {
            let start = usize::try_from(offset.checked_sub(buffer.offset)?).ok()?;
            (start.checked_add(count)? <= buffer.bytes.len()).then_some(start)
        };
        if inside(self).is_none() {
            // Anew, since the allocator has zeros at hand: only the pages that are read into are touched.
            self.bytes = vec![0; count.max(READ_BYTES)];
            let read = file.read_at(&mut self.bytes, offset)?;
            self.bytes.truncate(read);
            self.offset = offset;
        }
        Ok(inside(self).map(|start| &self.bytes[start..start + count]))
    }
}

/// Appends a frame; answers its checksum.
fn push_frame(to: &mut Vec<u8>, seed: (u64, u64, u32), kind: Kind, sequence: u64, payload: &[u8]) -> u32 {
    let start = to.len();
    to.extend_from_slice(&[0; 4]);
    to.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    to.extend_from_slice(&sequence.to_le_bytes());
    to.push(kind as u8);
    to.extend_from_slice(payload);
    let (namespace, generation, chain) = seed;
    let check = check(namespace, generation, chain, &to[start + 4..]);
    to[start..start + 4].copy_from_slice(&check.to_le_bytes());
    check
}

fn check(namespace: u64, generation: u64, chain: u32, rest: &[u8]) -> u32 {
    let mut check = crc32c::crc32c(&namespace.to_le_bytes());
    for part in [&generation.to_le_bytes()[..], &chain.to_le_bytes(), rest] {
        check = crc32c::crc32c_append(check, part);
    }
    check
}

fn file_head(namespace: u64, generation: u64) -> [u8; FILE_HEAD_BYTES] {
    let mut head = [0; FILE_HEAD_BYTES];
    head[..8].copy_from_slice(MAGIC);
    head[8..16].copy_from_slice(&namespace.to_le_bytes());
    head[16..24].copy_from_slice(&generation.to_le_bytes());
    let check = crc32c::crc32c(&head[..24]);
    head[24..].copy_from_slice(&check.to_le_bytes());
    head
}
