//! Every request ends, once, whatever happens to its connection.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::codec::ProtocolVersion;
use crate::error::{Error, ErrorKind};
use crate::seams::{BoxFuture, Network, Stream};

async fn kind_of(waiting: JoinHandle<Result<Response>>) -> ErrorKind {
    error_of(waiting).await.kind()
}

async fn error_of(waiting: JoinHandle<Result<Response>>) -> Error {
    waiting.await.unwrap().unwrap_err()
}

#[tokio::test]
async fn a_request_without_an_answer_ends_at_its_deadline_and_a_late_answer_is_nobodys() {
    let world = World::new(ConnectionOptions::default()).await;
    let (early, late) = (world.send(read(1)), world.send(add(2, 10)));
    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    let calls = peer.requests(2).await;
    world.clock.advance(SECOND);
    peer.answer(&calls[0], Ok(found(1))).await;
    assert_eq!(early.await.unwrap().unwrap(), found(1));
    world.clock.advance(4 * SECOND);
    let error = error_of(late).await;
    assert_eq!((error.kind(), error.may_have_taken_effect()), (ErrorKind::Timeout, true));
    assert_eq!(world.client.in_flight(), (0, 0));

    // The bookie was heard since: the connection lives on, and tells the late answer from the next one.
    let next = world.send(read(3));
    let call = peer.request().await;
    peer.answer(&calls[1], Ok(Response::Add)).await;
    peer.answer(&call, Ok(found(3))).await;
    assert_eq!(next.await.unwrap().unwrap(), found(3));
}

#[tokio::test]
async fn a_bookie_that_says_nothing_at_all_is_connected_to_anew() {
    let world = World::new(ConnectionOptions::default()).await;
    let silent = world.send(read(1));
    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    peer.request().await;
    world.clock.advance(2 * SECOND);
    let younger = world.send(read(2));
    peer.request().await;
    world.clock.advance(3 * SECOND);
    assert_eq!(kind_of(silent).await, ErrorKind::Timeout);
    assert_eq!(kind_of(younger).await, ErrorKind::Unavailable);
    assert!(peer.next_request().await.is_none());

    world.clock.advance(SECOND);
    let next = world.send(read(3));
    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    let call = peer.request().await;
    peer.answer(&call, Ok(found(3))).await;
    assert_eq!(next.await.unwrap().unwrap(), found(3));
}

#[tokio::test]
async fn a_broken_connection_ends_all_and_says_what_may_have_taken_effect() {
    let world = World::new(ConnectionOptions::default()).await;
    let (reading, adding) = (world.send(read(1)), world.send(add(2, 10)));
    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    peer.requests(2).await;
    drop(peer);
    let (reading, adding) = (error_of(reading).await, error_of(adding).await);
    assert_eq!((reading.kind(), adding.kind()), (ErrorKind::Unavailable, ErrorKind::Unavailable));
    assert_eq!((reading.may_have_taken_effect(), adding.may_have_taken_effect()), (false, true));
    assert!(adding.is_retryable());
}

#[tokio::test]
async fn garbage_ends_the_connection_after_the_good_answers_before_it() {
    let garbage: [&[u8]; 4] = [
        b"\0\0\0\x05hello",
        // A length over the limit; an answer to what was not asked; an answer to another kind of request.
        &[0x7f, 0xff, 0xff, 0xff],
        &[0, 0, 0, 0],
        &[0, 0, 0, 18, 10, 6, 8, 3, 16, 2, 24, 2, 16, 0, 0xaa, 6, 6, 8, 0, 16, 1, 24],
    ];
    for garbage in garbage {
        let world = World::new(ConnectionOptions::default()).await;
        let (good, other) = (world.send(read(1)), world.send(read(2)));
        let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
        let calls = peer.requests(2).await;
        let answer = peer.version.encode_answer(&calls[0], &Ok(found(1))).to_bytes();
        peer.send(&[&answer[..], garbage].concat()).await;
        assert_eq!(good.await.unwrap().unwrap(), found(1));
        assert_eq!(kind_of(other).await, ErrorKind::Unavailable, "{garbage:?}");

        // The connection was of use before: the next request connects at once.
        let next = world.send(read(3));
        let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
        let call = peer.request().await;
        peer.answer(&call, Ok(found(3))).await;
        assert_eq!(next.await.unwrap().unwrap(), found(3));
    }
}

