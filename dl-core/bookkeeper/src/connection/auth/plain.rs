//! SASL PLAIN (RFC 4616): name and password in clear.

use bytes::Bytes;

use super::SaslCredentials;
use crate::error::{Error, Result};

/// Nothing, the name and the password, with NUL between them.
pub(super) fn token(credentials: &SaslCredentials) -> Result<Bytes> {
    let SaslCredentials { user, password, .. } = credentials;
    if user.contains('\0') || password.contains('\0') {
        return Err(Error::invalid_argument("a name or password for SASL PLAIN has a NUL"));
    }
    Ok(format!("\0{user}\0{password}").into())
}
