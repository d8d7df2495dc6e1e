//! Locks, taken as DistributedLog takes them: members queue up below the lock's node, and the first one owns it.
//!
//! A member lives as long as the session that made it. It is not made again in the next one: its lock is lost.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use dl_bookkeeper::{Applied, ErrorKind as ClusterErrorKind, NodeMode, NodeRefusal, NodeState};
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::super::error::from_cluster;
use super::members::{self, Joining};
use super::{Inner, member, version};
use crate::error::{Error, Result};
use crate::metadata::lock::{held, unwanted};
use crate::metadata::{Lock, Takeover};
use crate::seams::BoxFuture;

/// Takes the lock whose members stand below `path`.
pub(super) async fn take(
    inner: &Arc<Inner>,
    path: &str,
    owner: &str,
    takeover: Takeover,
    gone: BoxFuture<'_, ()>,
) -> Result<Lock> {
    let attempt =
        Attempt { inner: inner.clone(), place: inner.place(path)?, owner: owner.to_owned(), takeover };
    let (send, mut receive) = oneshot::channel();
    // Dropped by a caller who wants it no more.
    let (wanted, mut caller) = oneshot::channel::<Infallible>();
    // A member that is being made when its maker no longer wants it has to go once it is there.
    inner.seams.tasks.spawn(Box::pin(async move {
        let taken = attempt.run(&mut caller).await;
        if let Err(Ok(unwanted)) = send.send(taken) {
            attempt.leave(&unwanted).await;
        }
    }));
    let taken = tokio::select! {
        biased;
        taken = &mut receive => taken,
        () = gone => {
            drop(wanted);
            // Its member has gone then.
            receive.await
        }
    };
    let member = taken.map_err(|_| Error::closed("the runtime ended while a lock was being taken"))??;
    Ok(Lock { path: member.place[inner.root.len()..].to_owned(), version: version(member.state) })
}

/// A member of ours.
struct Member {
    place: String,
    name: String,
    state: NodeState,
}

struct Attempt {
    inner: Arc<Inner>,
    place: String,
    owner: String,
    takeover: Takeover,
}

impl Attempt {
    async fn run(&self, caller: &mut oneshot::Receiver<Infallible>) -> Result<Member> {
        if self.takeover == Takeover::Never
            && let Some(owner) = self.inner.owner(&self.place).await?
        {
            return Err(held(&owner));
        }
        let patience = match self.takeover {
            Takeover::Wait(patience) => patience,
            _ => Duration::ZERO,
        };
        let mut enough = self.inner.seams.clock.sleep(patience);
        loop {
            let member = self.join().await?;
            if let Some(member) = self.settle(member, &mut enough, caller).await? {
                return Ok(member);
            }
        }
    }

    /// Sees what a member gets to; none if another has to take its place.
    async fn settle(
        &self,
        member: Member,
        enough: &mut BoxFuture<'static, ()>,
        caller: &mut oneshot::Receiver<Infallible>,
    ) -> Result<Option<Member>> {
        match self.pass(&member, enough, caller).await {
            Ok(Passed::First) if self.is_current(&member) => Ok(Some(member)),
            // Servers may keep a session for a while that is over here: its lock would be lost as soon as it was taken.
            Ok(Passed::First) => {
                self.leave(&member).await;
                Ok(None)
            }
            // Another one took it by force since, which came later.
            Ok(Passed::Gone) if self.takeover == Takeover::Force && self.is_current(&member) => {
                Ok(Some(member))
            }
            // So it did, or its session ended meanwhile.
            Ok(Passed::Gone) => Ok(None),
            Err(error) => {
                self.leave(&member).await;
                Err(error)
            }
        }
    }

    /// Gets a member to the front of the queue.
    async fn pass(
        &self,
        member: &Member,
        enough: &mut BoxFuture<'static, ()>,
        caller: &mut oneshot::Receiver<Infallible>,
    ) -> Result<Passed> {
        loop {
            let Some(mut ahead) = self.ahead(member).await? else { return Ok(Passed::Gone) };
            // Whoever joined after the caller went is none of those ahead that are deleted below.
            if caller.try_recv() == Err(TryRecvError::Closed) {
                return Err(unwanted());
            }
            let Some(next) = ahead.pop() else { return Ok(Passed::First) };
            match self.takeover {
                Takeover::Force => {
                    ahead.push(next);
                    for name in ahead {
                        let place = format!("{}/{name}", self.place);
                        self.inner.zookeeper.delete(&place).await.map_err(from_cluster)?;
                    }
                }
                // Somebody else came first since it was free.
                Takeover::Never => {
                    if let Some(owner) = self.inner.owner(&self.place).await? {
                        return Err(held(&owner));
                    }
                }
                Takeover::Wait(_) => {
                    let place = format!("{}/{next}", self.place);
                    let mut watch = self.inner.zookeeper.watch(&place);
                    if self.inner.zookeeper.state(&place).await.map_err(from_cluster)?.is_none() {
                        continue;
                    }
                    tokio::select! {
                        // An error says that the session is closed, and the next call does.
                        _ = watch.changed() => {}
                        () = &mut *enough => {
                            let owner = self.inner.owner(&self.place).await?;
                            return Err(held(owner.as_deref().unwrap_or("another")));
                        }
                        _ = &mut *caller => return Err(unwanted()),
                    }
                }
            }
        }
    }

