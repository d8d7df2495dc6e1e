//! A user who may read a directory and not change anything in it.

use std::fs::{Permissions, set_permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::threads::limited_user;
use super::{Acked, append, end, log_name, open, run, writer};

#[test]
fn permission_to_read_is_enough_to_read_beside_a_writer() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("ns");
        let namespace = open(&directory).await.unwrap();
        let writer = writer(&namespace.log(&log_name("a"))).await.unwrap();
        let mut acked = Acked::new();
        append(&writer, b"one".to_vec(), &mut acked).await.unwrap();
        allow(folder.path(), 0o755, 0o444);
        set_permissions(&directory, Permissions::from_mode(0o555)).unwrap();
        let mut following = dl(&directory, &["read", "a", "--follow", "--count", "2"]);
        let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "one");
        append(&writer, b"two".to_vec(), &mut acked).await.unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), "two");
        assert!(end(&mut following).unwrap().success());
        for arguments in [&["read", "a"][..], &["info", "a"], &["verify"], &["namespace", "info"]] {
            let ended = dl(&directory, arguments).wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&ended.stderr);
            assert!(ended.status.success(), "dl {arguments:?}: {} {said}", ended.status);
        }
        allow(folder.path(), 0o755, 0o644);
        writer.close().await.unwrap();
        namespace.close().await.unwrap();
    });
}

/// Sets the modes of all that is below a folder.
fn allow(folder: &Path, folders: u32, files: u32) {
    set_permissions(folder, Permissions::from_mode(folders)).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            allow(&path, folders, files);
        } else {
            set_permissions(path, Permissions::from_mode(files)).unwrap();
        }
    }
}

/// A command of a user whom modes bind, which only reads.
fn dl(directory: &Path, arguments: &[&str]) -> Child {
    use std::os::unix::process::CommandExt as _;

    let mut command = Command::new(env!("CARGO_BIN_EXE_dl"));
    let uri = format!("file://{}?read_only=true&unsafe_filesystem=true", directory.display());
    command.args(["--ns", &uri]).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(user) = limited_user() {
        command.uid(user).gid(user);
    }
    command.spawn().unwrap()
}
