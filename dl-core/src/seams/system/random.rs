//! The kernel's randomness.

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::seams::Random;

/// The kernel's random numbers.
pub(super) struct SystemRandom;

impl Random for SystemRandom {
    fn next_u64(&self) -> u64 {
        // Where there is no such call, or it fails (a sandbox may forbid it), std's hash seeds are random enough
        // for identities.
        from_kernel().unwrap_or_else(|| RandomState::new().build_hasher().finish())
    }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn from_kernel() -> Option<u64> {
    let mut bytes = [0_u8; 8];
    // SAFETY: the pointer and the length are those of `bytes`. Up to 256 bytes are never cut short by a signal.
    let filled = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    (usize::try_from(filled) == Ok(bytes.len())).then(|| u64::from_ne_bytes(bytes))
}

#[cfg(not(target_os = "linux"))]
fn from_kernel() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn numbers_differ() {
        let numbers: BTreeSet<u64> = (0..1000).map(|_| SystemRandom.next_u64()).collect();
        assert_eq!(numbers.len(), 1000);
    }

    #[test]
    fn the_kernel_answers_on_linux() {
        assert_eq!(from_kernel().is_some(), cfg!(target_os = "linux"));
    }
}
