//! Reading the metadata log without changing it, however damaged it is, for who verifies a directory.

use std::path::PathBuf;
use std::sync::Arc;

use super::frame::{FIRST_OFFSET, Kind, Window};
use super::generation::{self, Generation};
use super::{MetadataLog, codec};
use crate::drivers::file::io;
use crate::drivers::file::layout::Layout;
use crate::drivers::file::slots;
use crate::drivers::file::verify::{Trouble, is_zero, read_through, used_to};
use crate::error::{ErrorKind, Result};
use crate::metadata::Tree;
use crate::seams::{Files, OpenMode};

/// What the metadata looks like.
pub(in crate::drivers::file) struct Looked {
    /// The tree, as far as it could be read.
    pub(in crate::drivers::file) tree: Tree,
    /// The number of the last commit in it.
    pub(in crate::drivers::file) sequence: u64,
    /// Whether all of it could be read.
    pub(in crate::drivers::file) complete: bool,
    /// The files and bytes that were read.
    pub(in crate::drivers::file) files: u64,
    /// See `files`.
    pub(in crate::drivers::file) bytes: u64,
    /// What is wrong, and in which file.
    pub(in crate::drivers::file) troubles: Vec<(PathBuf, Trouble)>,
}

/// How the reading of one generation ended.
enum Ended {
    /// At its end, or at the commit that was wanted.
    Whole,
    /// It is continued in this one.
    Continued(u64),
    /// At damage.
    Damaged,
}

/// The generations in a directory, oldest first.
pub(in crate::drivers::file) fn generations(files: &dyn Files, layout: &Layout) -> Result<Vec<u64>> {
    match generation::numbers(files, layout) {
        // Who reads the folder says that it is none.
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
        {
            Ok(Vec::new())
        }
        numbers => numbers.map_err(|error| io::failed(error, "listing the metadata", &layout.metadata())),
    }
}

/// The number of the namespace by the head of a metadata log that is whole.
pub(in crate::drivers::file) fn namespace_of(files: &dyn Files, layout: &Layout) -> Result<Option<u64>> {
    for number in generations(files, layout)? {
        let Ok(file) = files.open(&layout.metadata_log(number), OpenMode::Read) else { continue };
        let mut bytes = [0; generation::HEAD_BYTES];
        let Ok(_) = file.read_at(&mut bytes, 0) else { continue };
        let namespace = u64::from_le_bytes(bytes[8..16].try_into().unwrap_or_default());
        if bytes == generation::head(namespace, number) {
            return Ok(Some(namespace));
        }
    }
    Ok(None)
}

/// Reads every generation, up to commit `until` if others are writing.
pub(in crate::drivers::file) fn look(
    files: &Arc<dyn Files>,
    layout: &Layout,
    namespace: u64,
    until: Option<u64>,
) -> Result<Looked> {
    let mut looked =
        Looked { tree: Tree::new(), sequence: 0, complete: true, files: 0, bytes: 0, troubles: Vec::new() };
    let generations = generations(&**files, layout)?;
    if generations.is_empty() {
        looked.complete = false;
        let lost = Trouble::damage(0, "is gone: the directory has lost its metadata");
        looked.troubles.push((layout.metadata(), lost));
    }
    let mut expected = generations.first().copied();
    for generation in generations {
        let path = layout.metadata_log(generation);
        if expected.is_none() || expected.is_some_and(|expected| generation < expected) {
            // Others who use the directory may be making the next one, or removing this one.
            if until.is_none() {
                let what = "is not part of the metadata yet, or not any more";
                looked.troubles.push((path, Trouble::notice(0, what)));
            }
            continue;
        }
        match look_at(files, layout, namespace, generation, until, &mut looked)? {
            // It was continued just now, and removed.
            None => {}
            Some(Ended::Whole) => {
                looked.complete = true;
                expected = None;
            }
            Some(Ended::Continued(next)) => expected = Some(next),
            // A later one has a snapshot of its own.
            Some(Ended::Damaged) => (looked.complete, expected) = (false, Some(generation + 1)),
        }
    }
    looked.complete &= expected.is_none();
    Ok(looked)
}

