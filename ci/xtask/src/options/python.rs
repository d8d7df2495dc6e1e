//! `bindings-python/python/dl/options.py`: the keyword arguments of Python, for type checkers and editors.

use std::fmt::Write as _;

use super::table::{Kind, Opt, Scope, Table};
use crate::report::Fault;

const HEAD: &str = "\
# Made from options.toml by `cargo run -p xtask -- options`; change it there.
\"\"\"The options, as keyword arguments. Values are checked by the core, and `None` stands for an option that is not given.

A duration is a whole number of milliseconds, a float of seconds, a timedelta, or a text such as `30s`.
\"\"\"

from __future__ import annotations

from datetime import timedelta
from typing import Literal, TypedDict

from dl._dl import Dlsn

__all__ = [\"LogOptions\", \"NamespaceOptions\", \"ReaderOptions\", \"WriterOptions\"]
";

/// Words of Python, which get an underscore.
const RESERVED: [&str; 1] = ["from"];

pub(super) fn generate(table: &Table) -> Result<String, Fault> {
    let mut text = HEAD.to_owned();
    for scope in Scope::ALL {
        let (class, about) = match scope {
            Scope::Namespace => {
                ("NamespaceOptions", "Options of a namespace; those in its URI win over these.")
            }
            Scope::Log => ("LogOptions", "Options that are kept with a log."),
            Scope::Writer => ("WriterOptions", "Options of a writer."),
            Scope::Reader => ("ReaderOptions", "Options of a reader."),
        };
        write!(text, "\n\nclass {class}(TypedDict, total=False):\n    \"\"\"{about}\"\"\"\n")?;
        for option in table.iter().filter(|option| option.scope == scope) {
            write_option(&mut text, option)?;
        }
    }
    Ok(text)
}

fn write_option(text: &mut String, option: &Opt) -> Result<(), Fault> {
    let underscore = if RESERVED.contains(&option.name.as_str()) { "_" } else { "" };
    write!(text, "\n    {}{underscore}: {} | None\n", option.name, class_of(option.kind))?;
    let mut about = option.doc.clone();
    if let Some(default) = &option.default {
        write!(about, " Default: {default}.")?;
    }
    if let Some((least, most)) = option.range() {
        let unit = if option.kind == Kind::Text { " bytes" } else { "" };
        write!(about, " {least} to {most}{unit}.")?;
    }
    let lines = wrap(&about);
    writeln!(text, "    \"\"\"{}\"\"\"", lines.join("\n    "))?;
    Ok(())
}

fn class_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Flag => "bool",
        Kind::Text => "str",
        Kind::Count => "int",
        Kind::Size => "int | str",
        Kind::Duration => "int | float | timedelta | str",
        Kind::Takeover => "Literal[\"force\", \"never\"] | timedelta | float | str",
        Kind::Compression => "Literal[\"none\", \"lz4\"]",
        Kind::Digest => "Literal[\"crc32\", \"crc32c\", \"mac\", \"none\"]",
        Kind::Start => "Literal[\"earliest\", \"latest\"] | Dlsn | str",
        Kind::Dlsn => "Dlsn | str",
        Kind::OnTruncated => "Literal[\"fail\", \"skip\"]",
    }
}

/// Lines of at most 110 characters.
fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].chars().count() + 1 + word.chars().count() > 110 {
            lines.push(word.to_owned());
        } else {
            if !lines[last].is_empty() {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines
}
