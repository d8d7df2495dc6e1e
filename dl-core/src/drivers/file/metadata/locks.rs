//! Locks as nodes: the member that was created first owns the lock, and goes with its session.

use std::time::Duration;

use super::FileMetadata;
use crate::error::{Error, Result};
use crate::metadata::{Lock, MetadataStore, NodePath, Op, Outcome, Session, Takeover, Version};

/// How often a waiter looks whether the owner's process still lives, which nothing tells it.
const LOOK: Duration = Duration::from_millis(50);

/// A member of a lock whose process lives.
pub(super) struct Member {
    pub(super) path: String,
    pub(super) owner: String,
    version: Version,
}

impl FileMetadata {
    /// The members of a lock whose processes live, the owner first.
    pub(super) fn members(&self, path: &str) -> Result<Vec<Member>> {
        let state = self.current()?;
        let alive = |session| self.is_alive(session);
        let Some(children) = state.tree.children(NodePath::new(path)?, alive) else {
            return Err(Error::not_found("the log does not exist, or was deleted"));
        };
        let mut members = Vec::with_capacity(children.len());
        for child in children {
            let path = format!("{path}/{}", child.name);
            let Some(node) = state.tree.get(NodePath::new(&path)?, alive) else { continue };
            let owner = String::from_utf8_lossy(&node.data).into_owned();
            members.push(Member { path, owner, version: node.version });
        }
        members.sort_by_key(|member| member.version.created);
        Ok(members)
    }

    /// Takes a lock.
    pub(super) async fn take_lock(&self, path: &str, owner: &str, takeover: Takeover) -> Result<Lock> {
        match takeover {
            Takeover::Force => self.force_lock(path, owner).await,
            Takeover::Never => self.lock_in_time(path, owner, Duration::ZERO).await,
            Takeover::Wait(time) => self.lock_in_time(path, owner, time).await,
        }
    }

    /// Deletes every member and creates ours, in one commit.
    async fn force_lock(&self, path: &str, owner: &str) -> Result<Lock> {
        loop {
            let members = self.members(path)?;
            let mut ops: Vec<Op> =
                members.into_iter().map(|member| Op::delete(member.path, member.version)).collect();
            if let Some(lock) = self.join(path, owner, &mut ops).await? {
                return Ok(lock);
            }
        }
    }

    /// Queues up behind the members that are there, until ours is the first or the time is over.
    async fn lock_in_time(&self, path: &str, owner: &str, time: Duration) -> Result<Lock> {
        let mut watch = self.watch(path);
        if let (Some(first), true) = (self.members(path)?.first(), time.is_zero()) {
            return Err(locked(first));
        }
        let lock = loop {
            if let Some(lock) = self.join(path, owner, &mut Vec::new()).await? {
                break lock;
            }
        };
        let mut waited = Duration::ZERO;
        loop {
            let members = self.members(path)?;
            let Some(first) = members.first().filter(|first| first.path != lock.path) else { break };
            if !members.iter().any(|member| member.path == lock.path) {
                return Err(locked(first));
            }
            if waited >= time {
                let refused = locked(first);
                self.commit(&[lock.release()]).await?;
                return Err(refused);
            }
            let look = LOOK.min(time - waited);
            tokio::select! {
                () = watch.changed() => {}
                () = self.seams.clock.sleep(look) => waited += look,
            }
        }
        Ok(lock)
    }

    /// Creates our member after `ops`; `None` if something changed meanwhile.
    async fn join(&self, path: &str, owner: &str, ops: &mut Vec<Op>) -> Result<Option<Lock>> {
        // Its name is DistributedLog's: client, session, and a number that no other member of ours has.
        let number = self.seams.random.next_u64();
        let member = format!("{path}/member_{}_s{}_{number:020}", encode(owner), self.session);
        ops.push(Op::create(member.clone(), owner.as_bytes().to_vec()));
        let dead = self.dead_members(path)?;
        let outcome = self.request(ops.clone(), Some(Session(self.session.into())), dead).await?;
        Ok(match outcome {
            Outcome::Committed(versions) => {
                versions.last().map(|version| Lock { path: member, version: *version })
            }
            Outcome::Refused(_) => None,
        })
    }

    /// The dead sessions that have members of a lock.
    fn dead_members(&self, path: &str) -> Result<Vec<Session>> {
        let state = self.current()?;
        let mut dead: Vec<_> =
            state.tree.owned_below(NodePath::new(path)?).map(|(_, session)| session).collect();
        dead.sort_unstable();
        dead.dedup();
        dead.retain(|session| !self.is_alive(*session));
        Ok(dead)
    }
}

fn locked(owner: &Member) -> Error {
    Error::locked("another writer holds the log; take it over with takeover=force, or wait for it")
        .with("owner", &owner.owner)
}

/// Java's form encoding: letters, digits and `. - * _` stay, a space becomes `+`, the rest `%XX`.
fn encode(owner: &str) -> String {
    owner.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                encoded.push(char::from(byte))
            }
            b' ' => encoded.push('+'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}
