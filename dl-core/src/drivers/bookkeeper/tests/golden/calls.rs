//! The calls that Java was made, made to dl: the same nodes, and the same ledgers byte for byte.
//!
//! What differs from run to run is substituted: ids of ledgers and sessions, and times. A `flush` of Java's is an entry; a `commit`
//! waits until the writer has published by itself.

use dl_bookkeeper::{BookKeeper, LedgerWriter};

use super::super::segments::OnBookies;
use super::laid::{password_of, put_all, quorum_of};
use super::*;
use crate::format::golden_tests::vectors::Case;
use crate::types::{Compression, ENVELOPE_BYTES, MAX_ENTRY_BYTES, RECORD_HEADER_BYTES};
use crate::{BatchTicket, Dlsn, NewRecord, Options, Reader, Start, Writer};

/// What dl does with the nodes of a log otherwise than Java, and with what it begins.
pub(super) struct Differences {
    /// The moment from which dl goes on with what Java left; it begins with nothing if there is none.
    pub(super) from: Option<&'static str>,
    /// Where dl is done: what follows Java's clients alone can do, or only they would.
    pub(super) until: Option<&'static str>,
    /// Segments that dl has freed by the time, whereas Java only marks them until the next purge.
    pub(super) freed: &'static [(&'static str, i64)],
    /// Segments in whose ledgers Java's close repeats the last control record, which they do not need.
    pub(super) repeats: &'static [i64],
    /// Snapshots between two calls of Java's that are one of ours, or of what only Java has.
    pub(super) between: &'static [&'static str],
    /// Each record was flushed, which the calls do not say.
    pub(super) alone: bool,
    /// The namespace and the log, where the case has more than one or does not say.
    pub(super) place: Option<(&'static str, &'static str)>,
    pub(super) options: fn(Options) -> Options,
}

impl Default for Differences {
    fn default() -> Self {
        Self {
            from: None,
            until: None,
            freed: &[],
            repeats: &[],
            between: &[],
            alone: false,
            place: None,
            options: |options| options,
        }
    }
}

/// A case that is being played.
pub(super) struct Play {
    pub(super) case: Case,
    pub(super) differences: Differences,
    /// Where it is here, and was for Java.
    pub(super) root: String,
    pub(super) javas_root: String,
    pub(super) zookeeper: ZooKeeper,
    pub(super) bookkeeper: BookKeeper,
    pub(super) password: String,
    pub(super) uri: String,
    options: Options,
    pub(super) namespace: Namespace,
    /// Those of other clients.
    pub(super) others: Vec<Namespace>,
    pub(super) log: LogName,
    pub(super) writer: Option<Writer>,
    /// One that holds a lock.
    pub(super) reader: Option<Reader>,
    /// Who waits for the lock, and under which name.
    pub(super) waiting: Vec<(String, tokio::task::JoinHandle<crate::Result<Writer>>)>,
    /// The records of the entry that is being gathered, and the entries on their way.
    pub(super) gathered: Vec<NewRecord>,
    gathered_bytes: usize,
    sent: Vec<BatchTicket>,
    /// Trees and ledgers.
    pub(super) compared: usize,
    /// Ledgers that Java left open.
    _open: Vec<LedgerWriter>,
}

/// Plays a case to its end; answers how many trees and ledgers were compared.
pub(super) async fn play(name: &str, differences: Differences) -> usize {
    let mut play = Play::begin(name, differences).await;
    let steps = play.case.json["steps"].as_array().unwrap().clone();
    let begin = play.differences.from.map_or(0, |from| {
        1 + steps.iter().position(|step| step["snapshot"] == from).expect("the moment is one of the case")
    });
    for step in &steps[begin..] {
        if let Some(at) = step["snapshot"].as_str() {
            play.snapshot(at).await;
            if play.differences.until == Some(at) {
                break;
            }
        } else {
            play.call(step["call"].as_str().unwrap(), &step["result"]).await;
        }
    }
    for namespace in play.others.drain(..) {
        namespace.close().await.unwrap();
    }
    play.namespace.close().await.unwrap();
    play.compared
}

