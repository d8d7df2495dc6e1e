//! Whatever ZooKeeper holds: what is read says what is wrong, and nothing panics or hangs.

use super::*;
use crate::{CursorName, Dlsn, LogName, LogOptions, Options, Start};

/// Data of no kind of node.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", Vec::new()),
        ("not UTF-8", vec![0xff, 0xfe, 0x00, 0x80]),
        ("huge", vec![b'9'; 900_000]),
        ("negative", b"-5".to_vec()),
        ("the greatest", i64::MAX.to_string().into_bytes()),
        ("too great", b"9223372036854775808".to_vec()),
        ("fields", b";;;;;;;;;;".to_vec()),
        ("a later version", b"99;1;1;1;0;0;-1".to_vec()),
        ("greatest fields", ["9223372036854775807"; 11].join(";").into_bytes()),
        ("structure", b"1\nBKDL\n{\"1\":{\"str\":7},\"2\":[]}".to_vec()),
    ]
}

/// What a client does with a namespace and a log; the errors of all of it.
async fn use_all(uri: &str) -> Vec<crate::Error> {
    let mut errors = Vec::new();
    let mut keep = |error: Option<crate::Error>| errors.extend(error);
    keep(Namespace::inspect(uri, Options::default()).await.err());
    keep(Namespace::verify(uri, Options::default(), None).await.err());
    let namespace = match Namespace::open(uri, Options::default()).await {
        Ok(namespace) => namespace,
        Err(error) => {
            keep(Some(error));
            return errors;
        }
    };
    let log = namespace.log(&LogName::new("log").unwrap());
    keep(namespace.list_logs("", None, 10).await.err());
    keep(log.info().await.err());
    keep(log.segments().await.err());
    keep(log.options().await.err());
    keep(log.user_metadata().await.err());
    keep(log.count().await.err());
    keep(log.last_record().await.err());
    keep(log.cursors().await.err());
    keep(log.recover().await.err());
    match log.cursor(&CursorName::new("c").unwrap()).await {
        Ok(cursor) => {
            keep(cursor.position().await.err());
            keep(cursor.advance(Dlsn::new(1, 0, 0)).await.err());
        }
        Err(error) => keep(Some(error)),
    }
    for from in [Start::Earliest, Start::Latest] {
        match log.open_reader(ReaderOptions::default().from(from)).await {
            Ok(mut reader) => loop {
                match reader.next().await {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(error) => {
                        keep(Some(error));
                        break;
                    }
                }
            },
            Err(error) => keep(Some(error)),
        }
    }
    keep(log.truncate(Dlsn::new(1, 0, 1)).await.err());
    match log.open_writer(WriterOptions::default()).await {
        Ok(writer) => {
            keep(append(&writer, "c").await.err());
            keep(writer.close().await.err());
        }
        Err(error) => keep(Some(error)),
    }
    keep(namespace.create_log(&LogName::new("another").unwrap()).await.err());
    keep(namespace.delete_log(&LogName::new("log").unwrap()).await.err());
    keep(namespace.close().await.err());
    errors
}

/// A namespace with a log of two segments, a cursor, and the paths of all its nodes.
async fn made(zookeeper: &ZooKeeper, federated: bool) -> (String, Vec<String>) {
    let root = name();
    let uri = format!("distributedlog://{}{root}", Cluster::shared().zookeeper());
    let options = Options::default().ledgers_path("/ledgers").federated(federated);
    let namespace = Namespace::open(&uri, options).await.unwrap();
    let log = namespace.log(&LogName::new("log").unwrap());
    for payload in ["a", "b"] {
        let writer = log.open_writer(WriterOptions::default().create_log(true)).await.unwrap();
        append(&writer, payload).await.unwrap();
        writer.close().await.unwrap();
    }
    let cursor = log.cursor(&CursorName::new("c").unwrap()).await.unwrap();
    cursor.advance(Dlsn::new(1, 0, 0)).await.unwrap();
    log.set_user_metadata("u").await.unwrap();
    log.set_options(LogOptions::default().roll_bytes(1 << 20)).await.unwrap();
    namespace.close().await.unwrap();
    let (mut paths, mut waiting) = (Vec::new(), vec![root]);
    while let Some(path) = waiting.pop() {
        let children = zookeeper.children(&path).await.unwrap().unwrap();
        waiting.extend(children.into_iter().map(|child| format!("{path}/{child}")));
        paths.push(path);
    }
    (uri, paths)
}

#[tokio::test]
async fn data_of_no_kind_is_refused_with_the_right_error() {
    tokio::task::LocalSet::new().run_until(refused()).await;
}

async fn refused() {
    let clock = Seams::system().unwrap().clock;
    let zookeeper = connect(Cluster::shared()).await;
    let (mut tried, mut wrong) = (0, Vec::new());
    for federated in [false, true] {
        let (_, paths) = made(&zookeeper, federated).await;
        // The logs of both are alike.
        let nodes = paths.iter().map(|path| path[root_of(path)..].to_owned());
        for node in nodes.filter(|node| !federated || !node.starts_with("/log")) {
            let mut used = Vec::new();
            for (what, data) in hostile() {
                let (node, zookeeper) = (node.clone(), zookeeper.clone());
                let using = tokio::task::spawn_local(async move {
                    let (uri, paths) = made(&zookeeper, federated).await;
                    let path = paths.iter().find(|path| path[root_of(path)..] == node).unwrap();
                    let (_, state) = zookeeper.get(path).await.unwrap().unwrap();
                    zookeeper.set(path, &data, state.version).await.unwrap();
                    use_all(&uri).await
                });
                used.push((what, using));
            }
            for (what, mut using) in used {
                let ended = tokio::select! {
                    ended = &mut using => Some(ended),
                    () = clock.sleep(Duration::from_secs(60)) => None,
                };
                tried += 1;
                match ended {
                    None => wrong.push(format!("{node} {what}: hangs")),
                    Some(Err(error)) => wrong.push(format!("{node} {what}: {error}")),
                    Some(Ok(errors)) => {
                        let bad = errors.into_iter().filter(|error| !is_right(&node, error.kind()));
                        wrong.extend(bad.map(|error| format!("{node} {what}: {error}")));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried > 100, "{tried}");
}

/// Where below the namespace a path goes on.
fn root_of(path: &str) -> usize {
    path[1..].find('/').map_or(path.len(), |at| at + 1)
}

/// Data that is no binding is none of a namespace; what else is wrong is damage, or of a later version, or the end of a log.
fn is_right(node: &str, kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Corrupt | ErrorKind::Unsupported => true,
        ErrorKind::InvalidArgument | ErrorKind::NotFound => node.is_empty(),
        ErrorKind::Sealed => node.ends_with("/maxtxid"),
        _ => false,
    }
}
