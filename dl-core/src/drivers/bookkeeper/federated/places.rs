//! Where logs are, where new ones are made, and commits that make them.

use std::collections::{BTreeMap, BTreeSet};

use dl_bookkeeper::{Applied, NodeMode};

use super::super::error::from_cluster;
use super::{Child, Inner, Op, Outcome, PREFIX, Place, Refusal, SUBNAMESPACES, first_name};
use crate::error::{Error, Result};
use crate::metadata::MetadataStore;

impl Inner {
    /// Where a name is, as it was found before or is found now.
    pub(super) async fn place(&self, name: &str) -> Result<Place> {
        let known = self.known().get(name).cloned();
        match known {
            Some(below) => Ok(Place { below: Some(below), sure: false }),
            None => Ok(Place { below: self.locate(name).await?, sure: true }),
        }
    }

    /// Looks a name up in every sub-namespace.
    ///
    /// # Errors
    /// `corrupt` if it is in more than one.
    pub(super) async fn locate(&self, name: &str) -> Result<Option<String>> {
        let mut places = vec![String::new()];
        places.extend(self.subnamespaces().await?);
        let paths: Vec<String> = places.iter().map(|place| format!("{}{place}/{name}", self.root)).collect();
        let states = self.zookeeper.states(&paths).await.map_err(from_cluster)?;
        let found: Vec<String> = places
            .into_iter()
            .zip(states)
            .filter(|(_, state)| state.is_some())
            .map(|(place, _)| place)
            .collect();
        match &found[..] {
            [] => {
                self.known().remove(name);
                Ok(None)
            }
            [place] => {
                self.known().insert(name.to_owned(), place.clone());
                Ok(Some(place.clone()))
            }
            [one, other, ..] => {
                Err(Error::corrupt("a log is in two sub-namespaces; delete one of them by hand")
                    .with("log", name)
                    .with("node", format_args!("{}{one}/{name}", self.root))
                    .with("other_node", format_args!("{}{other}/{name}", self.root)))
            }
        }
    }

    /// The paths of the sub-namespaces, oldest first.
    pub(super) async fn subnamespaces(&self) -> Result<Vec<String>> {
        let children = self.metadata.children(SUBNAMESPACES).await?.ok_or_else(|| self.incomplete())?;
        let named = children.into_iter().filter(|child| child.name.starts_with(PREFIX));
        Ok(named.map(|child| format!("{SUBNAMESPACES}/{}", child.name)).collect())
    }

    /// What lies directly below the namespace, wherever it stands.
    pub(super) async fn logs(&self) -> Result<Vec<Child>> {
        let mut places = vec!["/".to_owned()];
        places.extend(self.subnamespaces().await?);
        let mut names = BTreeSet::new();
        for place in places {
            let children = self.metadata.children(&place).await?.unwrap_or_default();
            names.extend(children.into_iter().map(|child| child.name).filter(|name| !name.starts_with('.')));
        }
        Ok(names.into_iter().map(|name| Child { name }).collect())
    }

    /// Commits operations on the nodes of logs, where these are, and where they are to be if they are made.
    pub(super) async fn commit(&self, ops: &[Op]) -> Result<Outcome> {
        let mut sure = false;
        loop {
            // Read before any name is looked up: whoever makes a log meanwhile changes it.
            let all = self.metadata.get(SUBNAMESPACES).await?.ok_or_else(|| self.incomplete())?;
            let (mut moved, chosen) = self.plan(ops, sure).await?;
            let making = usize::from(chosen.is_some());
            if let Some(chosen) = chosen {
                moved.insert(0, Op::set(SUBNAMESPACES, format!("{}{chosen}", self.root), all.version));
            }
            match self.metadata.commit(&moved).await? {
                Outcome::Committed(mut versions) => {
                    versions.drain(..making);
                    return Ok(Outcome::Committed(versions));
                }
                Outcome::Refused(refusal) if sure && refusal.index >= making => {
                    return Ok(Outcome::Refused(Refusal { index: refusal.index - making, ..refusal }));
                }
                // A log was made meanwhile, perhaps of this name, or one was made anew somewhere else.
                Outcome::Refused(_) => sure = true,
            }
        }
    }

    /// The operations with the paths that their nodes have, and the sub-namespace in which something is made, if so.
    async fn plan(&self, ops: &[Op], sure: bool) -> Result<(Vec<Op>, Option<String>)> {
        let mut moved = Vec::with_capacity(ops.len() + 1);
        let mut places: BTreeMap<&str, String> = BTreeMap::new();
        let mut chosen = None;
        for op in ops {
            let name = first_name(op.path())?.unwrap_or_default();
            let known = match places.get(name) {
                Some(place) => Some(place.clone()),
                None if name.is_empty() => Some(String::new()),
                None if sure => self.locate(name).await?,
                None => self.place(name).await?.below,
            };
            let place = match (known, op) {
                (Some(place), _) => place,
                (None, Op::Create { .. }) => match &chosen {
                    Some(chosen) => String::clone(chosen),
                    None => chosen.insert(self.choose().await?).clone(),
                },
                // It is not there, and refused wherever it is sent.
                (None, _) => String::new(),
            };
            moved.push(place_op(op, &place));
            places.insert(name, place);
        }
        Ok((moved, chosen))
    }

    /// A sub-namespace with room: the newest that has some, or a new one.
    async fn choose(&self) -> Result<String> {
        let mut places = vec![String::new()];
        places.extend(self.subnamespaces().await?);
        for place in places.into_iter().rev() {
            if self.has_room(&place).await? {
                return Ok(place);
            }
        }
        let path = format!("{}{SUBNAMESPACES}/{PREFIX}", self.root);
        match self.zookeeper.create(&path, b"", NodeMode::PersistentSequential).await.map_err(from_cluster)? {
            Applied::Done((path, _)) => Ok(path[self.root.len()..].to_owned()),
            Applied::Refused(..) => Err(self.incomplete()),
        }
    }

    async fn has_room(&self, place: &str) -> Result<bool> {
        let path = format!("{}{place}", self.root);
        let count = self.zookeeper.child_count(&path).await.map_err(from_cluster)?.unwrap_or(0);
        if u64::try_from(count).unwrap_or(u64::MAX) < self.most {
            return Ok(true);
        }
        // Not all of them need be logs.
        let names = self.zookeeper.children(&path).await.map_err(from_cluster)?.unwrap_or_default();
        let logs = names.iter().filter(|name| !name.starts_with('.')).count();
        Ok(u64::try_from(logs).unwrap_or(u64::MAX) < self.most)
    }

    fn incomplete(&self) -> Error {
        Error::corrupt("the namespace is bound as a federated one, and lacks the node of its sub-namespaces")
            .with("node", format_args!("{}{SUBNAMESPACES}", self.root))
    }
}

/// The same operation below a sub-namespace.
fn place_op(op: &Op, below: &str) -> Op {
    let mut placed = op.clone();
    match &mut placed {
        Op::Create { path, .. } | Op::Set { path, .. } | Op::Delete { path, .. } | Op::Check { path, .. } => {
            path.insert_str(0, below);
        }
    }
    placed
}
