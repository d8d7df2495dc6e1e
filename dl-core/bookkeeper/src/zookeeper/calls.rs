//! Calls: what reads is sent again over lost connections and sessions; what changes something is sent once.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, Timeout};
use zookeeper_client::{Client, CreateMode, Error as ClientError, MultiWriteError};

use super::errors::{self, Failure};
use super::nodes::{self, Applied, NodeChange, NodeMode, NodeRefusal, NodeState};
use super::session::{Session, State, ZooKeeper};
use crate::error::{Error, ErrorKind, Result};

/// Servers close the connection over a request that is larger, by default, so it is not sent.
const REQUEST_BYTES: usize = 1_000_000;

/// The longest that a call waits, whatever the options say: a year, which every clock can tell.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3_600);

/// About what a change takes beside path and data.
const CHANGE_BYTES: usize = 100;

impl ZooKeeper {
    /// The data and state of a node, or `None` if there is none. It sees every change that was answered anywhere before.
    pub async fn get(&self, path: &str) -> Result<Option<(Bytes, NodeState)>> {
        let found = self.read(|client| async move {
            let (synced, data) = (client.sync("/"), client.get_data(path));
            let ((), (data, stat)) = tokio::try_join!(synced, data)?;
            Ok((Bytes::from(data), stat))
        });
        let Some((data, stat)) = found.await? else { return Ok(None) };
        let state =
            NodeState::of(&stat).ok_or_else(|| Error::corrupt("ZooKeeper told no state of a node"))?;
        Ok(Some((data, state)))
    }

    /// The state of a node, or `None` if there is none. It sees every change that was answered anywhere before.
    pub async fn state(&self, path: &str) -> Result<Option<NodeState>> {
        let found = self.read(|client| async move {
            let (synced, stat) = (client.sync("/"), client.check_stat(path));
            let ((), stat) = tokio::try_join!(synced, stat)?;
            Ok(stat)
        });
        Ok(found.await?.flatten().as_ref().and_then(NodeState::of))
    }

    /// The states of nodes, as one call: `None` where there is none. It sees every change that was answered anywhere before.
    pub async fn states(&self, paths: &[String]) -> Result<Vec<Option<NodeState>>> {
        let found = self.read(|client| async move {
            let synced = client.sync("/");
            // All are on their way before the first is answered.
            let asked: Vec<_> = paths.iter().map(|path| client.check_stat(path)).collect();
            synced.await?;
            let mut states = Vec::with_capacity(asked.len());
            for stat in asked {
                states.push(stat.await?.as_ref().and_then(NodeState::of));
            }
            Ok(states)
        });
        Ok(found.await?.unwrap_or_default())
    }

    /// The names of a node's children in byte order, or `None` if there is no such node. It sees every change that was
    /// answered anywhere before.
    pub async fn children(&self, path: &str) -> Result<Option<Vec<String>>> {
        let found = self.read(|client| async move {
            let (synced, names) = (client.sync("/"), client.list_children(path));
            let ((), names) = tokio::try_join!(synced, names)?;
            Ok(names)
        });
        let mut names = found.await?;
        if let Some(names) = &mut names {
            names.sort_unstable();
        }
        Ok(names)
    }

    /// How many children a node has, or `None` if there is no such node. It sees every change that was answered anywhere
    /// before.
    pub async fn child_count(&self, path: &str) -> Result<Option<usize>> {
        let found = self.read(|client| async move {
            let (synced, stat) = (client.sync("/"), client.check_stat(path));
            let ((), stat) = tokio::try_join!(synced, stat)?;
            Ok(stat)
        });
        Ok(found.await?.flatten().map(|stat| usize::try_from(stat.num_children).unwrap_or_default()))
    }

    /// Has a server answer, once; tells the number of the session that it answered in, and how long the servers keep that
    /// without hearing of it. The answer proves that the session lived at some time after the call.
    ///
    /// # Errors
    /// `unavailable` if the connection broke or the session ended meanwhile.
    pub async fn touch(&self) -> Result<(i64, Duration)> {
        let ends = self.ends();
        let (session, mut state) = self.session(ends).await?;
        let client = session.client.clone();
        // With a sync, which the leader has a part in: a server that lost it answers reads for some time all the same, while the
        // session ends elsewhere.
        let asked = async move {
            let ((), stat) = tokio::try_join!(client.sync("/"), client.check_stat("/"))?;
            Ok(stat)
        };
        match self.once(asked, &mut state, ends).await? {
            Applied::Done(_) => Ok((session.client.session_id().0, session.client.session_timeout())),
            Applied::Refused(_, refusal) => {
                Err(Error::new(ErrorKind::MetadataStore, format!("ZooKeeper refused a read: {refusal:?}")))
            }
        }
    }

