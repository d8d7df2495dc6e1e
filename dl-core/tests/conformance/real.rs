//! The real machine: a directory in the folder for temporary files or a BookKeeper cluster, and a child process for each
//! process of a case. The child is this runner itself, or an agent in another language.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use dl_cluster::Cluster;
use dl_core::{Namespace, file_uri};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::agent::{Agent, Opener, Reply, Spawner};
use crate::cases::{Case, Step};
use crate::world::{World, places};

/// Set for the child processes of a case.
const AGENT: &str = "DL_CONFORMANCE_AGENT";

/// In front of each reply, to tell it from what else is printed.
const MARK: &str = "dl-agent:";

/// The one child process that has a namespace in memory.
const ONE: &str = "one";

/// Set where this runner may mount file systems, and nobody else sees them.
const MOUNTS: &str = "DL_MOUNTS";

/// The size of a file system that a case can make full. A namespace and its log take some MiB at first.
const SPACE: &str = "size=128m";

/// What takes all space that is left.
const FILLER: &str = "filler";

/// After this, a call hangs.
const MOST_TIME: Duration = Duration::from_secs(60);

/// See the module.
pub(crate) struct Real {
    // Dropped one after the other: what runs, the file system that it uses, and where that is.
    processes: BTreeMap<String, Process>,
    /// The file system of a case's own, if it makes one full.
    own: Option<Mounted>,
    folder: TempDir,
    agent: Agents,
    driver: Driver,
    /// Those of the case.
    names: BTreeSet<String>,
}

/// A file system in memory, until it is dropped.
struct Mounted(PathBuf);

/// What child processes run.
#[derive(Debug, Clone)]
pub(crate) enum Agents {
    /// This runner.
    Own,
    /// An agent in another language.
    Foreign(PathBuf),
}

/// What the namespace of a case is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    /// The memory of one child, which stands for all processes of the case: requests say which.
    Memory,
    File,
    /// The cluster that all cases of this runner share, each in a namespace of its own.
    BookKeeper,
}

struct Process {
    child: Child,
    requests: ChildStdin,
    replies: Receiver<String>,
    frozen: bool,
}