#[tokio::test]
async fn a_bookie_that_cannot_be_reached_is_left_alone_for_longer_and_longer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let (client, clock) = client(&address, ConnectionOptions::default());
    let attempt = async || client.call(&read(1), None).await.unwrap_err();
    let first = attempt().await;
    assert_eq!((first.kind(), first.may_have_taken_effect()), (ErrorKind::Unavailable, false));
    assert!(first.message().contains(&address), "{first}");

    // Somebody listens now, but is not asked before the time is up.
    let listener = TcpListener::bind(&address).await.unwrap();
    clock.advance(Duration::from_millis(99));
    assert_eq!(attempt().await.message(), first.message());
    clock.advance(Duration::from_millis(1));
    let (error, accepted) = tokio::join!(attempt(), async {
        drop(listener.accept().await.unwrap());
    });
    assert_eq!((error.kind(), accepted), (ErrorKind::Unavailable, ()));
    // That connection was of no use: twice the time.
    clock.advance(Duration::from_millis(199));
    assert_eq!(attempt().await.kind(), ErrorKind::Unavailable);
    clock.advance(Duration::from_millis(1));
    let (_, accepted) = tokio::join!(attempt(), async {
        drop(listener.accept().await.unwrap());
    });
    assert_eq!(accepted, ());
}

