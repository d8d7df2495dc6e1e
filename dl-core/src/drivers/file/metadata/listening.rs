//! The thread that reads on when another process committed, so that watches fire without anybody asking.

use std::sync::{Arc, Weak};

use super::FileMetadata;
use crate::drivers::file::control::{Bell, Control};
use crate::drivers::file::started::Running;
use crate::error::Result;

impl FileMetadata {
    /// Has `action` called whenever the metadata may have changed, also elsewhere.
    pub(in crate::drivers::file) fn on_change(&self, action: impl Fn() + Send + Sync + 'static) {
        let _set_once = self.action.set(Box::new(action));
    }

    /// Starts the thread that waits for changes made elsewhere.
    pub(in crate::drivers::file) fn listen(&self) -> Result<()> {
        self.listening.start(|running| {
            let thread = follow_others(self.this.clone(), self.control.clone(), running);
            self.seams.tasks.spawn_thread("dl-metadata", Box::pin(thread))
        })
    }

    /// Waits until the thread that waits for changes made elsewhere has ended, after [`close`](Self::close).
    pub(in crate::drivers::file) async fn ended(&self) {
        self.listening.ended().await;
    }
}

async fn follow_others(metadata: Weak<FileMetadata>, control: Arc<Control>, _running: Running) {
    let mut seen = control.rung(Bell::Metadata);
    loop {
        let Some(this) = metadata.upgrade() else { return };
        if this.queue.is_closed() {
            return;
        }
        // An error shows itself to whoever reads next.
        if this.current().map(drop).is_err() {
            this.watches.fire_all();
        }
        if let Some(action) = this.action.get() {
            action();
        }
        drop(this);
        // Comes back at least every second, so that the thread ends soon after the namespace.
        control.wait(Bell::Metadata, seen).await;
        seen = control.rung(Bell::Metadata);
    }
}
