//! What tests of this crate and of drivers elsewhere share.

pub mod sim;