impl Real {
    pub(crate) const fn capabilities_of(driver: Driver) -> &'static [&'static str] {
        match driver {
            Driver::Memory => &["nul", "processes"],
            Driver::File => {
                &["crash", "damage", "directory", "fill", "freeze", "nul", "persistent", "processes"]
            }
            Driver::BookKeeper => &["crash", "freeze", "nul", "persistent", "processes"],
        }
    }

    pub(crate) fn new(agent: Agents, driver: Driver, case: &Case) -> Self {
        let folder = tempfile::tempdir().expect("there is a folder for temporary files");
        let fills = case.needs.iter().any(|need| need == "fill");
        Self {
            processes: BTreeMap::new(),
            own: fills.then(|| Mounted::at(folder.path())),
            folder,
            agent,
            driver,
            names: BTreeSet::new(),
        }
    }

    /// Whether a case can have a file system of its own.
    pub(crate) fn can_mount() -> bool {
        std::env::var_os(MOUNTS).is_some()
    }

    /// The child that stands for a process.
    fn child<'a>(&self, process: &'a str) -> &'a str {
        if self.driver == Driver::Memory { ONE } else { process }
    }

    fn process(&mut self, name: &str) -> Result<&mut Process, String> {
        let child = self.child(name);
        self.processes.get_mut(child).ok_or_else(|| format!("there is no process {name:?}"))
    }

    fn freeze(&mut self, name: &str, freeze: bool) -> Result<(), String> {
        let process = self.process(name)?;
        process.frozen = freeze;
        let signal = if freeze { "STOP" } else { "CONT" };
        let command = format!("kill -{signal} {}", process.child.id());
        let sent = Command::new("sh").args(["-c", &command]).status().map_err(|error| error.to_string())?;
        if !sent.success() {
            return Err(format!("{command} failed"));
        }
        if freeze { wait_until_stopped(&process.child) } else { Ok(()) }
    }

    /// Has the servers of a cluster notice that a process is gone, which they do by themselves when its session's time is up.
    fn bury(&self, process: &str) {
        if self.driver != Driver::BookKeeper {
            return;
        }
        let (root, member) = (format!("/{}/", self.namespace()), format!("/member_{process}_s"));
        let listed = Cluster::shared().run(&["sessions"]);
        let pairs = listed.lines().filter_map(|line| line.split_once(char::is_whitespace));
        let its: BTreeSet<&str> = pairs
            .filter(|(_, nodes)| {
                nodes.split(' ').any(|node| node.starts_with(&root) && node.contains(&member))
            })
            .map(|(session, _)| session)
            .collect();
        for session in its {
            Cluster::shared().run(&["expire-session", session]);
        }
    }

    /// The name of the case's namespace on a cluster.
    fn namespace(&self) -> &str {
        let name = self.folder.path().file_name().and_then(|name| name.to_str());
        name.unwrap_or_default().trim_start_matches('.')
    }

    fn own(&self) -> Result<&Mounted, String> {
        self.own.as_ref().ok_or_else(|| "the case does not say that it needs fill".to_owned())
    }

    fn damage(&self, text: &str) -> Result<(), String> {
        let mut damaged = 0;
        for path in files(self.folder.path()).map_err(|error| error.to_string())? {
            damaged += damage(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        if damaged == 0 { Err(format!("no file holds {text:?}")) } else { Ok(()) }
    }
}

impl World for Real {
    fn capabilities(&self) -> &'static [&'static str] {
        Self::capabilities_of(self.driver)
    }

    fn uri(&self) -> String {
        match self.driver {
            Driver::Memory => "memory:conformance".to_owned(),
            Driver::File => {
                file_uri(&self.folder.path().join("ns")).expect("a temporary folder has an absolute path")
            }
            Driver::BookKeeper => {
                let zookeeper = Cluster::shared().zookeeper();
                // A case may write what is wrong behind it.
                let options = "ledgers_path=/ledgers&session_timeout_ms=10s";
                format!("distributedlog://{zookeeper}/{}?{options}", self.namespace())
            }
        }
    }

    fn durability(&self) -> Value {
        match self.driver {
            Driver::Memory => json!("memory"),
            // The folder may be on a memory file system.
            Driver::File => json!({ "any": ["memory", "power-loss"] }),
            Driver::BookKeeper => json!("replicated"),
        }
    }

    async fn start(&mut self, process: &str) -> Result<(), String> {
        self.names.insert(process.to_owned());
        let child = self.child(process);
        if child != ONE || !self.processes.contains_key(ONE) {
            let started = Process::start(&self.agent).map_err(|error| error.to_string())?;
            self.processes.insert(child.to_owned(), started);
        }
        Ok(())
    }

    async fn call(&mut self, process: &str, request: &Step) -> Result<Reply, String> {
        let Process { requests, replies, frozen, .. } = self.process(process)?;
        if *frozen {
            return Err(format!("process {process:?} is frozen and does nothing"));
        }
        let mut request = request.clone();
        request.insert("process".to_owned(), json!(process));
        let line = Value::Object(request).to_string();
        writeln!(requests, "{line}").map_err(|error| format!("process {process:?} ended: {error}"))?;
        let reply =
            replies.recv_timeout(MOST_TIME).map_err(|error| format!("no answer of {process:?}: {error}"))?;
        serde_json::from_str(&reply).map_err(|error| format!("{reply:?}: {error}"))
    }

    fn is_running(&self, process: &str) -> bool {
        let running = self.processes.get(self.child(process)).is_some_and(|process| !process.frozen);
        running && self.names.contains(process)
    }

    async fn happen(&mut self, step: &Step) -> Result<(), String> {
        let text = |name: &str| step.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("do") {
            "crash" => {
                drop(self.processes.remove(text("process")));
                self.bury(text("process"));
            }
            "freeze" => self.freeze(text("process"), true)?,
            "wake" => self.freeze(text("process"), false)?,
            "damage" => self.damage(text("text"))?,
            "fill" => self.own()?.fill().map_err(|error| error.to_string())?,
            "free" => self.own()?.free().map_err(|error| error.to_string())?,
            other => return Err(format!("{other} cannot be made to happen on the real machine")),
        }
        Ok(())
    }

    fn patience_ms(&self) -> u64 {
        30
    }
}

