//! Random numbers that a seed decides.

use std::sync::{Mutex, PoisonError};

use crate::seams::Random;

/// SplitMix64: small, and good enough to choose what goes wrong.
#[derive(Debug)]
pub(super) struct Rng(u64);

impl Rng {
    /// Streams of one seed have nothing to do with one another.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut mixed = Self(seed ^ 0x6a09_e667_f3bc_c908);
        let seed = mixed.next();
        Self(seed ^ Self(stream).next())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, or 0 if that is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// True once in `n` times.
    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// How likely, in eighths, each part of something survives: mostly none, few, half, most or all, as mixtures
    /// alone would rarely show what happens when a single part is lost or kept.
    pub(super) fn odds(&mut self) -> u64 {
        [0, 1, 4, 7, 8][self.below(5) as usize]
    }

    /// Whether one part survives, at these odds.
    pub(super) fn survives(&mut self, odds: u64) -> bool {
        self.below(8) < odds
    }
}

/// The randomness a process sees.
pub(super) struct SimRandom(pub(super) Mutex<Rng>);

impl Random for SimRandom {
    fn next_u64(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next()
    }
}
