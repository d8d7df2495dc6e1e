//! The same for many logs.

use std::time::Instant;

use dl_core::{Error, ErrorKind, LogName, Namespace, Result};
use tokio::task;

use super::latency::Latency;

/// Does something for each log, for so many at once; answers how long each took.
///
/// # Errors
/// The first that any of them ran into.
pub(super) async fn each<F, W>(names: Vec<LogName>, at_once: usize, work: F) -> Result<Latency>
where
    F: Fn(LogName) -> W + Clone + Send + 'static,
    W: Future<Output = Result<()>> + Send + 'static,
{
    let mut shares: Vec<Vec<LogName>> = vec![Vec::new(); at_once.clamp(1, names.len().max(1))];
    let count = shares.len();
    for (number, name) in names.into_iter().enumerate() {
        shares[number % count].push(name);
    }
    let one_after_the_other = |share: Vec<LogName>| {
        let work = work.clone();
        task::spawn(async move {
            let mut latency = Latency::new();
            for name in share {
                let due = Instant::now();
                work(name).await?;
                latency.record(due.elapsed());
            }
            Ok(latency)
        })
    };
    let tasks: Vec<_> = shares.into_iter().map(one_after_the_other).collect();
    let mut latency = Latency::new();
    for task in tasks {
        latency.add(&task.await.map_err(ended)??);
    }
    Ok(latency)
}

/// Makes the logs, so many at once; answers how long each took.
pub(super) async fn create(namespace: &Namespace, names: Vec<LogName>, at_once: usize) -> Result<Latency> {
    let namespace = namespace.clone();
    each(names, at_once, move |name| {
        let namespace = namespace.clone();
        async move { namespace.create_log(&name).await }
    })
    .await
}

/// A task did not end by itself.
pub(super) fn ended(error: task::JoinError) -> Error {
    Error::new(ErrorKind::Internal, "a task of the benchmark did not end by itself").caused_by(error)
}
