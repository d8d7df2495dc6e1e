//! How connections are made and bounded.

use std::time::Duration;

use super::auth::SaslCredentials;
use super::tls::TlsOptions;
use crate::codec::{DEFAULT_MAX_FRAME_BYTES, ProtocolVersion};

/// How connections to bookies are made and bounded.
#[derive(Debug, Clone)]
pub struct ConnectionOptions {
    /// The version to speak where both have a request. What one version lacks goes over a second connection in the other.
    pub version: ProtocolVersion,
    /// The most bytes of a frame, either way: what the bookies' `nettyMaxFrameSizeBytes` says.
    pub max_frame_bytes: usize,
    /// The most bytes of requests that one connection has in flight; more are refused as busy. One request is always let
    /// through.
    pub max_in_flight_bytes: usize,
    /// The most requests that one connection has in flight; more are refused as busy.
    pub max_in_flight_requests: usize,
    /// The longest that resolving, connecting, TLS and authentication may take together.
    pub connect_timeout: Duration,
    /// The deadline of a request that does not bring its own. A long poll has its waiting time on top.
    pub request_timeout: Duration,
    /// For how long a bookie is left alone after a first failed attempt to connect: requests fail at once meanwhile. Doubled
    /// with each further failure.
    pub first_backoff: Duration,
    /// The longest that a bookie is left alone.
    pub max_backoff: Duration,
    /// TLS, if it is to be spoken. A bookie that does not speak it is then refused.
    pub tls: Option<TlsOptions>,
    /// Who we are, if bookies want to know.
    pub credentials: Option<SaslCredentials>,
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        Self {
            version: ProtocolVersion::V3,
            max_frame_bytes: DEFAULT_MAX_FRAME_BYTES,
            max_in_flight_bytes: 64 * 1024 * 1024,
            max_in_flight_requests: 20_000,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(5),
            first_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(1),
            tls: None,
            credentials: None,
        }
    }
}
