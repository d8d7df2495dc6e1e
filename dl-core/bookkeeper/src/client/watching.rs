//! What a writer has to hear of by itself: the time, that its ledger is no longer its own, and what it asked of the metadata
//! store. Where a task of these is dropped, as those of a closed client are, the writer hears of that: nothing else would end
//! the waiting.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use super::cluster::until;
use super::writer::Shared;
use crate::cluster::Watch;
use crate::error::{Error, ErrorKind};
use crate::ledger::{MetadataAnswer, MetadataCall};

/// How long to wait before a metadata store that failed is asked again.
pub(super) const RETRY: Duration = Duration::from_millis(500);

/// Tells a writer the time when it wants to know, and what becomes of the metadata of its ledger, until it has ended.
pub(super) async fn watch(watcher: Watcher, mut watch: Watch, alarm: Arc<Notify>) {
    let writer = &watcher.0;
    let mut watched = true;
    loop {
        let Some((alarm_ms, ended, seams)) = look(writer) else {
            return;
        };
        if ended {
            return;
        }
        tokio::select! {
            // The time to wait for is another.
            () = alarm.notified() => {}
            () = until(&seams, alarm_ms) => {
                if let Some(writer) = writer.upgrade() {
                    writer.input(|_| {});
                }
            }
            changed = watch.changed(), if watched => {
                // The store is gone with everything else when there is nobody to tell of changes.
                watched = changed.is_ok();
                if watched && !observe(writer).await {
                    seams.clock.sleep(RETRY).await;
                    watch.mark_changed();
                }
            }
        }
    }
}

/// Whom the task that watches tells. Without that task the writer gives up.
pub(super) struct Watcher(Weak<Shared>);

impl Watcher {
    pub(super) fn of(writer: &Arc<Shared>) -> Self {
        Self(Arc::downgrade(writer))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(writer) = self.0.upgrade() {
            writer.input(|machine| machine.abandon(closed()));
        }
    }
}

/// A question to the metadata store, which its writer has answered when this is dropped.
pub(super) struct Asked {
    writer: Arc<Shared>,
    answer: Option<MetadataAnswer>,
}

impl Asked {
    pub(super) fn new(writer: Arc<Shared>) -> Self {
        Self { writer, answer: None }
    }

    pub(super) async fn ask(mut self, call: MetadataCall) {
        let answer = self.writer.cluster.ask_store(self.writer.access.id(), call).await;
        self.answer = Some(answer);
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let answer = self.answer.take().unwrap_or_else(|| MetadataAnswer::Failed(closed()));
        self.writer.input(|machine| machine.metadata_answer(answer));
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the client was closed, or the runtime has ended").maybe_effective()
}

fn look(writer: &Weak<Shared>) -> Option<(Option<u64>, bool, crate::seams::Seams)> {
    let writer = writer.upgrade()?;
    let (alarm_ms, ended) = writer.alarm_ms();
    Some((alarm_ms, ended, writer.cluster.seams.clone()))
}

/// Tells the writer what the metadata is now; answers whether that could be found out.
async fn observe(writer: &Weak<Shared>) -> bool {
    let Some(writer) = writer.upgrade() else {
        return true;
    };
    match writer.cluster.store.read(writer.access.id()).await {
        Ok(found) => {
            writer.input(|machine| machine.observe(found));
            true
        }
        Err(_) => false,
    }
}
