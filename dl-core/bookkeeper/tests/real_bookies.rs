//! Connections beside real bookies, whose addresses `DL_TEST_BOOKIES` and `DL_TEST_SECURED_BOOKIES` hold
//! (`ci/checks/46-bookies` starts some).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dl_bookkeeper::{
    AddRequest, BatchReadRequest, BookieClient, BookieId, BookieInfoRequest, Bookies, ConnectionOptions,
    DigestType, EntryCodec, EntryId, ErrorKind, LedgerId, LongPoll, MasterKey, MemoryCluster, Priority,
    ProtocolVersion, ReadMode, ReadRequest, ReadResponse, Request, Response, SaslCredentials, SaslMechanism,
    Seams, TlsOptions, WriteLacRequest,
};
use tokio::runtime::Handle;

/// A ledger on the first bookie, which knows no metadata: any id will do.
struct Ledger {
    bookie: BookieClient,
    id: LedgerId,
    codec: EntryCodec,
    key: MasterKey,
    length: u64,
}

impl Ledger {
    fn new(id: i64, options: ConnectionOptions) -> Self {
        Self::at("DL_TEST_BOOKIES", id, options)
    }

    fn at(variable: &str, id: i64, options: ConnectionOptions) -> Self {
        let addresses = std::env::var(variable).expect("the variable has the addresses of bookies");
        let address = addresses.split(',').next().unwrap();
        let cluster = MemoryCluster::new();
        let bookie = BookieId::new(address).unwrap();
        cluster.register(bookie.clone(), address, true);
        let bookie = Bookies::new(Arc::new(cluster), options, Seams::system()).bookie(&bookie);
        let codec = EntryCodec::new(DigestType::Crc32c, b"pw");
        let id = LedgerId::new(id).unwrap();
        Self { bookie, id, codec, key: MasterKey::from_password(b"pw"), length: 0 }
    }

    fn add(&mut self, number: i64, payload: Bytes) -> AddRequest {
        self.length += payload.len() as u64;
        let entry = entry(number);
        let body = self.codec.seal(self.id, entry, entry.previous(), self.length, payload);
        AddRequest {
            ledger: self.id,
            entry,
            key: self.key,
            body,
            recovery: false,
            deferred_sync: false,
            priority: Priority::Normal,
        }
    }

    async fn put(&mut self, number: i64, payload: impl Into<Bytes>) {
        let add = Request::Add(self.add(number, payload.into()));
        assert_eq!(self.call(add).await.unwrap(), Response::Add);
    }

    fn read(&self, number: Option<i64>, mode: ReadMode) -> Request {
        let entry = number.map(entry);
        Request::Read(ReadRequest { ledger: self.id, entry, mode, priority: Priority::Normal })
    }

    async fn call(&self, request: Request) -> dl_bookkeeper::Result<Response> {
        self.bookie.call(&request, None).await
    }

    async fn kind(&self, request: Request) -> ErrorKind {
        self.call(request).await.unwrap_err().kind()
    }

    /// The payload of what a read brought.
    fn payload(&self, wanted: Option<i64>, response: Response) -> Bytes {
        let Response::Read(ReadResponse { body: Some(body), .. }) = response else { panic!("{response:?}") };
        self.codec.open(self.id, wanted.map(entry), &body).unwrap().payload
    }
}

fn entry(number: i64) -> EntryId {
    EntryId::new(number).unwrap()
}

fn in_version(version: ProtocolVersion) -> ConnectionOptions {
    ConnectionOptions { version, ..ConnectionOptions::default() }
}

const VERSIONS: [(i64, ProtocolVersion); 2] = [(0, ProtocolVersion::V2), (1, ProtocolVersion::V3)];

#[tokio::test]
#[ignore = "needs real bookies: ci/test bookies"]
async fn entries_of_any_size_are_read_back() {
    for (offset, version) in VERSIONS {
        let mut ledger = Ledger::new(1_000 + offset, in_version(version));
        let payload = |number: i64| {
            Bytes::from(vec![number as u8; [0, 1, 100, 70_000, 1_044_480][number as usize % 5]])
        };
        let mut waiting = Vec::new();
        for number in 0..50 {
            let add = Request::Add(ledger.add(number, payload(number)));
            let bookie = ledger.bookie.clone();
            waiting.push(Handle::current().spawn(async move { bookie.call(&add, None).await }));
        }
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap().unwrap(), Response::Add);
        }
        for number in 0..50 {
            let response = ledger.call(ledger.read(Some(number), ReadMode::Plain)).await.unwrap();
            assert!(ledger.payload(Some(number), response) == payload(number), "{version:?} {number}");
        }
        let last = ledger.call(ledger.read(None, ReadMode::Plain)).await.unwrap();
        assert!(ledger.payload(Some(49), last) == payload(49));
    }
}

