//! One process of a case: it has the namespace open, keeps handles and calls in flight, and does what requests say.
//!
//! Requests and replies are JSON, as `testdata/conformance/README.md` lays down, so that an agent can be a process of
//! its own, or be written in another language.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use dl_core::{
    ByteReader, ByteWriter, Cursor, Log, LogName, LogWatcher, Namespace, Options, Reader, ReaderCloser,
    SegmentWatcher, Writer,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;

use crate::calls;
use crate::show;

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How a namespace is opened in the world of this process.
pub(crate) type Opener = Box<dyn Fn(String, Options) -> BoxFuture<dl_core::Result<Namespace>> + Send>;

/// How a call is run beside the requests; `None` if the process ended first.
pub(crate) type Spawner = Box<dyn Fn(BoxFuture<Reply>) -> JoinHandle<Option<Reply>> + Send>;

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// With this result.
    Ok(Value),
    /// With this error of the library.
    Error(Value),
    /// It was no proper request: the case is wrong.
    Wrong(String),
}

impl Reply {
    pub(crate) fn of(result: dl_core::Result<Value>) -> Self {
        match result {
            Ok(value) => Self::Ok(value),
            Err(error) => Self::Error(show::error(&error)),
        }
    }
}

/// See the module.
pub(crate) struct Agent {
    opener: Opener,
    spawner: Spawner,
    pub(crate) open: Shared,
    calls: BTreeMap<String, Call>,
}

/// What is open. Calls in flight add to it when they end.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Handles>>);

#[derive(Default)]
pub(crate) struct Handles {
    pub(crate) namespace: Option<Namespace>,
    pub(crate) by_name: BTreeMap<String, Handle>,
}

#[derive(Clone)]
pub(crate) enum Handle {
    Log(Log),
    Writer(Writer),
    Reader(OpenReader),
    Cursor(Cursor),
    ByteWriter(Arc<tokio::sync::Mutex<ByteWriter>>),
    ByteReader(Arc<tokio::sync::Mutex<ByteReader>>),
    Logs(Arc<tokio::sync::Mutex<LogWatcher>>),
    Segments(Arc<tokio::sync::Mutex<SegmentWatcher>>),
}

/// A reader that a call in flight may be using.
#[derive(Clone)]
pub(crate) struct OpenReader {
    pub(crate) reader: Arc<tokio::sync::Mutex<Reader>>,
    pub(crate) closer: ReaderCloser,
    pub(crate) cursor: Option<Cursor>,
}

enum Call {
    Ended(Reply),
    Running(JoinHandle<Option<Reply>>),
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Handles> {
        self.0.lock().unwrap()
    }

    pub(crate) fn insert(&self, name: String, handle: Handle) {
        self.lock().by_name.insert(name, handle);
    }
}

impl Agent {
    pub(crate) fn new(opener: Opener, spawner: Spawner) -> Self {
        Self { opener, spawner, open: Shared::default(), calls: BTreeMap::new() }
    }

    /// Does what the request says.
    pub(crate) async fn handle(&mut self, request: &Map<String, Value>) -> Reply {
        match self.dispatch(&Args(request)).await {
            Ok(reply) => reply,
            Err(wrong) => Reply::Wrong(wrong),
        }
    }

    /// Ends calls in flight with the process that made them.
    pub(crate) async fn end(self) {
        for call in self.calls.into_values() {
            if let Call::Running(task) = call {
                task.abort();
                // However it ended, it holds nothing any more.
                let _ended = task.await;
            }
        }
    }

    async fn dispatch(&mut self, args: &Args<'_>) -> Result<Reply, String> {
        match args.text("do")? {
            "await" => self.await_call(args.text("call")?).await,
            "cancel" => {
                self.cancel(args.text("call")?).await?;
                Ok(Reply::Ok(json!({})))
            }
            "retry" => match self.cancel(args.text("call")?).await? {
                Some(reply) => Ok(reply),
                None => {
                    let again = args.value("again")?.as_object().ok_or("again is no request")?;
                    Ok(calls::prepare(&Args(again), &self.open, &self.opener)?.await)
                }
            },
            "still_pending" => self.still_pending(args).await,
            _ => {
                let mut call = calls::prepare(args, &self.open, &self.opener)?;
                let Some(name) = args.optional_text("start")? else { return Ok(call.await) };
                // Its place in the order of calls is settled before the next request.
                let call = match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(reply) => Call::Ended(reply),
                    Poll::Pending => Call::Running((self.spawner)(call)),
                };
                self.calls.insert(name.to_owned(), call);
                Ok(Reply::Ok(json!({})))
            }
        }
    }

    async fn await_call(&mut self, name: &str) -> Result<Reply, String> {
        match self.calls.remove(name) {
            None => Err(format!("no call {name:?} is in flight")),
            Some(Call::Ended(reply)) => Ok(reply),
            Some(Call::Running(task)) => match task.await {
                Ok(Some(reply)) => Ok(reply),
                Ok(None) => Err(format!("the process of call {name:?} is gone")),
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            },
        }
    }

    /// Drops a call in flight; answers what it had answered before that.
    async fn cancel(&mut self, name: &str) -> Result<Option<Reply>, String> {
        match self.calls.remove(name) {
            None => Err(format!("no call {name:?} is in flight")),
            Some(Call::Ended(reply)) => Ok(Some(reply)),
            Some(Call::Running(task)) => {
                task.abort();
                // However it ended, it has ended now.
                Ok(task.await.ok().flatten())
            }
        }
    }

    async fn still_pending(&mut self, args: &Args<'_>) -> Result<Reply, String> {
        let name = args.text("call")?;
        let patience = Duration::from_millis(args.number("patience_ms")?);
        let pending = match self.calls.get_mut(name) {
            None => return Err(format!("no call {name:?} is in flight")),
            Some(Call::Ended(_)) => false,
            Some(Call::Running(task)) => {
                pass(patience).await;
                !task.is_finished()
            }
        };
        Ok(Reply::Ok(json!(pending)))
    }
}

/// Gives what is not to happen the time to happen.
#[expect(clippy::disallowed_methods, reason = "the runtime's clock is that of the world the case runs in")]
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// The arguments of a request.
pub(crate) struct Args<'a>(pub(crate) &'a Map<String, Value>);

impl Args<'_> {
    pub(crate) fn value(&self, name: &str) -> Result<&Value, String> {
        self.0.get(name).ok_or_else(|| format!("{name} is missing"))
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str, String> {
        self.value(name)?.as_str().ok_or_else(|| format!("{name} is no text"))
    }

    pub(crate) fn optional_text(&self, name: &str) -> Result<Option<&str>, String> {
        self.0.contains_key(name).then(|| self.text(name)).transpose()
    }

    pub(crate) fn number(&self, name: &str) -> Result<u64, String> {
        self.value(name)?.as_u64().ok_or_else(|| format!("{name} is no number from 0"))
    }

    pub(crate) fn options(&self) -> Result<Vec<(String, String)>, String> {
        let Some(options) = self.0.get("options") else { return Ok(Vec::new()) };
        let options = options.as_object().ok_or("options is no table")?;
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Ok(options.iter().map(|(name, value)| (name.clone(), text(value))).collect())
    }

    pub(crate) fn log(&self) -> Result<dl_core::Result<LogName>, String> {
        Ok(LogName::new(self.text("log")?))
    }
}
