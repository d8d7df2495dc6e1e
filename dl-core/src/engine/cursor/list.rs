//! All cursors of a log.

use std::sync::Arc;

use crate::engine::Engine;
use crate::error::Result;
use crate::types::{CursorName, Dlsn, LogName};

use super::Place;

/// A cursor as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CursorInfo {
    /// Its name.
    pub name: CursorName,
    /// The record that was processed last; `None` if it was never moved.
    pub position: Option<Dlsn>,
    /// How the locked reader that has it named itself, if there is one.
    pub owner: Option<String>,
}

/// See [`crate::Log::cursors`].
pub(crate) async fn list(engine: &Arc<Engine>, log: &LogName) -> Result<Vec<CursorInfo>> {
    let metadata = &*engine.stores.metadata;
    let log = Place::find(engine, log, None).await?;
    let mut cursors = Vec::new();
    for child in metadata.children(&log.paths.cursors()).await?.unwrap_or_default() {
        // A node that no cursor can be named like is not ours.
        let Ok(name) = CursorName::new(&child.name) else { continue };
        // One that is gone was deleted since it was listed.
        let Some(node) = metadata.get(&log.paths.cursor(&name)).await? else { continue };
        let place = Place { cursor: Some(name.clone()), ..log.clone() };
        let owner = metadata.lock_owner(&place.lock_path()).await?;
        cursors.push(CursorInfo { position: place.parse(&node)?, name, owner });
    }
    Ok(cursors)
}