#[tokio::test]
async fn what_is_in_flight_is_bounded() {
    let options = ConnectionOptions {
        max_in_flight_bytes: 30_000,
        max_in_flight_requests: 5,
        ..ConnectionOptions::default()
    };
    let world = World::new(options).await;
    let (sender, mut ended) = mpsc::unbounded_channel();
    let submit = |request: Request| {
        let sender = sender.clone();
        world.client.submit(&request, None, move |outcome| sender.send(outcome).unwrap());
    };
    submit(add(0, 20_000));
    submit(add(1, 20_000));
    assert_eq!(ended.recv().await.unwrap().unwrap_err().kind(), ErrorKind::Busy);
    for number in 2..7 {
        submit(add(number, 10));
    }
    assert_eq!(ended.recv().await.unwrap().unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!(world.client.in_flight().0, 5);

    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    for call in peer.requests(5).await {
        peer.answer(&call, Ok(Response::Add)).await;
        assert_eq!(ended.recv().await.unwrap().unwrap(), Response::Add);
    }
    // One that is larger than the budget goes alone.
    submit(add(8, 100_000));
    let call = peer.request().await;
    peer.answer(&call, Ok(Response::Add)).await;
    assert_eq!(ended.recv().await.unwrap().unwrap(), Response::Add);
    assert_eq!(world.client.in_flight(), (0, 0));
}

#[tokio::test]
async fn a_stuck_bookie_holds_no_memory_beyond_the_deadlines() {
    let world = World::new(ConnectionOptions::default()).await;
    let waiting: Vec<_> = (0..60).map(|number| world.send(add(number, 1_000_000))).collect();
    // It accepts, and reads nothing.
    let _peer = world.bookie.accept(ProtocolVersion::V3).await;
    while world.client.in_flight().0 < 60 {
        tokio::task::yield_now().await;
    }
    world.clock.advance(5 * SECOND);
    for waiting in waiting {
        let kind = kind_of(waiting).await;
        assert!(matches!(kind, ErrorKind::Timeout | ErrorKind::Unavailable), "{kind}");
    }
    assert_eq!(world.client.in_flight(), (0, 0));
}

#[tokio::test]
async fn a_request_that_is_given_up_is_not_sent_and_disturbs_no_other() {
    let world = World::new(ConnectionOptions::default()).await;
    let (request, other) = (add(1, 1_000), read(2));
    let mut given_up = Box::pin(world.client.call(&request, None));
    tokio::select! {
        biased;
        _ = &mut given_up => panic!("nobody has answered"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(world.client.in_flight().0, 1);
    drop(given_up);
    assert_eq!(world.client.in_flight(), (0, 0));
    let waiting = tokio::join!(world.client.call(&other, None), async {
        let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
        let call = peer.request().await;
        assert_eq!(call.request, read(2));
        peer.answer(&call, Ok(found(2))).await;
    });
    assert_eq!(waiting.0.unwrap(), found(2));
}

#[tokio::test]
async fn closing_ends_every_request_now_and_later() {
    let world = World::new(ConnectionOptions::default()).await;
    let waiting = world.send(add(1, 10));
    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    peer.request().await;
    world.client.close();
    let error = error_of(waiting).await;
    assert_eq!((error.kind(), error.may_have_taken_effect()), (ErrorKind::Closed, true));
    assert!(peer.next_request().await.is_none());
    assert_eq!(world.client.call(&read(1), None).await.unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn a_runtime_that_ends_ends_every_request() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (sender, ended) = std::sync::mpsc::channel();
    let world = runtime.block_on(async {
        let world = World::new(ConnectionOptions::default()).await;
        world.client.submit(&add(1, 10), None, move |outcome| sender.send(outcome).unwrap());
        let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
        peer.request().await;
        world
    });
    drop(runtime);
    assert_eq!(ended.recv().unwrap().unwrap_err().kind(), ErrorKind::Closed);
    assert!(ended.recv().is_err(), "told once");
    drop(world);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_at_once() {
    let world =
        World::new(ConnectionOptions { max_frame_bytes: 1_000, ..ConnectionOptions::default() }).await;
    let refused = async |request| world.client.call(&request, None).await.unwrap_err().kind();
    assert_eq!(refused(add(1, 1_000)).await, ErrorKind::TooLarge);
    assert_eq!(refused(Request::StartTls).await, ErrorKind::InvalidArgument);
    assert_eq!(world.client.in_flight(), (0, 0));
}

/// A network that panics with the first connection, as a bug would.
struct PanicsOnce(Arc<dyn Network>, AtomicBool);

impl Network for PanicsOnce {
    fn connect(&self, address: &str) -> BoxFuture<'static, io::Result<Box<dyn Stream>>> {
        let panics = !self.1.swap(true, Ordering::Relaxed);
        let connecting = self.0.connect(address);
        Box::pin(async move {
            assert!(!panics, "as a bug would");
            connecting.await
        })
    }
}

#[tokio::test]
async fn a_connection_whose_task_panics_is_made_anew() {
    let bookie = FakeBookie::start().await;
    let mut seams = Seams::system();
    seams.network = Arc::new(PanicsOnce(seams.network, false.into()));
    let (cluster, id) = (MemoryCluster::new(), BookieId::new("bk1").unwrap());
    cluster.register(id.clone(), bookie.address(), true);
    let client = Bookies::new(Arc::new(cluster), ConnectionOptions::default(), seams).bookie(&id);
    let error = client.call(&read(1), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let request = read(2);
    let answering = async {
        let mut peer = bookie.accept(ProtocolVersion::V3).await;
        let call = peer.request().await;
        peer.answer(&call, Ok(found(2))).await;
        std::future::pending().await
    };
    tokio::select! {
        answer = client.call(&request, None) => assert_eq!(answer.unwrap(), found(2)),
        () = answering => {}
    }
    client.close();
    assert_eq!(client.call(&request, None).await.unwrap_err().kind(), ErrorKind::Closed);
}
