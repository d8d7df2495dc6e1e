//! Options: one table (`options.toml`), the types generated from it, and the one place where values are checked.

mod choices;
mod generated;
mod quorums;
mod text;
mod uri;

pub use choices::{OnTruncated, Start};
pub use generated::{LogOptions, Options, ReaderOptions, WriterOptions};
pub(crate) use uri::{ClusterPlace, Location};
pub use uri::{file_uri, shown_uri};

#[cfg(test)]
mod tests;
