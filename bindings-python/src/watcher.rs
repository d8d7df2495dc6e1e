//! `dl.LogWatcher` and `dl.SegmentWatcher`.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use dl_core::{Error, ErrorKind, LogChange, SegmentInfo};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokio::sync::{Mutex, Notify, watch};

use crate::delivery::{Delivery, Source, unless_given_back};
use crate::error::raised;
use crate::info;
use crate::input;
use crate::owned::Owned;
use crate::session::Session;
use crate::wait;

/// Tells of the logs below a prefix.
#[pyclass(frozen, module = "dl")]
pub(crate) struct LogWatcher(Owned<(Arc<Session>, Arc<Watching<dl_core::LogWatcher>>)>);

/// Tells of the segments of a log.
#[pyclass(frozen, module = "dl")]
pub(crate) struct SegmentWatcher(Owned<(Arc<Session>, Arc<Watching<dl_core::SegmentWatcher>>)>);

/// What the core's watchers have in common.
trait Watch: Send {
    type Told: Send;

    fn next(&mut self) -> impl Future<Output = dl_core::Result<Self::Told>> + Send;
}

impl Watch for dl_core::LogWatcher {
    type Told = LogChange;

    fn next(&mut self) -> impl Future<Output = dl_core::Result<LogChange>> + Send {
        self.next()
    }
}

impl Watch for dl_core::SegmentWatcher {
    type Told = Vec<SegmentInfo>;

    fn next(&mut self) -> impl Future<Output = dl_core::Result<Vec<SegmentInfo>>> + Send {
        self.next()
    }
}

struct Watching<W: Watch> {
    /// Gone once it was closed.
    watcher: Mutex<Option<W>>,
    closed: watch::Sender<bool>,
    told: StdMutex<Told<W::Told>>,
    /// Wakes the call that waits when something is given back.
    given_back: Notify,
}

/// What a watcher told, by number.
struct Told<T> {
    count: u64,
    /// What was told to calls that were given up. It is told first.
    returned: BTreeMap<u64, T>,
}

impl<W: Watch> Watching<W> {
    fn new(watcher: W) -> Arc<Self> {
        let told = Told { count: 0, returned: BTreeMap::new() };
        Arc::new(Self {
            watcher: Mutex::new(Some(watcher)),
            closed: watch::Sender::new(false),
            told: StdMutex::new(told),
            given_back: Notify::new(),
        })
    }

    /// What is told next; nothing, if it took longer.
    async fn next(self: Arc<Self>, wait: Option<Duration>) -> dl_core::Result<Option<Delivery<Self>>> {
        let next = async move {
            let told = self.while_open().await;
            if self.is_closed() {
                self.let_go();
            }
            Ok(Delivery::new(self, told?))
        };
        wait::at_most(wait, next).await
    }

    /// What is told next, unless it is closed before.
    async fn while_open(&self) -> dl_core::Result<(u64, W::Told)> {
        let mut closed = self.closed.subscribe();
        let next = async {
            match &mut *self.watcher.lock().await {
                Some(watcher) => self.again(watcher).await,
                None => Err(watcher_closed()),
            }
        };
        tokio::select! {
            biased;
            // The sender lives in `self`, so the wait ends only with the value.
            _ = closed.wait_for(|closed| *closed) => Err(watcher_closed()),
            told = next => told,
        }
    }

    fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Ends it, and the call that waits on it.
    fn close(&self) {
        self.closed.send_replace(true);
        self.let_go();
    }

    /// Lets go of what it watches with; a call that is at it does so when it ends.
    fn let_go(&self) {
        let watcher = self.watcher.try_lock().ok().and_then(|mut watcher| watcher.take());
        drop(watcher);
    }

    /// What a block begins with.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_closed() { Err(raised(py, &watcher_closed())) } else { Ok(()) }
    }

    /// What calls that were given up did not take, in the order in which it was told, or what is new.
    async fn again(&self, watcher: &mut W) -> dl_core::Result<(u64, W::Told)> {
        loop {
            if !self.told().returned.is_empty() {
                // Once the namespace is closed there is nothing any more.
                // An error of another kind comes again, behind what was told before it.
                match wait::at_once(watcher.next()).await {
                    Some(Err(error)) if error.kind() == ErrorKind::Closed => return Err(error),
                    Some(Ok(new)) => self.told().add_behind(new),
                    Some(Err(_)) | None => {}
                }
            }
            if let Some(again) = self.told().returned.pop_first() {
                return Ok(again);
            }
            if let Some(told) = unless_given_back(&self.given_back, watcher.next()).await {
                return Ok(self.told().numbered(told?));
            }
        }
    }

    fn told(&self) -> MutexGuard<'_, Told<W::Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Told<T> {
    fn numbered(&mut self, told: T) -> (u64, T) {
        self.count += 1;
        (self.count, told)
    }

    /// Keeps what is new until all that was told before it has been.
    fn add_behind(&mut self, new: T) {
        let (number, new) = self.numbered(new);
        self.returned.insert(number, new);
    }
}

impl<W: Watch> Source for Watching<W> {
    type Item = (u64, W::Told);

    fn take_back(&self, (number, told): (u64, W::Told)) {
        self.told().returned.insert(number, told);
        self.given_back.notify_one();
    }
}

/// What both classes are to Python. `$show` makes an object of what is told.
macro_rules! watcher {
    ($class:ident of $watched:ty, $(#[$next:meta])* next: $show:path) => {
        impl $class {
            pub(crate) fn new(session: Arc<Session>, watcher: $watched) -> Self {
                Self(Owned::new((session, Watching::new(watcher))))
            }
        }

        #[pymethods]
        impl $class {
            $(#[$next])*
            #[pyo3(signature = (wait = None))]
            fn next(&self, py: Python<'_>, wait: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
                let (wait, (session, watcher)) = (input::wait(wait)?, self.0.get()?);
                session.deliver(py, watcher.clone().next(wait), |py, told| told_or_none(py, told, $show))
            }

            /// Ends it, and the call that waits on it.
            fn close(&self) -> PyResult<()> {
                self.0.get()?.1.close();
                Ok(())
            }

            fn __enter__(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Self>> {
                slf.get().0.get()?.1.check(py)?;
                Ok(slf)
            }

            #[pyo3(signature = (*_exception))]
            fn __exit__(&self, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
                self.close()
            }

            fn __iter__(slf: Py<Self>) -> Py<Self> {
                slf
            }

            fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                self.next(py, None)
            }
        }
    };
}

watcher! {
    LogWatcher of dl_core::LogWatcher,
    /// The next change; nothing, if it took longer.
    next: info::change
}

watcher! {
    SegmentWatcher of dl_core::SegmentWatcher,
    /// The segments, once they are others than those told last; nothing, if it took longer.
    next: info::segments
}

fn watcher_closed() -> Error {
    Error::new(ErrorKind::Closed, "the watcher was closed; watch anew").during("next")
}

fn told_or_none<W: Watch>(
    py: Python<'_>,
    told: Option<Delivery<Watching<W>>>,
    make: impl FnOnce(Python<'_>, W::Told) -> PyResult<Py<PyAny>>,
) -> PyResult<Py<PyAny>> {
    told.map_or_else(|| Ok(py.None()), |told| told.give(py, |py, (_, told)| make(py, told)))
}
