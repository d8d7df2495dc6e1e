//! The namespaces that are open in this process, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use super::{Namespace, guard};

static OPEN: Mutex<BTreeMap<Box<str>, Weak<Namespace>>> = Mutex::new(BTreeMap::new());

/// The namespace of this name: the one that is open, or a new one.
pub(super) fn namespace(name: &str) -> Arc<Namespace> {
    let mut open = guard(&OPEN);
    if let Some(namespace) = open.get(name).and_then(Weak::upgrade) {
        return namespace;
    }
    let namespace = Arc::new(Namespace::new(name));
    open.insert(name.into(), Arc::downgrade(&namespace));
    namespace
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let mut open = guard(&OPEN);
        // Somebody may have opened the name anew meanwhile.
        if open.get(&self.name).is_some_and(|namespace| namespace.strong_count() == 0) {
            open.remove(&self.name);
        }
    }
}

#[cfg(test)]
pub(super) fn is_open(name: &str) -> bool {
    guard(&OPEN).contains_key(name)
}
