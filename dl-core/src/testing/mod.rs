//! What tests of this crate and of drivers elsewhere share: a simulated world, and a suite for each of the two stores.

pub mod fuzz;
pub mod memory;
pub mod sim;
pub mod stores;

pub use crate::seams::Seams;
