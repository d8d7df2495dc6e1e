//! Who has something open.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use super::guard;

/// Those that are open, to be looked at now and then. It keeps none of them alive.
#[derive(Debug)]
pub(crate) struct Roster<T>(Mutex<Listed<T>>);

#[derive(Debug)]
struct Listed<T> {
    next: u64,
    open: BTreeMap<u64, Weak<T>>,
}

/// A place in the roster, until it is dropped.
#[derive(Debug)]
pub(crate) struct Entered<T> {
    roster: Arc<Roster<T>>,
    place: u64,
}

impl<T> Default for Roster<T> {
    fn default() -> Self {
        Self(Mutex::new(Listed { next: 0, open: BTreeMap::new() }))
    }
}

impl<T> Roster<T> {
    pub(crate) fn enter(self: &Arc<Self>, member: &Arc<T>) -> Entered<T> {
        let mut listed = guard(&self.0);
        let place = listed.next;
        listed.next += 1;
        listed.open.insert(place, Arc::downgrade(member));
        Entered { roster: self.clone(), place }
    }

    /// Everyone in it.
    pub(crate) fn all(&self) -> Vec<Arc<T>> {
        guard(&self.0).open.values().filter_map(Weak::upgrade).collect()
    }
}

impl<T> Drop for Entered<T> {
    fn drop(&mut self) {
        guard(&self.roster.0).open.remove(&self.place);
    }
}
