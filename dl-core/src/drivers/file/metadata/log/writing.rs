//! Writing behind the end of the metadata log, for the one process that may: commits, the space they need, and the
//! continuation in a new generation. Apart from reading on, which every process does.

use std::path::PathBuf;
use std::sync::Arc;

use super::frame::{FIRST_OFFSET, Kind, MAX_PAYLOAD_BYTES, Position};
use super::{MetadataLog, codec};
use crate::drivers::file::io;
use crate::error::{Error, Result};
use crate::metadata::{Tree, TreeOp};
use crate::seams::File;

/// Space kept ahead of the end, so that truncation and deletion work on a full disk (rule F12).
const RESERVE_BYTES: u64 = 1 << 20;
/// A log is not continued in a new file before it has this many bytes.
const LEAST_COMPACT_BYTES: u64 = 4 << 20;
/// How much is made durable again at once.
const COPY_BYTES: usize = 1 << 20;

/// Commits ready to be written.
pub(in crate::drivers::file::metadata) struct Prepared {
    file: Arc<dyn File>,
    path: PathBuf,
    offset: u64,
    bytes: Vec<u8>,
    end: Position,
}

impl Prepared {
    /// Writes them and makes them durable. After an error they may take effect when power is lost.
    pub(in crate::drivers::file::metadata) fn write(&self) -> Result<()> {
        let written = self.file.write_at(&[&self.bytes], self.offset).and_then(|()| self.file.sync());
        written.map_err(|error| io::uncertain(error, "writing to the metadata log", &self.path))
    }
}

impl MetadataLog {
    /// Lays out commits behind the end; each gets the next number. They count once [`finish`](Self::finish) was
    /// called; if they are not, the next ones overwrite them.
    pub(in crate::drivers::file::metadata) fn prepare(
        &mut self,
        commits: &[Vec<TreeOp<'_>>],
    ) -> Result<Prepared> {
        let mut bytes = Vec::new();
        let mut end = self.end;
        for ops in commits {
            let mut payload = Vec::new();
            codec::encode_ops(ops, &mut payload);
            if payload.len() > MAX_PAYLOAD_BYTES {
                return Err(Error::too_large(format!(
                    "a commit of {} bytes is over {MAX_PAYLOAD_BYTES}",
                    payload.len()
                )));
            }
            end.push(&mut bytes, Kind::Commit, end.sequence() + 1, &payload);
        }
        self.reserve(end.offset())?;
        let (file, path) = (self.generation.file().clone(), self.generation.path());
        Ok(Prepared { file, path, offset: self.end.offset(), bytes, end })
    }

    /// Takes note of commits that are durable.
    pub(in crate::drivers::file::metadata) fn finish(&mut self, prepared: &Prepared) {
        self.end = prepared.end;
    }

    /// Notes in the file how far it is durable, which sharpens the search for damage. Only what is published: whoever dies in
    /// between leaves commits that the next ones overwrite, and if those are shorter, the note would speak of more than
    /// there is.
    pub(in crate::drivers::file::metadata) fn note_published(&mut self) {
        // The commits are durable whether or not the file's head says so.
        let _stays_behind = self.generation.vouch(self.end.offset());
    }

    fn reserve(&mut self, end: u64) -> Result<()> {
        if end + RESERVE_BYTES / 2 <= self.reserved {
            return Ok(());
        }
        let file = self.generation.file();
        let from = self.reserved.max(self.end.offset());
        match file.reserve(from, end + RESERVE_BYTES - from) {
            Ok(()) => self.reserved = end + RESERVE_BYTES,
            // On a full disk the reserve is used up first: ours, or that of whoever wrote before us.
            Err(_) if end <= self.reserved => {}
            Err(_) => {
                let taken = file.reserve(from, end - from);
                let failed =
                    |error| io::failed(error, "taking space for the metadata", &self.generation.path());
                taken.map_err(failed)?;
                self.reserved = end;
            }
        }
        Ok(())
    }

    /// For the first opener, who read to the end: makes all of it durable again, since it may be in memory only.
    pub(in crate::drivers::file::metadata) fn secure(&mut self) -> Result<()> {
        let path = self.generation.path();
        let failed = |error| io::failed(error, "syncing the metadata log", &path);
        let file = self.generation.file();
        let end = self.end.offset();
        let mut at = self.generation.durable().clamp(FIRST_OFFSET, end);
        let mut buffer = vec![0; COPY_BYTES];
        while at < end {
            let bytes = usize::try_from(end - at).unwrap_or(COPY_BYTES).min(COPY_BYTES);
            let read = file.read_at(&mut buffer[..bytes], at).map_err(failed)?;
            if read < bytes {
                return Err(self.cut_short());
            }
            file.write_at(&[&buffer[..read]], at).map_err(failed)?;
            at += read as u64;
        }
        file.sync().map_err(failed)?;
        self.generation.vouch(end)?;
        self.generation.file().sync().map_err(failed)?;
        self.generation.remove_older()
    }

    /// Continues the log in a new generation if the commits outweigh the snapshot.
    pub(in crate::drivers::file::metadata) fn compact(&mut self, tree: &Tree) -> Result<()> {
        let commits = self.end.offset() - self.snapshot_end;
        if commits < LEAST_COMPACT_BYTES.max(4 * (self.snapshot_end - FIRST_OFFSET)) {
            return Ok(());
        }
        let sequence = self.end.sequence() + 1;
        let (next, snapshot_end) = self.generation.make_next(sequence, tree)?;
        // From here the new generation is the log; without this frame it is nothing.
        let mut payload = Vec::new();
        codec::number(next.number(), &mut payload);
        let mut bytes = Vec::new();
        let mut end = self.end;
        end.push(&mut bytes, Kind::Continued, sequence, &payload);
        let failed = |error| io::failed(error, "writing to the metadata log", &self.generation.path());
        self.generation.file().write_at(&[&bytes], self.end.offset()).map_err(failed)?;
        self.generation.file().sync().map_err(failed)?;
        *self =
            Self { generation: next, end: snapshot_end, snapshot_end: snapshot_end.offset(), reserved: 0 };
        // What cannot be removed now is removed by the next first opener.
        let _stays = self.generation.remove_older();
        Ok(())
    }
}
