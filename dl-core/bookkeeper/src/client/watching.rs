//! What a writer has to hear of by itself: the time, and that its ledger is no longer its own.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use super::cluster::until;
use super::writer::Shared;
use crate::cluster::Watch;

/// How long to wait before a metadata store that failed is asked again.
pub(super) const RETRY: Duration = Duration::from_millis(500);

/// Tells a writer the time when it wants to know, and what becomes of the metadata of its ledger, until it has ended.
pub(super) async fn watch(writer: Weak<Shared>, mut watch: Watch, alarm: Arc<Notify>) {
    let mut watched = true;
    loop {
        let Some((alarm_ms, ended, seams)) = look(&writer) else {
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
                if watched && !observe(&writer).await {
                    seams.clock.sleep(RETRY).await;
                    watch.mark_changed();
                }
            }
        }
    }
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
