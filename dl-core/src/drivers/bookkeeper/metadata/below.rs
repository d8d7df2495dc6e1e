//! Watches of a name anywhere below a path: of each node on the way there, the list of children is followed.
//!
//! Nodes of the name itself are not looked into: below the root of a log no log stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::super::error::from_cluster;
use super::{Inner, until_answered};
use crate::seams::{BoxFuture, Seams};

/// Watches for nodes called `name` below this path of ZooKeeper.
pub(super) fn watch(inner: &Arc<Inner>, path: String, name: &str) -> watch::Receiver<()> {
    let (told, receiver) = watch::channel(());
    let search =
        Search { zookeeper: inner.zookeeper.clone(), seams: inner.seams.clone(), name: name.into(), told };
    let (wanted, until) = watch::channel(());
    inner.seams.tasks.spawn(Box::pin(async move {
        let _wanted = wanted;
        Arc::new(search).follow(path, until).await;
    }));
    receiver
}

struct Search {
    zookeeper: dl_bookkeeper::ZooKeeper,
    seams: Seams,
    name: Box<str>,
    told: watch::Sender<()>,
}

impl Search {
    /// Follows a node, which may come and go, until the other end of `until` is gone or nobody wants to know.
    fn follow(self: Arc<Self>, path: String, mut until: watch::Receiver<()>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let mut watch = self.zookeeper.watch(&path);
            let mut below: BTreeMap<String, watch::Sender<()>> = BTreeMap::new();
            loop {
                let children = || async { self.zookeeper.children(&path).await.map_err(from_cluster) };
                let read = tokio::select! {
                    read = until_answered(&self.seams, children) => read,
                    _ = until.changed() => return,
                    () = self.told.closed() => return,
                };
                let Ok(names) = read else { return };
                let mut names = names.unwrap_or_default();
                names.retain(|name| **name != *self.name);
                below.retain(|name, _| names.binary_search(name).is_ok());
                for name in names {
                    let place = format!("{}/{name}", path.trim_end_matches('/'));
                    below.entry(name).or_insert_with(|| {
                        let (wanted, until) = watch::channel(());
                        self.seams.tasks.spawn(self.clone().follow(place, until));
                        wanted
                    });
                }
                // At first, too: what was there already may be what came since the watch was made.
                self.told.send_replace(());
                tokio::select! {
                    // An error says that the session is closed.
                    told = watch.changed() => if told.is_err() { return },
                    _ = until.changed() => return,
                    () = self.told.closed() => return,
                }
            }
        })
    }
}
