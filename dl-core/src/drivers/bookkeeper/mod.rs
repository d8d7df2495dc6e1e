//! Namespaces on a BookKeeper cluster, shared with Java's DistributedLog: metadata in ZooKeeper, segments in ledgers.

mod binding;
mod connection;
mod error;
mod federated;
mod manage;
mod metadata;
mod opening;
mod pulse;
mod racks;
mod segments;
#[cfg(test)]
mod tests;
mod tools;

use std::sync::Arc;

use self::binding::Binding;
use self::opening::{Opening, Sessions};
use self::segments::LedgerSegments;
pub use self::tools::ClusterConnections;
use crate::error::{Error, Result};
use crate::metadata::MetadataStore;
use crate::options::{ClusterPlace, Options};
use crate::seams::Seams;
use crate::store::{SegmentExaminer, StoreSession, Stores};
use crate::types::{BindingInfo, NamespaceInfo};

/// Opens the namespace; one that is not bound is made, if the options say on which ledgers.
pub(crate) async fn open(place: &ClusterPlace, options: &Options, seams: &Seams) -> Result<Stores> {
    let (stores, _) = open_stores(place, options, seams).await?;
    Ok(stores)
}

/// Opens the namespace for who verifies it: nothing is made or written.
pub(crate) async fn verify(
    place: &ClusterPlace,
    options: &Options,
    seams: &Seams,
) -> Result<(Stores, Arc<dyn SegmentExaminer>)> {
    let mut options = options.clone();
    options.read_only = true;
    let (stores, segments) = open_stores(place, &options, seams).await?;
    Ok((stores, segments))
}

async fn open_stores(
    place: &ClusterPlace,
    options: &Options,
    seams: &Seams,
) -> Result<(Stores, Arc<LedgerSegments>)> {
    // What is wrong with the options shows before anything is made.
    let client = connection::client_options(options, seams).await?;
    connection::quorum(options.ensemble_size, options.write_quorum, options.ack_quorum)?;
    let sessions = Arc::new(Sessions::open(place, options).await?);
    let opened = async {
        let binding = match manage::find(&sessions.zookeeper, &place.path).await? {
            Some(found) => found.binding,
            None => make(&sessions, place, options).await?,
        };
        Opening::on(&sessions, place, &binding, options, client, seams).await
    };
    let opened = opened.await;
    if opened.is_err() {
        sessions.close().await;
    }
    opened
}

/// What the namespace is, and its metadata with the session that it is read in.
pub(crate) async fn inspect(
    place: &ClusterPlace,
    options: &Options,
    seams: &Seams,
) -> Result<(NamespaceInfo, Arc<dyn MetadataStore>, Arc<dyn StoreSession>)> {
    let sessions = Sessions::open(place, options).await?;
    let found = match manage::find(&sessions.zookeeper, &place.path).await {
        Ok(Some(found)) => found,
        other => {
            sessions.close().await;
            return Err(other.err().unwrap_or_else(|| unbound(place)));
        }
    };
    let first_segment = found.binding.first_number().get();
    let Binding { bookkeeper_zookeepers, ledgers_path, federated, .. } = found.binding.clone();
    let binding =
        BindingInfo { node: found.path, bookkeeper_zookeepers, ledgers_path, federated, first_segment };
    let info = NamespaceInfo { driver: "bookkeeper", binding: Some(binding), ..NamespaceInfo::default() };
    let metadata = opening::metadata(&sessions.zookeeper, place, &found.binding, options, seams);
    Ok((info, metadata, Arc::new(sessions)))
}

/// Deletes a namespace that has no logs.
pub(crate) async fn delete(place: &ClusterPlace, options: &Options) -> Result<()> {
    let sessions = Sessions::open(place, options).await?;
    let deleted = async {
        let found = manage::find(&sessions.zookeeper, &place.path).await?;
        // What is bound by a node above is not its own.
        let found = found.filter(|found| found.path == place.path).ok_or_else(|| unbound(place))?;
        let zookeeper = sessions.of_bookkeeper(&found.binding, options).await?;
        let ledgers = connection::ledgers(&zookeeper, &found.binding.ledgers_path).await?;
        manage::delete(&sessions.zookeeper, &ledgers, &place.path).await
    };
    let deleted = deleted.await;
    sessions.close().await;
    deleted
}

/// Binds a namespace, if the options say so.
async fn make(sessions: &Sessions, place: &ClusterPlace, options: &Options) -> Result<Binding> {
    let ledgers_path =
        options.ledgers_path.as_ref().filter(|_| options.create_namespace && !options.read_only);
    let ledgers_path = ledgers_path.ok_or_else(|| unbound(place))?.trim_end_matches('/');
    if !ledgers_path.starts_with('/') {
        return Err(Error::invalid_argument(
            "the option ledgers_path is no path of ZooKeeper; it starts with '/'",
        ));
    }
    let zookeepers = options.bookkeeper_zookeepers.as_ref().unwrap_or(&place.servers).replace(';', ",");
    // The most that the option may be fits.
    let first_segment = options.first_segment.and_then(|number| i64::try_from(number).ok());
    let binding = Binding::new(&place.servers, &zookeepers, ledgers_path, options.federated, first_segment);
    // Not to bind what could not be opened.
    let zookeeper = sessions.of_bookkeeper(&binding, options).await?;
    connection::ledgers(&zookeeper, ledgers_path).await?;
    match manage::bind(&sessions.zookeeper, &place.path, &binding).await {
        Ok(()) => Ok(binding),
        // Another process made it at the same time.
        Err(error) => match manage::find(&sessions.zookeeper, &place.path).await? {
            Some(found) => Ok(found.binding),
            None => Err(error),
        },
    }
}

fn unbound(place: &ClusterPlace) -> Error {
    let ClusterPlace { servers, path } = place;
    let uri = format!("distributedlog://{}{path}", servers.replace(',', ";"));
    Error::not_found(format!(
        "there is no namespace at {path}; make one with: dl namespace create --ns '{uri}' --ledgers-path /ledgers"
    ))
    .with("uri", uri)
}
