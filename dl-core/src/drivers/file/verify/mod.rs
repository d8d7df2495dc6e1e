//! Verifying a directory: every byte of every file is read, nothing is changed, and nothing is locked.
//!
//! It works beside processes that use the directory, and where opening fails. What others write meanwhile can look like
//! damage; so whatever was found is looked for again, and reported if it is there both times.

mod journals;
mod segments;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::catalog::{self, SegmentState};
use super::control::Control;
use super::format_file::Format;
use super::holdings::Holdings;
use super::io;
use super::layout::{Layout, parse_hex};
use super::metadata::log::examine as metadata;
use super::metered;
use super::session;
use crate::drivers::{Examined, Select};
use crate::error::{Error, ErrorKind, Result};
use crate::metadata::{NodePath, Session, Tree};
use crate::seams::{Files, OpenMode, Seams};
use crate::store::Unfinished;
use crate::types::{Finding, SegmentId, Severity, Subject, Verification};
pub(in crate::drivers::file) use trouble::{Trouble, is_zero, read_through, used_to};

/// What may be done while a directory is damaged outside its segments.
const COPY_FIRST: &str = "cp -a";

/// Verifies a directory.
///
/// # Errors
/// `not-found` if there is no namespace; `unsupported` if it is newer than this build; `permission-denied`.
pub(crate) async fn verify(path: &Path, select: Select, seams: &Seams) -> Result<Examined> {
    // Nothing is written, so nothing is measured.
    let (seams, holdings) = metered::seams(seams, &Arc::default(), Duration::MAX);
    let _while_somebody_waits = GiveUp(holdings);
    let (path, tasks) = (path.to_owned(), seams.tasks.clone());
    tasks
        .blocking(move || {
            let mut examined = Pass::run(&seams, &path, &select)?;
            if examined.verification.findings.is_empty() {
                return Ok(examined);
            }
            let again = Pass::run(&seams, &path, &select)?;
            examined.verification.findings.retain(|finding| again.verification.findings.contains(finding));
            examined.verification.in_use |= again.verification.in_use;
            Ok(examined)
        })
        .await
}

/// Takes the files from a thread that reads on when nobody waits for what it finds: otherwise it would read to the end.
struct GiveUp(Arc<Holdings>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

/// One look at everything.
struct Pass<'a> {
    seams: &'a Seams,
    files: Arc<dyn Files>,
    layout: Layout,
    namespace: u64,
    /// The words of the processes that have the directory open.
    control: Option<Control>,
    in_use: bool,
    tree: Tree,
    /// The number of the last commit in the tree, if that is all there are.
    sequence: Option<u64>,
    /// What the metadata says of each segment.
    catalog: BTreeMap<SegmentId, SegmentState>,
    /// The entries that journals hold, by their offsets, and where each ends.
    journaled: BTreeMap<SegmentId, BTreeMap<u64, u64>>,
    unfinished: Vec<Unfinished>,
    found: Verification,
}

