//! What was read for the caller and may not get there.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::Notify;

/// Something that can be read from again where somebody stopped.
pub(crate) trait Source<T>: Send + Sync {
    /// Gets back, in their order, what was read last and did not get to the caller.
    fn take_back(&self, items: Vec<T>);

    /// What was read last got to the caller.
    fn arrived(&self, _items: &[T]) {}
}

/// Where what is on its way to callers begins: it may come back.
pub(crate) struct Underway<P>(VecDeque<P>);

impl<P> Default for Underway<P> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<P: Ord + Copy> Underway<P> {
    /// Something leaves that begins here.
    pub(crate) fn leaves(&mut self, place: P) {
        // Mostly it is the last.
        let index = self.0.partition_point(|other| *other < place);
        self.0.insert(index, place);
    }

    /// It is where it belongs, or back.
    pub(crate) fn ended(&mut self, place: P) {
        // Mostly it is the first.
        if let Ok(index) = self.0.binary_search(&place) {
            self.0.remove(index);
        }
    }

    pub(crate) fn first(&self) -> Option<P> {
        self.0.front().copied()
    }
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
        self.source.arrived(&self.items);
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
