//! The `dl` command line.

fn main() {}