impl Pass<'_> {
    fn run(seams: &Seams, path: &Path, select: &Select) -> Result<Examined> {
        let files = seams.files.clone();
        let failed = |error| io::failed(error, "opening the namespace directory", path);
        if !files.exists(path).map_err(failed)? {
            return Err(
                Error::not_found("the directory does not exist; check its name").with("file", path.display())
            );
        }
        let layout = Layout::new(files.canonical(path).map_err(failed)?);
        let mut found = Verification::default();
        let Some(namespace) = format(seams, &layout, &mut found)? else {
            return Ok(Examined {
                verification: found,
                tree: Tree::new(),
                segments: None,
                unfinished: Vec::new(),
                alive: BTreeSet::new(),
            });
        };
        let mut pass = Pass {
            seams,
            files,
            layout,
            namespace,
            control: None,
            in_use: false,
            tree: Tree::new(),
            sequence: None,
            catalog: BTreeMap::new(),
            journaled: BTreeMap::new(),
            unfinished: Vec::new(),
            found,
        };
        pass.find_others()?;
        pass.metadata()?;
        let selected = select(&pass.tree);
        pass.strangers()?;
        pass.journals()?;
        pass.segments(selected.as_ref())?;
        pass.found.in_use = pass.in_use;
        let known =
            || pass.catalog.iter().map(|(id, state)| (*id, *state != SegmentState::Deleted)).collect();
        let segments = pass.sequence.map(|_| known());
        let sessions: BTreeSet<Session> = pass.tree.sessions().collect();
        let is_alive = |session: &Session| {
            u64::try_from(session.0).is_ok_and(|id| session::is_alive(&*pass.files, &pass.layout, id))
        };
        let alive = sessions.into_iter().filter(is_alive).collect();
        let Pass { found: verification, tree, unfinished, .. } = pass;
        Ok(Examined { verification, tree, segments, unfinished, alive })
    }

    /// Whether other processes have the directory open, and the words they share.
    fn find_others(&mut self) -> Result<()> {
        let path = self.layout.lock();
        let failed = |error| io::failed(error, "looking at the namespace lock", &path);
        let lock = match self.files.open(&path, OpenMode::Read) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            lock => lock.map_err(failed)?,
        };
        self.in_use = lock.locked_by_other().map_err(failed)?;
        if self.in_use {
            self.control = Control::open(self.seams, &self.layout, OpenMode::Read)?;
        }
        Ok(())
    }

    fn metadata(&mut self) -> Result<()> {
        let until = self.control.as_ref().map(Control::metadata_published);
        let looked = metadata::look(&self.files, &self.layout, self.namespace, until)?;
        self.found.files += looked.files;
        self.found.bytes += looked.bytes;
        let root = self.layout.root().to_owned();
        self.found.findings.extend(looked.troubles.into_iter().map(|(path, trouble)| {
            let finding = trouble.finding(Subject::Metadata, &path);
            if finding.severity == Severity::Damage { finding.safe(copy(&root)) } else { finding }
        }));
        self.tree = looked.tree;
        self.sequence = looked.complete.then_some(looked.sequence);
        let mut unreadable = Vec::new();
        let children = self.tree.children(NodePath::new(catalog::SEGMENTS)?, |_| true);
        for child in children.unwrap_or_default() {
            let Some(id) = parse_hex(&child.name).and_then(|id| SegmentId::new(id.try_into().ok()?).ok())
            else {
                continue;
            };
            let Some(node) = self.tree.get(NodePath::new(&catalog::path(id))?, |_| true) else { continue };
            match SegmentState::parse(&node, id) {
                Ok(state) => _ = self.catalog.insert(id, state),
                Err(_) => unreadable.push(id),
            }
        }
        self.found.findings.extend(unreadable.into_iter().map(|id| {
            let message = "the metadata of a segment cannot be read";
            let mut finding = Finding::new(Severity::Damage, Subject::Metadata, message).safe(copy(&root));
            finding.segment_id = Some(id);
            finding
        }));
        Ok(())
    }

    /// The next segment id that nobody was given, if all metadata could be read.
    fn next_segment_id(&self) -> Option<i64> {
        self.sequence?;
        let node = self.tree.get(NodePath::new(catalog::SEGMENTS).ok()?, |_| true)?;
        catalog::next_id(&node).ok()
    }

    /// Files that are not of a namespace.
    fn strangers(&mut self) -> Result<()> {
        let layout = self.layout.clone();
        let unfinished = Format::unfinished(&layout);
        let mut known = vec![layout.format(), unfinished, layout.lock(), layout.control()];
        known.extend(layout.folders());
        known.push(layout.root().join("lost+found"));
        self.strangers_in(layout.root(), |path, _| known.contains(path))?;
        for path in [layout.format(), layout.lock(), layout.control(), layout.metadata().join("lock")] {
            if self.files.list(&path).is_ok() {
                self.misplaced(&path, "a folder stands in the place of a file");
            }
        }
        self.strangers_in(&layout.metadata(), |_, name| {
            name == "lock" || name.strip_suffix(".log").and_then(parse_hex).is_some()
        })?;
        for folder in [layout.sessions(), layout.journals()] {
            self.strangers_in(&folder, |_, name| parse_hex(name).is_some())?;
        }
        Ok(())
    }

    fn strangers_in(&mut self, folder: &Path, known: impl Fn(&PathBuf, &str) -> bool) -> Result<Vec<String>> {
        let names = match self.files.list(folder) {
            // Its first user makes it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
                self.misplaced(folder, "a file stands in the place of a folder");
                Vec::new()
            }
            names => names.map_err(|error| io::failed(error, "listing a folder", folder))?,
        };
        let (ours, strange): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|name| known(&folder.join(name), name));
        self.found.findings.extend(strange.iter().map(|name| {
            let message = "the file is not one of a namespace; dl neither reads nor removes it";
            Finding::new(Severity::Notice, Subject::Stranger, message).in_file(folder.join(name))
        }));
        Ok(ours)
    }

    /// Something stands where a file or folder of the namespace belongs, which nothing can be read from. Said once.
    fn misplaced(&mut self, path: &Path, what: &str) {
        let about = |finding: &Finding| finding.file.as_deref() == Some(path);
        if !self.found.findings.iter().any(|finding| finding.severity == Severity::Damage && about(finding)) {
            let finding = Finding::new(Severity::Damage, Subject::Stranger, what).in_file(path);
            self.found.findings.push(finding.safe(copy(self.layout.root())));
        }
    }

    /// Adds what a file could not be read for.
    fn unreadable(&mut self, error: Error, subject: Subject, path: &Path) -> Result<()> {
        match error.kind() {
            // The second: nobody waits any more.
            ErrorKind::PermissionDenied | ErrorKind::Closed => Err(error),
            // Removed meanwhile.
            ErrorKind::NotFound => Ok(()),
            _ => {
                let finding = Finding::new(Severity::Damage, subject, error.message()).in_file(path);
                self.found.findings.push(finding.safe(copy(self.layout.root())));
                Ok(())
            }
        }
    }
}

