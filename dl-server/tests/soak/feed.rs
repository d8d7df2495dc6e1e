//! A `dl append --acks` that gets lines without end, and what it acknowledged.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use super::{dl, line};

/// A writer gets no more lines than this before they are acknowledged: many in flight, and no log that takes longer to
/// read back than to write.
const MOST_AHEAD: usize = 1_000;

/// A writer at work.
pub(crate) struct Feed {
    child: Child,
    issued: Arc<AtomicUsize>,
    acks: Arc<(Mutex<Acks>, Condvar)>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Acks {
    dlsns: Vec<String>,
    /// How many lines it may get.
    allowed: usize,
    ended: bool,
}

/// What became of a writer.
pub(crate) struct Fed {
    pub(crate) status: ExitStatus,
    pub(crate) issued: usize,
    pub(crate) acked: Vec<String>,
    pub(crate) errors: String,
}

impl Feed {
    /// Starts writer `writer` on a log, with at most `most` lines.
    pub(crate) fn start(uri: &str, log: &str, writer: usize, most: usize, more: &[&str]) -> Self {
        let feed = Self::start_with(uri, log, writer, most, more);
        feed.allow(usize::MAX);
        feed
    }

    /// The same, but it gets no line before it is [allowed](Self::allow).
    pub(crate) fn start_with(uri: &str, log: &str, writer: usize, most: usize, more: &[&str]) -> Self {
        let mut command = dl(uri, &["append", log, "--acks"]);
        command.args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let issued = Arc::new(AtomicUsize::new(0));
        let acks = Arc::<(Mutex<Acks>, Condvar)>::default();
        let mut stdin = child.stdin.take().unwrap();
        let counted = issued.clone();
        let heard = acks.clone();
        let feeder = std::thread::spawn(move || {
            for record in 0..most {
                let acks = heard.0.lock().unwrap();
                let ahead = |acks: &mut Acks| {
                    record >= acks.allowed.min(acks.dlsns.len() + MOST_AHEAD) && !acks.ended
                };
                drop(heard.1.wait_while(acks, ahead).unwrap());
                counted.store(record + 1, Ordering::SeqCst);
                if stdin.write_all(line(writer, record).as_bytes()).is_err() {
                    return;
                }
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let told = acks.clone();
        let listener = std::thread::spawn(move || {
            let mut line = String::new();
            while stdout.read_line(&mut line).is_ok() {
                // A line that was cut off by the kill says nothing.
                let Some((dlsn, number)) = line.strip_suffix('\n').and_then(|line| line.split_once('\t'))
                else {
                    break;
                };
                let mut acks = told.0.lock().unwrap();
                assert_eq!(number.parse(), Ok(acks.dlsns.len()), "acknowledgements come in order");
                acks.dlsns.push(dlsn.to_owned());
                told.1.notify_all();
                drop(acks);
                line.clear();
            }
            told.0.lock().unwrap().ended = true;
            told.1.notify_all();
        });
        Self { child, issued, acks, threads: vec![feeder, listener] }
    }

    /// Lets it have so many lines in all.
    pub(crate) fn allow(&self, lines: usize) {
        self.acks.0.lock().unwrap().allowed = lines;
        self.acks.1.notify_all();
    }

    /// Whether its writer is open: only then does it begin to read, on a thread with this name.
    pub(crate) fn is_open(&self) -> bool {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let mut names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
        names.any(|name| name.trim() == "stdin")
    }

    /// How many were acknowledged by now.
    pub(crate) fn acked(&self) -> usize {
        self.acks.0.lock().unwrap().dlsns.len()
    }

    /// Waits for this many acknowledgements, or the end of the writer.
    pub(crate) fn wait_for_acks(&self, count: usize) -> usize {
        let acks = self.acks.0.lock().unwrap();
        let acks = self.acks.1.wait_while(acks, |acks| acks.dlsns.len() < count && !acks.ended).unwrap();
        acks.dlsns.len()
    }

    pub(crate) fn signal(&self, signal: libc::c_int) {
        super::signal(self.child.id(), signal);
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Fed {
        let mut errors = String::new();
        std::io::Read::read_to_string(&mut self.child.stderr.take().unwrap(), &mut errors).unwrap();
        let status = self.child.wait().unwrap();
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        let acked = std::mem::take(&mut self.acks.0.lock().unwrap().dlsns);
        Fed { status, issued: self.issued.load(Ordering::SeqCst), acked, errors }
    }
}
