//! Where tasks and timers run.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;

/// The runtime it was made with, until that is let go; then that of whoever calls, if there is one. Clones share it.
///
/// As long as anybody has a handle of it a runtime keeps its descriptors, also when it has ended.
#[derive(Clone)]
pub(super) struct Place(Arc<Mutex<Option<Handle>>>);

impl Place {
    pub(super) fn new(runtime: Handle) -> Self {
        Self(Arc::new(Mutex::new(Some(runtime))))
    }

    /// The runtime, for a moment.
    pub(super) fn runtime(&self) -> Option<Handle> {
        let own = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        own.or_else(|| Handle::try_current().ok())
    }

    /// Lets the runtime go.
    pub(super) fn let_go(&self) {
        let own = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        // With nothing locked: it may be the last handle, with which all goes that is left of the runtime.
        drop(own);
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    fn runtime() -> Runtime {
        Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn a_runtime_that_was_let_go_gives_way_to_that_of_the_caller() {
        let (own, other) = (runtime(), runtime());
        let place = Place::new(own.handle().clone());
        let clone = place.clone();
        let found = || clone.runtime().map(|runtime| runtime.id());
        let inside = || {
            let _entered = other.enter();
            found()
        };
        assert_eq!((found(), inside()), (Some(own.handle().id()), Some(own.handle().id())));
        place.let_go();
        assert_eq!((found(), inside()), (None, Some(other.handle().id())));
    }
}
