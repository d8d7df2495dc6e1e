//! The command line: one file for each command, and what they share.

mod append;
mod bench;
mod bk;
mod copy;
mod count;
mod create;
mod cursor;
mod delete;
mod dlsn;
mod failure;
mod info;
mod list;
mod manage;
mod manual;
mod namespace;
mod options;
mod output;
mod read;
mod recover;
mod rename;
mod retain;
mod seal;
mod segments;
mod stop;
mod table;
mod truncate;
mod verify;

use std::num::NonZero;
use std::panic;
use std::process::{self, ExitCode};
use std::thread;

use clap::{Parser, Subcommand};
use dl_core::{Error, ErrorKind};
use tokio::runtime::Runtime;

use failure::{Failure, Result};
use namespace::NamespaceArgs;
use output::Output;

const EXIT_CODES: &str = "\
Exit codes:
  0 done, 1 wrong usage, otherwise 100 and the number of the error:
  101 invalid-argument   102 not-found          103 already-exists     104 fenced
  105 sealed             106 truncated          107 condition-failed   108 too-large
  109 closed             110 cancelled          111 timeout            112 unavailable
  113 storage-full       114 corrupt            115 permission-denied  116 unauthenticated
  117 quota-exceeded     118 unsupported        119 locked             120 internal
  121 busy

Example:
  seq 1000 | dl append numbers && dl read numbers --count 3";

/// Durable, strictly ordered logs with one writer at a time and many readers.
#[derive(Debug, Parser)]
#[command(name = "dl", version, after_help = EXIT_CODES, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    shared: Shared,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
struct Shared {
    #[command(flatten)]
    namespace: NamespaceArgs,

    /// Prints objects of JSON, one a line; errors too
    #[arg(long, global = true)]
    json: bool,

    /// Prints what an operator wants to hear of to standard error: takeovers, recovery, trouble with the disk
    #[arg(short, long, global = true)]
    verbose: bool,
}

impl Shared {
    fn output(&self) -> Output {
        Output::new(self.json)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(create::Create),
    List(list::List),
    Info(info::Info),
    Segments(segments::Segments),
    Count(count::Count),
    Append(append::Append),
    Read(read::Read),
    Tail(read::Tail),
    Cursor(cursor::Cursor),
    Truncate(truncate::Truncate),
    Options(options::Options),
    Retain(retain::Retain),
    Seal(seal::Seal),
    Delete(delete::Delete),
    Rename(rename::Rename),
    Copy(copy::Copy),
    Verify(verify::Verify),
    Recover(recover::Recover),
    Namespace(manage::Manage),
    Bench(bench::Bench),
    Bk(bk::Bk),
    #[command(name = "dlsn")]
    Dlsn(dlsn::Convert),
    Completions(manual::Completions),
    Man(manual::Man),
}

impl Command {
    async fn run(self, shared: &Shared) -> Result<()> {
        match self {
            Self::Create(command) => command.run(shared).await,
            Self::List(command) => command.run(shared).await,
            Self::Info(command) => command.run(shared).await,
            Self::Segments(command) => command.run(shared).await,
            Self::Count(command) => command.run(shared).await,
            Self::Append(command) => command.run(shared).await,
            Self::Read(command) => command.run(shared).await,
            Self::Tail(command) => command.run(shared).await,
            Self::Cursor(command) => command.run(shared).await,
            Self::Truncate(command) => command.run(shared).await,
            Self::Options(command) => command.run(shared).await,
            Self::Retain(command) => command.run(shared).await,
            Self::Seal(command) => command.run(shared).await,
            Self::Delete(command) => command.run(shared).await,
            Self::Rename(command) => command.run(shared).await,
            Self::Copy(command) => command.run(shared).await,
            Self::Verify(command) => command.run(shared).await,
            Self::Recover(command) => command.run(shared).await,
            Self::Namespace(command) => command.run(shared).await,
            Self::Bench(command) => command.run(shared).await,
            Self::Bk(command) => command.run(shared).await,
            Self::Dlsn(command) => command.run(shared),
            Self::Completions(command) => command.run(shared),
            Self::Man(command) => command.run(shared),
        }
    }
}

/// Runs the command that the arguments name.
pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            if !error.use_stderr() {
                // Its reader may be gone.
                let _unheard = error.print();
                return ExitCode::SUCCESS;
            }
            return failure::wrong_usage(&error, std::env::args_os().any(|argument| argument == "--json"));
        }
    };
    let Arguments { command, mut shared } = arguments;
    if shared.verbose {
        shared.namespace.tell(shared.json);
    }
    match run(command, &shared) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(shared.json),
    }
}

fn run(command: Command, shared: &Shared) -> Result<()> {
    let runtime = runtime()?;
    end_at_panics(shared.json);
    survive_file_limits(&runtime)?;
    // On this thread, which no task of the core shares: it may block in reads and writes of the streams.
    let result = runtime.block_on(command.run(shared));
    runtime.shutdown_background();
    result
}

/// What the tasks run on.
fn runtime() -> Result<Runtime> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    Ok(dl_core::build_runtime("dl", threads)?)
}

/// A file that may grow no further is then an error of the call, as a full disk is, not the end of the process.
#[cfg(unix)]
fn survive_file_limits(runtime: &Runtime) -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let _entered = runtime.enter();
    // The signal stays caught when nobody listens any more.
    signal(SignalKind::from_raw(libc::SIGXFSZ)).map(drop).map_err(|error| {
        Error::new(ErrorKind::Unavailable, "the system refused to watch for signals").caused_by(error).into()
    })
}

#[cfg(not(unix))]
fn survive_file_limits(_runtime: &Runtime) -> Result<()> {
    Ok(())
}

/// A panic is a bug of ours: said in one line, and the end, because what it left behind is unknown.
fn end_at_panics(json: bool) {
    panic::set_hook(Box::new(move |panic| {
        let text = panic.payload().downcast_ref::<&str>().copied();
        let text = text
            .or_else(|| panic.payload().downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no text");
        let mut error = Error::new(ErrorKind::Internal, "this is a bug in dl: please report it")
            .with("panic", text)
            .maybe_effective();
        if let Some(place) = panic.location() {
            error = error.with("place", place);
        }
        let failure = Failure::Error(error);
        failure.report(json);
        process::exit(i32::from(100 + ErrorKind::Internal.number()));
    }));
}