impl Mounted {
    fn at(folder: &Path) -> Self {
        let mut mount = Command::new("mount");
        let done = mount.args(["-t", "tmpfs", "-o", SPACE, "tmpfs"]).arg(folder).status();
        assert!(done.is_ok_and(|status| status.success()), "{MOUNTS} is set, and mount fails");
        Self(folder.to_owned())
    }

    /// Takes the space that is left, to the last byte.
    #[expect(clippy::disallowed_methods, reason = "the case runs on the real disk")]
    fn fill(&self) -> std::io::Result<()> {
        let mut filler = std::fs::File::create(self.0.join(FILLER))?;
        loop {
            match filler.write(&[0; 1 << 16]) {
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the case runs on the real disk")]
    fn free(&self) -> std::io::Result<()> {
        std::fs::remove_file(self.0.join(FILLER))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // It goes with its mount namespace at the latest.
        let _unmounted = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

impl Process {
    fn start(agent: &Agents) -> std::io::Result<Self> {
        let mut command = match agent {
            Agents::Own => {
                let mut own = Command::new(std::env::current_exe()?);
                own.args(["agent", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
                    .env(AGENT, "1");
                own
            }
            Agents::Foreign(program) => Command::new(program),
        };
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let requests = child.stdin.take().expect("it was asked for");
        let output = child.stdout.take().expect("it was asked for");
        let (sender, replies) = channel();
        listen(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // A harness may have begun the line.
                if let Some((_, reply)) = line.split_once(MARK)
                    && sender.send(reply.to_owned()).is_err()
                {
                    return;
                }
            }
        });
        Ok(Self { child, requests, replies, frozen: false })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "the runner's own thread, which waits for a pipe")]
fn listen(listener: impl FnOnce() + Send + 'static) {
    std::thread::spawn(listener);
}

/// What a child process does: it answers one request a line until there are no more.
pub(crate) fn serve() {
    if std::env::var_os(AGENT).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let opener: Opener =
        Box::new(|uri, options| Box::pin(async move { Namespace::open(&uri, options).await }));
    let spawner: Spawner = Box::new(|call| spawn(async move { Some(call.await) }));
    let mut agent = Agent::new(opener, spawner);
    for line in std::io::stdin().lines() {
        let Ok(Value::Object(request)) = serde_json::from_str(&line.unwrap()) else {
            panic!("a request is a JSON object");
        };
        let reply = runtime.block_on(agent.handle(&request));
        println!("{MARK}{}", serde_json::to_string(&reply).unwrap());
    }
}

#[expect(clippy::disallowed_methods, reason = "the agent stands in for an application")]
fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
    tokio::spawn(task)
}

#[expect(clippy::disallowed_methods, reason = "damage is done to the real disk")]
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}

/// Flips a bit at each place where a file holds the text. Answers how many there are.
#[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "damage is done to the real disk")]
fn damage(path: &Path, text: &str) -> std::io::Result<usize> {
    use std::os::unix::fs::FileExt;
    let content = std::fs::read(path)?;
    let places = places(&content, text);
    let file = std::fs::OpenOptions::new().write(true).open(path)?;
    for place in &places {
        file.write_all_at(&[content[*place] ^ 1], *place as u64)?;
    }
    Ok(places.len())
}

/// Waits until no thread of a child that was told to stop runs any more: the signal alone only says that each will.
#[allow(unsafe_code, reason = "std waits for the end of a child only")]
fn wait_until_stopped(child: &Child) -> Result<(), String> {
    // SAFETY: an integer-only structure, for which zeros are a value.
    let mut told: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let what = libc::WSTOPPED | libc::WEXITED | libc::WNOWAIT;
    // SAFETY: the child was not waited for, and is not by this call; the structure outlives it.
    match unsafe { libc::waitid(libc::P_PID, child.id(), &raw mut told, what) } {
        0 if told.si_code == libc::CLD_STOPPED => Ok(()),
        0 => Err(format!("process {} ended instead of stopping", child.id())),
        _ => Err(std::io::Error::last_os_error().to_string()),
    }
}
