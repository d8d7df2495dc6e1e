//! Looking at a journal without changing it, for who verifies a directory.

use std::path::Path;

use super::batch::ReadEntry;
use super::{BLOCK_BYTES, FIRST_GENERATION, HEAD_BYTES, Journal, head, head_at, holds_batches};
use crate::drivers::file::io;
use crate::drivers::file::slots::{self, Slots};
use crate::drivers::file::verify::{Trouble, is_zero, read_through};
use crate::error::{ErrorKind, Result};
use crate::seams::{Files, OpenMode};

/// What a journal looks like.
pub(in crate::drivers::file) struct Looked {
    /// The number of its batches in force.
    pub(in crate::drivers::file) batches: u64,
    /// The bytes that were read.
    pub(in crate::drivers::file) bytes: u64,
    /// What is wrong with it.
    pub(in crate::drivers::file) troubles: Vec<Trouble>,
}

impl Journal {
    /// Reads a journal, which may be another's, to its last byte, and visits its entries in force. `metadata` is the
    /// number of the newest metadata commit, if it is known. `None` if there is no such file.
    pub(in crate::drivers::file) fn look(
        files: &dyn Files,
        path: &Path,
        (namespace, id): (u64, u64),
        metadata: Option<u64>,
        visit: impl FnMut(bool, ReadEntry<'_>),
    ) -> Result<Option<Looked>> {
        let failed = |error| io::failed(error, "reading a journal", path);
        let file = match files.open(path, OpenMode::Read) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(failed)?,
        };
        let held = file.locked_by_other().map_err(failed)?;
        let mut looked = Looked { batches: 0, bytes: 0, troubles: Vec::new() };
        looked.bytes = read_through(&*file, 0).map_err(failed)?;
        let mut block = vec![0; usize::try_from(BLOCK_BYTES).unwrap_or_default()];
        file.read_at(&mut block, 0).map_err(failed)?;
        let generation = Slots::read(&*file, id).map_err(failed)?;
        let size = u64::from_le_bytes(block[24..32].try_into().unwrap_or_default());
        let Some(generation) = generation.filter(|_| block[..HEAD_BYTES] == head(namespace, id, size)) else {
            looked.troubles.extend(match holds_batches(&*file, id).map_err(failed)? {
                // Whoever holds it is making it.
                false if held => None,
                false => Some(Trouble::notice(
                    0,
                    "was never finished and holds nothing; the next opener removes it",
                )),
                true => Some(Trouble::damage(0, "has lost its head, and so what it held")),
            });
            return Ok(Some(looked));
        };
        if looked.bytes < size {
            let what = format!("has {} bytes and was made with {size}", looked.bytes);
            looked.troubles.push(Trouble::damage(looked.bytes, what));
        }
        if !held && !Slots::are_whole(&*file, id).map_err(failed)? {
            looked.troubles.push(Trouble::notice(
                slots::RANGES[0].start as u64,
                "has lost one of the two copies of its generation",
            ));
        }
        if !is_zero(&block, HEAD_BYTES) {
            looked.troubles.push(Trouble::notice(0, "has bytes where nothing is written"));
        }
        let journal = Self {
            path: path.to_owned(),
            file,
            namespace,
            id,
            size,
            generation,
            sequence: 0,
            end: BLOCK_BYTES,
        };
        journal.look_at_batches(held, metadata, visit, &mut looked)?;
        Ok(Some(looked))
    }

    /// Reads the batches in force, and looks at what lies behind them. `held` says that somebody is writing them.
    fn look_at_batches(
        &self,
        held: bool,
        metadata: Option<u64>,
        mut visit: impl FnMut(bool, ReadEntry<'_>),
        looked: &mut Looked,
    ) -> Result<()> {
        let failed = |error| io::failed(error, "reading a journal", &self.path);
        let visited = self.visit(metadata.filter(|_| !held).unwrap_or(u64::MAX), |entry| {
            visit(held, entry);
            Ok(())
        });
        match visited {
            Ok((end, batches)) => {
                looked.batches = batches;
                if !held && let Some(at) = self.strange_padding(end).map_err(failed)? {
                    looked.troubles.push(Trouble::notice(at, "has bytes where nothing is written"));
                }
                // Being written, if somebody holds it.
                let torn = head_at(&*self.file, end).map_err(failed)?.filter(|_| !held);
                if torn.is_some_and(|head| self.key(batches + 1).is_of(&head)) {
                    looked.troubles.push(Trouble::notice(
                        end,
                        "ends in a batch that is not whole, as after a power loss; its entries count as far as the \
                         segment files hold them",
                    ));
                } else if !held && self.is_strange(end).map_err(failed)? {
                    looked.troubles.push(Trouble::notice(
                        end,
                        "holds something behind its last batch that is none; if it was one, its entries count as far \
                         as the segment files hold them",
                    ));
                }
            }
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                let offset = error.context_value("offset").and_then(|offset| offset.parse().ok());
                let message = error.message().split("; run").next().unwrap_or_default().to_owned();
                looked.troubles.push(Trouble::damage(offset.unwrap_or(0), format!("is damaged: {message}")));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Whether the block behind the last batch holds what nobody ever wrote there. In a journal that was used before it may
    /// be of any batch of then.
    fn is_strange(&self, end: u64) -> std::io::Result<bool> {
        let mut block = [0; BLOCK_BYTES as usize];
        let read = self.file.read_at(&mut block, end)?;
        Ok(self.generation.value() == FIRST_GENERATION && block[..read].iter().any(|byte| *byte != 0))
    }

    /// The first batch in front of `end` with something else than zeros behind its body, where no checksum looks.
    fn strange_padding(&self, end: u64) -> std::io::Result<Option<u64>> {
        let mut at = BLOCK_BYTES;
        while at < end {
            let Some(head) = head_at(&*self.file, at)? else { break };
            let mut padding = vec![0; head.padding()];
            let from = at + head.bytes() - padding.len() as u64;
            self.file.read_at(&mut padding, from)?;
            if padding.iter().any(|byte| *byte != 0) {
                return Ok(Some(at));
            }
            at += head.bytes();
        }
        Ok(None)
    }
}
