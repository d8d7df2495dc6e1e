//! Watchers of a namespace and of a log.

use std::sync::Arc;

use dl_core::{Error, ErrorKind, LogChange, LogWatcher, Result, SegmentWatcher};
use napi_derive::napi;
use tokio::sync::Mutex;

use crate::info::NativeSegment;
use crate::settler::Settler;

/// What is watched with; nothing, once the watcher was closed. One call at a time uses it.
type Watched<W> = Arc<Mutex<Option<W>>>;

/// Tells of the logs of a namespace.
#[napi]
pub struct NativeLogWatcher {
    settler: Settler,
    watched: Watched<LogWatcher>,
}

/// Tells of the segments of a log.
#[napi]
pub struct NativeSegmentWatcher {
    settler: Settler,
    watched: Watched<SegmentWatcher>,
}

/// What happened to the logs of a namespace: one of the fields is there.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeLogChange {
    /// This log is there.
    pub created: Option<String>,
    /// This log is gone.
    pub deleted: Option<String>,
    /// All that were there at first have been told.
    pub listed: Option<bool>,
}

impl NativeLogWatcher {
    pub(crate) fn new(settler: &Settler, watcher: LogWatcher) -> Self {
        Self { settler: settler.clone(), watched: Arc::new(Mutex::new(Some(watcher))) }
    }
}

impl NativeSegmentWatcher {
    pub(crate) fn new(settler: &Settler, watcher: SegmentWatcher) -> Self {
        Self { settler: settler.clone(), watched: Arc::new(Mutex::new(Some(watcher))) }
    }
}

#[napi]
impl NativeLogWatcher {
    /// Waits for the next change.
    #[napi(catch_unwind)]
    pub fn next(&self, call: f64) {
        let watched = self.watched.clone();
        self.settler.start(call, async move {
            let change = open(&mut *watched.lock().await)?.next().await?;
            let mut told = NativeLogChange::default();
            match change {
                LogChange::Created(name) => told.created = Some(name.to_string()),
                LogChange::Deleted(name) => told.deleted = Some(name.to_string()),
                _ => told.listed = Some(true),
            }
            Ok(told)
        });
    }

    /// Lets go of what it watches with, once no call uses it.
    #[napi(catch_unwind)]
    pub fn close(&self, call: f64) {
        close(&self.settler, call, &self.watched);
    }
}

#[napi]
impl NativeSegmentWatcher {
    /// Waits for the next change.
    #[napi(catch_unwind)]
    pub fn next(&self, call: f64) {
        let watched = self.watched.clone();
        self.settler.start(call, async move {
            let segments = open(&mut *watched.lock().await)?.next().await?;
            Ok(segments.into_iter().map(NativeSegment::from).collect::<Vec<_>>())
        });
    }

    /// Lets go of what it watches with, once no call uses it.
    #[napi(catch_unwind)]
    pub fn close(&self, call: f64) {
        close(&self.settler, call, &self.watched);
    }
}

fn open<W>(watched: &mut Option<W>) -> Result<&mut W> {
    watched
        .as_mut()
        .ok_or_else(|| Error::new(ErrorKind::Closed, "the watcher was closed; watch anew").during("next"))
}

fn close<W: Send + 'static>(settler: &Settler, call: f64, watched: &Watched<W>) {
    let watched = watched.clone();
    settler.start(call, async move {
        drop(watched.lock().await.take());
        Ok(())
    });
}
