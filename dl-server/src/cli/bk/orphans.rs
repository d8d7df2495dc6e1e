//! `dl bk orphans`: ledgers that nothing in a namespace refers to.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use dl_bookkeeper::{LedgerId, LedgerMetadata};
use dl_core::{Error, ErrorKind};
use serde_json::json;

use super::cluster::{Cluster, Known};
use super::references::References;
use super::show;
use crate::cli::failure::{self, Result};
use crate::cli::output::Output;

/// Ledgers that are asked for at once.
const PAGE: usize = 10_000;

/// Finds ledgers that nothing in the namespace refers to, and deletes them with --delete
///
/// A writer that died between making a ledger and using it leaves one; deleting a log with Java leaves those of logs below
/// its name. Without --delete nothing is changed: what would go is printed.
///
/// A ledger goes only if no segment, no allocation and no allocator pool of the namespace refers to it, looked at twice
/// after the ledgers were listed, and it is older than --older-than: a writer refers to a ledger a moment after it made it.
/// Applications that say whose a ledger is (Pulsar does) keep theirs, whatever is asked. A ledger that says nothing, which
/// is how logs are written, may be another namespace's or another application's: name every other namespace of the cluster
/// with --also-used-by, and --unmarked if no other application uses it without saying so.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dl bk orphans --also-used-by distributedlog://zk1:2181/messaging/other --unmarked --delete"
)]
pub(super) struct Orphans {
    /// Another namespace on the cluster, whose ledgers stay
    #[arg(long, value_name = "URI")]
    also_used_by: Vec<String>,

    /// Only ledgers made longer ago than this: a number with one of s, m, h, d
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = duration)]
    older_than: Duration,

    /// Ledgers that say of no application that they are its own are of these namespaces, too
    #[arg(long)]
    unmarked: bool,

    /// Deletes them
    #[arg(long)]
    delete: bool,
}

/// What becomes of a ledger that nothing refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// It goes.
    Orphan,
    /// It may be about to be used.
    Young,
    /// It says of no application that it is its own.
    Unmarked,
    /// It is of this application.
    Other(String),
    /// Its metadata cannot be read.
    Unreadable,
}

impl Orphans {
    pub(super) async fn run(self, cluster: &Cluster, json: bool, output: &mut Output) -> Result<()> {
        let unused = self.unused(cluster).await?;
        let mut count = 0_u64;
        for (ledger, known) in cluster.metadata(&unused).await? {
            let Some(found) = self.judge(cluster, ledger, &known).await? else { continue };
            let goes = found.verdict == Verdict::Orphan;
            if goes && self.delete {
                cluster.client.delete(ledger).await?;
            }
            count += u64::from(goes);
            let deleted = goes && self.delete;
            output.item(failure::lines(&found.text(deleted)), || found.object(deleted))?;
            output.flush()?;
        }
        if !json {
            let done = if self.delete { "deleted" } else { "would be deleted with --delete" };
            output.bytes(format!("{count} ledgers {done}\n").as_bytes())?;
        }
        output.flush()
    }

    /// The ledgers to which nothing refers, in order.
    async fn unused(&self, cluster: &Cluster) -> Result<Vec<LedgerId>> {
        // Fails first if there is no namespace.
        cluster.root()?;
        // Before the references: what is made meanwhile is no candidate.
        let mut ledgers = Vec::new();
        loop {
            let page = cluster.client.list(ledgers.last().copied(), PAGE).await?;
            if page.is_empty() {
                break;
            }
            ledgers.extend(page);
        }
        let used = self.used(cluster).await?;
        ledgers.retain(|ledger| used.of(*ledger).is_none());
        Ok(ledgers)
    }

    async fn used(&self, cluster: &Cluster) -> Result<References> {
        let mut used = cluster.references().await?;
        for uri in &self.also_used_by {
            used.extend(cluster.references_of(uri).await?);
        }
        Ok(used)
    }

    async fn judge(&self, cluster: &Cluster, ledger: LedgerId, known: &Known) -> Result<Option<Found>> {
        let metadata = match known {
            Known::Metadata(metadata) => metadata,
            Known::Gone => return Ok(None),
            Known::Unreadable(_) => {
                let (verdict, created_ms) = (Verdict::Unreadable, None);
                return Ok(Some(Found { ledger, state: "unreadable", bytes: None, created_ms, verdict }));
            }
        };
        let Some(created_ms) = cluster.store.created_ms(ledger).await? else { return Ok(None) };
        let (state, (_, bytes)) = (show::state(metadata), show::end(metadata));
        let verdict = self.verdict(metadata, created_ms, now_ms()?);
        Ok(Some(Found { ledger, state, bytes, created_ms: Some(created_ms), verdict }))
    }