    /// Creates a node; answers its path and state.
    ///
    /// # Errors
    /// One that may have taken effect, if the connection broke.
    pub async fn create(
        &self,
        path: &str,
        data: &[u8],
        mode: NodeMode,
    ) -> Result<Applied<(String, NodeState)>> {
        check_size(path.len() + data.len())?;
        let acls = self.shared.options.acls();
        let made = self.change(|client| async move {
            let client_mode = match mode {
                NodeMode::Persistent => CreateMode::Persistent,
                NodeMode::PersistentSequential => CreateMode::PersistentSequential,
                NodeMode::EphemeralSequential => CreateMode::EphemeralSequential,
            };
            let (stat, sequence) = client.create(path, data, &client_mode.with_acls(acls)).await?;
            let path = match mode {
                NodeMode::Persistent => path.to_owned(),
                NodeMode::PersistentSequential | NodeMode::EphemeralSequential => format!("{path}{sequence}"),
            };
            Ok((path, stat))
        });
        match made.await? {
            Applied::Refused(index, refusal) => Ok(Applied::Refused(index, refusal)),
            Applied::Done((path, stat)) => {
                let state = NodeState::of(&stat);
                let state = state.ok_or_else(|| {
                    Error::new(ErrorKind::MetadataStore, "ZooKeeper is too old: 3.5 or newer is needed")
                        .maybe_effective()
                })?;
                Ok(Applied::Done((path, state)))
            }
        }
    }

    /// Replaces the data of a node in this version; answers the version it has now.
    ///
    /// # Errors
    /// One that may have taken effect, if the connection broke.
    pub async fn set(&self, path: &str, data: &[u8], version: i32) -> Result<Applied<i32>> {
        check_size(path.len() + data.len())?;
        self.change(|client| async move {
            client.set_data(path, data, Some(version)).await.map(|stat| stat.version)
        })
        .await
    }

    /// Deletes a node, whatever its version; one that is gone already is no error. Answers whether it is gone: it is not
    /// while it has children.
    pub async fn delete(&self, path: &str) -> Result<bool> {
        // Sent again as a read is: a path whose node is to go is not made anew by whoever deletes it.
        let deleted = self.repeat(|client| async move { client.delete(path, None).await });
        match deleted.await? {
            Ok(()) | Err(NodeRefusal::Missing) => Ok(true),
            Err(_) => Ok(false),
        }
    }

    /// Makes all changes in order, or none; answers the state of each node afterwards, where the server tells it.
    ///
    /// # Errors
    /// One that may have taken effect, if the connection broke; otherwise nothing was changed.
    pub async fn commit(&self, changes: &[NodeChange]) -> Result<Applied<Vec<Option<NodeState>>>> {
        check_size(changes.iter().map(size).sum())?;
        let mode = CreateMode::Persistent.with_acls(self.shared.options.acls());
        let ends = self.ends();
        let (session, mut state) = self.session(ends).await?;
        let mut writer = session.client.new_multi_writer();
        for change in changes {
            match change {
                NodeChange::Create { path, data } => writer.add_create(path, data, &mode),
                NodeChange::Set { path, data, version } => writer.add_set_data(path, data, *version),
                NodeChange::Delete { path, version } => writer.add_delete(path, *version),
                NodeChange::Check { path, version } => writer.add_check_version(path, version.unwrap_or(-1)),
            }
            .map_err(|error| self.not_sent(error))?;
        }
        let commit = writer.commit();
        let attempt = async {
            match commit.await {
                Ok(results) => Ok(Ok(results)),
                Err(MultiWriteError::OperationFailed { index, source }) => Ok(Err((index, source))),
                Err(MultiWriteError::RequestFailed { source }) => Err(source),
            }
        };
        match self.once(attempt, &mut state, ends).await? {
            Applied::Done(Ok(results)) => Ok(Applied::Done(results.iter().map(nodes::state_after).collect())),
            Applied::Done(Err((index, error))) => match Failure::of(error) {
                Failure::Refused(refusal) => Ok(Applied::Refused(index, refusal)),
                Failure::Final(error) => Err(error),
                Failure::Unknown(cause) => Err(errors::lost(cause)),
            },
            Applied::Refused(index, refusal) => Ok(Applied::Refused(index, refusal)),
        }
    }

