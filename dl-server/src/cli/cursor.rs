//! `dl cursor`.

use clap::{Args, Subcommand};
use dl_core::{CursorInfo, CursorName, Dlsn, Error, ErrorKind, Log, LogName};
use serde_json::{Value, json};

use super::Shared;
use super::failure::Result;
use super::namespace::{self, Missing, Scope};
use super::table;

/// Shows, moves and removes cursors: named places in a log
///
/// A cursor stands at the last record that somebody has processed. `dl read --cursor` and `dl tail --cursor` start behind
/// it and move it. While one of them has it, nobody else moves or removes it (exit code 119).
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl cursor set orders billing 3:120:0")]
pub(crate) struct Cursor {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Prints the cursors of a log: name, position, and the reader that has it
    List {
        /// The log
        log: String,
    },
    /// Prints the position of a cursor
    Show(Which),
    /// Moves a cursor forward or back, and makes it if there is none. Behind the last record there is nothing to have
    /// processed (exit code 101)
    Set {
        #[command(flatten)]
        which: Which,

        /// The record that was processed last; reading goes on behind it
        #[arg(value_name = "DLSN")]
        position: String,
    },
    /// Removes a cursor
    Delete(Which),
}

#[derive(Debug, Args)]
struct Which {
    /// The log
    log: String,

    /// The name of the cursor
    name: String,
}

impl Cursor {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        match self.action {
            Action::List { log } => list(&log, shared).await,
            Action::Show(which) => show(&which, shared).await,
            Action::Set { which, position } => set(&which, &position, shared).await,
            Action::Delete(which) => delete(&which, shared).await,
        }
    }
}

async fn list(log: &str, shared: &Shared) -> Result<()> {
    let log = LogName::new(log)?;
    let cursors = on_log(shared, &log, async |log: Log| log.cursors().await).await?;
    let mut output = shared.output();
    if shared.json {
        for cursor in &cursors {
            output.object(&object(&log, cursor))?;
        }
    } else {
        let mut rows = vec![["CURSOR", "POSITION", "READER"].map(str::to_owned)];
        let none = || "none".to_owned();
        rows.extend(cursors.iter().map(|cursor| {
            let owner = cursor.owner.clone().unwrap_or_else(none);
            [cursor.name.to_string(), position(cursor), owner]
        }));
        table::write(&mut output, &rows)?;
    }
    output.flush()
}

async fn show(which: &Which, shared: &Shared) -> Result<()> {
    let (log, name) = (LogName::new(&which.log)?, CursorName::new(&which.name)?);
    let cursors = on_log(shared, &log, async |log: Log| log.cursors().await).await?;
    let Some(cursor) = cursors.into_iter().find(|cursor| cursor.name == name) else {
        let error =
            Error::new(ErrorKind::NotFound, "there is no such cursor; dl cursor list shows those there are");
        return Err(error.with("log", log).with("cursor", name).into());
    };
    let mut output = shared.output();
    output.item(position(&cursor), || object(&log, &cursor))?;
    output.flush()
}

async fn set(which: &Which, to: &str, shared: &Shared) -> Result<()> {
    let (log, name) = (LogName::new(&which.log)?, CursorName::new(&which.name)?);
    let to = to.parse::<Dlsn>()?;
    on_log(shared, &log, async |log: Log| {
        let cursor = log.cursor(&name).await?;
        check(&log, to).await?;
        cursor.reset(to).await
    })
    .await?;
    let mut output = shared.output();
    output.item(
        format_args!("set {name} to {to}"),
        || json!({ "log": log.as_str(), "cursor": name.as_str(), "position": to.to_string() }),
    )?;
    output.flush()
}

/// # Errors
/// `invalid-argument` if the position lies behind the last record: reading would go on behind records that are still to come.
async fn check(log: &Log, to: Dlsn) -> dl_core::Result<()> {
    // If there is no record, the first one to come lies here or behind.
    let (last, behind) = match log.last_record().await? {
        Some(last) => (last.last_dlsn(), last.last_dlsn().next()),
        None => log.info().await.map(|info| (info.first_readable, info.first_readable))?,
    };
    if to < behind {
        return Ok(());
    }
    let message = "the position lies behind the last record of the log: records still to come would be skipped; \
                   set the cursor there or in front of it";
    Err(Error::new(ErrorKind::InvalidArgument, message).with("log", log.name()).with("position", to).at(last))
}

async fn delete(which: &Which, shared: &Shared) -> Result<()> {
    let (log, name) = (LogName::new(&which.log)?, CursorName::new(&which.name)?);
    on_log(shared, &log, async |log: Log| log.cursor(&name).await?.delete().await).await?;
    let mut output = shared.output();
    output.item(
        format_args!("deleted {name}"),
        || json!({ "log": log.as_str(), "cursor": name.as_str(), "deleted": true }),
    )?;
    output.flush()
}

/// Does something with a log, in a namespace of its own.
async fn on_log<T>(
    shared: &Shared,
    log: &LogName,
    action: impl AsyncFnOnce(Log) -> dl_core::Result<T>,
) -> Result<T> {
    let namespace = shared.namespace.open(Missing::Fail, Scope::None).await?;
    let done = action(namespace.log(log)).await.map_err(Into::into);
    namespace::close(namespace, done).await
}

fn position(cursor: &CursorInfo) -> String {
    cursor.position.map_or_else(|| "none".to_owned(), |position| position.to_string())
}

fn object(log: &LogName, cursor: &CursorInfo) -> Value {
    json!({
        "log": log.as_str(),
        "cursor": cursor.name.as_str(),
        "position": cursor.position.map(|position| position.to_string()),
        "owner": cursor.owner,
    })
}
