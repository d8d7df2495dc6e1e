//! A simulated disk: directories, the files in them, and what of both survives.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::data::{Data, SECTOR_BYTES};
use super::random::Rng;
use super::{Keep, ROOT};

/// The largest file: a position far beyond any that a test means is an error, as on a real disk.
const MOST_FILE_BYTES: u64 = 1 << 30;

/// A disk.
pub(super) struct Disk {
    nodes: BTreeMap<u64, Node>,
    next: u64,
    /// Room for data, if limited.
    pub(super) limit: Option<u64>,
}

pub(super) enum Node {
    File(FileNode),
    Directory(Directory),
}

/// A file, with or without a name.
pub(super) struct FileNode {
    pub(super) data: Data,
    /// The directory that has, or had, its name.
    directory: u64,
    /// How many hold it open.
    pub(super) opens: u32,
    /// How often writing it back has failed, and whether anybody was told of the last time.
    pub(super) failures: u64,
    pub(super) reported: bool,
}

/// A directory. Names bound in it become durable by a sync of the directory only.
#[derive(Default)]
pub(super) struct Directory {
    names: BTreeMap<String, u64>,
    durable: BTreeMap<String, u64>,
    /// What happened since the last sync: each change may have got to the disk or not.
    pending: Vec<Change>,
}

/// Names bound or unbound in one step.
type Change = Vec<(String, Option<u64>)>;

impl Directory {
    fn change(&mut self, change: Change) {
        apply(&mut self.names, change.clone());
        self.pending.push(change);
    }

    /// Each change since the last sync gets to the disk or not.
    fn settle(&mut self, odds: u64, rng: &mut Rng) {
        self.write_some(odds, rng);
        self.pending.clear();
    }

    /// Some of the changes since the last sync get to the disk, and all of them are still to be made durable.
    fn write_some(&mut self, odds: u64, rng: &mut Rng) {
        for change in &self.pending {
            if rng.survives(odds) {
                apply(&mut self.durable, change.clone());
            }
        }
    }

    /// All that has a name here, or may have one after a loss of power.
    fn nodes(&self) -> BTreeSet<u64> {
        let pending = self.pending.iter().flatten().filter_map(|(_, node)| node.as_ref());
        self.names.values().chain(self.durable.values()).chain(pending).copied().collect()
    }
}

fn apply(names: &mut BTreeMap<String, u64>, change: Change) {
    for (name, node) in change {
        match node {
            Some(node) => names.insert(name, node),
            None => names.remove(&name),
        };
    }
}

impl Disk {
    /// With the directory [`ROOT`], durable.
    pub(super) fn new() -> Self {
        let mut nodes = BTreeMap::new();
        let mut top = Directory::default();
        top.names.insert(ROOT.trim_start_matches('/').to_owned(), 1);
        top.durable = top.names.clone();
        nodes.insert(0, Node::Directory(top));
        nodes.insert(1, Node::Directory(Directory::default()));
        Self { nodes, next: 2, limit: None }
    }

    /// The node of this path.
    pub(super) fn find(&self, path: &Path) -> io::Result<u64> {
        let mut node = 0;
        for part in parts(path)? {
            node = self.child(node, &part)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        }
        Ok(node)
    }

