//! Connections to bookies: many requests in flight on one, each of which ends exactly once.
//!
//! `client` is what callers have; `link` a connection that comes and goes; `calls` and `keys` its requests, a state machine
//! without I/O; `outgoing` what is being written; `handshake`, `tls` and `auth` what is said before the first request.

mod auth;
mod calls;
mod client;
mod handshake;
mod keys;
mod link;
mod options;
mod outgoing;
mod reply;
#[cfg(test)]
mod tests;
mod tls;

pub use auth::{SaslCredentials, SaslMechanism};
pub use client::{BookieClient, Bookies};
pub use options::ConnectionOptions;
pub use tls::TlsOptions;
