//! Randomness.

/// A source of random numbers: fit for identities, not for secrets.
pub trait Random: Send + Sync + 'static {
    /// 64 random bits.
    fn next_u64(&self) -> u64;
}
