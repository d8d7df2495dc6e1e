//! What tests of this crate and of drivers elsewhere share: a simulated world, and a suite for each of the two stores.

pub mod fuzz;
pub mod memory;
mod seeds;
pub mod sim;
pub mod stores;

pub use self::seeds::run_seeds;
pub use crate::seams::Seams;