/// Reads the format file; answers the number of the namespace, by which all else is checked, if anything tells it.
fn format(seams: &Seams, layout: &Layout, found: &mut Verification) -> Result<Option<u64>> {
    let path = layout.format();
    found.files += 1;
    let read = Format::read(seams, layout, true);
    let (message, namespace) = match read {
        Ok(Some(format)) => {
            if !Format::is_as_written(seams, layout)? {
                let message = "the format file says what it should, and is not written as dl writes it";
                let finding = Finding::new(Severity::Notice, Subject::Format, message).at(&path, 0);
                found.findings.push(finding);
            }
            return Ok(Some(format.namespace));
        }
        other => {
            let namespace = metadata::namespace_of(&*seams.files, layout)?;
            match other {
                Ok(_) if namespace.is_none() => return Err(no_namespace(layout)),
                Ok(_) => ("the directory has lost its format file".to_owned(), namespace),
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    ("the format file is not what was written".to_owned(), namespace)
                }
                Err(error) if error.kind() == ErrorKind::InvalidArgument && namespace.is_some() => {
                    ("something else stands in the place of the format file".to_owned(), namespace)
                }
                // With metadata of ours beside it, it was ours too, unless it is whole and newer than this build.
                Err(error)
                    if error.kind() == ErrorKind::Unsupported
                        && namespace.is_some()
                        && !Format::is_as_written(seams, layout)? =>
                {
                    ("the format file is not what was written".to_owned(), namespace)
                }
                Err(error) => return Err(error),
            }
        }
    };
    let kept =
        "everything else, as far as nothing else is said; no command opens the directory without that file";
    let finding = Finding::new(Severity::Damage, Subject::Format, message).at(path, 0);
    found.findings.push(finding.keeps(kept).safe(copy(layout.root())));
    Ok(namespace)
}

fn no_namespace(layout: &Layout) -> Error {
    Error::not_found("there is no dl namespace in the directory; check its name")
        .with("file", layout.root().display())
}

/// The command that is safe whatever was lost.
fn copy(root: &Path) -> String {
    format!("{COPY_FIRST} {0} {0}.copy", root.display())
}
