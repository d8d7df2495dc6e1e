//! The cluster below a namespace, for tools that speak with it themselves.

use dl_bookkeeper::{ConnectionOptions, ZooKeeperOptions};

use super::connection;
use crate::error::Result;
use crate::options::{Location, Options};
use crate::seams::Seams;

/// How a namespace connects to its cluster, for tools beside it such as `dl bk`.
#[derive(Debug, Clone)]
pub struct ClusterConnections {
    options: Options,
    bookies: ConnectionOptions,
}

impl ClusterConnections {
    /// Those that the options say; what the URI of a namespace sets wins over them.
    ///
    /// # Errors
    /// `invalid-argument` for a value out of range, and for files of certificates that cannot be read; those of a URI that
    /// cannot be right.
    pub async fn new(uri: Option<&str>, mut options: Options) -> Result<Self> {
        if let Some(uri) = uri {
            Location::parse(uri, &mut options)?;
        }
        options.validate()?;
        let bookies = connection::bookies_options(&options, &Seams::system()?).await?;
        Ok(Self { options, bookies })
    }

    /// For a session with these servers of ZooKeeper, `host:port` joined by commas.
    #[must_use]
    pub fn zookeeper(&self, servers: &str) -> ZooKeeperOptions {
        connection::zookeeper_options(servers, &self.options)
    }

    /// For connections to bookies.
    #[must_use]
    pub fn bookies(&self) -> ConnectionOptions {
        self.bookies.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::ErrorKind;

    #[tokio::test]
    async fn they_are_those_of_the_options_and_the_uri() {
        let uri = "distributedlog://zk/p?bookie_user=u&bookie_password=p&zookeeper_acl_id=me";
        let options = Options::default().session_timeout_ms(7_000).bookie_request_timeout_ms(70);
        let connections = ClusterConnections::new(Some(uri), options).await.unwrap();
        let (zookeeper, bookies) = (connections.zookeeper("other:1"), connections.bookies());
        assert_eq!((zookeeper.servers.as_str(), zookeeper.acl_id.as_deref()), ("other:1", Some("me")));
        assert_eq!(zookeeper.session_timeout, Duration::from_secs(7));
        let credentials = bookies.credentials.unwrap();
        assert_eq!((&*credentials.user, &*credentials.password), ("u", "p"));
        assert_eq!((bookies.request_timeout, bookies.tls.is_none()), (Duration::from_millis(70), true));
        let refused = ClusterConnections::new(None, Options::default().tls_roots("/not/there")).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}
