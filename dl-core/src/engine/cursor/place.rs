//! Where a cursor or the lock of a reader belongs: one incarnation of one log.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::layout::{self, LogPaths};
use crate::error::{Error, ErrorKind, Result};
use crate::metadata::{Node, Op};
use crate::types::{CursorName, Dlsn, LogName};

/// One incarnation of a log, and a cursor of it, if it is about one.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) engine: Arc<Engine>,
    pub(super) log: LogName,
    pub(super) paths: LogPaths,
    pub(super) cursor: Option<CursorName>,
    pub(super) incarnation: u64,
}

impl Place {
    /// The place in the log as it is now.
    ///
    /// # Errors
    /// `not-found` if there is no such log.
    pub(super) async fn find(
        engine: &Arc<Engine>,
        log: &LogName,
        cursor: Option<&CursorName>,
    ) -> Result<Self> {
        let incarnation = layout::incarnation(&*engine.stores.metadata, log).await?;
        let (engine, log, paths) = (engine.clone(), log.clone(), LogPaths::new(log));
        Ok(Self { engine, log, paths, cursor: cursor.cloned(), incarnation })
    }

    /// The node whose children are the members of the lock.
    pub(super) fn lock_path(&self) -> String {
        match &self.cursor {
            None => self.paths.read_lock(),
            Some(name) => self.paths.cursor_lock(name),
        }
    }

    /// The node that stands for the log.
    ///
    /// # Errors
    /// `not-found` if it is gone, or another since.
    pub(super) async fn require_log(&self) -> Result<Node> {
        let metadata = &*self.engine.stores.metadata;
        let found = layout::require_same(metadata, &self.log, Some(self.incarnation)).await;
        found.map_err(|error| self.about(error))
    }

    /// The operation that makes the parent of the cursors, if there is none.
    pub(super) async fn missing_parent(&self) -> Result<Option<Op>> {
        let path = self.paths.cursors();
        let there = self.engine.stores.metadata.get(&path).await?.is_some();
        Ok((!there).then(|| Op::create(path, "")))
    }

    /// The position that a cursor's node holds; `None` if it holds none.
    ///
    /// # Errors
    /// `corrupt` if it holds something else.
    pub(super) fn parse(&self, node: &Node) -> Result<Option<Dlsn>> {
        if node.data.is_empty() {
            return Ok(None);
        }
        let position = str::from_utf8(&node.data).ok().and_then(|text| Dlsn::from_base64(text).ok());
        position.map(Some).ok_or_else(|| {
            let data = node.data[..node.data.len().min(50)].escape_ascii();
            self.about(Error::corrupt("the node of a cursor holds no position; reset the cursor"))
                .with("data", data)
        })
    }

    /// Says in an error where it happened.
    pub(super) fn about(&self, error: Error) -> Error {
        let error = error.with("log", &self.log);
        match &self.cursor {
            None => error,
            Some(name) => error.with("cursor", name),
        }
    }

    /// The error for whom this owner of the lock stands in the way of.
    pub(super) fn held(&self, owner: &str) -> Error {
        let message = match self.cursor {
            None => "another reader holds the read lock of the log; wait for it, or take it over by force",
            Some(_) => {
                "a locked reader has the cursor; wait for it, or open a locked reader that takes it by force"
            }
        };
        self.about(Error::locked(message).with("owner", owner))
    }

    /// The error for a locked reader whose lock is gone.
    pub(super) async fn cut_off(&self) -> Error {
        if let Err(error) = self.require_log().await
            && error.kind() == ErrorKind::NotFound
        {
            return error;
        }
        let message = "the reader lost its lock to another, or was closed; open a locked reader to go on";
        let error = self.about(Error::fenced(message));
        match self.engine.stores.metadata.lock_owner(&self.lock_path()).await {
            Ok(Some(owner)) => error.with("owner", owner),
            Ok(None) | Err(_) => error,
        }
    }
}
