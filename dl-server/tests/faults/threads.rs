//! A process that may start no more threads: an error, never a wait without end.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{end, log_name, open, read, run};

const UNAVAILABLE: i32 = 112;
/// A user who has no processes; root itself is not limited.
const NOBODY: u32 = 61_234;
/// With so many threads everything works.
const ENOUGH: u64 = 40;

#[test]
fn without_threads_a_command_fails_and_does_not_hang() {
    let Some(user) = limited_user() else {
        println!("skipped: cannot limit threads (needs root, and a build that others may read)");
        return;
    };
    let mut codes = Vec::new();
    for limit in (1..12).chain([ENOUGH]) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let directory = folder.path().join("ns");
        for arguments in [&["create", "a"][..], &["append", "a", "--acks"], &["read", "a", "--count", "0"]] {
            let mut command = dl(&directory, user, limit);
            let mut child = command.args(arguments).stdin(input()).spawn().unwrap();
            let Some(status) = end(&mut child) else { panic!("with {limit} threads dl {arguments:?} hangs") };
            let code = status.code().unwrap();
            // Not there, because it could not be created.
            assert!(matches!(code, 0 | UNAVAILABLE | 102), "with {limit} threads dl {arguments:?}: {code}");
            codes.push((limit, code));
        }
        // Whatever was left is whole.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        run(async {
            let namespace = open(&directory).await.unwrap();
            if namespace.log_exists(&log_name("a")).await.unwrap() {
                let records = read(&namespace.log(&log_name("a"))).await.unwrap();
                assert!(matches!(records.len(), 0 | 2), "{} records", records.len());
            }
            namespace.close().await.unwrap();
        });
    }
    assert!(codes.contains(&(1, UNAVAILABLE)), "{codes:?}");
    assert!(codes.iter().all(|(limit, code)| *limit < ENOUGH || *code == 0), "{codes:?}");
}

/// Two lines.
fn input() -> Stdio {
    let (reader, mut writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut writer, b"one\ntwo\n").unwrap();
    reader.into()
}

/// A user whose threads can be limited, if we may become one who may run `dl`.
pub(crate) fn limited_user() -> Option<u32> {
    // SAFETY: the call has no preconditions.
    #[allow(unsafe_code, reason = "std does not tell")]
    let root = unsafe { libc::geteuid() } == 0;
    let mut version = Command::new(env!("CARGO_BIN_EXE_dl"));
    version.arg("--version").uid(NOBODY).stdout(Stdio::null());
    (root && version.status().is_ok_and(|status| status.success())).then_some(NOBODY)
}

#[allow(unsafe_code, reason = "limits are set between fork and exec")]
fn dl(directory: &Path, user: u32, threads: u64) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dl"));
    command
        .arg("--ns")
        .arg(format!("file://{}?journal_bytes=4MiB&unsafe_filesystem=true", directory.display()));
    command.uid(user).gid(user).stdout(Stdio::null()).stderr(Stdio::null());
    let limit = libc::rlimit { rlim_cur: threads, rlim_max: threads };
    let set = move || {
        // SAFETY: the call reads the structure only, and may be made after a fork.
        match unsafe { libc::setrlimit(libc::RLIMIT_NPROC, &raw const limit) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    // SAFETY: it makes one system call.
    unsafe { command.pre_exec(set) };
    command
}
