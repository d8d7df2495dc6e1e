//! Builds without the feature `bookkeeper`: such a namespace is refused.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::metadata::MetadataStore;
use crate::options::{ClusterPlace, Options};
use crate::seams::Seams;
use crate::store::{SegmentExaminer, StoreSession, Stores};
use crate::types::NamespaceInfo;

pub(crate) async fn open(place: &ClusterPlace, _: &Options, _: &Seams) -> Result<Stores> {
    Err(absent(place))
}

pub(crate) async fn verify(
    place: &ClusterPlace,
    _: &Options,
    _: &Seams,
) -> Result<(Stores, Arc<dyn SegmentExaminer>)> {
    Err(absent(place))
}

pub(crate) async fn inspect(
    place: &ClusterPlace,
    _: &Options,
    _: &Seams,
) -> Result<(NamespaceInfo, Arc<dyn MetadataStore>, Arc<dyn StoreSession>)> {
    Err(absent(place))
}

pub(crate) async fn delete(place: &ClusterPlace, _: &Options) -> Result<()> {
    Err(absent(place))
}

fn absent(place: &ClusterPlace) -> Error {
    let message =
        "this build has no driver for distributedlog: namespaces; build dl-core with the feature bookkeeper";
    Error::unsupported(message).with("node", &place.path).with("servers", &place.servers)
}
