//! Each call of a namespace while ZooKeeper falls silent: before its first answer, before its second, and so on. It ends in
//! time with the right error, does no harm, and is done when servers answer again.

use tokio::task::{JoinSet, LocalSet};

use super::segments::OnBookies;
use super::silent::{AWAITED, Between, Held};
use super::*;
use crate::{CursorName, Dlsn, Error, Log, Options, Result, Writer};

/// How long a call waits for ZooKeeper.
const PATIENCE_MS: u64 = 100;

/// How long it may take, on a busy machine.
const AT_MOST: Duration = Duration::from_secs(20);

/// What calls there are.
const CALLS: [&str; 14] = [
    "open", "create", "delete", "list", "rename", "info", "truncate", "metadata", "cursor", "recover",
    "writer", "append", "seal", "close",
];

/// Those of writers that were opened before.
const OF_WRITERS: [&str; 3] = ["append", "seal", "close"];

/// A log as a call meets it.
struct Used {
    uri: String,
    options: Options,
    log: Log,
    namespace: Namespace,
    writer: Option<Writer>,
}

impl Used {
    fn other(&self) -> LogName {
        LogName::new(&format!("{}-other", self.log.name())).unwrap()
    }

    async fn call(&self, call: &str) -> Result<()> {
        let (log, namespace) = (&self.log, &self.namespace);
        match call {
            "open" => Namespace::open(&self.uri, self.options.clone()).await?.close().await,
            "create" => namespace.create_log(&self.other()).await,
            "delete" => namespace.delete_log(log.name()).await,
            "list" => namespace.list_logs("", None, 10).await.map(drop),
            "rename" => namespace.rename_log(log.name(), &self.other()).await,
            "info" => log.info().await.map(drop),
            "truncate" => log.truncate(Dlsn::new(2, 0, 0)).await.map(drop),
            "metadata" => log.set_user_metadata("u").await,
            "cursor" => {
                let cursor = log.cursor(&CursorName::new("c").unwrap()).await?;
                cursor.advance(Dlsn::new(1, 0, 0)).await.map(drop)
            }
            "recover" => log.recover().await,
            "writer" => {
                let writer = log.open_writer(WriterOptions::default()).await?;
                append(&writer, "c").await?;
                writer.close().await
            }
            "append" => append(self.writer.as_ref().unwrap(), "c").await.map(drop),
            "seal" => self.writer.as_ref().unwrap().seal().await,
            _ => self.writer.as_ref().unwrap().close().await,
        }
    }
}

/// Whether an error says that the call before was done, which could not be known then.
fn was_done(call: &str, error: &Error) -> bool {
    match error.kind() {
        ErrorKind::AlreadyExists => call == "create",
        ErrorKind::NotFound => matches!(call, "delete" | "rename"),
        // A writer ends with the first failure, and says so again.
        _ => OF_WRITERS.contains(&call),
    }
}

/// A namespace as two processes have it: one of them by a server that falls silent.
struct World {
    bookies: OnBookies,
    straight: Namespace,
    between: Between,
    uri: String,
    options: Options,
    namespace: Namespace,
}

impl World {
    async fn new(call: &str) -> Self {
        let bookies = OnBookies::new();
        let between = Between::clients_and(Cluster::shared().zookeeper()).await;
        let uri = |servers| format!("distributedlog://{servers}{}", bookies.root);
        // Its ledgers are told from those of others by the application.
        let options = Options::default().ledgers_path("/ledgers").ledger_application(bookies.root.clone());
        let straight = Namespace::open(&uri(Cluster::shared().zookeeper()), options.clone()).await.unwrap();
        let (uri, options) = (uri(&between.servers), options.zookeeper_timeout_ms(PATIENCE_MS));
        let namespace = until_done(call, async || Namespace::open(&uri, options.clone()).await).await;
        Self { bookies, straight, between, uri, options, namespace }
    }

