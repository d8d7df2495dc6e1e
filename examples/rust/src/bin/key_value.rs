//! A replicated key-value store. Its commands are a log; who opened that log's writer last leads. Now and then the leader
//! writes the whole state into a second log, and frees the commands in front of it. It holds the writers of both logs: one that
//! does not lead any more must not put an old snapshot behind a newer one, whose commands are gone.
//!
//! ```sh
//! cargo run -p dl-examples --bin key_value [file:///tmp/store]
//! ```
#![allow(clippy::print_stdout, reason = "it shows what happens")]

use std::collections::BTreeMap;

use dl_core::{
    Dlsn, ErrorKind, Log, LogName, Namespace, Options, ReaderOptions, Result, Start, Writer, WriterOptions,
};

#[tokio::main]
async fn main() -> Result<()> {
    let uri = std::env::args().nth(1).unwrap_or_else(|| "memory:example".to_owned());
    let namespace = Namespace::open(&uri, Options::default()).await?;
    let names = [LogName::new("store/commands")?, LogName::new("store/snapshots")?];
    for name in &names {
        namespace.create_log(name).await?;
    }
    let [commands, snapshots] = [namespace.open_log(&names[0]).await?, namespace.open_log(&names[1]).await?];

    let mut first = Leader::open(&commands, &snapshots).await?;
    first.execute("set color blue").await?;
    first.execute("set size 7").await?;
    first.snapshot().await?;
    first.execute("set color red").await?;

    // Another process would do the same: it knows all that was ever acknowledged before it leads.
    let mut second = Leader::open(&commands, &snapshots).await?;
    println!("second starts with {}", second.replica.shown());
    match first.execute("set color green").await {
        Err(error) if error.kind() == ErrorKind::Fenced => println!("first: {}", error.kind().name()),
        other => return other,
    }
    second.execute("delete size").await?;
    second.snapshot().await?;
    match first.snapshot().await {
        Err(error) if error.kind() == ErrorKind::Fenced => println!("its snapshot: {}", error.kind().name()),
        other => return other,
    }

    // One that only reads: a snapshot, and the commands behind it.
    let replica = Replica::load(&commands, &snapshots).await?;
    println!("a replica has {}", replica.shown());

    second.close().await?;
    for name in &names {
        namespace.delete_log(name).await?;
    }
    namespace.close().await
}

/// The state, as of a position in the log of commands.
#[derive(Default)]
struct Replica {
    state: BTreeMap<String, String>,
    /// Of the first command that is not applied.
    next: Option<Dlsn>,
}

impl Replica {
    /// The newest snapshot, and every command behind it.
    async fn load(commands: &Log, snapshots: &Log) -> Result<Self> {
        let mut replica = Self::default();
        if let Some(snapshot) = snapshots.last_record().await? {
            let text = String::from_utf8_lossy(&snapshot.payload).into_owned();
            let mut lines = text.lines();
            replica.next = lines.next().map(str::parse).transpose()?;
            lines.for_each(|command| replica.apply(command));
        }
        let from = replica.next.map_or(Start::Earliest, Start::Dlsn);
        let mut reader = commands.open_reader(ReaderOptions::default().from(from)).await?;
        while let Some(record) = reader.next().await? {
            replica.apply(&String::from_utf8_lossy(&record.payload));
            replica.next = Some(record.dlsn.next());
        }
        reader.close().await?;
        Ok(replica)
    }

    fn shown(&self) -> String {
        let pairs: Vec<String> = self.state.iter().map(|(key, value)| format!("{key}={value}")).collect();
        pairs.join(" ")
    }

    fn apply(&mut self, command: &str) {
        let words: Vec<&str> = command.splitn(3, ' ').collect();
        match words.as_slice() {
            ["set", key, value] => drop(self.state.insert((*key).to_owned(), (*value).to_owned())),
            ["delete", key] => drop(self.state.remove(*key)),
            other => println!("no command: {other:?}"),
        }
    }
}

struct Leader {
    writer: Writer,
    snapshots: Writer,
    replica: Replica,
}

impl Leader {
    async fn open(commands: &Log, snapshots: &Log) -> Result<Self> {
        // First the writers, then the state: behind them nobody else is acknowledged, so the state is the newest there is, and
        // each snapshot of this leader is newer than all before it. Where two open at once, each may end with one of the logs.
        // That loses nothing: both are fenced from the other one, and whoever opens again leads.
        let writer = commands.open_writer(WriterOptions::default()).await?;
        let writing = snapshots.open_writer(WriterOptions::default()).await?;
        let replica = Replica::load(commands, snapshots).await?;
        Ok(Self { writer, snapshots: writing, replica })
    }

    /// Applies a command once it is acknowledged: every later leader will see it.
    async fn execute(&mut self, command: &str) -> Result<()> {
        let receipt = self.writer.append(command.to_owned()).await?.await?;
        self.replica.apply(command);
        self.replica.next = Some(receipt.dlsn.next());
        Ok(())
    }

    /// Writes the state into the log of snapshots; then the commands that it holds may go.
    async fn snapshot(&self) -> Result<()> {
        let Some(next) = self.replica.next else { return Ok(()) };
        let mut text = format!("{next}\n");
        for (key, value) in &self.replica.state {
            text.push_str(&format!("set {key} {value}\n"));
        }
        // Another leader's snapshot may be newer: it fenced this writer, too.
        self.snapshots.append(text).await?.await?;
        self.writer.truncate(next).await.map(drop)
    }

    async fn close(self) -> Result<()> {
        self.snapshots.close().await?;
        self.writer.close().await
    }
}
