//! Events on their way to the log hook.
//!
//! They happen under locks and on threads that must not wait, and the hook is a stranger. So they go through a bounded
//! queue to a task of their own, which calls the hook for one after another; what it makes of them concerns nobody.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::error::{CONTEXT_BYTES, Error, ErrorKind, plain};
use crate::seams::Tasks;

/// Events that wait for the hook; what comes when there are more is dropped and counted.
const WAITING: usize = 1_024;

/// What gets the events.
pub(crate) type Hook = Arc<dyn Fn(&Event) + Send + Sync>;

/// Something that an operator wants to hear of. docs/metrics.md lists them.
#[derive(Debug, Clone)]
pub struct Event {
    topic: Topic,
    message: &'static str,
    kind: Option<ErrorKind>,
    context: Vec<(&'static str, String)>,
}

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// As it should be.
    Info,
    /// Worth a look.
    Warn,
    /// Something is broken.
    Error,
}

/// What the table says about an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Topic {
    pub(super) target: &'static str,
    pub(super) level: Level,
    /// The keys of its context, beside those of an error.
    pub(super) context: &'static [&'static str],
}

impl Event {
    pub(super) fn new(topic: Topic, message: &'static str) -> Self {
        Self { topic, message, kind: None, context: Vec::new() }
    }

    /// Adds a pair to the context.
    pub(crate) fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        debug_assert!(
            self.topic.context.contains(&key),
            "the table says nothing of {key} in {}",
            self.topic.target
        );
        self.context.push((key, plain(value.to_string().into(), CONTEXT_BYTES).into_owned()));
        self
    }

    /// Adds the kind and the context of an error, and what it says.
    pub(crate) fn caused_by(mut self, error: &Error) -> Self {
        self.kind = Some(error.kind());
        for (key, value) in error.context() {
            if !self.context.iter().any(|(known, _)| *known == key) {
                self.context.push((key, value.to_owned()));
            }
        }
        self.with("error", error.message())
    }

    /// Area and name, such as `writer.fenced`. It never changes.
    #[must_use]
    pub fn target(&self) -> &'static str {
        self.topic.target
    }

    /// How much it matters.
    #[must_use]
    pub fn level(&self) -> Level {
        self.topic.level
    }

    /// What happened, in words that may change.
    #[must_use]
    pub fn message(&self) -> &'static str {
        self.message
    }

    /// The kind of the error behind it, if there is one.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        self.kind
    }

    /// What it happened to: pairs such as `("log", "a/b")`.
    pub fn context(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.context.iter().map(|(key, value)| (*key, value.as_str()))
    }
}

impl Level {
    /// Its name: `info`, `warn` or `error`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One line: `warn writer.fenced: another writer took the log [log: a/b, owner: host:7]`.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.level(), self.target(), self.message)?;
        let kind = self.kind.map(|kind| ("kind", kind.name()));
        for (index, (key, value)) in kind.into_iter().chain(self.context()).enumerate() {
            write!(f, "{}{key}: {value}", if index == 0 { " [" } else { ", " })?;
        }
        if self.kind.is_some() || !self.context.is_empty() { f.write_str("]") } else { Ok(()) }
    }
}

/// The way to the hook; nowhere, if there is none.
#[derive(Debug, Default)]
pub(crate) struct Events(Option<mpsc::Sender<Item>>);

#[derive(Debug)]
enum Item {
    Event(Event),
    /// Everything before it was told.
    Told(oneshot::Sender<()>),
}

impl Events {
    /// Starts the task that calls the hook. It ends when this value does, after what was sent before.
    pub(crate) fn to(hook: Hook, tasks: &dyn Tasks) -> Self {
        let (sender, mut receiver) = mpsc::channel(WAITING);
        tasks.spawn(Box::pin(async move {
            while let Some(item) = receiver.recv().await {
                match item {
                    Item::Event(event) => {
                        // A hook that panics harms itself: the next event goes to it all the same.
                        let _harmless = catch_unwind(AssertUnwindSafe(|| hook(&event)));
                    }
                    Item::Told(reply) => {
                        let _not_wanted_any_more = reply.send(());
                    }
                }
            }
        }));
        Self(Some(sender))
    }

    /// Sends an event; `false` if too many wait.
    pub(super) fn send(&self, event: impl FnOnce() -> Event) -> bool {
        match &self.0 {
            None => true,
            Some(sender) => sender.try_send(Item::Event(event())).is_ok(),
        }
    }

    /// Waits until the hook was told of everything that was sent before.
    pub(crate) async fn told(&self) {
        let Some(sender) = &self.0 else { return };
        let (reply, told) = oneshot::channel();
        if sender.send(Item::Told(reply)).await.is_ok() {
            // An error says that the runtime has ended: nobody is told any more.
            let _told_or_over = told.await;
        }
    }
}
