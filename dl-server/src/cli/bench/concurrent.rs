//! `dl bench concurrent`.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use clap::Args;
use dl_core::{Error, ErrorKind, Writer};
use tokio::task;

use super::super::failure::Result;
use super::append::{awaited, blocking};
use super::figures::{Figures, Meter, Subject};
use super::latency::Latency;
use super::payloads::Payloads;
use super::progress::Progress;
use super::schedule::Schedule;
use super::site::Site;
use super::time::Time;

/// Many appends at once to one log, each awaited by whoever made it before that one makes the next
#[derive(Debug, Args)]
#[command(visible_alias = "w2")]
pub(super) struct Concurrent {
    #[command(flatten)]
    time: Time,

    /// The bytes of a record
    #[arg(long, value_name = "N", default_value_t = 100)]
    bytes: usize,

    /// So many tasks on the runtime, which has a thread for each processor [default: 64]
    #[arg(long, value_name = "N", conflicts_with = "threads")]
    tasks: Option<NonZeroUsize>,

    /// Instead of tasks: so many threads, each blocked while it waits
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

/// Who appends.
#[derive(Clone, Copy)]
enum Callers {
    Tasks(usize),
    Threads(usize),
}

impl Concurrent {
    pub(super) async fn measure(self, site: &Site) -> Result<Figures> {
        let callers = match self.threads {
            Some(threads) => Callers::Threads(threads.get()),
            None => Callers::Tasks(self.tasks.map_or(64, NonZeroUsize::get)),
        };
        let writer = site.create_log().await?.open_writer(site.writer_options.clone()).await?;
        let durability = writer.append(Payloads::new(self.bytes, 0)?.next()).await?.await?.durability;
        let how = match callers {
            Callers::Tasks(count) => format!("{count} tasks"),
            Callers::Threads(count) => format!("{count} threads"),
        };
        let _progress = Progress::new(format!("appending from {how}"));
        let subject =
            Subject { work: "concurrent", how, durability: Some(durability), record_bytes: Some(self.bytes) };
        let meter = Meter::start();
        let (records, latency) = callers.append(&writer, self.bytes, self.time.length()).await?;
        let figures = meter.stop(subject, records, &latency);
        writer.close().await?;
        Ok(figures)
    }
}

impl Callers {
    /// Lets all of them append until the time is over.
    async fn append(self, writer: &Writer, bytes: usize, length: Duration) -> Result<(u64, Latency)> {
        let work = |number: u64| Ok((Payloads::new(bytes, number)?, Schedule::new(length, None)?));
        let ended =
            |error| Error::new(ErrorKind::Internal, format!("a caller did not end by itself: {error}"));
        let (mut records, mut latency) = (0, Latency::new());
        let mut add = |appended: dl_core::Result<(u64, Latency)>| {
            let (more, measured) = appended?;
            records += more;
            latency.add(&measured);
            dl_core::Result::Ok(())
        };
        match self {
            Self::Tasks(count) => {
                let spawn = |number| {
                    let (writer, work) = (writer.clone(), work(number));
                    task::spawn(async move {
                        let (payloads, schedule) = work?;
                        awaited(&writer, payloads, schedule).await
                    })
                };
                for task in (1..).take(count).map(spawn).collect::<Vec<_>>() {
                    add(task.await.map_err(|error| ended(error.to_string()))?)?;
                }
            }
            Self::Threads(count) => {
                let callers: Vec<_> =
                    (1..).take(count).map(|number| (writer.clone(), work(number))).collect();
                // Waiting for threads blocks, which this thread may not do: it also waits for an interrupt.
                let all = task::spawn_blocking(move || {
                    let spawn = |(writer, work): (Writer, dl_core::Result<(Payloads, Schedule)>)| {
                        thread::Builder::new().name("caller".to_owned()).spawn(move || {
                            let (payloads, schedule) = work?;
                            blocking(&writer, payloads, schedule)
                        })
                    };
                    let threads: Vec<_> = callers.into_iter().map(spawn).collect();
                    threads.into_iter().map(|thread| thread.map(thread::JoinHandle::join)).collect::<Vec<_>>()
                });
                for thread in all.await.map_err(|error| ended(error.to_string()))? {
                    let joined = thread.map_err(|error| ended(error.to_string()))?;
                    add(joined.map_err(|_| ended("it panicked".to_owned()))?)?;
                }
            }
        }
        Ok((records, latency))
    }
}
