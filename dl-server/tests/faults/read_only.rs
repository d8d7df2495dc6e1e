//! Disks that cannot be written any more.

use std::path::{Path, PathBuf};

use dl_core::{ErrorKind, Options};

use super::mounts::{self, in_own_mounts, mount_memory, path};
use super::{Acked, append, is, log_name, open, open_as, read, run, same, writer};

#[test]
fn a_disk_mounted_read_only_is_read_and_written_again_later() {
    in_own_mounts("read_only::a_disk_mounted_read_only_is_read_and_written_again_later", || run(remounted()));
}

async fn remounted() {
    let folder = tempfile::tempdir().unwrap();
    mount_memory(folder.path(), 32 << 20);
    let directory = folder.path().join("ns");
    let mut acked = Acked::new();
    write_some(&directory, &mut acked).await;
    remount(folder.path(), "ro");
    let refused = open(&directory).await.map(drop).unwrap_err();
    is(&refused, &[ErrorKind::PermissionDenied]);
    assert!(refused.message().contains("read_only=true"), "{refused}");
    let reading = open_as(&directory, Options::default().read_only(true)).await.unwrap();
    let log = reading.log(&log_name("a"));
    same(&read(&log).await.unwrap(), &acked);
    remount(folder.path(), "rw");
    same(&read(&log).await.unwrap(), &acked);
    write_some(&directory, &mut acked).await;
    reading.close().await.unwrap();
}

fn remount(at: &Path, how: &str) {
    mounts::run("mount", &["-o", &format!("remount,{how}"), path(at)]).unwrap();
}

/// Appends through a new writer, and closes everything.
async fn write_some(directory: &Path, acked: &mut Acked) {
    let namespace = open(directory).await.unwrap();
    let log = namespace.log(&log_name("a"));
    let writer = writer(&log).await.unwrap();
    for number in 0..10 {
        append(&writer, format!("record {number}").into_bytes(), acked).await.unwrap();
    }
    writer.close().await.unwrap();
    same(&read(&log).await.unwrap(), acked);
    namespace.close().await.unwrap();
}

#[test]
fn a_disk_that_turns_read_only_beneath_a_writer_ends_it_and_loses_nothing() {
    let test = "read_only::a_disk_that_turns_read_only_beneath_a_writer_ends_it_and_loses_nothing";
    in_own_mounts(test, || run(turned()));
}

/// As ext4 does when it finds an error: from one moment to the next, with files open for writing.
async fn turned() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::new(folder.path()) else {
        println!("skipped: cannot mount an image of ext4");
        return;
    };
    let directory = disk.at.join("ns");
    let mut acked = Acked::new();
    let namespace = open(&directory).await.unwrap();
    let log = namespace.log(&log_name("a"));
    let old = writer(&log).await.unwrap();
    for number in 0..10 {
        append(&old, format!("record {number}").into_bytes(), &mut acked).await.unwrap();
    }
    disk.fail();
    let mut unknown = Acked::new();
    for _ in 0..2 {
        let error = append(&old, b"one too many".to_vec(), &mut unknown).await.unwrap_err();
        is(&error, &[ErrorKind::Unavailable, ErrorKind::PermissionDenied]);
    }
    let refused = writer(&log).await.map(drop).unwrap_err();
    is(&refused, &[ErrorKind::Unavailable, ErrorKind::PermissionDenied]);
    same(&read(&log).await.unwrap(), &acked);
    // It cannot say that all is well, but it ends.
    let _failed = namespace.close().await;
    drop((old, log, namespace));

    disk.repair();
    let namespace = open(&directory).await.unwrap();
    let log = namespace.log(&log_name("a"));
    let new = writer(&log).await.unwrap();
    let records = read(&log).await.unwrap();
    same(&records[..acked.len()], &acked);
    assert!(records[acked.len()..].iter().all(|record| *record.payload == *b"one too many"));
    append(&new, b"and on".to_vec(), &mut acked).await.unwrap();
    new.close().await.unwrap();
    namespace.close().await.unwrap();
}

/// An image of a disk with ext4 on it.
struct Disk {
    image: PathBuf,
    at: PathBuf,
}

impl Disk {
    fn new(folder: &Path) -> Option<Self> {
        let (image, at) = (folder.join("image"), folder.join("mounted"));
        std::fs::File::create(&image).unwrap().set_len(64 << 20).unwrap();
        std::fs::create_dir(&at).unwrap();
        mounts::run("mkfs.ext4", &["-q", path(&image)]).ok()?;
        let disk = Self { image, at };
        disk.mount().ok()?;
        disk.switch().exists().then_some(disk)
    }

    fn mount(&self) -> Result<(), String> {
        mounts::run("mount", &["-o", "loop,errors=remount-ro", path(&self.image), path(&self.at)])
    }

    /// Where one tells the file system that it found an error.
    fn switch(&self) -> PathBuf {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let line = mounts.lines().find(|line| line.split(' ').nth(1) == Some(path(&self.at))).unwrap();
        let device = line.split(' ').next().unwrap().trim_start_matches("/dev/");
        Path::new("/sys/fs/ext4").join(device).join("trigger_fs_error")
    }

    fn fail(&self) {
        std::fs::write(self.switch(), "1").unwrap();
    }

    fn repair(&self) {
        mounts::run("umount", &[path(&self.at)]).unwrap();
        // Its exit code tells what it repaired.
        let _repaired = mounts::run("e2fsck", &["-fy", path(&self.image)]);
        self.mount().unwrap();
    }
}
