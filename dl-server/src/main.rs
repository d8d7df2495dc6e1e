//! The `dl` command line: arguments in, exit code out. What the commands do is the core's.
#![allow(
    clippy::disallowed_methods,
    reason = "a command is the outside world itself: it reads arguments and streams; only the core is simulated"
)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
