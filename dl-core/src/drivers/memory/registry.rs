//! The namespaces that are open in this process, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use super::{Namespace, guard};
use crate::seams::PerProcess;

type Open = BTreeMap<Box<str>, Weak<Namespace>>;

/// A child that is forked begins with none: it has a copy of its parent's, in which a lock may be held that nobody lets go.
static OPEN: PerProcess<Mutex<Open>> = PerProcess::new(Mutex::default);

/// The namespace of this name: the one that is open, or a new one.
pub(super) fn namespace(name: &str) -> Arc<Namespace> {
    let mut open = guard(OPEN.get());
    if let Some(namespace) = open.get(name).and_then(Weak::upgrade) {
        return namespace;
    }
    let namespace = Arc::new(Namespace::new(name));
    open.insert(name.into(), Arc::downgrade(&namespace));
    namespace
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let mut open = guard(OPEN.get());
        // Somebody may have opened the name anew meanwhile.
        if open.get(&self.name).is_some_and(|namespace| namespace.strong_count() == 0) {
            open.remove(&self.name);
        }
    }
}

#[cfg(test)]
pub(super) fn is_open(name: &str) -> bool {
    guard(OPEN.get()).contains_key(name)
}