impl Play {
    async fn begin(name: &str, differences: Differences) -> Self {
        let case = Case::load(name);
        let root = super::name();
        let zookeeper = connect(Cluster::shared()).await;
        let bookkeeper = OnBookies::new().bookkeeper(&zookeeper).await;
        let of_case = |field: &str| case.json[field].as_str().map(str::to_owned);
        let (javas_root, log) = match differences.place {
            Some((root, log)) => (root.to_owned(), log.to_owned()),
            None => (of_case("namespace").unwrap(), of_case("log").unwrap()),
        };
        let [ensemble, write, ack] = quorum_of(&case.json);
        let client = of_case("client_id").unwrap_or_else(|| "golden-writer/192.0.2.10".to_owned());
        let mut options = Options::default()
            .ledgers_path("/ledgers")
            .client_id(client)
            .ensemble_size(ensemble)
            .write_quorum(write)
            .ack_quorum(ack);
        let password = password_of(&case.json).to_owned();
        if !password.is_empty() {
            options = options.ledger_password(&password);
        }
        let options = (differences.options)(options);
        let uri = format!("distributedlog://{}{root}", Cluster::shared().zookeeper());
        let namespace = Namespace::open(&uri, options.clone()).await.unwrap();
        let open = match differences.from {
            Some(from) => put_all(&zookeeper, &bookkeeper, &case, (&javas_root, &root), from, from).await,
            None => Some(Vec::new()),
        };
        Self {
            case,
            differences,
            root,
            javas_root,
            zookeeper,
            bookkeeper,
            password,
            uri,
            options,
            namespace,
            others: Vec::new(),
            log: LogName::new(&log).unwrap(),
            writer: None,
            reader: None,
            waiting: Vec::new(),
            gathered: Vec::new(),
            gathered_bytes: 0,
            sent: Vec::new(),
            compared: 0,
            _open: open.expect("what Java left is known"),
        }
    }

    /// The namespace as another client has it.
    pub(super) async fn other(&mut self, client: &str) -> Namespace {
        let other = Namespace::open(&self.uri, self.options.clone().client_id(client)).await.unwrap();
        self.others.push(other.clone());
        other
    }

    pub(super) async fn write(&mut self, record: crate::Result<NewRecord>, refused: Option<ErrorKind>) {
        let Some(kind) = refused else {
            let record = record.unwrap();
            let bytes = RECORD_HEADER_BYTES + record.payload.len();
            // As Java's writer: what has no room begins the next entry.
            if ENVELOPE_BYTES + self.gathered_bytes + bytes > MAX_ENTRY_BYTES {
                self.flush().await;
            }
            self.gathered_bytes += bytes;
            self.gathered.push(record);
            if self.differences.alone {
                self.flush().await;
            }
            return;
        };
        self.settle().await;
        let error = match record {
            Ok(record) => match self.writer().await.append(record).await {
                Ok(ticket) => ticket.await.unwrap_err(),
                Err(error) => error,
            },
            Err(error) => error,
        };
        assert_eq!(error.kind(), kind);
    }

    pub(super) async fn writer(&mut self) -> &Writer {
        if self.writer.is_none() {
            let log = self.namespace.log(&self.log);
            let compression = match self.is_compressed() {
                true => Compression::Lz4,
                false => Compression::None,
            };
            let options = WriterOptions::default().create_log(true).compression(compression);
            self.writer = Some(log.open_writer(options).await.unwrap());
        }
        self.writer.as_ref().unwrap()
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.case.json["configuration"].get("compressionType") == Some(&"lz4".into())
    }

    /// Sends what was gathered as an entry, without waiting for it: an idle writer would publish it.
    pub(super) async fn flush(&mut self) {
        let records = std::mem::take(&mut self.gathered);
        self.gathered_bytes = 0;
        if !records.is_empty() {
            let ticket = self.writer().await.append_batch(records, None).await.unwrap();
            self.sent.push(ticket);
        }
    }

    pub(super) async fn settle(&mut self) {
        self.flush().await;
        for ticket in std::mem::take(&mut self.sent) {
            ticket.await.unwrap();
        }
    }

    /// Until everyone sees the last record.
    pub(super) async fn publish(&mut self) {
        self.settle().await;
        let last = self.writer().await.last_dlsn().unwrap();
        let options = ReaderOptions::default().from(Start::Dlsn(last)).follow(true);
        let mut reader = self.namespace.log(&self.log).open_reader(options).await.unwrap();
        assert_eq!(reader.next().await.unwrap().unwrap().dlsn, last);
    }

    pub(super) async fn close(&mut self) {
        self.settle().await;
        if let Some(writer) = self.writer.take() {
            writer.close().await.unwrap();
        }
    }

    pub(super) async fn release(&mut self) {
        if let Some(mut reader) = self.reader.take() {
            reader.close().await.unwrap();
        }
    }

    pub(super) async fn truncate(&mut self, at: Dlsn) {
        self.settle().await;
        match &self.writer {
            Some(writer) => writer.truncate(at).await.unwrap(),
            None => self.namespace.log(&self.log).truncate(at).await.unwrap(),
        };
    }
}
