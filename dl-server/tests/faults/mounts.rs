//! File systems of one's own.

use std::path::Path;
use std::process::Command;

use super::{body_of, end, is_body};

/// Runs the body of a test where it may mount what it likes, unseen by others; it is all gone when it ends. Where the
/// system does not allow that, it says so.
pub(crate) fn in_own_mounts(test: &str, body: impl FnOnce()) {
    if is_body(test) {
        return body();
    }
    // For root a namespace of mounts is enough; others need one of users too.
    let Some(unshare) = ["-m", "-rm"].into_iter().find(|how| may_mount(how)) else {
        println!("skipped: cannot mount ({test} needs root, or namespaces of users)");
        return;
    };
    let mut command = Command::new("unshare");
    command.arg(unshare);
    body_of(test, &mut command);
    let ended = end(&mut command.spawn().unwrap()).expect("it ends");
    assert!(ended.success(), "{test}: {ended}");
}

fn may_mount(unshare: &str) -> bool {
    let try_it = "d=$(mktemp -d) && mount -t tmpfs -o size=1m none $d && umount $d; r=$?; rmdir $d; exit $r";
    let tried = Command::new("unshare").args([unshare, "sh", "-c", try_it]).output();
    tried.is_ok_and(|output| output.status.success())
}

/// Mounts a file system in memory of that size.
pub(crate) fn mount_memory(at: &Path, bytes: usize) {
    std::fs::create_dir_all(at).unwrap();
    run("mount", &["-t", "tmpfs", "-o", &format!("size={bytes}"), "none", path(at)]).unwrap();
}

/// Runs a program; what it said if it failed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
