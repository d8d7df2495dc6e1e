//! `dl verify`.

mod content;
pub(super) mod finding;

use std::time::Duration;

use clap::Args;
use dl_core::{
    Dlsn, Error, ErrorKind, Log, LogName, Namespace, OnTruncated, ReaderOptions, SegmentInfo,
    SegmentTruncation, Severity, Start,
};
use serde_json::json;

use super::Shared;
use super::failure::{self, Result};
use super::namespace::{self, Missing, Scope};
use super::output::Output;
use content::Content;

const BATCH: usize = 4_096;
const WAIT: Duration = Duration::from_secs(3_600);
const PAGE: usize = 1_000;

/// Reads every byte, says what is damaged, what is kept and what is safe to do; 114 if something is damaged
///
/// Of each file (format, metadata, journals, segments, also of processes that go on) every checksum is checked, and of
/// each log the order of its records, their sequence ids, and their numbers against the metadata. A "notice" is
/// something on which no acknowledged record depends. Nothing is changed, also where the directory cannot be opened.
/// If a crash left journals to be replayed, the logs are not read: `dl recover` replays them.
///
/// On BookKeeper every copy of every entry is checked in place of files, and whether the metadata of each segment and of
/// its ledger say the same; no ledger is fenced. Segments that a writer left in progress are named. 112 if nothing is
/// damaged and a log cannot be read now, because its bookies do not answer.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl verify orders")]
pub(crate) struct Verify {
    /// The log [default: all]
    log: Option<String>,
}

/// What was found in a log.
struct Report {
    name: LogName,
    content: Content,
    problems: Vec<Error>,
    /// Why it cannot be read now.
    unread: Option<Error>,
}

impl Verify {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let name = self.log.as_deref().map(LogName::new).transpose()?;
        let mut options = ReaderOptions::default().on_truncated(OnTruncated::Skip);
        let (uri, namespace) = shared.namespace.resolve(Missing::Fail, Scope::Reader(&mut options))?;
        let files = Namespace::verify(&uri, namespace.clone(), name.as_ref()).await?;
        let mut check = Check { options, output: shared.output(), logs: 0, damaged: 0, unread: None };
        finding::print(&mut check.output, &files)?;
        let found = files.findings.iter().filter(|finding| finding.severity == Severity::Damage).count();
        match shared.namespace.open_with(&uri, namespace.read_only(true)).await {
            Ok(namespace) => {
                let checked = match name {
                    Some(name) => check.log(&namespace, &name).await,
                    None => check.all(&namespace).await,
                };
                namespace::close(namespace, checked).await?;
            }
            Err(error) => check.unopened(error, found)?,
        }
        check.end(shared.json, found)
    }
}

/// The check of the logs, as readers see them.
struct Check {
    options: ReaderOptions,
    output: Output,
    logs: u64,
    damaged: u64,
    /// Why a log could not be read now, the last of them.
    unread: Option<Error>,
}

