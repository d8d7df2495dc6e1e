//! Errors of the cluster, as the callers of a namespace know them.

use dl_bookkeeper::{Error as ClusterError, ErrorKind as ClusterErrorKind};

use crate::error::{Error, ErrorKind};

/// The error that says the same.
pub(super) fn from_cluster(error: ClusterError) -> Error {
    let kind = match error.kind() {
        ClusterErrorKind::InvalidArgument => ErrorKind::InvalidArgument,
        ClusterErrorKind::TooLarge => ErrorKind::TooLarge,
        ClusterErrorKind::Unauthorized => ErrorKind::PermissionDenied,
        ClusterErrorKind::Closed => ErrorKind::Closed,
        ClusterErrorKind::Corrupt => ErrorKind::Corrupt,
        ClusterErrorKind::Unsupported => ErrorKind::Unsupported,
        // Certificates and keys that cannot be understood.
        ClusterErrorKind::Security => ErrorKind::InvalidArgument,
        ClusterErrorKind::Unavailable
        | ClusterErrorKind::Timeout
        | ClusterErrorKind::NotEnoughBookies
        | ClusterErrorKind::MetadataStore => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    };
    let message = match kind {
        ErrorKind::Closed => "the namespace was closed; open it again".to_owned(),
        _ => error.message().to_owned(),
    };
    let mut same = Error::new(kind, message).retry(error.is_retryable());
    if error.may_have_taken_effect() {
        same = same.maybe_effective();
    }
    same.caused_by(error)
}
