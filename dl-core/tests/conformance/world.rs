//! What a case runs in: a driver, the processes that use it, and what can happen to them.

use serde_json::Value;

use crate::agent::Reply;
use crate::cases::Step;

/// A namespace that does not exist yet, and processes.
pub(crate) trait World {
    /// What is possible in it.
    fn capabilities(&self) -> &'static [&'static str];

    /// The namespace.
    fn uri(&self) -> String;

    /// What receipts are expected to promise.
    fn durability(&self) -> Value;

    /// Starts a process, which has nothing open yet.
    async fn start(&mut self, process: &str) -> Result<(), String>;

    /// Has a process do something; the reply is that of its agent.
    async fn call(&mut self, process: &str, request: &Step) -> Result<Reply, String>;

    /// Whether a process of this name runs.
    fn is_running(&self, process: &str) -> bool;

    /// Makes something happen that no process does.
    async fn happen(&mut self, step: &Step) -> Result<(), String>;

    /// How long a call that is to stay pending is watched.
    fn patience_ms(&self) -> u64;

    /// What came before a failure, if the world can tell.
    fn story(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The offsets at which a text stands in a file, or at least its first bytes where it is cut.
pub(crate) fn places(content: &[u8], text: &str) -> Vec<usize> {
    let found = content.windows(text.len()).enumerate().filter(|(_, window)| *window == text.as_bytes());
    found.map(|(offset, _)| offset).collect()
}