    fn verdict(&self, metadata: &LedgerMetadata, created_ms: i64, now_ms: i64) -> Verdict {
        let age = u64::try_from(now_ms.saturating_sub(created_ms)).unwrap_or_default();
        match show::application(metadata) {
            Some(application) => Verdict::Other(application),
            None if !self.unmarked => Verdict::Unmarked,
            None if Duration::from_millis(age) <= self.older_than => Verdict::Young,
            None => Verdict::Orphan,
        }
    }
}

/// A ledger that nothing refers to.
struct Found {
    ledger: LedgerId,
    state: &'static str,
    bytes: Option<u64>,
    created_ms: Option<i64>,
    verdict: Verdict,
}

impl Found {
    fn text(&self, deleted: bool) -> String {
        let bytes = self.bytes.map(|bytes| format!(", {bytes} bytes")).unwrap_or_default();
        let why = match &self.verdict {
            Verdict::Orphan if deleted => "deleted".to_owned(),
            Verdict::Orphan => "would be deleted".to_owned(),
            Verdict::Young => "stays: it is younger than --older-than".to_owned(),
            Verdict::Unmarked => "stays: it does not say whose it is (--unmarked)".to_owned(),
            Verdict::Other(name) => format!("stays: it is of the application {}", name.escape_default()),
            Verdict::Unreadable => "stays: its metadata cannot be read".to_owned(),
        };
        format!("ledger {}, {}{bytes}: {why}", self.ledger, self.state)
    }

    fn object(&self, deleted: bool) -> serde_json::Value {
        let (verdict, application) = match &self.verdict {
            Verdict::Orphan => ("orphan", None),
            Verdict::Young => ("young", None),
            Verdict::Unmarked => ("unmarked", None),
            Verdict::Other(name) => ("other", Some(name)),
            Verdict::Unreadable => ("unreadable", None),
        };
        json!({
            "ledger": self.ledger.number(),
            "state": self.state,
            "bytes": self.bytes,
            "created_ms": self.created_ms,
            "verdict": verdict,
            "application": application,
            "deleted": deleted,
        })
    }
}

fn now_ms() -> Result<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    let ms = since.and_then(|since| i64::try_from(since.as_millis()).ok());
    let wrong = || Error::new(ErrorKind::Unavailable, "the clock of this machine is set before 1970; set it");
    Ok(ms.ok_or_else(wrong)?)
}

fn duration(text: &str) -> std::result::Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    let read = |(unit, seconds): (&str, u64)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(seconds).map(Duration::from_secs)
    };
    units.into_iter().find_map(read).ok_or_else(|| "write a time such as 30m, 12h or 7d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dl_bookkeeper::{BookieId, DigestType, Quorum};

    fn metadata(application: Option<&str>) -> LedgerMetadata {
        let (quorum, bookies) = (Quorum::new(1, 1, 1).unwrap(), vec![BookieId::new("bk1").unwrap()]);
        let mut metadata = LedgerMetadata::new(quorum, DigestType::Crc32, "".into(), bookies).unwrap();
        let pair = |name: &str| ("application".to_owned(), name.to_owned().into());
        metadata.custom = application.map(pair).into_iter().collect();
        metadata
    }

    #[test]
    fn only_what_is_old_and_may_be_ours_goes() {
        let orphans = |unmarked| Orphans {
            also_used_by: Vec::new(),
            older_than: Duration::from_secs(60),
            unmarked,
            delete: true,
        };
        let verdict = |unmarked, application, age_ms| {
            orphans(unmarked).verdict(&metadata(application), 1_000_000, 1_000_000_i64 + age_ms)
        };
        assert_eq!(verdict(true, None, 60_001), Verdict::Orphan);
        assert_eq!(verdict(true, None, 60_000), Verdict::Young);
        assert_eq!(verdict(true, None, -5), Verdict::Young, "made by a clock that is ahead");
        assert_eq!(verdict(false, None, 60_001), Verdict::Unmarked);
        for unmarked in [false, true] {
            let verdict = verdict(unmarked, Some("pulsar"), 60_001);
            assert_eq!(verdict, Verdict::Other("pulsar".to_owned()));
        }
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration("90m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        for bad in ["", "7", "d", "-1d", "1w", "99999999999999999999d"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }
}