/// Reads one generation into `looked`; `None` if it is gone.
fn look_at(
    files: &Arc<dyn Files>,
    layout: &Layout,
    namespace: u64,
    number: u64,
    until: Option<u64>,
    looked: &mut Looked,
) -> Result<Option<Ended>> {
    let path = layout.metadata_log(number);
    let failed = |error| io::failed(error, "reading the metadata log", &path);
    let damaged = |looked: &mut Looked, what: &'static str| {
        looked.troubles.push((path.clone(), Trouble::damage(0, what)));
        Ok(Some(Ended::Damaged))
    };
    let file = match files.open(&path, OpenMode::Read) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return damaged(looked, "is no file: the metadata is gone");
        }
        file => file.map_err(failed)?,
    };
    looked.files += 1;
    match read_through(&*file, 0) {
        Err(error) if error.kind() == std::io::ErrorKind::IsADirectory => {
            return damaged(looked, "is a folder: the metadata is gone");
        }
        bytes => looked.bytes += bytes.map_err(failed)?,
    }
    match Generation::read(files.clone(), layout.clone(), namespace, number, file, OpenMode::Read) {
        Ok(generation) => MetadataLog::unread(generation).look(until, looked).map(Some),
        Err(error) if error.kind() == ErrorKind::Corrupt => damaged(looked, "has lost its head"),
        Err(error) => Err(error),
    }
}

impl MetadataLog {
    /// Reads this generation into `looked`.
    fn look(&mut self, until: Option<u64>, looked: &mut Looked) -> Result<Ended> {
        let path = self.generation.path();
        let mut tree = Tree::new();
        let read = self.look_on(until, &mut tree);
        if self.sequence() >= looked.sequence && !self.end.is_first() {
            (looked.tree, looked.sequence) = (tree, self.sequence());
        }
        let ended = match read {
            Ok(ended) => ended,
            Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::InvalidArgument) => {
                let message = error.message().split("; run").next().unwrap_or_default();
                let kept = format!("the {} commits in front of it", self.sequence());
                looked
                    .troubles
                    .push((path, Trouble::damage(self.end.offset(), message.to_owned()).keeps(kept)));
                return Ok(Ended::Damaged);
            }
            Err(error) => return Err(error),
        };
        if until.is_none() {
            self.look_beside(looked)?;
        }
        Ok(ended)
    }

    /// As [`follow`](Self::follow), within this generation.
    fn look_on(&mut self, until: Option<u64>, tree: &mut Tree) -> Result<Ended> {
        let mut window = Window::default();
        while until.is_none_or(|until| self.sequence() < until) || self.end.is_first() {
            let Some(frame) = self.next_frame(&mut window)? else {
                let is_end = self.end.offset() >= self.generation.durable() && !self.end.is_first();
                if until.is_none() && is_end {
                    return Ok(Ended::Whole);
                }
                return Err(self.corrupt("a commit is not what was written"));
            };
            match frame.kind {
                Kind::Nodes | Kind::End => *tree = self.load_snapshot(frame, &mut window)?,
                Kind::Commit => {
                    self.apply(&frame.payload, tree, &mut |_| {})?;
                    self.end = frame.end;
                }
                Kind::Continued => {
                    let next = codec::decode_number(&frame.payload)?;
                    self.end = frame.end;
                    return Ok(Ended::Continued(next));
                }
            }
        }
        Ok(Ended::Whole)
    }

    /// Looks at what lies beside the frames.
    fn look_beside(&self, looked: &mut Looked) -> Result<()> {
        let path = self.generation.path();
        let (file, end) = (&**self.generation.file(), self.end.offset());
        let failed = |error| io::failed(error, "reading the metadata log", &path);
        let mut notice = |offset, what: &'static str| {
            looked.troubles.push((path.clone(), Trouble::notice(offset, what)));
        };
        if !self.generation.copies_are_whole().map_err(failed)? {
            notice(slots::RANGES[0].start as u64, "has lost one of the two copies of its durable length");
        }
        let mut block = vec![0; usize::try_from(FIRST_OFFSET).unwrap_or_default()];
        file.read_at(&mut block, 0).map_err(failed)?;
        if !is_zero(&block, generation::HEAD_BYTES) {
            notice(0, "has bytes where nothing is written");
        }
        if used_to(file, end).map_err(failed)? > end {
            notice(end, "ends in bytes of a commit that never counted; the next one overwrites them");
        }
        Ok(())
    }
}
