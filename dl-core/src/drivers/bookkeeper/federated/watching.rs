//! Watches of nodes whose sub-namespace is only found out, and may be another one later.

use std::sync::Arc;

use tokio::sync::watch;

use super::super::metadata::until_answered;
use super::{Inner, SUBNAMESPACES};
use crate::error::Result;
use crate::metadata::{MetadataStore, Watch};

/// Watches a node of the log of this first name.
pub(super) fn watch(inner: &Arc<Inner>, name: &str, path: &str) -> watch::Receiver<()> {
    let path = path.to_owned();
    follow(inner, name, move |inner, below| inner.metadata.watch(&format!("{below}{path}")))
}

/// Watches for nodes of a name anywhere below a node.
pub(super) fn watch_below(inner: &Arc<Inner>, first: &str, path: &str, name: &str) -> watch::Receiver<()> {
    let (path, name) = (path.to_owned(), name.to_owned());
    follow(inner, first, move |inner, below| inner.metadata.watch_below(&format!("{below}{path}"), &name))
}

/// Follows what a watch made in the right sub-namespace tells.
fn follow(
    inner: &Arc<Inner>,
    name: &str,
    make: impl Fn(&Inner, &str) -> Result<Watch> + Send + Sync + 'static,
) -> watch::Receiver<()> {
    let (told, receiver) = watch::channel(());
    let (inner, name) = (inner.clone(), name.to_owned());
    let tasks = inner.seams.tasks.clone();
    tasks.spawn(Box::pin(async move {
        loop {
            // The namespace is closed if this fails: then the next read says so, too.
            let Ok(mut made) = inner.metadata.watch(SUBNAMESPACES) else { return };
            let below = tokio::select! {
                below = until_answered(&inner.seams, || inner.locate(&name)) => below,
                () = told.closed() => return,
            };
            let Ok(below) = below else { return };
            let watched = match &below {
                Some(below) => make(&inner, below),
                None => Ok(made.clone()),
            };
            let Ok(mut watched) = watched else { return };
            // What changed since the call was made would be lost otherwise.
            told.send_replace(());
            loop {
                tokio::select! {
                    () = watched.changed() => {}
                    // Where it is once found it stays, while it is there.
                    () = made.changed(), if below.is_none() => break,
                    () = told.closed() => return,
                }
                told.send_replace(());
                if below.is_some() && !inner.locate(&name).await.is_ok_and(|now| now == below) {
                    break;
                }
            }
        }
    }));
    receiver
}
