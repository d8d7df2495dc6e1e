//! The same for many logs.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use dl_core::{Durability, Error, ErrorKind, LogName, Namespace, Result, Writer};
use tokio::task;

use super::super::failure;
use super::latency::Latency;
use super::payloads::Payloads;
use super::progress::Progress;
use super::site::Site;

/// Logs that are made, and writers that are opened, at once.
const AT_ONCE: usize = 16;

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

/// Makes logs and opens a writer of each. Each has a record, since the first append begins a segment, which is not what
/// is measured; answers what its acknowledgement survives.
pub(super) async fn open_writers(
    site: &Site,
    count: NonZeroUsize,
    payloads: &Payloads,
) -> failure::Result<(Vec<Writer>, Option<Durability>)> {
    let _progress = Progress::new(format!("making {count} logs"));
    let names = (0..count.get()).map(|_| site.name()).collect::<failure::Result<Vec<LogName>>>()?;
    create(&site.namespace, names.clone(), AT_ONCE).await?;
    let opened = Arc::new(Mutex::new(Vec::with_capacity(count.get())));
    let (namespace, options, writers) = (site.namespace.clone(), site.writer_options.clone(), opened.clone());
    let open = move |name| {
        let (namespace, options, writers) = (namespace.clone(), options.clone(), writers.clone());
        async move {
            let writer = namespace.log(&name).open_writer(options).await?;
            writers.lock().unwrap_or_else(PoisonError::into_inner).push(writer);
            Ok(())
        }
    };
    each(names, AT_ONCE, open).await?;
    let writers = std::mem::take(&mut *opened.lock().unwrap_or_else(PoisonError::into_inner));
    let mut first = Vec::with_capacity(writers.len());
    for writer in &writers {
        first.push(writer.append(payloads.share(0).next()).await?);
    }
    let mut durability = None;
    for ticket in first {
        durability = Some(ticket.await?.durability);
    }
    Ok((writers, durability))
}

/// A task did not end by itself.
pub(super) fn ended(error: task::JoinError) -> Error {
    Error::new(ErrorKind::Internal, "a task of the benchmark did not end by itself").caused_by(error)
}
