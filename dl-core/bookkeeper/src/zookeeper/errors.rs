//! What the errors of ZooKeeper's client mean for a caller.

use zookeeper_client::Error as ClientError;

use super::nodes::NodeRefusal;
use crate::error::{Error, ErrorKind};

/// How a request failed.
pub(super) enum Failure {
    /// The server refused the change.
    Refused(NodeRefusal),
    /// The request cannot be right, or was refused for good, and changed nothing.
    Final(Error),
    /// Nobody knows whether it reached a server: the connection broke, or the session ended.
    Unknown(ClientError),
}

impl Failure {
    pub(super) fn of(error: ClientError) -> Self {
        match error {
            ClientError::NodeExists => Self::Refused(NodeRefusal::Exists),
            ClientError::NoNode => Self::Refused(NodeRefusal::Missing),
            ClientError::BadVersion => Self::Refused(NodeRefusal::BadVersion),
            ClientError::NotEmpty => Self::Refused(NodeRefusal::NotEmpty),
            ClientError::NoChildrenForEphemerals => Self::Refused(NodeRefusal::EphemeralParent),
            ClientError::BadArguments(problem) => Self::Final(Error::new(
                ErrorKind::InvalidArgument,
                format!("ZooKeeper cannot have this: {problem}"),
            )),
            ClientError::NoAuth | ClientError::InvalidAcl => {
                let message =
                    "ZooKeeper's access control forbids it; open with the identity that made the nodes";
                Self::Final(Error::new(ErrorKind::Unauthorized, message).caused_by(error))
            }
            ClientError::AuthFailed => Self::Final(unauthenticated()),
            ClientError::QuotaExceeded | ClientError::Throttled | ClientError::NotReadOnly => {
                let message =
                    "ZooKeeper refused the request; try again later, or look at its quotas and load";
                Self::Final(Error::new(ErrorKind::MetadataStore, message).caused_by(error))
            }
            ClientError::Unimplemented
            | ClientError::MarshallingError
            | ClientError::UnexpectedErrorCode(_)
            | ClientError::ReconfigDisabled => {
                let message = "ZooKeeper does not understand the request; it needs version 3.5 or newer";
                Self::Final(Error::new(ErrorKind::MetadataStore, message).caused_by(error).retry(false))
            }
            other => Self::Unknown(other),
        }
    }
}

/// Whether the session is over, so that only another one can answer.
pub(super) fn is_over(error: &ClientError) -> bool {
    matches!(error, ClientError::SessionExpired | ClientError::ClientClosed | ClientError::NoHosts)
}

/// No server answers.
pub(super) fn unavailable(servers: &str, cause: ClientError) -> Error {
    let message = format!("no ZooKeeper server answers at {servers}; check the addresses and that it runs");
    Error::new(ErrorKind::Unavailable, message).caused_by(cause)
}

/// No server answered in time.
pub(super) fn late(servers: &str) -> Error {
    let message = format!("ZooKeeper at {servers} gave no answer in time; check that it runs");
    Error::new(ErrorKind::Timeout, message)
}

/// A change was sent, and the connection broke before its answer came.
pub(super) fn lost(cause: ClientError) -> Error {
    let message = "the connection to ZooKeeper broke before the answer to a change came; read to find out";
    Error::new(ErrorKind::Unavailable, message).caused_by(cause).maybe_effective()
}

/// The servers did not accept the identity.
pub(super) fn unauthenticated() -> Error {
    Error::new(ErrorKind::Unauthorized, "ZooKeeper does not accept the identity of this client")
}

/// The handle was closed.
pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the session with ZooKeeper was closed")
}
