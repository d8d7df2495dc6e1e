//! Another process of this program, for what one process alone cannot show.

use std::env;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{self, Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use dl_core::{Error, ErrorKind, Result};
use tokio::task;

use super::super::Shared;

/// The other process; it ends when this goes.
pub(super) struct Helper {
    child: Child,
    /// Its end is the end of the other process, however this one ends.
    _input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
}

impl Helper {
    /// Starts `dl bench` with these arguments on the namespace at `uri`, with the options that this process was given.
    pub(super) fn start(shared: &Shared, uri: &str, arguments: &[&str]) -> Result<Self> {
        let start = || {
            Command::new(env::current_exe()?)
                .arg("bench")
                .args(arguments)
                .args(shared.namespace.arguments(uri))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
        };
        let mut child = start().map_err(|error| {
            Error::new(ErrorKind::Unavailable, format!("the system refused another process: {error}"))
                .caused_by(error)
        })?;
        let (input, output) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        Ok(Self { child, _input: input, output })
    }

    /// The next line that it prints.
    pub(super) async fn line(&mut self) -> Result<String> {
        let gone = || Error::new(ErrorKind::Unavailable, "the other process of the benchmark ended early");
        let mut output = self.output.take().ok_or_else(gone)?;
        let reading = task::spawn_blocking(move || {
            let mut line = String::new();
            output.read_line(&mut line).map(|_| (line, output))
        });
        let (line, output) =
            reading.await.map_err(super::logs::ended)?.map_err(|error| gone().caused_by(error))?;
        self.output = Some(output);
        if line.is_empty() { Err(gone()) } else { Ok(line) }
    }

    /// Ends it as a crash would.
    pub(super) fn kill(mut self) -> Result<()> {
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.map(drop).map_err(|error| {
            Error::new(ErrorKind::Unavailable, format!("killing the other process failed: {error}"))
                .caused_by(error)
        })
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It may have ended.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// In the other process: ends it with the process that started it.
pub(super) fn end_with_starter() -> Result<()> {
    let watch = || {
        let _ended = io::stdin().lock().read(&mut [0]);
        process::exit(0);
    };
    thread::Builder::new()
        .name("starter".to_owned())
        .spawn(watch)
        .map(drop)
        .map_err(|error| Error::new(ErrorKind::Unavailable, "the system refused a thread").caused_by(error))
}