#[tokio::test]
#[ignore = "needs real bookies: ci/test bookies"]
async fn what_is_not_there_and_what_is_not_allowed_is_told_apart() {
    for (offset, version) in VERSIONS {
        let mut ledger = Ledger::new(1_100 + offset, in_version(version));
        assert_eq!(ledger.kind(ledger.read(Some(0), ReadMode::Plain)).await, ErrorKind::NoSuchLedger);
        ledger.put(0, "zero").await;
        assert_eq!(ledger.kind(ledger.read(Some(1), ReadMode::Plain)).await, ErrorKind::NoSuchEntry);
        let add = ledger.add(1, "one".into());
        let wrong = MasterKey::from_password(b"another");
        assert_eq!(
            ledger.kind(Request::Add(AddRequest { key: wrong, ..add })).await,
            ErrorKind::Unauthorized
        );
        assert_eq!(ledger.kind(ledger.read(None, ReadMode::Fence(wrong))).await, ErrorKind::Unauthorized);
    }
}

#[tokio::test]
#[ignore = "needs real bookies: ci/test bookies"]
async fn a_fence_keeps_the_writer_out_and_lets_a_recovery_in() {
    for (offset, version) in VERSIONS {
        let mut ledger = Ledger::new(1_200 + offset, in_version(version));
        ledger.put(0, "zero").await;
        ledger.put(1, "one").await;
        let fence = || ledger.read(None, ReadMode::Fence(ledger.key));
        let last = ledger.call(fence()).await.unwrap();
        assert_eq!(ledger.payload(Some(1), last), "one");
        let add = ledger.add(2, "two".into());
        assert_eq!(ledger.kind(Request::Add(add.clone())).await, ErrorKind::LedgerFenced);
        let recovery = AddRequest { recovery: true, priority: Priority::High, ..add };
        assert_eq!(ledger.call(Request::Add(recovery)).await.unwrap(), Response::Add);
        let found = ledger.call(ledger.read(Some(2), ReadMode::Plain)).await.unwrap();
        assert_eq!(ledger.payload(Some(2), found), "two");

        // A ledger that the bookie never heard of is fenced too.
        let mut unknown = Ledger::new(1_300 + offset, in_version(version));
        let fence = unknown.read(None, ReadMode::Fence(unknown.key));
        assert_eq!(unknown.kind(fence).await, ErrorKind::NoSuchEntry);
        let add = Request::Add(unknown.add(0, "zero".into()));
        assert_eq!(unknown.kind(add).await, ErrorKind::LedgerFenced);
    }
}

#[tokio::test]
#[ignore = "needs real bookies: ci/test bookies"]
async fn a_long_poll_brings_the_next_entry_as_soon_as_it_is_confirmed() {
    let mut ledger = Ledger::new(1_400, ConnectionOptions::default());
    ledger.put(0, "zero").await;
    let poll = |lac: Option<EntryId>, wait: u64| {
        ReadMode::LongPoll(LongPoll {
            previous_lac: lac,
            timeout: Some(Duration::from_millis(wait)),
            piggyback: true,
        })
    };
    // The time is up: no news.
    let none = ledger.call(ledger.read(None, poll(None, 50))).await.unwrap();
    let Response::Read(none) = none else { panic!("{none:?}") };
    assert_eq!((none.body, none.max_lac), (None, Some(None)));

    let request = ledger.read(None, poll(None, 20_000));
    let bookie = ledger.bookie.clone();
    let (response, ()) = tokio::join!(bookie.call(&request, None), ledger.put(1, "one"));
    let response = response.unwrap();
    let Response::Read(read) = &response else { panic!("{response:?}") };
    assert_eq!((read.entry, read.max_lac), (Some(entry(0)), Some(Some(entry(0)))));
    assert_eq!(ledger.payload(Some(0), response), "zero");
}

#[tokio::test]
#[ignore = "needs real bookies: ci/test bookies"]
async fn a_batched_read_brings_what_fits() {
    for (offset, version) in VERSIONS {
        let mut ledger = Ledger::new(1_500 + offset, in_version(version));
        for number in 0..10 {
            ledger.put(number, vec![number as u8; 1_000]).await;
        }
        let batch = |first, max_entries, max_bytes| {
            Request::BatchRead(BatchReadRequest {
                ledger: ledger.id,
                first: entry(first),
                max_entries,
                max_bytes,
                fence: None,
                priority: Priority::Normal,
            })
        };
        let mut counts = Vec::new();
        for (first, entries, bytes) in [(0, 4, 100_000), (2, 0, 100_000), (0, 10, 3_500), (5, 3, 10)] {
            let response = ledger.call(batch(first, entries, bytes)).await.unwrap();
            let Response::BatchRead(read) = response else { panic!("{response:?}") };
            for (at, body) in read.bodies.iter().enumerate() {
                let number = first + at as i64;
                let found = ledger.codec.open(ledger.id, Some(entry(number)), body).unwrap();
                assert_eq!(found.payload[..], vec![number as u8; 1_000]);
            }
            counts.push(read.bodies.len());
        }
        assert_eq!(counts, [4, 8, 3, 1], "{version:?}");
        assert_eq!(ledger.kind(batch(10, 1, 1_000)).await, ErrorKind::NoSuchEntry);
    }
}

