//! Tests of files, locks, words and forks: they need one another.

use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::*;

fn files() -> SystemFiles {
    SystemFiles::new().unwrap()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn open_modes_make_or_do_not_make_files() {
    let (files, folder) = (files(), folder());
    let path = folder.path().join("a");
    let kind = |mode| files.open(&path, mode).err().map(|error| error.kind());
    assert_eq!(kind(OpenMode::Read), Some(io::ErrorKind::NotFound));
    assert_eq!(kind(OpenMode::Write), Some(io::ErrorKind::NotFound));
    assert_eq!(kind(OpenMode::Create), None);
    assert_eq!(kind(OpenMode::Create), None);
    assert_eq!(kind(OpenMode::CreateNew), Some(io::ErrorKind::AlreadyExists));
    let read_only = files.open(&path, OpenMode::Read).unwrap();
    assert!(read_only.write_at(&[b"x"], 0).is_err());
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let (files, folder) = (files(), folder());
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    for mode in [OpenMode::Read, OpenMode::Write, OpenMode::Create] {
        for path in [&path, Path::new("/dev/zero")] {
            let refused = files.open(path, mode).err().unwrap();
            assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists, "{path:?} {mode:?}");
        }
    }
}

#[test]
fn descriptors_are_closed_on_exec() {
    let folder = folder();
    let file = SystemFile::open(&folder.path().join("a"), OpenMode::Create).unwrap();
    // SAFETY: the call only reads the flags of an open descriptor.
    let flags = unsafe { libc::fcntl(file.file.as_raw_fd(), libc::F_GETFD) };
    assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
}

#[test]
fn pieces_are_written_one_after_another_and_read_back() {
    let (files, folder) = (files(), folder());
    let file = files.open(&folder.path().join("a"), OpenMode::CreateNew).unwrap();
    // More pieces than one call takes, with empty ones at begin, between and end.
    let numbers: Vec<Vec<u8>> = (0..3000_u32).map(|number| number.to_le_bytes().to_vec()).collect();
    let mut pieces: Vec<&[u8]> = vec![&[], &[]];
    for number in &numbers {
        pieces.extend([number.as_slice(), &[]]);
    }
    file.write_at(&pieces, 10).unwrap();
    file.write_at(&[], 0).unwrap();
    file.sync().unwrap();
    assert_eq!(file.size().unwrap(), 10 + 12_000);

    let mut all = vec![1; 20_000];
    assert_eq!(file.read_at(&mut all, 0).unwrap(), 12_010);
    assert_eq!(all[..10], [0; 10]);
    assert_eq!(all[10..12_010], numbers.concat());
    assert_eq!(file.read_at(&mut all, 12_010).unwrap(), 0);
    assert_eq!(file.read_at(&mut [0; 4], 12_008).unwrap(), 2);
}

#[test]
fn interrupted_and_short_writes_are_continued_wherever_they_stop() {
    let pieces: [&[u8]; 5] = [b"abc", b"", b"defgh", b"i", b""];
    for most in 1..=10 {
        let mut file = vec![0; 2];
        let mut calls = 0;
        write_all(&pieces, 2, |slices, offset| {
            calls += 1;
            if calls % 2 == 1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            assert_eq!(offset, file.len() as u64);
            let before = file.len();
            file.extend(slices.iter().flat_map(|slice| slice.iter()).take(most));
            Ok(file.len() - before)
        })
        .unwrap();
        assert_eq!(file, b"\0\0abcdefghi", "{most} at a time");
    }
    // What was written before an error stays; one that takes nothing is an error too, not a loop.
    let mut calls = 0;
    let error = write_all(&pieces, 0, |_, offset| {
        calls += 1;
        if calls == 1 { Ok(4) } else { Err(io::Error::other(format!("at {offset}"))) }
    });
    assert_eq!(error.unwrap_err().to_string(), "at 4");
    assert_eq!(write_all(&pieces, 0, |_, _| Ok(0)).unwrap_err().kind(), io::ErrorKind::WriteZero);
}

