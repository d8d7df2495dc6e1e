//! The session: made, kept, replaced when it ends, closed.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use zookeeper_client::{Acl, Acls, Client, Error as ClientError, Permission, SessionState, StateWatcher};

use super::errors;
use super::watches::Watches;
use crate::error::{Error, Result};

/// How long to wait before another attempt to make a session: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// How long closing waits for the server's word that the session is over, if a call may take so long.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// Which servers, and how to speak to them.
#[derive(Clone)]
pub struct ZooKeeperOptions {
    /// The servers, `host:port`, joined by commas.
    pub servers: String,
    /// How long the servers keep the session without hearing of it. They have bounds of their own.
    pub session_timeout: Duration,
    /// How long a call may take before it fails with `timeout`, reconnecting included. Closing takes no longer, at most 5 s.
    pub patience: Duration,
    /// An identity to show, as Java DistributedLog does with `zkAclId`: the digest of user and password `id:id`. Nodes made
    /// with it are its own, and others may only read them. Without one anyone may do anything to them.
    pub acl_id: Option<String>,
}

impl ZooKeeperOptions {
    /// These servers, sessions of 10 s, calls of at most 30 s, and no identity.
    #[must_use]
    pub fn new(servers: impl Into<String>) -> Self {
        Self {
            servers: servers.into(),
            session_timeout: Duration::from_secs(10),
            patience: Duration::from_secs(30),
            acl_id: None,
        }
    }

    async fn connect(&self) -> Result<Client> {
        let mut connector =
            Client::connector().with_session_timeout(self.session_timeout).with_fail_eagerly();
        if let Some(id) = &self.acl_id {
            connector = connector.with_auth("digest", format!("{id}:{id}").as_bytes());
        }
        connector.connect(&self.servers).await.map_err(|error| match error {
            ClientError::AuthFailed => errors::unauthenticated(),
            ClientError::BadArguments(problem) => Error::invalid_argument(format!(
                "{:?} are no ZooKeeper servers: {problem}; write host:port,host:port",
                self.servers
            )),
            error => errors::unavailable(&self.servers, error),
        })
    }

    /// Who may do what to the nodes it makes.
    pub(super) fn acls(&self) -> Acls<'static> {
        static OWN: [Acl; 2] = [
            Acl::new_const(Permission::ALL, "auth", ""),
            Acl::new_const(Permission::READ, "world", "anyone"),
        ];
        if self.acl_id.is_some() { Acls::new(&OWN) } else { Acls::anyone_all() }
    }
}

/// Without the identity, which is its own password.
impl fmt::Debug for ZooKeeperOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZooKeeperOptions")
            .field("servers", &self.servers)
            .field("session_timeout", &self.session_timeout)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// A session with ZooKeeper. It ends when it is closed or its last handle is dropped.
///
/// Nodes that end with a session are not made again in the next one: whoever made them has to know that they were gone.
/// Watches go on over any number of sessions.
#[derive(Clone)]
pub struct ZooKeeper {
    pub(super) shared: Arc<Shared>,
}

/// What the handles and tasks of a session share.
pub(super) struct Shared {
    pub(super) options: ZooKeeperOptions,
    pub(super) state: watch::Sender<State>,
    pub(super) watches: Watches,
    /// Where tasks and timers run, whoever calls, until it is closed: as long as anybody has a handle of it a runtime keeps
    /// its descriptors, also when it has ended.
    runtime: Mutex<Option<Handle>>,
}

impl Shared {
    /// The runtime, for a moment; `None` says that it is closed.
    pub(super) fn runtime(&self) -> Option<Handle> {
        self.runtime.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs a future to its end, detached. It is dropped if all is closed.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = self.runtime() {
            runtime.spawn(task);
        }
    }
}

/// Whether there is a session.
#[derive(Clone)]
pub(super) enum State {
    /// This one, as far as is known.
    Open(Session),
    /// It ended, and another is being made.
    Between,
    /// None can be had.
    Failed(Error),
    /// None is wanted.
    Closed,
}

/// One of the sessions that follow each other.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) number: u64,
}

