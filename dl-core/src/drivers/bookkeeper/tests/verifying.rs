//! Verifying a namespace while its logs change hands.

use dl_bookkeeper::LedgerId;

use super::segments::OnBookies;
use super::*;
use crate::{Dlsn, LogName, Options, Severity};

/// How often a log changes hands while it is looked at.
const TAKEOVERS: usize = 40;

/// Writers take the log over from one another, append, truncate, and now and then delete the log and make it anew.
async fn churn(uri: String, log: LogName) {
    let mut clients = Vec::new();
    for client in ["one", "two"] {
        let options = Options::default().client_id(client);
        clients.push(Namespace::open(&uri, options).await.unwrap());
    }
    let mut last = None;
    for turn in 0..TAKEOVERS {
        let on = clients[turn % 2].log(&log);
        let writer = on.open_writer(WriterOptions::default().create_log(true)).await.unwrap();
        for payload in ["a", "b", "c"] {
            append(&writer, payload).await.unwrap();
        }
        if let Some(before) = last.filter(|_| turn % 3 == 0) {
            writer.truncate(before).await.unwrap();
        }
        last = writer.last_dlsn();
        // Half of them are cut off by the next, the others end their segment.
        if turn % 2 == 1 {
            writer.close().await.unwrap();
        }
        if turn % 10 == 9 {
            clients[turn % 2].delete_log(&log).await.unwrap();
            last = None;
        }
    }
    for client in clients {
        client.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_that_change_hands_are_not_called_damaged_and_damaged_ones_are() {
    let uri = format!("distributedlog://{}{}", Cluster::shared().zookeeper(), name());
    let namespace = Namespace::open(&uri, Options::default().ledgers_path("/ledgers")).await.unwrap();
    let damaged = namespace.log(&LogName::new("damaged").unwrap());
    for payload in ["a", "b"] {
        let writer = damaged.open_writer(WriterOptions::default().create_log(true)).await.unwrap();
        append(&writer, payload).await.unwrap();
        writer.close().await.unwrap();
    }
    let bookkeeper = OnBookies::new().bookkeeper(&connect(Cluster::shared()).await).await;
    let lost = LedgerId::new(damaged.segments().await.unwrap()[0].id.get()).unwrap();
    bookkeeper.delete(lost).await.unwrap();

    let mut churning = tokio::task::JoinSet::new();
    for log in ["x", "y", "z"] {
        churning.spawn(churn(uri.clone(), LogName::new(log).unwrap()));
    }
    let (mut looks, mut in_progress) = (0, 0);
    loop {
        let found = Namespace::verify(&uri, Options::default(), None).await.unwrap();
        looks += 1;
        in_progress += found.in_progress.len();
        let damage: Vec<_> =
            found.findings.iter().filter(|finding| finding.severity == Severity::Damage).collect();
        let [finding] = damage[..] else { panic!("look {looks}: {damage:?}") };
        assert_eq!((finding.log.as_ref(), finding.segment), (Some(damaged.name()), Some(1)));
        while let Some(ended) = churning.try_join_next() {
            ended.unwrap();
        }
        if churning.is_empty() {
            break;
        }
    }
    println!("{looks} looks, {in_progress} segments in progress");
    assert!(looks > 3 && in_progress > 0, "{looks} {in_progress}");
    assert_eq!(damaged.truncate(Dlsn::new(2, 0, 0)).await.unwrap(), Dlsn::new(2, 0, 0));
    namespace.close().await.unwrap();
}
