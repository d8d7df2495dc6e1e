//! How a client proves who it is: SASL inside of BookKeeper's authentication messages.

mod digest_md5;
mod plain;

use std::fmt;

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::seams::Random;

/// The plugin of the bookie that understands SASL.
pub(super) const SASL_PLUGIN: &str = "sasl";

/// What a bookie without authentication answers with.
pub(super) const DISABLED_PLUGIN: &str = "AuthDisabledPlugin";

/// A name and a password, and how to show them.
#[derive(Clone)]
pub struct SaslCredentials {
    /// How to show them.
    pub mechanism: SaslMechanism,
    /// The name, as the bookies' `Bookie` section of JAAS has it (`user_NAME`).
    pub user: String,
    /// The password.
    pub password: String,
}

/// A way to show a name and a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaslMechanism {
    /// A digest of the password and of what both sides made up. What BookKeeper's own plugin speaks. It keeps the password
    /// from eavesdroppers; it does not protect what follows.
    DigestMd5,
    /// Name and password in clear, for plugins that want it so: over TLS only.
    Plain,
}

/// Without the password.
impl fmt::Debug for SaslCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SaslCredentials({:?}, {:?})", self.mechanism, self.user)
    }
}

/// One authentication: what to say next.
pub(super) enum Exchange {
    Plain,
    DigestMd5(digest_md5::Exchange),
}

/// What follows from a message of the bookie.
#[derive(Debug)]
pub(super) enum Step {
    /// Say this.
    Send(Bytes),
    /// The bookie knows who we are.
    Done,
}

impl Exchange {
    /// Begins; what is to be said first.
    pub(super) fn begin(credentials: &SaslCredentials, random: &dyn Random) -> Result<(Self, Bytes)> {
        match credentials.mechanism {
            SaslMechanism::Plain => Ok((Self::Plain, plain::token(credentials)?)),
            SaslMechanism::DigestMd5 => {
                let exchange = digest_md5::Exchange::begin(credentials, random)?;
                Ok((Self::DigestMd5(exchange), Bytes::new()))
            }
        }
    }

    /// What follows from what the bookie said.
    pub(super) fn next(&mut self, challenge: &[u8]) -> Result<Step> {
        match self {
            Self::Plain => Ok(Step::Done),
            Self::DigestMd5(exchange) => exchange.next(challenge),
        }
    }
}

/// The error for an authentication that failed.
pub(super) fn refused(message: &'static str) -> Error {
    Error::new(ErrorKind::Unauthorized, message)
}