    /// Whether the session that there is now made it.
    fn is_current(&self, member: &Member) -> bool {
        self.inner.zookeeper.session_id() == Some(member.state.session)
    }

    /// The members before this one, in order; `None` if it is not there.
    async fn ahead(&self, member: &Member) -> Result<Option<Vec<String>>> {
        let Some(names) = self.inner.queue(&self.place).await? else { return Ok(None) };
        let place = names.iter().position(|name| *name == member.name);
        Ok(place.map(|place| names[..place].to_vec()))
    }

    /// Joins the queue.
    async fn join(&self) -> Result<Member> {
        loop {
            let session = self.inner.zookeeper.session_id();
            let name = member::name(&self.owner, session.unwrap_or_default());
            let place = format!("{}/{name}", self.place);
            let joining = Joining::begin(&self.inner, &place, session);
            let made =
                self.inner.zookeeper.create(&place, self.owner.as_bytes(), NodeMode::EphemeralSequential);
            match made.await {
                Ok(Applied::Done((place, state))) => {
                    let name = place[self.place.len() + 1..].to_owned();
                    let member = Member { place, name, state };
                    joining.made(&member.place);
                    if Some(state.session) == session {
                        return Ok(member);
                    }
                    // Another session than the one in its name made it.
                    self.leave(&member).await;
                }
                Ok(Applied::Refused(_, NodeRefusal::Missing)) => {
                    let message = "the node of a lock does not exist; it may have been deleted";
                    return Err(Error::not_found(message).with("node", &self.place));
                }
                Ok(Applied::Refused(_, refusal)) => {
                    return Err(Error::internal(format!(
                        "ZooKeeper refused the member of a lock: {refusal:?}"
                    )));
                }
                Err(error) if error.may_have_taken_effect() => {
                    drop(joining);
                    if error.kind() != ClusterErrorKind::Unavailable {
                        members::sweep_later(&self.inner, &place, session);
                        return Err(from_cluster(error));
                    }
                    let swept = self.inner.sweep(&place).await;
                    if !matches!(swept, Ok(true)) {
                        members::sweep_later(&self.inner, &place, session);
                    }
                    swept?;
                }
                Err(error) => return Err(from_cluster(error)),
            }
        }
    }

    /// Takes a member back.
    async fn leave(&self, member: &Member) {
        self.inner.leave(&member.place, member.state.session).await;
    }
}

/// Where a member got to.
enum Passed {
    First,
    Gone,
}

impl Inner {
    /// Who owns the lock whose members stand below this path of ZooKeeper, as it named itself.
    pub(super) async fn owner(&self, place: &str) -> Result<Option<String>> {
        loop {
            let queue = self.queue(place).await?.unwrap_or_default();
            let Some(first) = queue.first() else { return Ok(None) };
            if let Some(owner) = member::owner(first) {
                return Ok(Some(owner));
            }
            let found = self.zookeeper.get(&format!("{place}/{first}")).await.map_err(from_cluster)?;
            if let Some((data, _)) = found {
                return Ok(Some(String::from_utf8_lossy(&data).into_owned()));
            }
        }
    }

    /// The members of a lock in order, without those that can never own it; `None` without the lock's node.
    pub(super) async fn queue(&self, place: &str) -> Result<Option<Vec<String>>> {
        let names = self.zookeeper.children(place).await.map_err(from_cluster)?;
        Ok(names.map(|mut names| {
            names.retain(|name| name.starts_with(member::PREFIX) && member::number(name).is_some());
            names.sort_by_key(|name| member::number(name));
            names
        }))
    }
}

#[cfg(test)]
mod tests {
    use dl_cluster::Cluster;

    use super::super::super::tests::{OnZooKeeper, connect};
    use super::super::ZooKeeperMetadata;
    use super::*;
    use crate::metadata::Op;
    use crate::seams::Seams;
    use crate::testing::stores::{Fixture, commit};

    #[tokio::test]
    async fn a_member_of_another_session_than_there_is_now_takes_no_lock() {
        let fixture = OnZooKeeper::new();
        let stores = fixture.open().await;
        commit(&*stores.metadata, &[Op::create("/lock", "")]).await;
        let seams = Seams::system().unwrap();
        // The servers keep the one before.
        let (before, now) =
            (connect(Cluster::shared_zookeeper()).await, connect(Cluster::shared_zookeeper()).await);
        let inner = ZooKeeperMetadata::new(now, &fixture.root, &seams).inner;
        let place = format!("{}/lock", fixture.root);
        let prefix = format!("{place}/{}", member::name("one", before.session_id().unwrap()));
        let made = before.create(&prefix, b"one", NodeMode::EphemeralSequential).await;
        let Ok(Applied::Done((made, state))) = made else { panic!("{made:?}") };
        let member = Member { name: made[place.len() + 1..].to_owned(), place: made, state };

        let attempt = Attempt { inner, place, owner: "one".to_owned(), takeover: Takeover::Force };
        let (_wanted, mut caller) = oneshot::channel();
        let mut enough = seams.clock.sleep(Duration::ZERO);
        assert!(attempt.settle(member, &mut enough, &mut caller).await.unwrap().is_none());
        assert_eq!(stores.metadata.children("/lock").await.unwrap().unwrap(), []);
    }
}