    /// A log of two segments; the last is in progress where a call is to recover it.
    async fn log(&self, call: &str, name: &LogName) {
        for payload in ["a", "b"] {
            let log = self.straight.log(name);
            let writer = log.open_writer(WriterOptions::default().create_log(true)).await.unwrap();
            append(&writer, payload).await.unwrap();
            if payload == "a" || call != "recover" {
                writer.close().await.unwrap();
            }
        }
    }

    /// Calls while servers are silent behind so many answers, and again when they are not; answers whether it asked for more.
    async fn interrupted(&self, call: &str, answers: usize) -> bool {
        let log = self.namespace.log(&LogName::new(call).unwrap());
        self.log(call, log.name()).await;
        let (uri, options, namespace) = (self.uri.clone(), self.options.clone(), self.namespace.clone());
        let mut used = Used { uri, options, log, namespace, writer: None };
        if OF_WRITERS.contains(&call) {
            used.writer = Some(until_done(call, async || opened(call, &used.log).await).await);
        }
        self.between.held.send_replace(Held::Behind(answers));
        let called = ends(call, AT_MOST, used.call(call)).await;
        self.between.held.send_replace(Held::Nothing);
        if let Err(error) = &called {
            let at = format!("{call} after {answers} answers: {error}");
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{at}");
            let over = OF_WRITERS.contains(&call) || call == "writer";
            assert!(over || error.is_retryable() || error.may_have_taken_effect(), "{at}");
            until_done(call, async || match used.call(call).await {
                Err(error) if was_done(call, &error) => Ok(()),
                answer => answer,
            })
            .await;
        }
        called.is_err()
    }

    /// Nothing that is left is in the way of others, and no ledger is when logs are gone.
    async fn is_whole(&self, call: &str) {
        for log in self.straight.list_logs("", None, 1_000).await.unwrap() {
            if call != "seal" {
                let wait = WriterOptions::default().takeover(Takeover::Wait(AWAITED));
                let writer = self.straight.log(&log).open_writer(wait).await.unwrap();
                append(&writer, "d").await.unwrap();
                writer.close().await.unwrap();
            }
            self.straight.delete_log(&log).await.unwrap();
        }
    }
}

/// A writer of a log, which has begun its segment if it is to end it.
async fn opened(call: &str, log: &Log) -> Result<Writer> {
    let writer = log.open_writer(WriterOptions::default()).await?;
    if call != "append" {
        append(&writer, "c").await?;
    }
    Ok(writer)
}

#[expect(clippy::disallowed_methods, reason = "what hangs is waited for without end")]
async fn ends<T>(call: &str, within: Duration, calling: impl Future<Output = T>) -> T {
    tokio::time::timeout(within, calling).await.unwrap_or_else(|_| panic!("{call} hangs"))
}

/// Calls again for as long as that may help. What waits so little for servers on a busy machine fails now and then.
async fn until_done<T>(what: &str, mut call: impl AsyncFnMut() -> Result<T>) -> T {
    let calling = async {
        loop {
            match call().await {
                Ok(done) => return done,
                Err(error) => match error.kind() {
                    // The latter goes when the lock of the call before was let go, of which no answer was had.
                    ErrorKind::Unavailable | ErrorKind::Locked => tokio::task::yield_now().await,
                    _ => panic!("{what}: {error}"),
                },
            }
        }
    };
    ends(what, AWAITED, calling).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_ends_with_the_right_error_and_is_done_when_servers_answer() {
    LocalSet::new()
        .run_until(async {
            let mut calls = JoinSet::new();
            for call in CALLS {
                calls.spawn_local(async move {
                    let world = World::new(call).await;
                    let mut answers = 0;
                    while world.interrupted(call, answers).await {
                        world.is_whole(call).await;
                        // The first ones each, the later ones by samples.
                        answers += 1 + answers / 2;
                    }
                    assert!(answers > 0, "{call} asks ZooKeeper for nothing");
                    world.is_whole(call).await;
                    assert_eq!(world.bookies.ledgers().await, Vec::<i64>::new(), "{call}: they are nobody's");
                    world.namespace.close().await.unwrap();
                    world.straight.close().await.unwrap();
                });
            }
            while let Some(done) = calls.join_next().await {
                done.unwrap();
            }
        })
        .await;
}
