//! The real machine: a directory in the folder for temporary files, and a child process for each process of a case.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use dl_core::{Namespace, file_uri};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::agent::{Agent, Opener, Reply, Spawner};
use crate::cases::Step;
use crate::world::{World, places};

/// Set for the child processes of a case.
const AGENT: &str = "DL_CONFORMANCE_AGENT";

/// In front of each reply, to tell it from what the test harness prints.
const MARK: &str = "dl-agent:";

/// After this, a call hangs.
const MOST_TIME: Duration = Duration::from_secs(60);

/// See the module.
pub(crate) struct Real {
    folder: TempDir,
    processes: BTreeMap<String, Process>,
}

struct Process {
    child: Child,
    requests: ChildStdin,
    replies: Receiver<String>,
    frozen: bool,
}

impl Real {
    pub(crate) const CAPABILITIES: &[&str] =
        &["crash", "damage", "directory", "freeze", "persistent", "processes"];

    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("there is a folder for temporary files"),
            processes: BTreeMap::new(),
        }
    }

    fn process(&mut self, name: &str) -> Result<&mut Process, String> {
        self.processes.get_mut(name).ok_or_else(|| format!("there is no process {name:?}"))
    }

    fn freeze(&mut self, name: &str, freeze: bool) -> Result<(), String> {
        let process = self.process(name)?;
        process.frozen = freeze;
        let signal = if freeze { "STOP" } else { "CONT" };
        let command = format!("kill -{signal} {}", process.child.id());
        let sent = Command::new("sh").args(["-c", &command]).status().map_err(|error| error.to_string())?;
        if sent.success() { Ok(()) } else { Err(format!("{command} failed")) }
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
        Self::CAPABILITIES
    }

    fn uri(&self) -> String {
        file_uri(&self.folder.path().join("ns")).expect("a temporary folder has an absolute path")
    }

    fn durability(&self) -> Value {
        // The folder may be on a memory file system.
        json!({ "any": ["memory", "power-loss"] })
    }

    async fn start(&mut self, process: &str) -> Result<(), String> {
        self.processes.insert(process.to_owned(), Process::start().map_err(|error| error.to_string())?);
        Ok(())
    }

    async fn call(&mut self, process: &str, request: &Step) -> Result<Reply, String> {
        let Process { requests, replies, frozen, .. } = self.process(process)?;
        if *frozen {
            return Err(format!("process {process:?} is frozen and does nothing"));
        }
        let line = Value::Object(request.clone()).to_string();
        writeln!(requests, "{line}").map_err(|error| format!("process {process:?} ended: {error}"))?;
        let reply =
            replies.recv_timeout(MOST_TIME).map_err(|error| format!("no answer of {process:?}: {error}"))?;
        serde_json::from_str(&reply).map_err(|error| format!("{reply:?}: {error}"))
    }

    fn is_running(&self, process: &str) -> bool {
        self.processes.get(process).is_some_and(|process| !process.frozen)
    }

    async fn happen(&mut self, step: &Step) -> Result<(), String> {
        let text = |name: &str| step.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("do") {
            "crash" => drop(self.processes.remove(text("process"))),
            "freeze" => self.freeze(text("process"), true)?,
            "wake" => self.freeze(text("process"), false)?,
            "damage" => self.damage(text("text"))?,
            other => return Err(format!("{other} cannot be made to happen on the real machine")),
        }
        Ok(())
    }

    fn patience_ms(&self) -> u64 {
        30
    }
}

impl Process {
    fn start() -> std::io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["agent", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env(AGENT, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let requests = child.stdin.take().expect("it was asked for");
        let output = child.stdout.take().expect("it was asked for");
        let (sender, replies) = channel();
        listen(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // The harness may have begun the line.
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
