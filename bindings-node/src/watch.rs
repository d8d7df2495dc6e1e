//! Watchers of a namespace and of a log.

use std::sync::Arc;

use dl_core::{LogChange, LogWatcher, SegmentWatcher};
use napi_derive::napi;
use tokio::sync::Mutex;

use crate::info::NativeSegment;
use crate::settler::Settler;

/// Tells of the logs of a namespace.
#[napi]
pub struct NativeLogWatcher {
    settler: Settler,
    watcher: Arc<Mutex<LogWatcher>>,
}

/// Tells of the segments of a log.
#[napi]
pub struct NativeSegmentWatcher {
    settler: Settler,
    watcher: Arc<Mutex<SegmentWatcher>>,
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
        Self { settler: settler.clone(), watcher: Arc::new(Mutex::new(watcher)) }
    }
}

impl NativeSegmentWatcher {
    pub(crate) fn new(settler: &Settler, watcher: SegmentWatcher) -> Self {
        Self { settler: settler.clone(), watcher: Arc::new(Mutex::new(watcher)) }
    }
}

#[napi]
impl NativeLogWatcher {
    /// Waits for the next change.
    #[napi(catch_unwind)]
    pub fn next(&self, call: f64) {
        let watcher = self.watcher.clone();
        self.settler.start(call, async move {
            let change = watcher.lock().await.next().await?;
            let mut told = NativeLogChange::default();
            match change {
                LogChange::Created(name) => told.created = Some(name.to_string()),
                LogChange::Deleted(name) => told.deleted = Some(name.to_string()),
                _ => told.listed = Some(true),
            }
            Ok(told)
        });
    }
}

#[napi]
impl NativeSegmentWatcher {
    /// Waits for the next change.
    #[napi(catch_unwind)]
    pub fn next(&self, call: f64) {
        let watcher = self.watcher.clone();
        self.settler.start(call, async move {
            let segments = watcher.lock().await.next().await?;
            Ok(segments.into_iter().map(NativeSegment::from).collect::<Vec<_>>())
        });
    }
}
