//! Files of a simulated machine.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::fault::Op;
use super::machine::{Course, Machine, Open};
use super::process::Process;
use super::random::Rng;
use super::words::SimWords;
use crate::seams::{File, FileSystem, Files, LockKind, OpenMode, Words};

/// The files as one process sees them.
pub(super) struct SimFiles(pub(super) Arc<Process>);

impl SimFiles {
    /// Calls something that happens or does not: a failing one does not, and one that is cut either did or did not.
    fn call_step(
        &self,
        op: Op,
        path: &Path,
        step: impl FnOnce(&mut Machine) -> io::Result<()>,
    ) -> io::Result<()> {
        self.0.call(op, path, |machine, course| match course {
            Course::Whole => step(machine),
            Course::Cut(_) if machine.rng.one_in(2) => step(machine),
            Course::Cut(_) | Course::Fails(_) => Ok(()),
        })
    }
}

impl Files for SimFiles {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let exists = self.exists(path)?;
        let makes = !exists && matches!(mode, OpenMode::Create | OpenMode::CreateNew);
        let op = if makes { Op::Create } else { Op::Open };
        let number = self.0.call(op, path, |machine, course| {
            let happens = match course {
                Course::Whole => true,
                Course::Fails(_) => false,
                Course::Cut(_) => makes && machine.rng.one_in(2),
            };
            if !happens {
                return Err(io::ErrorKind::Other.into());
            }
            open(machine, path, mode, self.0.id)
        })?;
        Ok(Arc::new(SimFile { process: Arc::clone(&self.0), path: path.to_owned(), number }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.call_step(Op::CreateDir, path, |machine| machine.disk.create_dir(path))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.0.call(Op::List, path, |machine, _| machine.disk.list(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call_step(Op::Rename, to, |machine| machine.disk.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call_step(Op::Remove, path, |machine| machine.disk.remove(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.0.call(Op::SyncDir, path, |machine, course| {
            let Machine { disk, rng, .. } = machine;
            match course {
                Course::Whole => disk.sync_dir(path, rng),
                Course::Fails(_) => disk.fail_to_sync_dir(path, rng),
                Course::Cut(_) if rng.one_in(2) => disk.sync_dir(path, rng),
                Course::Cut(_) => Ok(()),
            }
        })
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.0.call(Op::Ask, path, |machine, _| match machine.disk.find(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        })
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.0.call(Op::Ask, path, |machine, _| machine.disk.canonical(path))
    }

    fn file_system(&self, path: &Path) -> io::Result<FileSystem> {
        self.0.call(Op::Ask, path, |machine, _| {
            machine.disk.find(path)?;
            Ok(machine.file_system.clone())
        })
    }

    fn boot_id(&self) -> io::Result<String> {
        self.0.look(|machine| {
            let mut rng = Rng::new(machine.boots, u64::MAX);
            let (high, low) = (rng.next(), rng.next());
            let hex = format!("{high:016x}{low:016x}");
            Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
        })
    }

    fn process(&self) -> io::Result<(u32, u64)> {
        self.0.look(|_| Ok((self.0.id, self.0.started)))
    }

    fn forks(&self) -> u64 {
        0
    }
}

fn open(machine: &mut Machine, path: &Path, mode: OpenMode, process: u32) -> io::Result<u64> {
    let node = match (machine.disk.find(path), mode) {
        (Ok(_), OpenMode::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
        (Ok(node), _) => node,
        (Err(error), OpenMode::Create | OpenMode::CreateNew) if error.kind() == io::ErrorKind::NotFound => {
            machine.disk.create_file(path)?
        }
        (Err(error), _) => return Err(error),
    };
    let file = machine.disk.file(node)?;
    // A failure that nobody was told of yet is told to whoever opens the file now.
    let failures_seen = if file.reported { file.failures } else { file.failures - 1 };
    let writable = mode != OpenMode::Read;
    Ok(machine.add_open(Open { node, process, writable, lock: None, failures_seen }))
}

/// An open file.
struct SimFile {
    process: Arc<Process>,
    /// As it was opened.
    path: PathBuf,
    number: u64,
}

impl SimFile {
    fn call<T>(
        &self,
        op: Op,
        action: impl FnOnce(&mut Machine, Course, u64) -> io::Result<T>,
    ) -> io::Result<T> {
        self.process.call(op, &self.path, |machine, course| {
            let node = self.open(machine)?.node;
            action(machine, course, node)
        })
    }

    fn open<'a>(&self, machine: &'a mut Machine) -> io::Result<&'a mut Open> {
        machine.open.get_mut(&self.number).ok_or_else(bad_descriptor)
    }
}

impl File for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.call(Op::Read, |machine, _, node| Ok(machine.disk.file(node)?.data.read(buffer, offset)))
    }

    fn write_at(&self, pieces: &[&[u8]], offset: u64) -> io::Result<()> {
        let bytes = pieces.concat();
        self.call(Op::Write, |machine, course, node| {
            if !self.open(machine)?.writable {
                return Err(bad_descriptor());
            }
            let asked = match course {
                Course::Whole => bytes.len() as u64,
                Course::Fails(_) | Course::Cut(_) => machine.rng.below(bytes.len() as u64 + 1),
            };
            let written = machine.disk.room(node, offset, asked)?;
            machine.note_bytes(offset, &bytes[..written as usize]);
            machine.disk.file(node)?.data.write(&bytes[..written as usize], offset as usize);
            if written == asked { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ENOSPC)) }
        })
    }

    fn start_writing(&self, _offset: u64, _bytes: u64) {
        let _only_a_hint = self.call(Op::StartWriting, |_, _, _| Ok(()));
    }

    fn sync(&self) -> io::Result<()> {
        self.call(Op::Sync, |machine, course, node| {
            let Machine { disk, rng, open, .. } = machine;
            let open = open.get_mut(&self.number).ok_or_else(bad_descriptor)?;
            let file = disk.file(node)?;
            match course {
                Course::Whole => file.data.sync(),
                Course::Fails(_) => {
                    file.data.fail_to_sync(rng);
                    file.failures += 1;
                }
                Course::Cut(_) if rng.one_in(2) => file.data.sync(),
                Course::Cut(_) => {}
            }
            // Each open file is told once of a failure, whoever's sync it was.
            let told = std::mem::replace(&mut open.failures_seen, file.failures) < file.failures;
            file.reported = true;
            if told { Err(io::Error::from_raw_os_error(libc::EIO)) } else { Ok(()) }
        })
    }

    fn size(&self) -> io::Result<u64> {
        self.call(Op::Ask, |machine, _, node| Ok(machine.disk.file(node)?.data.len() as u64))
    }

    fn try_lock(&self, kind: LockKind) -> io::Result<bool> {
        self.call(Op::Lock, |machine, course, node| {
            if kind == LockKind::Exclusive && !self.open(machine)?.writable {
                return Err(bad_descriptor());
            }
            let in_the_way = machine.open.iter().any(|(number, other)| {
                let conflicts = match kind {
                    LockKind::Shared => other.lock == Some(LockKind::Exclusive),
                    LockKind::Exclusive => other.lock.is_some(),
                };
                *number != self.number && other.node == node && conflicts
            });
            if !in_the_way && course == Course::Whole {
                self.open(machine)?.lock = Some(kind);
            }
            Ok(!in_the_way)
        })
    }

    fn unlock(&self) -> io::Result<()> {
        self.call(Op::Lock, |machine, course, _| {
            if course == Course::Whole {
                self.open(machine)?.lock = None;
            }
            Ok(())
        })
    }

    fn locked_by_other(&self) -> io::Result<bool> {
        self.call(Op::Lock, |machine, _, node| {
            let others = machine.open.iter().filter(|(number, _)| **number != self.number);
            Ok(others.into_iter().any(|(_, other)| other.node == node && other.lock.is_some()))
        })
    }

    fn map(&self, offset: u64, words: usize) -> io::Result<Arc<dyn Words>> {
        let region = self.call(Op::Map, |machine, _, node| {
            let data = &mut machine.disk.file(node)?.data;
            let end = (words as u64).checked_mul(8).and_then(|bytes| bytes.checked_add(offset));
            if words == 0 || !offset.is_multiple_of(4096) {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            if end.is_none_or(|end| end > data.len() as u64) {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            data.map(offset, words).ok_or_else(|| {
                io::Error::new(io::ErrorKind::Unsupported, "simulated maps of a file must not overlap")
            })
        })?;
        Ok(Arc::new(SimWords::new(Arc::clone(&self.process), region, words)))
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        if self.process.is_alive() {
            self.process.shared.machine().close(self.number);
        }
    }
}

fn bad_descriptor() -> io::Error {
    io::Error::from_raw_os_error(libc::EBADF)
}
