//! How a command ends when it does not succeed: what stderr says, and the exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use dl_core::{Error, ErrorKind, Event};
use serde_json::{Map, Value, json};

/// The exit code for a command line that makes no sense.
const WRONG_USAGE: u8 = 1;

/// A result whose error is [`Failure`].
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// With this error.
    Error(Error),
    /// Whoever read our output has gone. Nobody needs to be told.
    OutputClosed,
    /// As an error of this kind would, without a word.
    Silent(ErrorKind),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Failure {
    /// What writing to stdout ran into.
    pub(crate) fn output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::OutputClosed;
        }
        Self::Error(
            Error::new(ErrorKind::Unavailable, format!("writing to standard output failed: {error}"))
                .retry(false)
                .caused_by(error),
        )
    }

    /// Says on stderr what happened; answers the exit code.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        match self {
            Self::Error(error) => {
                say(&text(error, json));
                exit_code(error.number())
            }
            Self::OutputClosed => ExitCode::SUCCESS,
            Self::Silent(kind) => exit_code(kind.number()),
        }
    }
}

/// Says on stderr what is wrong with a command line; answers the exit code.
pub(crate) fn wrong_usage(error: &clap::Error, json: bool) -> ExitCode {
    if json {
        // Its text ends in how the command is called.
        let text = error.render().to_string();
        let message = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
        let message = message.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
        say(&object(&Error::new(ErrorKind::InvalidArgument, message).during("usage")).to_string());
    } else {
        // If stderr is closed, there is nobody left to tell.
        let _unheard = error.print();
    }
    ExitCode::from(WRONG_USAGE)
}

/// Writes one line to stderr. If that is closed too, there is nobody left to tell.
pub(crate) fn say(line: &str) {
    let _unheard = writeln!(io::stderr(), "{line}");
}

/// An error as one line.
pub(crate) fn text(error: &Error, json: bool) -> String {
    if json { object(error).to_string() } else { format!("dl: {}", one_line(&worded(&error.to_string()))) }
}

/// An error about the value of an option for which the command has a flag of that name.
pub(crate) fn of_flag(error: Error) -> Error {
    let Some((_, name)) = error.context().find(|(key, _)| *key == "option") else { return error };
    let Some(problem) = error.message().strip_prefix(&format!("the option {name} ")) else { return error };
    Error::new(error.kind(), format!("--{name} {problem}")).with("option", format!("--{name}"))
}

/// The core's advice names options as programs set them; here they are set on the command line.
fn worded(text: &str) -> String {
    let text = text.replace("open it with create_namespace=true to make", "run dl namespace create to make");
    ["read_only=true", "unsafe_filesystem=true"].iter().fold(text, |text, option| {
        [" ", "("].iter().fold(text, |text, before| {
            text.replace(&format!("{before}{option}"), &format!("{before}-o {option}"))
        })
    })
}

/// An event as one line.
pub(crate) fn event(event: &Event, json: bool) -> String {
    if !json {
        return format!("dl: {}", one_line(&event.to_string()));
    }
    let context: Map<String, Value> =
        event.context().map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
    let (kind, level) = (event.kind().map(ErrorKind::name), event.level().name());
    json!({
        "event": event.target(),
        "level": level,
        "message": event.message(),
        "kind": kind,
        "context": context,
    })
    .to_string()
}

pub(super) fn object(error: &Error) -> Value {
    let context: Map<String, Value> =
        error.context().map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
    json!({
        "kind": error.kind().name(),
        "number": error.number(),
        "message": worded(error.message()),
        "operation": error.operation(),
        "dlsn": error.dlsn().map(|dlsn| dlsn.to_string()),
        "retryable": error.is_retryable(),
        "may_have_taken_effect": error.may_have_taken_effect(),
        "context": context,
    })
}

/// A text whose lines stay lines, and whose other control characters are escaped.
pub(super) fn lines(text: &str) -> String {
    text.split('\n').map(one_line).collect::<Vec<_>>().join("\n")
}

/// Context may hold what others chose, such as paths: control characters are escaped.
fn one_line(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let (plain, escaped) =
                if c.is_control() { (None, Some(c.escape_default())) } else { (Some(c), None) };
            plain.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect()
}

/// The number of the error plus 100.
fn exit_code(number: u16) -> ExitCode {
    let code = number.checked_add(100).and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line() {
        let error = Error::new(ErrorKind::Corrupt, "bad\nbytes").with("file", "a\u{1b}b");
        assert_eq!(text(&error, false), "dl: corrupt: bad\\nbytes [file: a\\u{1b}b]");
    }

    #[test]
    fn advice_is_that_for_the_command_line() {
        let said = |message: &'static str| text(&Error::new(ErrorKind::NotFound, message), false);
        let said = |message| said(message).strip_prefix("dl: not-found: ").unwrap().to_owned();
        assert_eq!(
            said("check its name, or open it with create_namespace=true to make it"),
            "check its name, or run dl namespace create to make it"
        );
        assert_eq!(said("open it with read_only=true"), "open it with -o read_only=true");
        assert_eq!(said("only be read (read_only=true)"), "only be read (-o read_only=true)");
        assert_eq!(said("file:///a?read_only=true"), "file:///a?read_only=true");
    }

    #[test]
    fn an_error_is_one_object() {
        let error = Error::new(ErrorKind::Locked, "held").with("owner", "x").with("log", "a");
        let read: Value = serde_json::from_str(&text(&error, true)).unwrap();
        assert_eq!(
            read,
            json!({
                "kind": "locked", "number": 19, "message": "held", "operation": null, "dlsn": null,
                "retryable": true, "may_have_taken_effect": false, "context": { "owner": "x", "log": "a" },
            })
        );
    }
}
