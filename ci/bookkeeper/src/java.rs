//! Java DistributedLog behind a pipe: `ci/interop/src/main/java/Interop.java` says how it is spoken to.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How long an answer may take: twice as long as Java ever waits for a lock in a test.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process of it. It is killed when it is dropped.
#[derive(Debug)]
pub struct Java {
    child: Child,
    input: ChildStdin,
    answers: Receiver<String>,
    patience: Duration,
    /// What was asked last, for who waits in vain.
    asked: String,
}

impl Java {
    /// Starts one of this version of DistributedLog; it is built the first time.
    ///
    /// # Panics
    /// Panics with what the build said if it fails: without a JDK and Maven, say.
    #[must_use]
    pub fn start(version: &str) -> Self {
        let build = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../interop/build");
        let output = Command::new(build)
            .arg(version)
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("ci/interop/build cannot be run: {error}"));
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            panic!("ci/interop/build {version}: {text}{}", String::from_utf8_lossy(&output.stderr));
        }
        let mut words = text.lines();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        Self::of(command, PATIENCE)
    }

    fn of(mut command: Command, patience: Duration) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("Java cannot be run: {error}"));
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            panic!("Java has no pipes");
        };
        let (heard, answers) = channel();
        // Reading has no time limit of its own. The thread ends with the process.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Nobody may be waiting any more.
                let _dropped = heard.send(line);
            }
        });
        Self { child, input, answers, patience, asked: String::new() }
    }

    /// Begins a call: a line of JSON.
    ///
    /// # Panics
    /// Panics if the process has ended.
    pub fn send(&mut self, call: &str) {
        self.asked = call.chars().take(300).collect();
        if let Err(error) = writeln!(self.input, "{call}").and_then(|()| self.input.flush()) {
            panic!("Java cannot be asked {}: {error}", self.asked);
        }
    }

    /// Waits for the answer to the oldest call that has none yet.
    ///
    /// # Panics
    /// Panics if there is none within two minutes, or the process ends.
    pub fn answer(&mut self) -> String {
        match self.answers.recv_timeout(self.patience) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => {
                panic!("Java did not answer within {:?}; asked last: {}", self.patience, self.asked)
            }
            Err(RecvTimeoutError::Disconnected) => {
                panic!("Java ended without an answer; asked last: {}", self.asked)
            }
        }
    }

    /// The id of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Java {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, patience: Duration) -> Java {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Java::of(command, patience)
    }

    #[test]
    fn answers_come_in_their_order() {
        let mut java = shell("cat", PATIENCE);
        java.send("one");
        java.send("two");
        assert_eq!([java.answer(), java.answer()], ["one", "two"]);
    }

    #[test]
    #[should_panic(expected = "Java did not answer within 20ms; asked last: read")]
    fn who_waits_in_vain_is_told() {
        let mut java = shell("cat >/dev/null", Duration::from_millis(20));
        java.send("read");
        java.answer();
    }

    #[test]
    #[should_panic(expected = "Java ended without an answer; asked last: read")]
    fn so_is_who_waits_for_one_that_ended() {
        let mut java = shell("read line", PATIENCE);
        java.send("read");
        java.answer();
    }
}
