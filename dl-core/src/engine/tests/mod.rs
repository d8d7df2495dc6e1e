//! The log end to end; several openings of one namespace are its processes.

/// Makes each case a test on every driver.
macro_rules! on_every_driver {
    ($($case:ident)*) => {
        mod memory {
            $(#[tokio::test(start_paused = true)]
            async fn $case() {
                super::$case(super::Shared::memory(stringify!($case))).await;
            })*
        }

        mod file {
            $(#[tokio::test(start_paused = true)]
            async fn $case() {
                super::$case(super::Shared::file()).await;
            })*
        }
    };
}

mod byte_streams;
mod ending;
mod fencing;
mod following;
mod listing;
mod logs;
mod lookups;
mod many;
mod reading;
mod rolling;
mod room;
mod telemetry;
mod threads;
mod writing;

use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::drivers::memory;
use crate::testing::sim::{ProcessHandle, World};
use crate::{
    LogName, Namespace, NewRecord, Options, Reader, ReaderOptions, Record, Start, Txid, Writer, WriterOptions,
};

/// A namespace that several simulated processes open.
pub(super) struct Shared {
    pub(super) world: World,
    uri: String,
    log: LogName,
}

impl Shared {
    /// A namespace in memory, of this name.
    pub(super) fn memory(name: &str) -> Self {
        Self::at(format!("memory:{name}"))
    }

    /// A namespace in a directory of a simulated machine.
    pub(super) fn file() -> Self {
        Self::at("file:///sim/namespace".to_owned())
    }

    fn at(uri: String) -> Self {
        Self { world: World::new(1), uri, log: LogName::new("a/b").unwrap() }
    }

    pub(super) fn uri(&self) -> &str {
        &self.uri
    }

    /// A process that names itself so.
    pub(super) async fn process(&self, name: &str) -> Namespace {
        self.process_with_handle(name).await.0
    }

    /// A process that names itself so, and the hold on it.
    pub(super) async fn process_with_handle(&self, name: &str) -> (Namespace, ProcessHandle) {
        let (seams, process) = self.world.process();
        (Namespace::open_with(&self.uri, options(name), seams).await.unwrap(), process)
    }

    pub(super) fn is_file(&self) -> bool {
        self.uri.starts_with("file:")
    }

    /// Keeps what this process appends in flight, or lets it go on.
    pub(super) fn stall(&self, process: &ProcessHandle, stalled: bool) {
        match self.uri.strip_prefix("memory:") {
            Some(name) => memory::stall(name, stalled),
            None => process.stop_threads(stalled),
        }
    }

    pub(super) fn log(&self) -> &LogName {
        &self.log
    }

    pub(super) async fn open(&self, namespace: &Namespace, options: WriterOptions) -> Writer {
        namespace.log(&self.log).open_writer(options).await.unwrap()
    }

    /// A process and a writer of the log, which it made.
    pub(super) async fn writer(&self) -> (Namespace, Writer) {
        let namespace = self.process("a").await;
        let writer = self.open(&namespace, creating()).await;
        (namespace, writer)
    }

    pub(super) async fn follower(&self, namespace: &Namespace, from: Start) -> Reader {
        let options = ReaderOptions::default().from(from).follow(true);
        namespace.log(&self.log).open_reader(options).await.unwrap()
    }
}

/// Lets time pass.
#[expect(clippy::disallowed_methods, reason = "the simulated clock is that of the test's runtime")]
pub(super) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Runs a caller beside the test.
#[expect(clippy::disallowed_methods, reason = "it is no task of the code under test")]
pub(super) fn spawn<T: Send + 'static>(caller: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(caller)
}

/// Options of a process that names itself so.
pub(super) fn options(name: &str) -> Options {
    Options::default().client_id(name).journal_bytes(4 << 20)
}

/// Options of a writer that makes its log.
pub(super) fn creating() -> WriterOptions {
    WriterOptions::default().create_log(true)
}

pub(super) fn text(record: &Record) -> &str {
    std::str::from_utf8(&record.payload).unwrap()
}

pub(super) fn record(payload: &'static str, txid: i64) -> NewRecord {
    NewRecord::new(Bytes::from_static(payload.as_bytes())).txid(Txid::new(txid).unwrap())
}

/// Appends a record and waits until it is acknowledged.
pub(super) async fn append(writer: &Writer, payload: &'static str) -> crate::Receipt {
    writer.append(payload).await.unwrap().await.unwrap()
}

pub(super) async fn read_from(namespace: &Namespace, log: &LogName, from: Start) -> Vec<Record> {
    let mut reader = namespace.log(log).open_reader(ReaderOptions::default().from(from)).await.unwrap();
    drain(&mut reader).await
}

pub(super) async fn read_all(namespace: &Namespace, log: &LogName) -> Vec<String> {
    let records = read_from(namespace, log, Start::Earliest).await;
    records.iter().map(|record| text(record).to_owned()).collect()
}

/// All that a reader delivers before it ends.
pub(super) async fn drain(reader: &mut Reader) -> Vec<Record> {
    let mut records = Vec::new();
    while let Some(record) = reader.next().await.unwrap() {
        records.push(record);
    }
    records
}

/// Whatever a caller awaits may move between threads.
#[tokio::test(start_paused = true)]
async fn every_future_is_send() {
    fn is_send<T: Send>(future: T) {
        drop(future);
    }
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<(Namespace, crate::Log, Writer, Reader, crate::Ticket, crate::BatchTicket, crate::Error)>();
    is_shared::<(crate::Cursor, crate::ManyTicket)>();
    let shared = Shared::memory("send");
    let (namespace, writer) = shared.writer().await;
    let (log, name) = (namespace.log(shared.log()), shared.log());
    is_send(Namespace::open("memory:send", Options::default()));
    is_send((namespace.create_log(name), namespace.open_log(name), namespace.log_exists(name)));
    is_send((namespace.delete_log(name), namespace.rename_log(name, name), namespace.close()));
    is_send(namespace.list_logs("", None, 1));
    is_send((log.open_writer(creating()), log.open_reader(ReaderOptions::default()), log.recover()));
    is_send((log.info(), log.segments(), log.count(), log.user_metadata(), log.set_user_metadata("")));
    is_send((log.truncate(crate::Dlsn::FIRST), log.dlsn_at_txid(Txid::MIN)));
    let cursor = log.cursor(&crate::CursorName::new("c").unwrap()).await.unwrap();
    is_send((cursor.position(), cursor.advance(crate::Dlsn::FIRST), cursor.reset(crate::Dlsn::FIRST)));
    is_send((cursor.delete(), log.cursors()));
    is_send((
        writer.append(""),
        writer.append_if("", crate::Condition::Empty),
        writer.append_batch(vec![], None),
        writer.append_many([""]),
    ));
    is_send((
        writer.flush(),
        writer.truncate(crate::Dlsn::FIRST),
        writer.seal(),
        writer.close(),
        writer.fenced(),
    ));
    is_send((log.first_record(), log.last_record(), log.count_between(None, None)));
    is_send((log.open_byte_writer(creating()), log.open_byte_reader(ReaderOptions::default())));
    let mut reader = log.open_reader(ReaderOptions::default()).await.unwrap();
    is_send(reader.next());
    is_send(reader.next_batch(1, Duration::ZERO));
    is_send(reader.close());
}