    /// Runs a call that changes nothing until it is answered; `None` says that there is no such node.
    async fn read<'a, T, F: Future<Output = Attempt<T>>>(
        &'a self,
        call: impl Fn(Client) -> F + 'a,
    ) -> Result<Option<T>> {
        match self.repeat(call).await? {
            Ok(answer) => Ok(Some(answer)),
            Err(NodeRefusal::Missing) => Ok(None),
            Err(refusal) => {
                let message = format!("ZooKeeper refused a read: {refusal:?}");
                Err(Error::new(ErrorKind::MetadataStore, message))
            }
        }
    }

    /// Runs a call, again after each lost connection and session, until it is answered or the time is up.
    async fn repeat<T, F: Future<Output = Attempt<T>>>(
        &self,
        call: impl Fn(Client) -> F,
    ) -> Result<std::result::Result<T, NodeRefusal>> {
        let ends = self.ends();
        let answered = self.until(ends, async {
            loop {
                let (session, mut state) = self.session(ends).await?;
                let number = session.number;
                let attempt = call(session.client);
                let error = match until_closed(attempt, &mut state).await? {
                    Ok(answer) => return Ok(Ok(answer)),
                    Err(error) => error,
                };
                let over = errors::is_over(&error);
                match Failure::of(error) {
                    Failure::Refused(refusal) => return Ok(Err(refusal)),
                    Failure::Final(error) => return Err(error),
                    Failure::Unknown(_) if over => other_than(number, &mut state).await,
                    // The next request waits in the client until it is connected.
                    Failure::Unknown(_) => {}
                }
            }
        });
        answered?.await.unwrap_or_else(|_| Err(errors::late(&self.shared.options.servers)))
    }

    /// Runs a call that changes something, once.
    async fn change<T, F: Future<Output = Attempt<T>>>(
        &self,
        call: impl FnOnce(Client) -> F,
    ) -> Result<Applied<T>> {
        let ends = self.ends();
        let (session, mut state) = self.session(ends).await?;
        self.once(call(session.client), &mut state, ends).await
    }

    async fn once<T>(
        &self,
        attempt: impl Future<Output = Attempt<T>>,
        state: &mut watch::Receiver<State>,
        ends: Instant,
    ) -> Result<Applied<T>> {
        let timed = self.until(ends, until_closed(attempt, state)).map_err(Error::maybe_effective)?;
        let error = match timed.await {
            Err(_) => return Err(errors::late(&self.shared.options.servers).maybe_effective()),
            Ok(Err(closed)) => return Err(closed.maybe_effective()),
            Ok(Ok(Ok(answer))) => return Ok(Applied::Done(answer)),
            Ok(Ok(Err(error))) => error,
        };
        match Failure::of(error) {
            Failure::Refused(refusal) => Ok(Applied::Refused(0, refusal)),
            Failure::Final(error) => Err(error),
            Failure::Unknown(cause) => Err(errors::lost(cause)),
        }
    }

    /// The session, as soon as there is one, and what tells of its end.
    async fn session(&self, ends: Instant) -> Result<(Session, watch::Receiver<State>)> {
        let mut state = self.shared.state.subscribe();
        let wait = async {
            loop {
                match &*state.borrow_and_update() {
                    State::Open(session) => return Ok(session.clone()),
                    State::Failed(error) => return Err(error.clone()),
                    State::Closed => return Err(errors::closed()),
                    State::Between => {}
                }
                if state.changed().await.is_err() {
                    return Err(errors::closed());
                }
            }
        };
        let late = |_| Err(errors::late(&self.shared.options.servers));
        let session = self.until(ends, wait)?.await.unwrap_or_else(late)?;
        Ok((session, state))
    }

    /// When a call that begins now ends, all of it.
    fn ends(&self) -> Instant {
        Instant::now() + self.shared.options.patience.min(LONGEST)
    }

    /// Bounds a call. Its timer is one of our runtime, whoever calls; `closed` where that was let go.
    fn until<F: Future>(&self, ends: Instant, call: F) -> Result<Timeout<F>> {
        let runtime = self.shared.runtime().ok_or_else(errors::closed)?;
        let _entered = runtime.enter();
        Ok(tokio::time::timeout_at(ends, call))
    }

    /// Why a request was not even sent.
    fn not_sent(&self, error: ClientError) -> Error {
        match Failure::of(error) {
            Failure::Final(error) => error,
            Failure::Unknown(cause) => errors::unavailable(&self.shared.options.servers, cause),
            Failure::Refused(refusal) => Error::new(
                ErrorKind::Internal,
                format!("a request was refused before it was sent: {refusal:?}"),
            ),
        }
    }
}

type Attempt<T> = std::result::Result<T, ClientError>;

/// Waits for a call, or for the end of it all.
async fn until_closed<T>(attempt: impl Future<Output = T>, state: &mut watch::Receiver<State>) -> Result<T> {
    tokio::select! {
        answer = attempt => Ok(answer),
        _ = state.wait_for(|state| matches!(state, State::Closed)) => Err(errors::closed()),
    }
}

/// Waits until the session is no longer this one.
pub(super) async fn other_than(number: u64, state: &mut watch::Receiver<State>) {
    let other = |state: &State| !matches!(state, State::Open(session) if session.number == number);
    // An error says that the handles are gone, and nobody waits.
    let _gone = state.wait_for(other).await;
}

fn size(change: &NodeChange) -> usize {
    CHANGE_BYTES
        + match change {
            NodeChange::Create { path, data } | NodeChange::Set { path, data, .. } => path.len() + data.len(),
            NodeChange::Delete { path, .. } | NodeChange::Check { path, .. } => path.len(),
        }
}

fn check_size(bytes: usize) -> Result<()> {
    if bytes <= REQUEST_BYTES {
        return Ok(());
    }
    let message = format!("a change of {bytes} bytes is over what ZooKeeper takes at once ({REQUEST_BYTES})");
    Err(Error::new(ErrorKind::TooLarge, message))
}
