//! For tests of this crate and the fuzz targets.

pub mod fuzz;
