//! A BookKeeper cluster on this machine, for tests: what `ci/bookkeeper/cluster` starts, in a temporary folder, gone with
//! the process that started it however that ends. And Java DistributedLog beside it, what `ci/interop/build` makes.
//!
//! ```no_run
//! let cluster = dl_cluster::Cluster::start(&["--bookies", "4"]);
//! cluster.run(&["freeze-bookie", "2"]);
//! println!("{}", cluster.zookeeper());
//! ```
#![allow(
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test reaches the outside world and fails by panicking"
)]

mod java;
mod limit;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

pub use java::Java;
pub use limit::limit;

/// How many seconds a command may take: more than it waits for a process by itself.
const PATIENCE: &str = "780";

/// A running cluster. It ends when it is dropped.
#[derive(Debug)]
pub struct Cluster {
    folder: TempDir,
    uri: String,
}

impl Cluster {
    /// Starts one, with these options of `ci/bookkeeper/cluster start`: three bookies, unless they say otherwise.
    ///
    /// # Panics
    /// Panics with what the command said if it fails: without a JDK and Maven, say.
    #[must_use]
    pub fn start(options: &[&str]) -> Self {
        let folder = TempDir::new().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let parent = std::process::id().to_string();
        let mut words = vec!["start", "--temporary", "--parent", &parent];
        words.extend(options);
        // It ends what did start if the rest does not.
        let mut cluster = Self { folder, uri: String::new() };
        cluster.uri = cluster.run(&words).trim().to_owned();
        cluster
    }

    /// The one that the tests of this process share, with three bookies that nobody hurts.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(&[]));
        &SHARED
    }

    /// The ZooKeeper without bookies that the tests of this process share.
    pub fn shared_zookeeper() -> &'static Self {
        static SHARED: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(&["--bookies", "0"]));
        &SHARED
    }

    /// The URI of a namespace on it.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The folder it lives in: what the bookie N writes is below `bookie-N`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The address of its ZooKeeper.
    #[must_use]
    pub fn zookeeper(&self) -> &str {
        let authority = self.uri.split('/').nth(2);
        authority.unwrap_or_else(|| panic!("{} is no URI", self.uri))
    }

    /// Runs another command of `ci/bookkeeper/cluster` on it; answers what that printed.
    ///
    /// # Panics
    /// Panics with what the command said if it fails.
    pub fn run(&self, words: &[&str]) -> String {
        run(&self.folder, words).unwrap_or_else(|problem| panic!("{problem}"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let stopped = run(&self.folder, &["stop"]);
        // It is another panic that matters.
        if !std::thread::panicking() {
            stopped.unwrap_or_else(|problem| panic!("{problem}"));
        }
    }
}

fn run(folder: &TempDir, words: &[&str]) -> Result<String, String> {
    let command = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("cluster");
    limit::note(&words.join(" "));
    let output = Command::new("timeout")
        .args(["--kill-after=10", PATIENCE])
        .arg(command)
        .arg("--dir")
        .arg(folder.path())
        .args(words)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("ci/bookkeeper/cluster cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let late = output.status.code() == Some(124);
    let late = if late { format!(" was not done after {PATIENCE} s") } else { String::new() };
    Err(format!("ci/bookkeeper/cluster {words:?}{late}: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bookie_that_was_killed_is_registered_anew_when_its_start_returns() {
        let cluster = Cluster::start(&["--bookies", "1", "--set", "zkTimeout=4000"]);
        let registered = || {
            let sessions = cluster.run(&["sessions"]);
            let by = sessions.lines().find(|line| line.contains("/ledgers/available/127.0.0.1:"));
            by.and_then(|line| line.split_whitespace().next()).map(str::to_owned)
        };
        let before = registered().unwrap();
        cluster.run(&["kill-bookie", "1"]);
        // Its session goes on for a while.
        assert_eq!(registered().as_ref(), Some(&before));
        cluster.run(&["start-bookie", "1"]);
        assert!(registered().is_some_and(|now| now != before));
        // One that runs is there already.
        cluster.run(&["start-bookie", "1"]);
    }

    #[test]
    fn a_cluster_that_is_dropped_leaves_nothing_behind() {
        let cluster = Cluster::start(&["--bookies", "0"]);
        let (folder, status) = (cluster.folder.path().to_owned(), cluster.run(&["status"]));
        assert!(status.starts_with("zookeeper\trunning"), "{status}");
        assert!(cluster.run(&["sessions"]).is_empty());
        drop(cluster);
        assert!(!folder.exists());
    }

    #[test]
    fn one_that_does_not_start_leaves_no_process() {
        let failed =
            std::panic::catch_unwind(|| Cluster::start(&["--bookies", "1", "--set", "bookiePort=no"]));
        let said = failed.unwrap_err().downcast::<String>().unwrap();
        let log = said.rsplit_once("its log is ").unwrap().1;
        let folder = log.split("/bookie-1/").next().unwrap();
        let left = Command::new("pgrep").args(["-f", "-a", folder]).output().unwrap();
        assert!(left.stdout.is_empty(), "{}", String::from_utf8_lossy(&left.stdout));
    }
}
