//! Lists the logs of a namespace.

use std::collections::VecDeque;

use crate::error::Result;
use crate::metadata::MetadataStore;
use crate::types::LogName;

/// The least and the most names that are read at once.
const PAGE: (usize, usize) = (16, 1_000);

/// A log that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: LogName,
    /// See [`crate::LogInfo::incarnation`].
    pub(crate) incarnation: u64,
}

/// Logs in byte order of their names: those below `prefix` (all, if it is empty) and behind `after`, at most `limit`.
///
/// What lies in front of `after` is not looked at, so a page costs what it holds.
///
/// # Errors
/// `invalid-argument` for a prefix that no log can have; what the metadata fails with.
pub(crate) async fn list(
    metadata: &dyn MetadataStore,
    prefix: &str,
    after: Option<&LogName>,
    limit: usize,
) -> Result<Vec<Listed>> {
    let prefix = LogName::prefix(prefix)?;
    let directory = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let after = after.map_or("", LogName::as_str);
    let mut walk = Walk { metadata, after, page: limit.clamp(PAGE.0, PAGE.1), levels: Vec::new() };
    walk.enter(directory).await?;
    let mut found = Vec::new();
    while found.len() < limit {
        let Some(name) = walk.next().await? else { break };
        if let Some(ledgers) = metadata.get(&format!("/{name}/<default>/ledgers")).await?
            // A node that no log can be named like is not ours.
            && let Ok(name) = LogName::new(&name)
        {
            found.push(Listed { name, incarnation: ledgers.version.created });
        }
    }
    Ok(found)
}

/// Goes through the nodes that may be logs, in byte order of their full names.
struct Walk<'a> {
    metadata: &'a dyn MetadataStore,
    after: &'a str,
    page: usize,
    /// From the prefix down to where it is.
    levels: Vec<Level>,
}

/// The nodes directly below one, and what lies below these.
struct Level {
    /// The name of the node and `/`; empty for the root.
    directory: String,
    /// The last child that was read.
    read: Option<String>,
    ended: bool,
    /// Children that were read and not passed.
    ahead: VecDeque<String>,
    /// Children that were passed, with names below them still to come. What lies below `a` comes behind `a-b`, since `/`
    /// sorts behind `-`: of those in line, the longest comes first.
    passed: Vec<String>,
}

enum Step {
    Node(String),
    Below(String),
}

impl Walk<'_> {
    async fn next(&mut self) -> Result<Option<String>> {
        loop {
            let Some(level) = self.levels.last_mut() else { return Ok(None) };
            level.read_on(self.metadata, self.page).await?;
            match level.step() {
                None => drop(self.levels.pop()),
                Some(Step::Below(directory)) => self.enter(directory).await?,
                Some(Step::Node(name)) if name.as_str() > self.after => return Ok(Some(name)),
                Some(Step::Node(_)) => {}
            }
        }
    }

    /// Goes down, if any name there can lie behind `after`.
    async fn enter(&mut self, directory: String) -> Result<()> {
        let Some(rest) = self.after.strip_prefix(&*directory).filter(|rest| !rest.is_empty()) else {
            if directory.as_str() >= self.after {
                self.levels.push(Level::new(directory));
            }
            return Ok(());
        };
        let child = rest.split('/').next().unwrap_or(rest);
        let mut level = Level::new(directory);
        // These were passed before `after`, but not all that lies below them.
        let shorter =
            child.bytes().enumerate().filter(|(_, byte)| *byte < b'/').map(|(end, _)| &child[..end]);
        for name in shorter.filter(|name| !name.is_empty()).chain([child]) {
            if self.metadata.get(&format!("/{}{name}", level.directory)).await?.is_some() {
                level.passed.push(name.to_owned());
            }
        }
        level.read = Some(child.to_owned());
        self.levels.push(level);
        Ok(())
    }
}

impl Level {
    fn new(directory: String) -> Self {
        Self { directory, read: None, ended: false, ahead: VecDeque::new(), passed: Vec::new() }
    }

    async fn read_on(&mut self, metadata: &dyn MetadataStore, page: usize) -> Result<()> {
        let top = self.directory.is_empty();
        let reserved = |name: &str| name.starts_with('<') || (top && name.starts_with('.'));
        while self.ahead.is_empty() && !self.ended {
            let path = format!("/{}", self.directory.trim_end_matches('/'));
            let children = metadata.children_after(&path, self.read.as_deref(), page).await?;
            let children = children.unwrap_or_default();
            self.ended = children.len() < page;
            self.read = children.last().map(|child| child.name.clone()).or(self.read.take());
            let names = children.into_iter().map(|child| child.name);
            self.ahead = names.filter(|name| !reserved(name)).collect();
        }
        Ok(())
    }

    fn step(&mut self) -> Option<Step> {
        let before = |name: &String, child: &String| name.bytes().chain([b'/']).lt(child.bytes());
        let next = self.ahead.front();
        let below = self.passed.last().filter(|name| next.is_none_or(|child| before(name, child))).is_some();
        if below {
            let name = self.passed.pop()?;
            return Some(Step::Below(format!("{}{name}/", self.directory)));
        }
        let child = self.ahead.pop_front()?;
        let name = format!("{}{child}", self.directory);
        self.passed.push(child);
        Some(Step::Node(name))
    }
}
