//! Where a namespace keeps its metadata, and which cluster its binding names.

use dl_bookkeeper::ZooKeeper;
use dl_core::{Error, ErrorKind, shown_uri};
use serde_json::Value;

use crate::cli::failure::Result;

/// Where a namespace keeps its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Place {
    /// The servers of ZooKeeper, joined by commas.
    pub(in crate::cli) servers: String,
    /// The path of the namespace's node.
    pub(in crate::cli) root: String,
}

/// The cluster that has the ledgers of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Binding {
    /// The servers of its ZooKeeper, joined by commas.
    pub(in crate::cli) servers: String,
    /// The path of its ledgers there.
    pub(in crate::cli) ledgers: String,
}

impl Place {
    /// Reads the URI of a namespace on a cluster.
    ///
    /// # Errors
    /// `invalid-argument` for any other.
    pub(in crate::cli) fn parse(uri: &str) -> Result<Self> {
        let bad = |problem: &str| {
            Error::new(ErrorKind::InvalidArgument, problem.to_owned()).with("uri", shown_uri(uri))
        };
        let (scheme, rest) = uri.split_once("://").unwrap_or((uri, ""));
        if !["distributedlog", "distributedlog-bk"].contains(&scheme.to_ascii_lowercase().as_str()) {
            let message = "the namespace is on no BookKeeper cluster; name one that is with \
                           --ns distributedlog://ZOOKEEPER/PATH, or a cluster with --zookeeper";
            return Err(bad(message).into());
        }
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (servers, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.trim_end_matches('/');
        if servers.is_empty() || path.is_empty() {
            return Err(bad("write distributedlog://HOST:PORT[;HOST:PORT]/PATH").into());
        }
        Ok(Self { servers: servers.replace(';', ","), root: format!("/{path}") })
    }

    /// The binding of the namespace: the data of its node, or of the nearest node above that has any.
    ///
    /// # Errors
    /// `not-found` if there is none; `corrupt` if it is no binding.
    pub(in crate::cli) async fn binding(&self, zookeeper: &ZooKeeper) -> Result<Binding> {
        let mut path = self.root.as_str();
        while !path.is_empty() {
            let found = zookeeper.get(path).await?;
            if let Some((data, _)) = found.filter(|(data, _)| !data.is_empty()) {
                return Ok(Binding::parse(&data).map_err(|error| error.with("node", path))?);
            }
            path = path.rsplit_once('/').map_or("", |(above, _)| above);
        }
        let message = "there is no namespace at this path; check it, or make one with `dl namespace create`";
        Err(Error::new(ErrorKind::NotFound, message).with("node", &self.root).into())
    }
}

impl Binding {
    /// Reads the text that DistributedLog's bind writes: format, type, and fields in Thrift's JSON.
    fn parse(data: &[u8]) -> dl_core::Result<Self> {
        let corrupt = || Error::new(ErrorKind::Corrupt, "the node holds no binding of a namespace");
        let text = std::str::from_utf8(data).map_err(|_| corrupt())?;
        let mut lines = text.lines();
        if (lines.next(), lines.next()) != (Some("1"), Some("BKDL")) {
            return Err(corrupt());
        }
        let fields: Value = serde_json::from_str(&lines.collect::<String>()).map_err(|_| corrupt())?;
        let field = |number: &str| fields[number]["str"].as_str().map(str::to_owned).ok_or_else(corrupt);
        Ok(Self { servers: field("1")?.replace(';', ","), ledgers: field("2")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_servers_and_a_path() {
        let place = |uri| Place::parse(uri).ok().map(|place| (place.servers, place.root));
        let found = place("distributedlog://zk1:2181;zk2:2181/messaging/dl/?client_id=a");
        assert_eq!(found, Some(("zk1:2181,zk2:2181".to_owned(), "/messaging/dl".to_owned())));
        assert!(place("distributedlog-bk://zk/p").is_some());
        for bad in ["file:///x", "distributedlog://zk", "distributedlog:///p", "distributedlog", "dl://h/"] {
            assert_eq!(place(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_binding_names_the_cluster() {
        let text =
            "1\nBKDL\n{\"1\":{\"str\":\"bk1:2181;bk2:2181\"},\"2\":{\"str\":\"/ledgers\"},\"3\":{\"tf\":1}}";
        let binding = Binding { servers: "bk1:2181,bk2:2181".to_owned(), ledgers: "/ledgers".to_owned() };
        assert_eq!(Binding::parse(text.as_bytes()).unwrap(), binding);
        for bad in ["", "2\nBKDL\n{}", "1\nBKDL\n{}", "1\nBKDL\n{\"1\":{\"str\":\"a\"}}", "1\nBKDL\nnone"] {
            assert_eq!(Binding::parse(bad.as_bytes()).unwrap_err().kind(), ErrorKind::Corrupt, "{bad:?}");
        }
    }
}