#[tokio::test]
#[ignore = "needs real bookies: ci/test bookies"]
async fn lacs_syncs_room_and_lists_are_asked_for() {
    for (offset, version) in VERSIONS {
        let mut ledger = Ledger::new(1_600 + offset, in_version(version));
        for number in 0..5 {
            let add = AddRequest { deferred_sync: true, ..ledger.add(number, "x".into()) };
            assert_eq!(ledger.call(Request::Add(add)).await.unwrap(), Response::Add);
        }
        assert_eq!(ledger.call(Request::Force(ledger.id)).await.unwrap(), Response::Force);
        let lac = Some(entry(4));
        let body = ledger.codec.seal_lac(ledger.id, lac);
        let write = WriteLacRequest { ledger: ledger.id, lac, key: ledger.key, body };
        assert_eq!(ledger.call(Request::WriteLac(write)).await.unwrap(), Response::WriteLac);

        let response = ledger.call(Request::ReadLac(ledger.id)).await.unwrap();
        let Response::ReadLac(read) = response else { panic!("{response:?}") };
        assert_eq!(ledger.codec.open_lac(ledger.id, &read.explicit_lac.unwrap()).unwrap(), lac);
        let last = ledger.codec.open(ledger.id, None, &read.last_entry.unwrap()).unwrap();
        assert_eq!((last.id, last.lac), (entry(4), Some(entry(3))));

        let response = ledger.call(Request::ListEntries(ledger.id)).await.unwrap();
        let Response::ListEntries(list) = response else { panic!("{response:?}") };
        assert_eq!(list.count(), 5);
        assert!((0..5).all(|number| list.contains(entry(number))) && !list.contains(entry(5)));

        let ask = Request::BookieInfo(BookieInfoRequest { total: true, free: false });
        let response = ledger.call(ask).await.unwrap();
        let Response::BookieInfo(info) = response else { panic!("{response:?}") };
        assert!(info.total_bytes.unwrap() > 0 && info.free_bytes.is_none());
    }
}

#[tokio::test]
#[ignore = "needs real bookies: ci/test bookies"]
async fn a_bookie_without_tls_or_passwords_says_so() {
    let root = include_bytes!("../testdata/tls/root.pem");
    let options =
        ConnectionOptions { tls: Some(TlsOptions::new(root).unwrap()), ..ConnectionOptions::default() };
    let ledger = Ledger::new(1_700, options);
    assert_eq!(ledger.kind(ledger.read(Some(0), ReadMode::Plain)).await, ErrorKind::Security);

    for (offset, version) in VERSIONS {
        let options = ConnectionOptions { credentials: Some(credentials("secret")), ..in_version(version) };
        let mut ledger = Ledger::new(1_710 + offset, options);
        ledger.put(0, "zero").await;
    }
}

#[tokio::test]
#[ignore = "needs real bookies: ci/test bookies"]
async fn a_bookie_is_entered_by_name_and_password_in_clear_and_over_tls() {
    let root = include_bytes!("../testdata/tls/root.pem");
    let secured = |id, options| Ledger::at("DL_TEST_SECURED_BOOKIES", id, options);
    for (offset, version) in VERSIONS {
        for (id, tls) in [(1_900, None), (1_910, Some(TlsOptions::new(root).unwrap()))] {
            let with =
                |credentials| ConnectionOptions { tls: tls.clone(), credentials, ..in_version(version) };
            let mut ledger = secured(id + offset, with(Some(credentials("secret"))));
            let payload = vec![7; 500_000];
            ledger.put(0, payload.clone()).await;
            let read = ledger.call(ledger.read(Some(0), ReadMode::Plain)).await.unwrap();
            assert!(ledger.payload(Some(0), read) == payload);
            let refusal = async |credentials| {
                let ledger = secured(id + offset, with(credentials));
                ledger.call(ledger.read(Some(0), ReadMode::Plain)).await.unwrap_err()
            };
            let unknown = refusal(None).await;
            // Over TLS it says so in version 3, to a client that speaks version 2 too: not to be understood there.
            if tls.is_none() || version == ProtocolVersion::V3 {
                assert_eq!(unknown.kind(), ErrorKind::Unauthorized, "{version:?} {unknown}");
            }
            let guessed = refusal(Some(credentials("guessed"))).await;
            assert!(guessed.message().contains("password is wrong"), "{version:?} {guessed}");
        }
    }
}

fn credentials(password: &str) -> SaslCredentials {
    let mechanism = SaslMechanism::DigestMd5;
    SaslCredentials { mechanism, user: "bookkeeper".to_owned(), password: password.to_owned() }
}

#[tokio::test]
#[ignore = "needs real bookies: ci/test bookies"]
async fn an_entry_over_the_limit_is_refused_here_and_the_connection_lives_on() {
    for (offset, version) in VERSIONS {
        let mut ledger = Ledger::new(1_800 + offset, in_version(version));
        let large = Request::Add(ledger.add(0, vec![0; dl_bookkeeper::DEFAULT_MAX_FRAME_BYTES].into()));
        assert_eq!(ledger.kind(large).await, ErrorKind::TooLarge);
        ledger.put(0, "zero").await;
    }
}