#[test]
fn interrupted_and_short_reads_are_continued_to_the_end() {
    let content = b"abcdefghi";
    for most in 1..=10 {
        for wanted in [0, 5, 9, 12] {
            let mut buffer = vec![0; wanted];
            let mut calls = 0;
            let read = read_all(&mut buffer, 0, |rest, offset| {
                calls += 1;
                if calls % 2 == 1 {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                let left = &content[(offset as usize).min(content.len())..];
                let bytes = left.len().min(most).min(rest.len());
                rest[..bytes].copy_from_slice(&left[..bytes]);
                Ok(bytes)
            });
            let expected = wanted.min(content.len());
            assert_eq!(read.unwrap(), expected);
            assert_eq!(buffer[..expected], content[..expected]);
        }
    }
    assert_eq!(read_all(&mut [0], 0, |_, _| Err(io::Error::other("no"))).unwrap_err().to_string(), "no");
}

#[test]
fn a_file_that_may_not_grow_takes_what_it_can_and_says_so() {
    let (files, folder) = (files(), folder());
    let path = folder.path().join("a");
    // In a process of its own: the limit is for all of it.
    let child = fork_off(|| {
        let limit = |bytes| {
            let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
            // SAFETY: the structure lives through the call, and the signal is ignored from now on.
            unsafe {
                libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
                assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit), 0);
            }
        };
        let files = SystemFiles::new().unwrap();
        let file = files.open(&path, OpenMode::CreateNew).unwrap();
        limit(10_000);
        let error = file.write_at(&[&[1; 8_000], &[2; 8_000]], 0).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(file.size().unwrap(), 10_000, "the kernel took a part");
        limit(libc::RLIM_INFINITY);
        file.write_at(&[&[1; 8_000], &[2; 8_000]], 0).unwrap();
    });
    let mut status = -1;
    // SAFETY: `status` lives through the call.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "the checks of the child failed");
    let file = files.open(&path, OpenMode::Read).unwrap();
    let mut all = [0; 16_001];
    assert_eq!(file.read_at(&mut all, 0).unwrap(), 16_000);
    assert!(all[..8_000] == [1; 8_000] && all[8_000..16_000] == [2; 8_000]);
}

#[test]
fn impossible_positions_are_errors() {
    let (files, folder) = (files(), folder());
    let file = files.open(&folder.path().join("a"), OpenMode::CreateNew).unwrap();
    assert!(file.write_at(&[b"x"], u64::MAX).is_err());
    assert!(file.read_at(&mut [0], u64::MAX).is_err());
}

#[test]
fn directories_list_their_names_in_order() {
    let (files, folder) = (files(), folder());
    let inner = folder.path().join("inner");
    files.create_dir(&inner).unwrap();
    files.create_dir(&inner).unwrap();
    for name in ["b", "c", "a"] {
        files.open(&inner.join(name), OpenMode::CreateNew).unwrap();
    }
    assert!(files.create_dir(&inner.join("a")).is_err(), "there is a file of that name");
    files.rename(&inner.join("c"), &inner.join("a")).unwrap();
    files.sync_dir(&inner).unwrap();
    assert_eq!(files.list(&inner).unwrap(), ["a", "b"]);
    files.remove(&inner.join("a")).unwrap();
    assert!(!files.exists(&inner.join("a")).unwrap());
    assert!(files.exists(&inner.join("b")).unwrap());
    assert!(files.sync_dir(&inner.join("b")).is_err(), "not a directory");
    let crooked = inner.join("..").join("inner").join(".");
    assert_eq!(files.canonical(&crooked).unwrap(), files.canonical(&inner).unwrap());
}

#[test]
fn the_process_and_the_boot_have_identities() {
    let files = files();
    let (id, start) = files.process().unwrap();
    assert_eq!((id, start), files.process().unwrap());
    assert_eq!(id, std::process::id());
    assert!(start > 0);
    assert_eq!(files.boot_id().unwrap().len(), 36);
    let strange = "7 (a) (b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21";
    assert_eq!(start_ticks(strange), Some(4711));
    assert_eq!(start_ticks("7 (a"), None);
}

