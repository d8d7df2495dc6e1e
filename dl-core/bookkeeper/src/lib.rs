//! A client of [Apache BookKeeper](https://bookkeeper.apache.org), useful by itself: it knows nothing of logs.
//!
//! BookKeeper keeps *ledgers*: runs of entries, each written by one client, replicated on servers that are called
//! *bookies*, and ended for good by being closed. A writer sends each entry to a *write quorum* of the ledger's *ensemble*
//! and counts it as stored when an *ack quorum* has it ([`Quorum`]). The bookies of each stretch of a ledger, and where it
//! ends, stand in its [`LedgerMetadata`], which lives in a metadata store (ZooKeeper) and is changed by compare-and-set.
//! Another client *fences* a ledger to end it: bookies then refuse its writer ([`ReadMode::Fence`]).
//!
//! ```
//! use bytes::Bytes;
//! use dl_bookkeeper::{BookieId, DigestType, EntryId, LedgerMetadata, Quorum};
//!
//! # fn main() -> dl_bookkeeper::Result<()> {
//! let bookies = ["bk1:3181", "bk2:3181", "bk3:3181"];
//! let bookies = bookies.into_iter().map(BookieId::new).collect::<dl_bookkeeper::Result<Vec<_>>>()?;
//! let quorum = Quorum::new(3, 2, 2)?;
//! let metadata = LedgerMetadata::new(quorum, DigestType::Crc32c, Bytes::from("secret"), bookies)?;
//!
//! // Entries go round the ensemble.
//! let places: Vec<usize> = quorum.write_set(EntryId::new(5)?).collect();
//! assert_eq!(places, [2, 0]);
//! assert_eq!(LedgerMetadata::decode(&metadata.encode())?, metadata);
//! # Ok(())
//! # }
//! ```
//!
//! A client writes ledgers, recovers and reads them:
//!
//! ```no_run
//! use std::sync::Arc;
//! use dl_bookkeeper::{BookKeeper, ClientOptions, CreateOptions, MemoryCluster, Quorum, Seams};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> dl_bookkeeper::Result<()> {
//! let cluster = Arc::new(MemoryCluster::new());
//! let client =
//!     BookKeeper::connect(cluster.clone(), cluster, ClientOptions::default(), Seams::system()).await?;
//!
//! let writer = client.create(CreateOptions::new(Quorum::new(3, 3, 2)?, "secret")).await?;
//! let ticket = writer.append("the first entry".into()).await?;
//! let first = ticket.await?;
//! let ledger = writer.id();
//! writer.close().await?;
//!
//! let reader = client.open(ledger, b"secret").await?;
//! for entry in reader.read(first, first, 1 << 20).await? {
//!     println!("{} {:?}", entry.id, entry.payload);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Below that, a bookie is asked over a connection that comes and goes by itself:
//!
//! ```no_run
//! use std::sync::Arc;
//! use dl_bookkeeper::{
//!     BookieId, Bookies, ConnectionOptions, LedgerId, MemoryCluster, Priority, ReadMode, ReadRequest, Request, Seams,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> dl_bookkeeper::Result<()> {
//! let (cluster, id) = (MemoryCluster::new(), BookieId::new("bk1")?);
//! cluster.register(id.clone(), "127.0.0.1:3181", true);
//! let bookies = Bookies::new(Arc::new(cluster), ConnectionOptions::default(), Seams::system());
//!
//! let (ledger, entry) = (LedgerId::new(7)?, None);
//! let last = Request::Read(ReadRequest { ledger, entry, mode: ReadMode::Plain, priority: Priority::Normal });
//! println!("{:?}", bookies.bookie(&id).call(&last, None).await?);
//! # Ok(())
//! # }
//! ```
//!
//! # To read the source
//!
//! `types` has the nouns, `protocol` what one bookie is asked and answers ([`Request`], [`Response`], [`Status`]), and
//! `metadata` what the metadata store holds; `codec` turns requests, answers and entries into bytes and back. None of them
//! does I/O. `connection` sends requests to bookies and sees to it that each ends once ([`Bookies`], [`BookieClient`]); `seams`
//! is the only door to the clock and the network. `cluster` has the contracts of the metadata store ([`LedgerStore`]) and
//! of bookie discovery ([`BookieRegistry`]), and both in memory for tests. `ledger` writes, recovers and reads ledgers, as state
//! machines ([`machine`]) that a simulator drives in its tests; `placement` chooses bookies; `client` gives the machines
//! connections, a store and a clock ([`BookKeeper`], [`LedgerWriter`], [`LedgerReader`]). `proto` is generated from
//! `proto/bookkeeper.proto`.

mod client;
mod cluster;
mod codec;
mod connection;
mod error;
mod ledger;
mod metadata;
mod placement;
mod proto;
mod protocol;
mod seams;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;
mod types;
#[cfg(feature = "zookeeper")]
mod zookeeper;

pub use client::{
    BookKeeper, ClientOptions, Confirmed, Copies, CopyFault, CopyProblem, CreateOptions, EntryRun,
    EntryState, Fragment, LedgerReader, LedgerWriter, Obstacle, Outlook, Ticket, WriterEvents,
};
pub use cluster::{
    BookieRegistry, LedgerStore, MemoryCluster, RegisteredBookie, Version, Versioned, Watch, Written,
};
pub use codec::{
    Answer, Call, DEFAULT_MAX_FRAME_BYTES, Entry, EntryCodec, Frame, FrameReader, ProtocolVersion, RequestKey,
};
pub use connection::{BookieClient, Bookies, ConnectionOptions, SaslCredentials, SaslMechanism, TlsOptions};
pub use error::{Error, ErrorKind, Result};
pub use ledger::{ReadOptions, RecoveryOptions, WriterOptions};
pub use metadata::{LedgerMetadata, LedgerState, MetadataFormat};
pub use placement::{OneRack, Placement, QuarantineOptions, RackAware, Topology};
pub use protocol::{
    AddRequest, AuthMessage, BatchReadRequest, BatchReadResponse, BookieInfo, BookieInfoRequest,
    EncodedEntry, EntryGroup, EntryList, LongPoll, Operation, Priority, ReadLacResponse, ReadMode,
    ReadRequest, ReadResponse, Request, Response, Status, WriteLacRequest,
};
pub use seams::{BoxFuture, Clock, Network, Random, Seams, Stream, Tasks};
pub use types::{BookieId, DigestType, EntryId, LedgerId, MasterKey, Quorum};
#[cfg(feature = "zookeeper")]
pub use zookeeper::{
    Applied, NodeChange, NodeMode, NodeRefusal, NodeState, ZooKeeper, ZooKeeperBookies, ZooKeeperLedgers,
    ZooKeeperOptions,
};

/// Writing, recovering and reading ledgers as state machines without I/O, for whoever drives them in another way than
/// this crate: a simulator, for one.
pub mod machine {
    pub use crate::ledger::{
        Access, AddTarget, LastConfirmed, LastOutput, LastToken, MetadataAnswer, MetadataCall, Reading,
        ReadingOutput, ReadingToken, Recovery, RecoveryOutput, RecoveryToken, Replicas, Tail, TailOutput,
        TailToken, Writer, WriterOutput, WriterToken,
    };
}