    pub(super) fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.find(path)?;
        Ok(Path::new("/").join(parts(path)?.iter().collect::<PathBuf>()))
    }

    pub(super) fn file(&mut self, node: u64) -> io::Result<&mut FileNode> {
        match self.nodes.get_mut(&node) {
            Some(Node::File(file)) => Ok(file),
            Some(Node::Directory(_)) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn directory(&mut self, path: &Path) -> io::Result<&mut Directory> {
        let node = self.find(path)?;
        self.directory_node(node)
    }

    pub(super) fn list(&mut self, path: &Path) -> io::Result<Vec<String>> {
        Ok(self.directory(path)?.names.keys().cloned().collect())
    }

    /// Every file that has a name.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut left = vec![(PathBuf::from("/"), 0)];
        while let Some((path, node)) = left.pop() {
            match &self.nodes[&node] {
                Node::File(_) => files.push(path),
                Node::Directory(directory) => {
                    left.extend(directory.names.iter().map(|(name, node)| (path.join(name), *node)));
                }
            }
        }
        files.sort_unstable();
        files
    }

    pub(super) fn create_file(&mut self, path: &Path) -> io::Result<u64> {
        let (directory, _) = self.parent(path)?;
        let file = FileNode { data: Data::default(), directory, opens: 0, failures: 0, reported: true };
        self.add(path, Node::File(file))
    }

    pub(super) fn create_dir(&mut self, path: &Path) -> io::Result<()> {
        match self.find(path) {
            Ok(node) => match self.directory_node(node) {
                Ok(_) => Ok(()),
                Err(_) => Err(io::ErrorKind::AlreadyExists.into()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.add(path, Node::Directory(Directory::default())).map(|_| ())
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let ((directory, old), (other, new)) = (self.parent(from)?, self.parent(to)?);
        if directory != other {
            return Err(invalid("a file is renamed within its directory only"));
        }
        let node = self.child(directory, &old)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        self.file(node)?;
        let replaced = self.child(directory, &new)?;
        if let Some(replaced) = replaced {
            self.file(replaced)?;
        }
        if old != new {
            self.directory_node(directory)?.change(vec![(old, None), (new, Some(node))]);
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        let (directory, name) = self.parent(path)?;
        let node = self.find(path)?;
        self.file(node)?;
        self.directory_node(directory)?.change(vec![(name, None)]);
        Ok(())
    }

    /// Makes the changes of a directory since the last sync durable.
    pub(super) fn sync_dir(&mut self, path: &Path, rng: &mut Rng) -> io::Result<()> {
        self.settle_dir(path, 8, rng)
    }

    /// A sync that fails: some changes get to the disk, the others do with the next that succeeds. File systems keep
    /// names in a journal or a tree that is copied on write, and stop for good if they cannot write that.
    pub(super) fn fail_to_sync_dir(&mut self, path: &Path, rng: &mut Rng) -> io::Result<()> {
        let odds = rng.odds();
        self.directory(path)?.write_some(odds, rng);
        Ok(())
    }

    fn settle_dir(&mut self, path: &Path, odds: u64, rng: &mut Rng) -> io::Result<()> {
        let directory = self.directory(path)?;
        let before = directory.nodes();
        directory.settle(odds, rng);
        let after = directory.nodes();
        for gone in before.difference(&after) {
            self.free_if_unused(*gone);
        }
        Ok(())
    }

    /// One more, or one less, holds the file open.
    pub(super) fn count_open(&mut self, node: u64, opens: bool) {
        if let Ok(file) = self.file(node) {
            file.opens = if opens { file.opens + 1 } else { file.opens - 1 };
            if file.opens == 0 {
                self.free_if_unused(node);
            }
        }
    }

    /// The bytes from `offset` on that there is room for, of `bytes`.
    pub(super) fn room(&mut self, node: u64, offset: u64, bytes: u64) -> io::Result<u64> {
        let end = offset.checked_add(bytes).filter(|end| *end <= MOST_FILE_BYTES);
        let end = end.ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        let Some(limit) = self.limit else { return Ok(bytes) };
        let here = rounded(self.file(node)?.data.len() as u64);
        let others = self.used().saturating_sub(here);
        let most = limit.saturating_sub(others) / SECTOR_BYTES as u64 * SECTOR_BYTES as u64;
        Ok(end.min(most.max(here)).saturating_sub(offset).min(bytes))
    }

    pub(super) fn lose_power(&mut self, keep: Keep, rng: &mut Rng) {
        let mut live = Vec::from([0]);
        let mut next = 0;
        while let Some(node) = live.get(next) {
            next += 1;
            match self.nodes.get_mut(node) {
                Some(Node::File(file)) => {
                    file.data.lose_power(keep, rng);
                    (file.opens, file.failures, file.reported) = (0, 0, true);
                }
                Some(Node::Directory(directory)) => {
                    let odds = match keep {
                        Keep::Nothing => 0,
                        Keep::All => 8,
                        Keep::Some => rng.odds(),
                    };
                    directory.settle(odds, rng);
                    directory.names = directory.durable.clone();
                    live.extend(directory.names.values());
                }
                None => {}
            }
        }
        self.nodes.retain(|node, _| live.contains(node));
    }

    /// Bytes of data of the files that have a name or are open.
    fn used(&self) -> u64 {
        let named = |file: &FileNode, node: u64| match self.nodes.get(&file.directory) {
            Some(Node::Directory(directory)) => directory.names.values().any(|known| *known == node),
            _ => false,
        };
        self.nodes
            .iter()
            .filter_map(|(node, kind)| match kind {
                Node::File(file) if file.opens > 0 || named(file, *node) => {
                    Some(rounded(file.data.len() as u64))
                }
                _ => None,
            })
            .sum()
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<u64> {
        let (directory, name) = self.parent(path)?;
        let number = self.next;
        self.directory_node(directory)?.change(vec![(name, Some(number))]);
        self.next += 1;
        self.nodes.insert(number, node);
        Ok(number)
    }

    fn free_if_unused(&mut self, node: u64) {
        let Some(Node::File(file)) = self.nodes.get(&node) else { return };
        let known = match self.nodes.get(&file.directory) {
            Some(Node::Directory(directory)) => directory.nodes().contains(&node),
            _ => false,
        };
        if file.opens == 0 && !known {
            self.nodes.remove(&node);
        }
    }

    fn directory_node(&mut self, node: u64) -> io::Result<&mut Directory> {
        match self.nodes.get_mut(&node) {
            Some(Node::Directory(directory)) => Ok(directory),
            Some(Node::File(_)) => Err(io::ErrorKind::NotADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn child(&self, node: u64, name: &str) -> io::Result<Option<u64>> {
        match self.nodes.get(&node) {
            Some(Node::Directory(directory)) => Ok(directory.names.get(name).copied()),
            Some(Node::File(_)) => Err(io::ErrorKind::NotADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// The directory of the path, and the name in it.
    fn parent(&self, path: &Path) -> io::Result<(u64, String)> {
        let mut parts = parts(path)?;
        let name = parts.pop().ok_or_else(|| invalid("the path has no name"))?;
        let node = self.find(&parts.iter().collect::<PathBuf>())?;
        match self.nodes.get(&node) {
            Some(Node::Directory(_)) => Ok((node, name)),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }
}

/// The names on the way to a path; a relative one begins at the top.
fn parts(path: &Path) -> io::Result<Vec<String>> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => {
                parts.push(name.to_str().ok_or_else(|| invalid("the path is not text"))?.to_owned());
            }
            Component::ParentDir => _ = parts.pop(),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Ok(parts)
}

fn rounded(bytes: u64) -> u64 {
    bytes.next_multiple_of(SECTOR_BYTES as u64)
}

fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}