#[test]
fn file_systems_are_told_apart() {
    let files = files();
    assert_eq!(files.file_system(Path::new("/proc")).unwrap(), FileSystem::Other("0x9fa0".to_owned()));
    assert_eq!(file_system(0xef53), FileSystem::Disk);
    assert_eq!(file_system(0x0102_1994), FileSystem::Memory);
    assert_eq!(file_system(0x6969), FileSystem::Other("nfs".to_owned()));
    assert!(files.file_system(Path::new("/proc/no such thing")).is_err());
}

#[test]
fn locks_of_two_open_files_contend() {
    let (files, folder) = (files(), folder());
    let path = folder.path().join("lock");
    let open = || files.open(&path, OpenMode::Create).unwrap();
    let (one, two) = (open(), open());
    assert!(one.try_lock(LockKind::Exclusive).unwrap());
    assert!(!two.try_lock(LockKind::Shared).unwrap());
    assert!(two.locked_by_other().unwrap());
    assert!(!one.locked_by_other().unwrap(), "its own does not count");

    assert!(one.try_lock(LockKind::Shared).unwrap(), "changed in place");
    assert!(two.try_lock(LockKind::Shared).unwrap());
    assert!(!one.try_lock(LockKind::Exclusive).unwrap());
    assert!(two.locked_by_other().unwrap(), "a failed change keeps the lock");
    drop(one);
    assert!(!two.locked_by_other().unwrap(), "closing unlocks");
    assert!(two.try_lock(LockKind::Exclusive).unwrap());
    two.unlock().unwrap();
    assert!(!open().locked_by_other().unwrap());
}

#[test]
fn maps_of_one_file_share_words_and_wake_each_other() {
    let (files, folder) = (files(), folder());
    let path = folder.path().join("words");
    let file = files.open(&path, OpenMode::Create).unwrap();
    assert_eq!(file.map(0, 8).err().unwrap().kind(), io::ErrorKind::UnexpectedEof);
    file.write_at(&[&[0; 12_288]], 0).unwrap();
    assert_eq!(file.map(8, 8).err().unwrap().kind(), io::ErrorKind::InvalidInput);
    assert_eq!(file.map(0, 0).err().unwrap().kind(), io::ErrorKind::InvalidInput);

    let mine = file.map(4096, 1024).unwrap();
    let theirs = files.open(&path, OpenMode::Write).unwrap().map(4096, 1024).unwrap();
    mine.words()[7].store(0xaabb_0000_0005, Ordering::Release);
    assert_eq!(theirs.words()[7].load(Ordering::Acquire), 0xaabb_0000_0005);
    let mut bytes = [0; 8];
    file.read_at(&mut bytes, 4096 + 56).unwrap();
    assert_eq!(u64::from_ne_bytes(bytes), 0xaabb_0000_0005);

    // Returns at once, as the low half differs; the high half does not matter.
    wait(&*theirs, 7, 4);

    let waiter = std::thread::spawn(move || {
        while theirs.words()[7].load(Ordering::Acquire) == 0xaabb_0000_0005 {
            wait(&*theirs, 7, 5);
        }
        theirs.words()[7].store(1, Ordering::Release);
        theirs.wake(7);
    });
    mine.words()[7].fetch_add(1, Ordering::AcqRel);
    mine.wake(7);
    while mine.words()[7].load(Ordering::Acquire) != 1 {
        wait(&*mine, 7, 6);
    }
    waiter.join().unwrap();
}

