//! What was read for the caller and may not get there.

use std::sync::Arc;

use tokio::sync::Notify;

/// Something that can be read from again where somebody stopped.
pub(crate) trait Source<T>: Send + Sync {
    /// Gets back, in their order, what was read last and did not get to the caller.
    fn take_back(&self, items: Vec<T>);
}

/// What was read, on its way to the caller: if its call is freed before, its source has it again.
pub(crate) struct Unread<T> {
    source: Arc<dyn Source<T>>,
    items: Vec<T>,
}

/// What comes next; `None` if something was given back meanwhile, which is served first.
pub(crate) async fn unless_given_back<T>(given_back: &Notify, next: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        next = next => Some(next),
        () = given_back.notified() => None,
    }
}

impl<T> Unread<T> {
    pub(crate) fn new(source: Arc<dyn Source<T>>, items: Vec<T>) -> Self {
        Self { source, items }
    }

    /// It gets there.
    pub(crate) fn read(mut self) -> Vec<T> {
        std::mem::take(&mut self.items)
    }
}

impl<T> Drop for Unread<T> {
    fn drop(&mut self) {
        if !self.items.is_empty() {
            self.source.take_back(std::mem::take(&mut self.items));
        }
    }
}
