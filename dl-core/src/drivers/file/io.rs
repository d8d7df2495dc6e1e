//! I/O errors as errors of ours.

use std::io;
use std::path::Path;

use super::holdings::is_given_up;
use crate::error::{Error, ErrorKind};

/// Wraps an I/O error: what was being done to which file, and what to do about it.
pub(super) fn failed(error: io::Error, doing: &'static str, path: &Path) -> Error {
    if is_given_up(&error) {
        return closed();
    }
    let (kind, advice) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (ErrorKind::StorageFull, "free some space; nothing that was acknowledged is affected")
        }
        io::ErrorKind::FileTooLarge => (
            ErrorKind::StorageFull,
            "the file may grow no further: raise the limit (ulimit -f); nothing that was acknowledged is affected",
        ),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (
            ErrorKind::PermissionDenied,
            "check the owner and mode of the directory, or open it with read_only=true",
        ),
        io::ErrorKind::NotFound => (ErrorKind::NotFound, "check the path"),
        io::ErrorKind::NotADirectory => (ErrorKind::InvalidArgument, "the path must name a directory"),
        io::ErrorKind::AlreadyExists | io::ErrorKind::IsADirectory => {
            (ErrorKind::InvalidArgument, "something else stands in its place: move it away")
        }
        io::ErrorKind::InvalidFilename => (ErrorKind::InvalidArgument, "shorten the path"),
        _ if error.raw_os_error() == Some(libc::ELOOP) => {
            (ErrorKind::InvalidArgument, "the path leads through links that lead back to themselves")
        }
        io::ErrorKind::Unsupported => (ErrorKind::Unsupported, "use another platform or driver"),
        _ if out_of_descriptors(&error) => {
            (ErrorKind::Unavailable, "the process is out of file descriptors; raise its limit (ulimit -n)")
        }
        _ => (ErrorKind::Unavailable, "check the disk and the kernel's log"),
    };
    Error::new(kind, format!("{doing} failed: {error}; {advice}"))
        .with("file", path.display())
        .caused_by(error)
}

/// Wraps an I/O error of a write that may have taken effect. Never `storage-full`, which says that nothing was written.
pub(super) fn uncertain(error: io::Error, doing: &'static str, path: &Path) -> Error {
    if is_given_up(&error) {
        return closed().maybe_effective();
    }
    let message = format!("{doing} failed: {error}; open a new writer to find out what is there");
    Error::unavailable(message).with("file", path.display()).caused_by(error).maybe_effective()
}

/// Wraps an error of asking the kernel about itself or this process.
pub(super) fn unanswered(error: io::Error, asking: &'static str) -> Error {
    let proc = Path::new("/proc");
    if out_of_descriptors(&error) {
        return failed(error, asking, proc);
    }
    Error::unsupported(format!("{asking} failed: {error}; file: needs /proc"))
        .with("file", proc.display())
        .caused_by(error)
}

fn closed() -> Error {
    Error::closed("the namespace was closed")
}

fn out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// A stored byte that is not what was written.
pub(super) fn corrupt(what: impl std::fmt::Display, path: &Path, offset: u64) -> Error {
    Error::corrupt(format!("{what}; run `dl verify` on the namespace before anything else"))
        .with("file", path.display())
        .with("offset", offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_a_refusal_only_where_nothing_was_written() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let refused = failed(full(), "taking space", Path::new("/a"));
        assert_eq!((refused.kind(), refused.may_have_taken_effect()), (ErrorKind::StorageFull, false));
        let unknown = uncertain(full(), "writing", Path::new("/a"));
        assert_eq!((unknown.kind(), unknown.may_have_taken_effect()), (ErrorKind::Unavailable, true));
    }

    #[test]
    fn what_stands_in_the_way_is_no_trouble_with_the_disk() {
        for number in [libc::EEXIST, libc::EISDIR, libc::ENOTDIR] {
            let error = failed(io::Error::from_raw_os_error(number), "opening", Path::new("/a"));
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
            assert!(!error.message().contains("disk"), "{error}");
        }
    }
}
