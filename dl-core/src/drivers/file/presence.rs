//! Being in a directory: the session and the namespace lock, kept until the last work in progress is done.
//!
//! The next first opener rebuilds everything from what is on disk (rule F3). So the lock must not go while a thread of
//! this process is still in the middle of a group commit, of emptying a journal or of a metadata commit: it would
//! acknowledge what the first opener did not see.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::session::OwnSession;
use crate::error::{Error, Result};
use crate::seams::File;

/// What tells others that this process has the directory open.
pub(super) struct Presence(Mutex<Option<Staying>>);

/// Keeps this process present as long as it lives.
#[derive(Clone)]
pub(super) struct Staying(Arc<Held>);

struct Held {
    _session: Option<OwnSession>,
    _lock: Option<Arc<dyn File>>,
    gone: watch::Sender<()>,
}

impl Presence {
    pub(super) fn new(session: Option<OwnSession>, lock: Option<Arc<dyn File>>) -> Arc<Self> {
        let held = Held { _session: session, _lock: lock, gone: watch::Sender::default() };
        Arc::new(Self(Mutex::new(Some(Staying(Arc::new(held))))))
    }

    /// Stays until the answer is dropped.
    ///
    /// # Errors
    /// `closed` if it is leaving.
    pub(super) fn stay(&self) -> Result<Staying> {
        self.lock().clone().ok_or_else(|| Error::closed("the namespace was closed"))
    }

    /// Lets no more work begin; leaves as soon as what is in progress is done. The answer says when.
    pub(super) fn leave(&self) -> impl Future<Output = ()> + use<> {
        let staying = self.lock().take();
        let mut gone = staying.map(|staying| staying.0.gone.subscribe());
        async move {
            if let Some(gone) = &mut gone {
                // Nothing is ever sent: an error says that the last one left.
                while gone.changed().await.is_ok() {}
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Staying>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
