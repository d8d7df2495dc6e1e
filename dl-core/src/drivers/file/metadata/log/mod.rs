//! The metadata log: a file that starts with a snapshot of the tree and goes on with every commit since.
//!
//! [`frame`] is how these lie in the file and [`generation`] the file itself; what is here reads them in turn, and
//! [`writing`] goes on behind them. When commits outweigh the snapshot, the log is continued in a new file; the old one
//! is removed once that is durable.

pub(in crate::drivers::file) mod examine;
mod frame;
mod generation;
mod writing;

use std::sync::Arc;

use super::codec;
use crate::drivers::file::io;
use crate::drivers::file::layout::Layout;
use crate::error::{Error, Result};
use crate::metadata::{Changes, Loader, Outcome, Tree};
use crate::seams::{Files, OpenMode};
use frame::{Frame, Kind, Position, Window};
use generation::Generation;

/// The log as one process has read it.
pub(super) struct MetadataLog {
    generation: Generation,
    /// Where what was read or written ends.
    end: Position,
    snapshot_end: u64,
    /// Space was taken up to here; 0 if that is not known.
    reserved: u64,
}

impl MetadataLog {
    /// Makes the first generation from a tree, durable with its name.
    pub(super) fn create(files: Arc<dyn Files>, layout: &Layout, namespace: u64, tree: &Tree) -> Result<()> {
        Generation::make(files, layout.clone(), namespace, 1, 0, tree).map(drop)
    }

    /// Opens the oldest generation, not yet read, with an empty tree.
    pub(super) fn open(
        files: Arc<dyn Files>,
        layout: Layout,
        namespace: u64,
        mode: OpenMode,
    ) -> Result<Self> {
        Generation::oldest(files, layout, namespace, 0, mode).map(Self::unread)
    }

    fn unread(generation: Generation) -> Self {
        let end = generation.start();
        Self { generation, end, snapshot_end: end.offset(), reserved: 0 }
    }

    /// The number of the last commit read or written.
    pub(super) fn sequence(&self) -> u64 {
        self.end.sequence()
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
        let mut window = Window::default();
        let mut skipped = false;
        while self.sequence() < until || self.end.is_first() {
            let Some(frame) = self.next_frame(&mut window)? else {
                return if until == u64::MAX && self.end.offset() >= self.generation.durable() {
                    Ok(!skipped)
                } else {
                    Err(self.corrupt("the metadata log is not what was written"))
                };
            };
            match frame.kind {
                Kind::Nodes | Kind::End => *tree = self.load_snapshot(frame, &mut window)?,
                Kind::Commit => {
                    self.apply(&frame.payload, tree, &mut changed)?;
                    self.end = frame.end;
                }
                Kind::Continued => {
                    let wanted = codec::decode_number(&frame.payload)?;
                    *self = Self::unread(self.generation.oldest_from(wanted)?);
                    skipped |= self.generation.number() != wanted;
                    window = Window::default();
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
            Outcome::Refused(_) => Err(self.corrupt("a commit in the metadata log cannot be applied")),
        }
    }

    fn load_snapshot(&mut self, mut frame: Frame, window: &mut Window) -> Result<Tree> {
        let mut loader = Loader::default();
        while frame.kind == Kind::Nodes {
            codec::decode_nodes(&frame.payload, |node| loader.push(node))?;
            self.end = frame.end;
            frame = self.next_frame(window)?.ok_or_else(|| self.cut_short())?;
        }
        if frame.kind != Kind::End {
            return Err(self.cut_short());
        }
        self.end = frame.end;
        self.snapshot_end = self.end.offset();
        loader.finish(codec::decode_number(&frame.payload)?)
    }

    /// The frame at the end of what was read; `None` if none that was written in its turn is there.
    fn next_frame(&self, window: &mut Window) -> Result<Option<Frame>> {
        let frame = window.frame(&**self.generation.file(), self.end);
        frame.map_err(|error| io::failed(error, "reading the metadata log", &self.generation.path()))
    }

    fn cut_short(&self) -> Error {
        self.corrupt("the snapshot at the start of the metadata log is cut short")
    }

    fn corrupt(&self, what: &'static str) -> Error {
        io::corrupt(what, &self.generation.path(), self.end.offset())
    }
}
