//! `dl completions` and `dl man`: what the command line says of itself.

use std::io;
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use dl_core::{Error, ErrorKind};

use super::Shared;
use super::failure::{Failure, Result};

/// Prints the completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl completions bash > /etc/bash_completion.d/dl")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

/// Prints the manual page, or writes one for each command into a directory
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl man /usr/local/share/man/man1")]
pub(crate) struct Man {
    /// The directory, which must exist
    directory: Option<PathBuf>,
}

impl Completions {
    pub(super) fn run(self, shared: &Shared) -> Result<()> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut super::Arguments::command(), "dl", &mut text);
        print(&text, shared)
    }
}

impl Man {
    pub(super) fn run(self, shared: &Shared) -> Result<()> {
        let command = super::Arguments::command();
        match self.directory {
            Some(directory) => clap_mangen::generate_to(command, &directory).map_err(|error| {
                let message = format!("writing the manual pages failed: {error}; check the directory");
                Error::new(kind(&error), message).with("file", directory.display()).caused_by(error).into()
            }),
            None => {
                let mut text = Vec::new();
                clap_mangen::Man::new(command).render(&mut text).map_err(Failure::output)?;
                print(&text, shared)
            }
        }
    }
}

fn print(text: &[u8], shared: &Shared) -> Result<()> {
    let mut output = shared.output();
    output.bytes(text)?;
    output.flush()
}

fn kind(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::NotADirectory => ErrorKind::InvalidArgument,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::StorageFull,
        _ => ErrorKind::Unavailable,
    }
}
