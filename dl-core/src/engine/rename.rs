//! Gives a log another name: all its nodes move in one commit, its segments stay where they are.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::metadata::{Expect, MetadataStore, Op, Outcome, Takeover};
use crate::types::LogName;

use super::Engine;
use super::delete::{base_op, below};
use super::layout::{self, LogPaths, require};
use super::lock::HeldLock;
use super::open::not_taken;

const ATTEMPTS: usize = 20;

/// Renames the log, cursors and the user's metadata included; logs below its name stay where they are.
///
/// # Errors
/// `locked` while a writer or a locked reader holds the log; `already-exists` if there is a log of the new name.
pub(crate) async fn rename(engine: &Arc<Engine>, from: &LogName, to: &LogName) -> Result<()> {
    let metadata = &engine.stores.metadata;
    let paths = LogPaths::new(from);
    require(&**metadata, from, &paths.ledgers()).await?;
    let lock = match HeldLock::take(engine, &paths.lock(), Takeover::Never).await {
        Ok(lock) => lock,
        Err(error) => return Err(not_taken(engine, from, error).await),
    };
    match attempt(engine, from, to, &lock).await {
        Ok(()) => {
            lock.forget();
            Ok(())
        }
        Err(error) => {
            // Not in the background: the caller's next try is not to find this one.
            let _best_effort = lock.release().await;
            Err(error)
        }
    }
}

async fn attempt(engine: &Engine, from: &LogName, to: &LogName, lock: &HeldLock) -> Result<()> {
    let metadata = &*engine.stores.metadata;
    for _ in 0..ATTEMPTS {
        if layout::exists(metadata, to).await? {
            return Err(Error::already_exists("there is a log of the new name").with("log", to));
        }
        let ops = moves(metadata, from, to, lock).await?;
        if let Outcome::Committed(_) = metadata.commit(&ops).await? {
            return Ok(());
        }
        if !lock.is_held().await? {
            return Err(Error::locked("a writer took the log while it was being renamed").with("log", from));
        }
    }
    Err(Error::unavailable("the log changes too fast to be renamed; try again").with("log", from))
}

/// The commit that moves every node of the log.
async fn moves(
    metadata: &dyn MetadataStore,
    from: &LogName,
    to: &LogName,
    lock: &HeldLock,
) -> Result<Vec<Op>> {
    let (old, new) = (LogPaths::new(from), LogPaths::new(to));
    let base = require(metadata, from, old.base()).await?;
    let mut ops = vec![lock.check()];
    for path in new.ancestors_and_base() {
        let data = if path == new.base() { base.data.clone() } else { Bytes::new() };
        match metadata.get(&path).await? {
            None => ops.push(Op::create(path, data)),
            Some(node) if path == new.base() => ops.push(Op::set(path, data, node.version)),
            Some(_) => {}
        }
    }
    let nodes = below(metadata, old.root()).await?;
    let mut deletes = Vec::with_capacity(nodes.len());
    for path in &nodes {
        let node = require(metadata, from, path).await?;
        deletes.push(Op::delete(path, node.version));
        match path.rsplit_once('/') {
            Some((parent, _)) if parent == old.lock() => {
                if !lock.is_member(path) {
                    return Err(held(from));
                }
            }
            Some((parent, _)) if old.is_read_lock(parent) => return Err(held(from)),
            _ => {
                let moved = format!("{}{}", new.root(), &path[old.root().len()..]);
                ops.push(Op::create(moved, node.data));
            }
        }
    }
    ops.extend(deletes.into_iter().rev());
    // The new name may lie below the old one, which then stays as its ancestor.
    ops.push(if new.base().starts_with(&format!("{}/", old.base())) {
        Op::Set { path: old.base().to_owned(), data: Bytes::new(), expect: Expect::Any }
    } else {
        base_op(metadata, &old).await?
    });
    Ok(ops)
}

fn held(log: &LogName) -> Error {
    Error::locked("a writer or a reader holds the log; rename it when they are gone").with("log", log)
}