impl Check {
    async fn all(&mut self, namespace: &Namespace) -> Result<()> {
        let mut after = None;
        loop {
            let names = namespace.list_logs("", after.as_ref(), PAGE).await?;
            for name in &names {
                match self.log(namespace, name).await {
                    // It was deleted since it was listed.
                    Err(failure::Failure::Error(error)) if error.kind() == ErrorKind::NotFound => {}
                    verified => verified?,
                }
            }
            match names.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return Ok(()),
            }
        }
    }

    async fn log(&mut self, namespace: &Namespace, name: &LogName) -> Result<()> {
        let log = namespace.log(name);
        let content = Content::default();
        let mut report = Report { name: name.clone(), content, problems: Vec::new(), unread: None };
        match self.read(&log, &mut report).await {
            Err(error) if is_damage(&error) => report.problems.push(error),
            // The bookies of other logs may answer, and what this build does not know need not be wrong.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Unsupported
                ) =>
            {
                report.unread = Some(error.clone());
                self.unread = Some(error);
            }
            read => read?,
        }
        self.logs += 1;
        self.damaged += u64::from(!report.problems.is_empty());
        report.print(&mut self.output)?;
        self.output.flush()
    }

    /// Reads a log to its end; behind damage it goes on with the next segment.
    async fn read(&self, log: &Log, report: &mut Report) -> dl_core::Result<()> {
        let before = log.segments().await?;
        let mut from = Start::Earliest;
        while let Err((position, error)) = self.read_from(log, from, report).await {
            if !is_damage(&error) && !is_lost(log, position, &error).await? {
                return Err(error);
            }
            report.problems.push(error);
            report.content.interrupt(position);
            let Some(next) = before.iter().map(|segment| segment.number).find(|number| *number > position)
            else {
                break;
            };
            from = Start::Dlsn(Dlsn::new(next, 0, 0));
        }
        // What changed meanwhile cannot be held against what was read.
        let after = log.segments().await?;
        for segment in before.iter().filter(|segment| after.contains(segment)) {
            report
                .problems
                .extend(report.content.disagreement(segment).map(|error| error.with("log", log.name())));
        }
        Ok(())
    }

    /// Reads until the end, or to an error in the segment with the number that comes with it.
    async fn read_from(
        &self,
        log: &Log,
        from: Start,
        report: &mut Report,
    ) -> std::result::Result<(), (i64, Error)> {
        let opening = match from {
            Start::Dlsn(dlsn) => dlsn.segment(),
            _ => 0,
        };
        let options = self.options.clone().from(from);
        let mut reader = log.open_reader(options).await.map_err(|error| (opening, error))?;
        loop {
            let batch = reader.next_batch(BATCH, WAIT).await;
            let records = batch.map_err(|error| (reader.position().segment().max(opening), error))?;
            if records.is_empty() && reader.end().is_some() {
                return Ok(());
            }
            for record in &records {
                report.problems.extend(report.content.add(record).map(|error| error.with("log", log.name())));
            }
        }
    }

    /// Says why no log is read, unless that is all that is wrong.
    fn unopened(&mut self, error: Error, found: usize) -> Result<()> {
        let expected = match error.kind() {
            // Journals are to be replayed, or somebody is at it.
            ErrorKind::Unavailable => true,
            ErrorKind::Corrupt
            | ErrorKind::Unsupported
            | ErrorKind::NotFound
            | ErrorKind::InvalidArgument => found > 0,
            _ => false,
        };
        if !expected {
            return Err(error.into());
        }
        let line = format!("notice: no log was read, only files: {error}");
        self.output.item(line, || json!({ "logs_read": false, "error": failure::object(&error) }))?;
        self.output.flush()
    }

    fn end(self, json: bool, found: usize) -> Result<()> {
        if self.damaged == 0 && found == 0 {
            return match self.unread {
                Some(error) if json => Err(failure::Failure::Silent(error.kind())),
                Some(error) => Err(error.into()),
                None => Ok(()),
            };
        }
        if json {
            return Err(failure::Failure::Silent(ErrorKind::Corrupt));
        }
        let message = match self.damaged {
            0 => "something is damaged; what was found stands above".to_owned(),
            damaged => {
                format!("{damaged} of {} logs are damaged; what was found stands above", self.logs)
            }
        };
        Err(Error::new(ErrorKind::Corrupt, message).into())
    }
}

/// Whether reading ended at something that should not be there: bytes, or what stands in the place of a file.
fn is_damage(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::InvalidArgument)
}

/// Whether a segment is gone that its log still has: in place of what was deleted meanwhile, what was lost.
async fn is_lost(log: &Log, segment: i64, error: &Error) -> dl_core::Result<bool> {
    if error.kind() != ErrorKind::NotFound {
        return Ok(false);
    }
    let is_whole = |info: &SegmentInfo| info.truncation != SegmentTruncation::Whole;
    Ok(log.segments().await?.iter().any(|info| info.number == segment && is_whole(info)))
}

impl Report {
    fn print(&self, output: &mut Output) -> Result<()> {
        let (name, records, segments) = (&self.name, self.content.records(), self.content.segments());
        if let Some(error) = self.unread.as_ref().filter(|_| self.problems.is_empty()) {
            let line = format!("unread {name}: {records} records were read; then {error}");
            return output.item(failure::lines(&line), || self.object());
        }
        if self.problems.is_empty() {
            let line = format!("ok {name}: {records} records in {segments} segments");
            return output.item(line, || self.object());
        }
        let mut lines = vec![format!("damaged {name}: {records} records can be read")];
        lines.extend(self.problems.iter().map(|error| format!("  {error}")));
        lines.extend(
            self.content
                .runs()
                .iter()
                .map(|(first, last)| format!("  safe: dl read {name} --from {first} --until {last}")),
        );
        lines.push("  not safe: truncate and delete, before what can be read was saved".to_owned());
        output.item(lines.join("\n"), || self.object())
    }

    fn object(&self) -> serde_json::Value {
        let runs: Vec<_> = self
            .content
            .runs()
            .iter()
            .map(|(first, last)| json!({ "first": first.to_string(), "last": last.to_string() }))
            .collect();
        json!({
            "log": self.name.as_str(),
            "ok": self.problems.is_empty() && self.unread.is_none(),
            "unread": self.unread.as_ref().map(failure::object),
            "records": self.content.records(),
            "segments": self.content.segments(),
            "readable": runs,
            "problems": self.problems.iter().map(failure::object).collect::<Vec<_>>(),
        })
    }
}