#[test]
fn a_wake_from_another_map_ends_a_wait() {
    let (files, folder) = (files(), folder());
    let path = folder.path().join("words");
    let file = files.open(&path, OpenMode::Create).unwrap();
    file.write_at(&[&[0; 4096]], 0).unwrap();
    let (mine, theirs) = (file.map(0, 2).unwrap(), file.map(0, 2).unwrap());
    // Word 1 counts the ends of waits for word 0, whose value never changes: only wakes end them, but for the
    // longest wait. 60 of those would take 60 seconds.
    let start = std::time::Instant::now();
    let waiter = std::thread::spawn(move || {
        for _ in 0..60 {
            wait(&*theirs, 0, 0);
            theirs.words()[1].fetch_add(1, Ordering::AcqRel);
        }
    });
    while mine.words()[1].load(Ordering::Acquire) < 60 {
        mine.wake(0);
        std::thread::yield_now();
    }
    waiter.join().unwrap();
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_lock_goes_with_its_owner_though_a_child_of_it_lives() {
    let (files, folder) = (files(), folder());
    let path = folder.path().join("lock");
    let watcher = files.open(&path, OpenMode::Create).unwrap();
    let (mut from_child, to_test) = io::pipe().unwrap();
    let (from_test, to_child) = io::pipe().unwrap();

    let owner = fork_off(|| {
        let file = SystemFile::open(&path, OpenMode::Write).unwrap();
        file.write_at(&[&[0; 4096]], 0).unwrap();
        let words = file.map(0, 2).unwrap();
        assert!(file.try_lock(LockKind::Exclusive).unwrap());
        let number = file.file.as_raw_fd();
        fork_off(|| {
            // SAFETY: closes this process's copy, which is not used after it; the process ends without dropping it.
            unsafe { libc::close(to_child.as_raw_fd()) };
            assert_eq!(files.forks(), 2);
            assert!(file.size().is_err() && file.unlock().is_err());
            assert!(watcher.read_at(&mut [0; 1], 0).is_err());
            // The lock's descriptor is free again, and becomes another file's, which no old handle may close.
            let mut others = Vec::new();
            while others.last().is_none_or(|other: &fs::File| other.as_raw_fd() != number) {
                assert!(others.len() < 1000, "the descriptor was not closed");
                others.push(fs::File::open("/dev/null").unwrap());
            }
            wait(&*words, 0, 0);
            drop((words, file));
            assert!(others.last().unwrap().metadata().is_ok(), "the new file is still open");
            io::Write::write_all(&mut &to_test, b"!").unwrap();
            // Lives on until the test has looked at the lock.
            assert_eq!(io::Read::read(&mut &from_test, &mut [0]).unwrap(), 0);
        });
    });
    let mut status = -1;
    // SAFETY: `status` lives through the call.
    assert_eq!(unsafe { libc::waitpid(owner, &raw mut status, 0) }, owner);
    assert_eq!(status, 0, "the owner's checks failed");
    drop(to_test);
    let mut said = Vec::new();
    io::Read::read_to_end(&mut (&mut from_child).take(1), &mut said).unwrap();
    assert_eq!(said, b"!", "the checks of the owner's child failed");
    assert!(!watcher.locked_by_other().unwrap(), "the owner is dead");
    assert_eq!(files.forks(), 0);
    drop(to_child);
}

fn wait(words: &dyn Words, index: usize, seen: u32) {
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(words.wait(index, seen).as_mut().poll(&mut context), Poll::Ready(()));
}

/// Runs the closure in a forked child, which ends with it, and answers with the child's number.
fn fork_off(child: impl FnOnce()) -> libc::pid_t {
    // SAFETY: the child runs the closure only, whose calls need no other thread: the C library makes its allocator
    // usable after a fork.
    match unsafe { libc::fork() } {
        0 => {
            // A lock that another thread held is held for ever here: who waits for the child hears of it.
            // SAFETY: the signal ends the child.
            unsafe { libc::alarm(300) };
            let failed = catch_unwind(AssertUnwindSafe(child)).is_err();
            // SAFETY: ends the child at once, running nothing of its parent's.
            unsafe { libc::_exit(i32::from(failed)) }
        }
        number => {
            assert!(number > 0, "fork failed: {}", io::Error::last_os_error());
            number
        }
    }
}
