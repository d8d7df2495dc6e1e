//! How a client works, and how a ledger is made.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::connection::ConnectionOptions;
use crate::ledger::{ReadOptions, RecoveryOptions, WriterOptions};
use crate::placement::{OneRack, QuarantineOptions, Topology};
use crate::types::{DigestType, LedgerId, Quorum};

/// How a client works.
#[derive(Clone)]
pub struct ClientOptions {
    /// How connections are made and bounded.
    pub connection: ConnectionOptions,
    /// Where the bookies stand. Default: nobody knows.
    pub topology: Arc<dyn Topology>,
    /// When bookies that fail are left alone.
    pub quarantine: QuarantineOptions,
    /// How ledgers are written.
    pub writer: WriterOptions,
    /// How they are recovered.
    pub recovery: RecoveryOptions,
    /// How they are read.
    pub read: ReadOptions,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connection: ConnectionOptions::default(),
            topology: Arc::new(OneRack),
            quarantine: QuarantineOptions::default(),
            writer: WriterOptions::default(),
            recovery: RecoveryOptions::default(),
            read: ReadOptions::default(),
        }
    }
}

/// What kind of ledger to make.
#[derive(Clone)]
pub struct CreateOptions {
    /// On how many bookies.
    pub quorum: Quorum,
    /// What protects its entries.
    pub digest: DigestType,
    /// What others must show to write or fence it. It stands in clear in the metadata.
    pub password: Bytes,
    /// What to store with it.
    pub custom: Vec<(String, Bytes)>,
    /// Its id, or `None` for a new one.
    pub id: Option<LedgerId>,
}

impl CreateOptions {
    /// A ledger with these quorums and this password, CRC-32C digests and an id of its own.
    #[must_use]
    pub fn new(quorum: Quorum, password: impl Into<Bytes>) -> Self {
        let (digest, password) = (DigestType::Crc32c, password.into());
        Self { quorum, digest, password, custom: Vec::new(), id: None }
    }
}

/// Without the password.
impl fmt::Debug for CreateOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateOptions")
            .field("quorum", &self.quorum)
            .field("digest", &self.digest)
            .field("custom", &self.custom)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zookeeper::ZooKeeperOptions;
    use crate::{ConnectionOptions, SaslCredentials, SaslMechanism};

    #[test]
    fn options_are_printed_without_what_is_secret() {
        let create = CreateOptions::new(Quorum::new(3, 3, 2).unwrap(), "secret");
        let mut session = ZooKeeperOptions::new("zk1:2181");
        session.acl_id = Some("secret".to_owned());
        let credentials = SaslCredentials {
            mechanism: SaslMechanism::DigestMd5,
            user: "known".to_owned(),
            password: "secret".to_owned(),
        };
        let connection = ConnectionOptions { credentials: Some(credentials), ..ConnectionOptions::default() };
        let printed = format!("{create:?} {session:?} {connection:?}");
        assert!(printed.contains("zk1:2181") && printed.contains("known"), "{printed}");
        assert!(!printed.contains("secret"), "{printed}");
    }
}
