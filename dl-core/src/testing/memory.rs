//! What may go wrong in a namespace of the memory driver, on request.

use crate::drivers::memory;

/// Makes the open namespace of this name refuse new entries with `storage-full`, or accept them again.
pub fn fill(name: &str, full: bool) {
    memory::fill(name, full);
}

/// Makes the open namespace of this name take no entries, or take them again: appends stay in flight meanwhile.
pub fn stall(name: &str, stalled: bool) {
    memory::stall(name, stalled);
}