impl ZooKeeper {
    /// Makes a session, on the tokio runtime of the caller.
    ///
    /// # Errors
    /// `unavailable` if no server answers; `unauthorized` if they refuse the identity; `invalid-argument` if the servers
    /// are no list of addresses.
    pub async fn connect(options: ZooKeeperOptions) -> Result<Self> {
        let runtime = Handle::try_current().map_err(|error| {
            Error::invalid_argument("there is no tokio runtime here; call it inside of one").caused_by(error)
        })?;
        let (options, client) = connect_aside(options).await?;
        let states = client.state_watcher();
        let state = watch::Sender::new(State::Open(Session { client, number: 0 }));
        let shared =
            Arc::new(Shared { options, state, watches: Watches::new(), runtime: Mutex::new(Some(runtime)) });
        tokio::spawn(keep(Arc::downgrade(&shared), states));
        Ok(Self { shared })
    }

    /// The number by which the servers know the session that there is now.
    #[must_use]
    pub fn session_id(&self) -> Option<i64> {
        match &*self.shared.state.borrow() {
            State::Open(session) => Some(session.client.session_id().0),
            _ => None,
        }
    }

    /// Ends the session, and with it its nodes; every call fails with `closed` from now on, and every watch ends. The
    /// second time it does nothing.
    pub async fn close(&self) {
        let before = self.shared.state.send_replace(State::Closed);
        self.shared.watches.close();
        let runtime = self.shared.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(runtime), State::Open(session)) = (runtime, before) {
            let states = session.client.state_watcher();
            drop(session);
            let ended = {
                let _entered = runtime.enter();
                tokio::time::timeout(CLOSE_PATIENCE.min(self.shared.options.patience), ended(states))
            };
            drop(runtime);
            let _late = ended.await;
        }
    }
}

/// Makes another session whenever one ends, until nobody wants one.
async fn keep(shared: Weak<Shared>, mut states: StateWatcher) {
    for number in 1.. {
        let state = ended(states).await;
        let Some((options, mut unwanted)) = begin(&shared, state) else { return };
        let connected = tokio::select! {
            connected = another(&options) => connected,
            // An error says that the handles are gone.
            _ = unwanted.wait_for(|state| matches!(state, State::Closed)) => return,
        };
        let client = match connected {
            Ok(client) => client,
            Err(error) => return publish(&shared, State::Failed(error)),
        };
        states = client.state_watcher();
        publish(&shared, State::Open(Session { client, number }));
    }
}

/// Makes the first session on a thread of the runtime, as all that follow are: there SIGPIPE may be blocked, which it is not
/// where the caller is. Dropping it ends it.
async fn connect_aside(options: ZooKeeperOptions) -> Result<(ZooKeeperOptions, Client)> {
    let mut connecting = JoinSet::new();
    connecting.spawn(async move {
        let client = options.connect().await?;
        Ok((options, client))
    });
    match connecting.join_next().await {
        Some(Ok(connected)) => connected,
        _ => Err(errors::closed()),
    }
}

/// Makes another session, however long it takes; an error says that none can be had.
async fn another(options: &ZooKeeperOptions) -> Result<Client> {
    let mut pause = RETRY.0;
    loop {
        match options.connect().await {
            Err(error) if error.is_retryable() => {}
            connected => return connected,
        }
        tokio::time::sleep(pause).await;
        pause = RETRY.1.min(pause * 2);
    }
}

/// Says that the session is over; answers how to make another, and what tells that none is wanted any more. None if that
/// is so already.
fn begin(shared: &Weak<Shared>, state: SessionState) -> Option<(ZooKeeperOptions, watch::Receiver<State>)> {
    let next = match state {
        SessionState::AuthFailed => State::Failed(errors::unauthenticated()),
        _ => State::Between,
    };
    let failed = matches!(next, State::Failed(_));
    publish(shared, next);
    let shared = shared.upgrade()?;
    let closed = matches!(*shared.state.borrow(), State::Closed);
    (!failed && !closed).then(|| (shared.options.clone(), shared.state.subscribe()))
}

/// Changes the state, unless it is closed.
fn publish(shared: &Weak<Shared>, next: State) {
    if let Some(shared) = shared.upgrade() {
        shared.state.send_if_modified(|state| {
            let open = !matches!(state, State::Closed);
            if open {
                *state = next;
            }
            open
        });
    }
}

/// Waits until a session is over.
async fn ended(mut states: StateWatcher) -> SessionState {
    let mut state = states.peek_state();
    while !state.is_terminated() {
        state = states.changed().await;
    }
    state
}
