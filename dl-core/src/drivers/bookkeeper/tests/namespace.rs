//! Namespaces by their URIs, on a real cluster.

use super::*;
use crate::{Dlsn, LogName, LogOptions, Options, Start};

/// The URI of a namespace that nobody else has.
fn uri() -> String {
    format!("distributedlog://{}{}", Cluster::shared().zookeeper(), name())
}

fn making() -> Options {
    Options::default().ledgers_path("/ledgers")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_written_followed_and_taken_over() {
    let uri = uri();
    let one = Namespace::open(&uri, making().client_id("one")).await.unwrap();
    let two = Namespace::open(&uri, Options::default().client_id("two")).await.unwrap();
    let log = LogName::new("a/log").unwrap();
    one.create_log(&log).await.unwrap();
    let first = one.log(&log).open_writer(WriterOptions::default()).await.unwrap();
    let mut follower = two.log(&log).open_reader(ReaderOptions::default().follow(true)).await.unwrap();

    let receipt = append(&first, "a").await.unwrap();
    assert_eq!(receipt.durability, crate::Durability::Replicated);
    // Nothing else is appended: the writer publishes it by itself.
    assert_eq!(&follower.next().await.unwrap().unwrap().payload[..], b"a");
    let second = take_over(&two, &log, &first).await;
    assert_eq!(&follower.next().await.unwrap().unwrap().payload[..], b"b");
    second.close().await.unwrap();
    assert_eq!(read(&one, &log).await, ["a", "b"]);
    one.close().await.unwrap();
    two.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_is_made_found_and_deleted() {
    let uri = uri();
    let error = Namespace::open(&uri, Options::default()).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("dl namespace create --ns"), "{error}");
    let nowhere = Options::default().ledgers_path("/no-cluster");
    assert_eq!(Namespace::open(&uri, nowhere).await.err().unwrap().kind(), ErrorKind::Unavailable);
    assert_eq!(Namespace::inspect(&uri, making()).await.unwrap_err().kind(), ErrorKind::NotFound);

    let namespace = Namespace::open(&uri, making()).await.unwrap();
    // What is bound by a node above needs no node of its own, and Java makes none.
    let below = Namespace::open(&format!("{uri}/be/low"), Options::default()).await.unwrap();
    let log = LogName::new("log").unwrap();
    below.create_log(&log).await.unwrap();
    namespace.create_log(&log).await.unwrap();
    let info = Namespace::inspect(&uri, Options::default()).await.unwrap();
    let binding = info.binding.unwrap();
    assert_eq!((info.driver, info.logs), ("bookkeeper", Some(2)));
    assert_eq!((binding.ledgers_path.as_str(), binding.federated), ("/ledgers", false));

    let refused = Namespace::delete(&uri, Options::default()).await.unwrap_err();
    assert_eq!((refused.kind(), refused.context_value("log")), (ErrorKind::ConditionFailed, Some("log")));
    below.delete_log(&log).await.unwrap();
    namespace.delete_log(&log).await.unwrap();
    below.close().await.unwrap();
    namespace.close().await.unwrap();
    Namespace::delete(&uri, Options::default()).await.unwrap();
    assert_eq!(Namespace::delete(&uri, Options::default()).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn segments_begin_with_the_number_that_the_binding_says() {
    let uri = uri();
    let making = Namespace::open(&uri, making().first_segment(100)).await.unwrap();
    making.close().await.unwrap();
    let info = Namespace::inspect(&uri, Options::default()).await.unwrap();
    assert_eq!(info.binding.unwrap().first_segment, 100);
    let namespace = Namespace::open(&uri, Options::default()).await.unwrap();
    let log = LogName::new("log").unwrap();
    namespace.create_log(&log).await.unwrap();
    // Nothing was there before that could be missed.
    let mut readers = Vec::new();
    for from in [Start::Earliest, Start::Latest, Start::Dlsn(Dlsn::FIRST)] {
        let options = ReaderOptions::default().from(from).follow(true);
        readers.push(namespace.log(&log).open_reader(options).await.unwrap());
    }
    for (number, payload) in [(100, "a"), (101, "b")] {
        let writer = namespace.log(&log).open_writer(WriterOptions::default()).await.unwrap();
        assert_eq!(append(&writer, payload).await.unwrap().dlsn.segment(), number);
        writer.close().await.unwrap();
        for reader in &mut readers {
            assert_eq!(reader.next().await.unwrap().unwrap().payload, payload);
        }
    }
    let options = ReaderOptions::default().from(Start::Dlsn(Dlsn::FIRST));
    let mut reader = namespace.log(&log).open_reader(options).await.unwrap();
    assert_eq!(reader.next().await.unwrap().unwrap().payload, "a");
    // What was truncated is missed all the same.
    let truncated = namespace.log(&log).truncate(Dlsn::new(101, 0, 0)).await.unwrap();
    assert_eq!(truncated.segment(), 101);
    let options = ReaderOptions::default().from(Start::Dlsn(Dlsn::FIRST));
    let refused = namespace.log(&log).open_reader(options).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Truncated);
    namespace.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_number_that_was_raised_or_is_the_last_breaks_no_log() {
    const LAST: i64 = i64::MAX - 1;
    // Found nowhere else in a binding: the port of a server has five digits.
    const AT_FIRST: u64 = 777_777;
    let zookeeper = connect(Cluster::shared()).await;
    let log = LogName::new("log").unwrap();
    for (first, ledgers, expected) in [
        // One that no segment can have says nothing.
        (i64::MAX, "0", Ok(1)),
        // Java deleted the only segment, an empty one, before the namespace was told to begin later.
        (100, "1", Ok(100)),
        (100, "99", Ok(100)),
        (100, "100", Ok(100)),
        // Segments 2 and 3 were there, and are gone.
        (100, "3", Err(ErrorKind::Corrupt)),
        (LAST, "0", Ok(LAST)),
    ] {
        let uri = uri();
        Namespace::open(&uri, making().first_segment(AT_FIRST)).await.unwrap().close().await.unwrap();
        let root = format!("/{}", uri.rsplit_once('/').unwrap().1);
        let (binding, _) = zookeeper.get(&root).await.unwrap().unwrap();
        let binding = String::from_utf8(binding.to_vec()).unwrap();
        let binding = binding.replace(&AT_FIRST.to_string(), &first.to_string());
        zookeeper.set(&root, binding.as_bytes(), 0).await.unwrap();
        let namespace = Namespace::open(&uri, Options::default()).await.unwrap();
        namespace.create_log(&log).await.unwrap();
        let node = format!("{root}/log/<default>/ledgers");
        zookeeper.set(&node, ledgers.as_bytes(), 0).await.unwrap();
        let writer = namespace.log(&log).open_writer(WriterOptions::default()).await.unwrap();
        let appended = append(&writer, "a").await.map(|receipt| receipt.dlsn.segment());
        assert_eq!(appended.map_err(|error| error.kind()), expected, "{first} {ledgers}");
        if expected.is_ok() {
            writer.close().await.unwrap();
            assert_eq!(read(&namespace, &log).await, ["a"]);
        }
        if first == LAST {
            let writer = namespace.log(&log).open_writer(WriterOptions::default()).await.unwrap();
            let refused = append(&writer, "b").await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
        }
        namespace.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ledgers_say_whose_they_are_as_javas_do() {
    // What Java stored for a writer with these is in the golden file.
    let golden = include_str!("../../../../testdata/format/ledger-custom-metadata.json");
    let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
    let stored = &golden["ledgers"][0]["metadata"]["custom_metadata"];
    let options = making().ledger_application("golden").ledger_component("vectors");
    let uri = uri();
    let namespace = Namespace::open(&uri, options).await.unwrap();
    let log = namespace.log(&LogName::new("log").unwrap());
    let writer = log.open_writer(WriterOptions::default().create_log(true)).await.unwrap();
    append(&writer, "a").await.unwrap();
    writer.close().await.unwrap();
    let id = log.segments().await.unwrap()[0].id.get();
    let on_bookies = segments::OnBookies::new();
    let bookkeeper = on_bookies.bookkeeper(&connect(Cluster::shared()).await).await;
    let known = bookkeeper.metadata(dl_bookkeeper::LedgerId::new(id).unwrap()).await.unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let custom = known.metadata.custom.iter().map(|(name, value)| (name.as_str(), hex(value)));
    let expected = ["application", "component"].map(|name| (name, stored[name].as_str().unwrap().to_owned()));
    assert_eq!(custom.collect::<Vec<_>>(), expected);
    namespace.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_are_spread_over_the_racks_that_an_option_names() {
    let on_bookies = segments::OnBookies::new();
    let bookkeeper = on_bookies.bookkeeper(&connect(Cluster::shared()).await).await;
    let bookies = bookkeeper.bookies().await.unwrap();
    let apart = bookies[0].id.clone();
    let racks = bookies.iter().map(|bookie| format!("{}=/{}", bookie.id, bookie.id == apart));
    let racks = racks.collect::<Vec<_>>().join(",");
    let unmade = uri();
    for wrong in [making().bookie_racks("nowhere"), making().tls_roots("/no/such/file")] {
        let refused = Namespace::open(&unmade, wrong).await.err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    }
    let missing = Namespace::open(&unmade, Options::default()).await.err().unwrap();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "nothing was made");
    let options = making().ensemble_size(2).write_quorum(2).ack_quorum(2).bookie_racks(racks);
    let namespace = Namespace::open(&uri(), options).await.unwrap();
    // By chance one in three would not have the one that stands apart.
    for number in 0..16 {
        let log = namespace.log(&LogName::new(&format!("log-{number}")).unwrap());
        let writer = log.open_writer(WriterOptions::default().create_log(true)).await.unwrap();
        append(&writer, "a").await.unwrap();
        writer.close().await.unwrap();
        let ledger = dl_bookkeeper::LedgerId::new(log.segments().await.unwrap()[0].id.get()).unwrap();
        let known = bookkeeper.metadata(ledger).await.unwrap();
        let (_, ensemble) = known.metadata.last_ensemble();
        assert!(ensemble.len() == 2 && ensemble.contains(&apart), "{ensemble:?} without {apart}");
    }
    namespace.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_has_copies_as_its_options_say() {
    let uri = uri();
    let namespace = Namespace::open(&uri, making().ensemble_size(2)).await.unwrap();
    let on_bookies = segments::OnBookies::new();
    let bookkeeper = on_bookies.bookkeeper(&connect(Cluster::shared()).await).await;
    let (own, none) = (LogOptions::default(), LogOptions::default());
    let own = own.ensemble_size(3).write_quorum(2).ack_quorum(1);
    let too_many = LogOptions::default().ensemble_size(4);
    for (name, options, expected) in [
        ("none", none, Some("2/2/2")),
        ("own", own, Some("3/2/1")),
        ("one", LogOptions::default().ensemble_size(1), Some("1/1/1")),
        ("too-many", too_many, None),
    ] {
        let log = namespace.log(&LogName::new(name).unwrap());
        namespace.create_log(log.name()).await.unwrap();
        log.set_options(options).await.unwrap();
        let writer = log.open_writer(WriterOptions::default()).await.unwrap();
        let appended = append(&writer, "a").await;
        let Some(expected) = expected else {
            assert_eq!(appended.unwrap_err().kind(), ErrorKind::Unavailable);
            continue;
        };
        appended.unwrap();
        writer.close().await.unwrap();
        let id = log.segments().await.unwrap()[0].id.get();
        let ledger = dl_bookkeeper::LedgerId::new(id).unwrap();
        let known = bookkeeper.metadata(ledger).await.unwrap();
        assert_eq!(known.metadata.quorum.to_string(), expected, "{name}");
    }
    let log = namespace.log(&LogName::new("own").unwrap());
    let refused = log.set_options(LogOptions::default().write_quorum(2).ack_quorum(3)).await.unwrap_err();
    assert_eq!(
        (refused.kind(), refused.context_value("option")),
        (ErrorKind::InvalidArgument, Some("ack_quorum"))
    );
    assert_eq!(log.options().await.unwrap().ack_quorum, Some(1));
    namespace.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_that_is_closed_leaves_no_session() {
    let uri = uri();
    let namespace = Namespace::open(&uri, making().client_id("to-be-closed")).await.unwrap();
    let log = LogName::new("log").unwrap();
    let writer = namespace.log(&log).open_writer(WriterOptions::default().create_log(true)).await.unwrap();
    append(&writer, "a").await.unwrap();
    let sessions = || Cluster::shared().run(&["sessions"]);
    assert!(sessions().contains("member_to-be-closed"));
    namespace.close().await.unwrap();
    assert!(!sessions().contains("member_to-be-closed"));
    assert_eq!(append(&writer, "b").await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_of_a_federated_namespace_lie_where_java_puts_them() {
    let uri = uri();
    let options = making().federated(true).logs_per_subnamespace(2);
    let namespace = Namespace::open(&uri, options.clone()).await.unwrap();
    let other = Namespace::open(&uri, options).await.unwrap();
    let names = ["fed-a", "fed-b", "fed-c", "fed-d", "fed-e/nested"];
    let logs = names.map(|name| LogName::new(name).unwrap());
    for log in &logs {
        namespace.create_log(log).await.unwrap();
    }
    let again = other.create_log(&logs[2]).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);

    let zookeeper = connect(Cluster::shared()).await;
    let root = uri.rsplit_once('/').map(|(_, name)| format!("/{name}")).unwrap();
    let all = format!("{root}/.subnamespaces");
    for (log, place) in [
        ("fed-a", root.clone()),
        ("fed-b", root.clone()),
        ("fed-c", format!("{all}/NS_0000000000")),
        ("fed-d", format!("{all}/NS_0000000000")),
        ("fed-e/nested", format!("{all}/NS_0000000001")),
    ] {
        let ledgers = zookeeper.state(&format!("{place}/{log}/<default>/ledgers")).await.unwrap();
        assert!(ledgers.is_some(), "{log} is not in {place}");
    }
    let (last, _) = zookeeper.get(&all).await.unwrap().unwrap();
    assert_eq!(&last[..], format!("{all}/NS_0000000001").as_bytes());

    assert_eq!(other.list_logs("", None, 10).await.unwrap(), logs);
    let writer = other.log(&logs[3]).open_writer(WriterOptions::default()).await.unwrap();
    append(&writer, "a").await.unwrap();
    let taken = namespace.log(&logs[3]).open_writer(WriterOptions::default()).await.unwrap();
    assert_eq!(append(&writer, "lost").await.unwrap_err().kind(), ErrorKind::Fenced);
    append(&taken, "b").await.unwrap();
    taken.close().await.unwrap();
    assert_eq!(read(&other, &logs[3]).await, ["a", "b"]);

    // One that is made anew is where there is room, and found there by whoever knew the old one.
    namespace.delete_log(&logs[0]).await.unwrap();
    assert!(!other.log_exists(&logs[0]).await.unwrap());
    namespace.rename_log(&logs[3], &logs[0]).await.unwrap();
    assert_eq!(read(&other, &logs[0]).await, ["a", "b"]);
    assert!(!other.log_exists(&logs[3]).await.unwrap());
    namespace.close().await.unwrap();
    other.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_zookeeper_is_silent_nothing_is_acknowledged_for_long() {
    const SESSION_MS: u64 = 10_000;
    dl_cluster::limit();
    let cluster = Cluster::start(&[]);
    let uri = format!("distributedlog://{}/silent", cluster.zookeeper());
    let namespace = Namespace::open(&uri, making().session_timeout_ms(SESSION_MS)).await.unwrap();
    let log = namespace.log(&LogName::new("log").unwrap());
    let writer = log.open_writer(WriterOptions::default().create_log(true)).await.unwrap();
    append(&writer, "a").await.unwrap();

    // The bookies answer on, and a lock may be gone without the writer's knowing.
    cluster.run(&["freeze-zookeeper"]);
    let clock = Seams::system().unwrap().clock;
    let last_answer = clock.monotonic();
    loop {
        let late = clock.monotonic() - last_answer > Duration::from_millis(SESSION_MS / 2);
        let mut appended = Box::pin(append(&writer, "b"));
        tokio::select! {
            Ok(_) = &mut appended => assert!(!late, "an append was acknowledged without a lease"),
            () = clock.sleep(Duration::from_secs(1)) => if late { break },
        }
    }
    cluster.run(&["thaw-zookeeper"]);
    // Whether the session outlived it is for the servers to say.
    if let Err(error) = append(&writer, "c").await {
        assert_eq!(error.kind(), ErrorKind::Fenced);
    }
    namespace.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_ends_with_its_session() {
    let zookeeper = connect(Cluster::shared_zookeeper()).await;
    let pulse = super::super::pulse::Pulse::start(zookeeper.clone(), &Seams::system().unwrap());
    let lease = pulse.lease();
    assert!(lease.extended().await.is_some() && lease.is_running());
    let session = zookeeper.session_id().unwrap();
    Cluster::shared_zookeeper().run(&["expire-session", &format!("{session:#x}")]);
    // The next session is another one's.
    while !zookeeper.touch().await.is_ok_and(|(now, _)| now != session) {
        tokio::task::yield_now().await;
    }
    assert!(pulse.lease().extended().await.is_some());
    assert!(!lease.is_running() && lease.extended().await.is_none());
    pulse.close();
    zookeeper.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_open_that_was_given_up_is_in_nobodys_way() {
    let uri = uri();
    let one = Namespace::open(&uri, making().client_id("one")).await.unwrap();
    let log = LogName::new("a/log").unwrap();
    one.create_log(&log).await.unwrap();
    let log = one.log(&log);
    log.open_writer(WriterOptions::default()).await.unwrap().close().await.unwrap();
    for round in 0..60 {
        let wait = Takeover::Wait(Duration::from_secs(5));
        let call = log.open_writer(WriterOptions::default().takeover(wait));
        let mut call = Box::pin(call);
        for _ in 0..50 * round {
            tokio::select! {
                biased;
                _ = &mut call => break,
                () = tokio::task::yield_now() => {}
            }
        }
        drop(call);
        let never = WriterOptions::default().takeover(Takeover::Never);
        let writer = log.open_writer(never).await;
        assert!(writer.is_ok(), "round {round}: {}", writer.err().unwrap());
        writer.unwrap().close().await.unwrap();
    }
    one.close().await.unwrap();
}
