//! Running `dl` in a temporary directory.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(300);

/// A namespace of its own.
pub(crate) struct Place {
    directory: TempDir,
}

/// How a run of `dl` ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The directory of the namespace; `dl` makes it.
    pub(crate) fn namespace(&self) -> PathBuf {
        self.path().join("namespace")
    }

    /// `dl` with this namespace and no other influence from outside.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dl"));
        command
            .args(arguments)
            .env_clear()
            .env("DL_NAMESPACE", format!("file://{}", self.namespace().display()));
        command
    }

    /// Runs `dl` without input.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, b"")
    }

    /// Runs `dl` with this input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &[u8]) -> Ended {
        run(self.command(arguments), input)
    }

    /// Runs `dl`, which has to succeed, and answers what it printed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        self.ok_with(arguments, b"")
    }

    pub(crate) fn ok_with(&self, arguments: &[&str], input: &[u8]) -> String {
        let ended = self.run_with(arguments, input);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "dl {arguments:?}");
        String::from_utf8(ended.stdout).unwrap()
    }

    /// Starts `dl`, to talk with while it runs.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::new(self.command(arguments))
    }
}

/// Runs a command with this input to its end.
#[track_caller]
pub(crate) fn run(mut command: Command, input: &[u8]) -> Ended {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
    // It may end before it has read everything.
    thread::spawn(move || stdin.write_all(&input));
    let (stdout, stderr) = (all(child.stdout.take().unwrap()), all(child.stderr.take().unwrap()));
    let Ok(stdout) = stdout.recv_timeout(PATIENCE) else {
        child.kill().unwrap();
        panic!("{command:?} does not end");
    };
    let status = child.wait().unwrap();
    Output { status, stdout, stderr: stderr.recv().unwrap() }.into()
}

/// All that a stream gives until it ends.
fn all(mut stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        sender.send(bytes)
    });
    receiver
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it was not killed"),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// Checks that it failed as it should: the code, one line on stderr that begins like this, and nothing like a
    /// panic.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, text: &str) {
        assert_eq!(self.code, code, "{}", self.stderr);
        assert!(self.stderr.starts_with(&format!("dl: {text}")), "{}", self.stderr);
        assert!(self.stderr.ends_with('\n') && self.stderr.lines().count() == 1, "{}", self.stderr);
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        lines(&self.stdout)
    }
}

/// The lines of a text.
pub(crate) fn lines(text: impl AsRef<[u8]>) -> Vec<String> {
    String::from_utf8(text.as_ref().to_vec()).unwrap().lines().map(str::to_owned).collect()
}

/// The objects of a text, one a line.
pub(crate) fn objects(text: impl AsRef<[u8]>) -> Vec<Value> {
    lines(text).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// `dl` while it runs; killed if the test ends first.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
}

impl Running {
    pub(crate) fn new(mut command: Command) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, stdout) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { stdin: child.stdin.take(), child, stdout }
    }

    /// Gives it input.
    pub(crate) fn write(&mut self, input: &str) {
        self.stdin.as_mut().unwrap().write_all(input.as_bytes()).unwrap();
    }

    /// Its input, to be written from elsewhere.
    pub(crate) fn take_input(&mut self) -> ChildStdin {
        self.stdin.take().unwrap()
    }

    /// Ends its input.
    pub(crate) fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Waits for the next line that it prints.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.stdout.recv_timeout(PATIENCE).expect("it prints a line")
    }

    /// A line if it has printed one by now.
    pub(crate) fn try_line(&self) -> Option<String> {
        self.stdout.try_recv().ok()
    }

    /// Kills it, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let script = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
    }

    /// Waits for its end; answers the lines that nobody took yet.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        let mut stdout = Vec::new();
        loop {
            match self.stdout.recv_timeout(PATIENCE) {
                Ok(line) => stdout.extend(line.into_bytes().into_iter().chain([b'\n'])),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end"),
            }
        }
        let code = self.child.wait().unwrap().code().expect("it was not killed");
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Ended { code, stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
