//! docs/options.md.

use super::table::{Kind, Opt, Scope, Table};
use crate::report::Fault;

const HEAD: &str = "\
<!-- Made from dl-core/src/options/options.toml by `cargo run -p xtask -- options`; change it there. -->
# Options

Every option has one name in Rust, in URIs and on the command line, and is checked in one place: a value out of range is
`invalid-argument`, with the option, the value and the range.

Durations are whole milliseconds; as text they may also be `250ms`, `30s`, `5m`, `2h` or `7d`. Sizes are bytes; as text
they may also be `64KiB`, `64MiB` or `4GiB`. An option without an effect in a driver is accepted there and does nothing.
";

pub(super) fn generate(table: &Table) -> Result<String, Fault> {
    let mut page = HEAD.to_owned();
    for scope in Scope::ALL {
        page.push_str(heading(scope));
        page.push_str("\n| option | type | default | range | drivers | since |\n|---|---|---|---|---|---|\n");
        let options: Vec<&Opt> = table.iter().filter(|option| option.scope == scope).collect();
        for option in &options {
            page.push_str(&row(option));
        }
        page.push('\n');
        for option in &options {
            page.push_str(&format!("- `{}`: {}\n", option.name, option.doc));
        }
    }
    Ok(page)
}

fn heading(scope: Scope) -> &'static str {
    match scope {
        Scope::Namespace => {
            "
## Of a namespace

Given to `Namespace::open`, or in the query of the URI, which wins: `file:///var/lib/logs?journal_bytes=128MiB&read_only=true`.
"
        }
        Scope::Log => {
            "
## Of a log

Kept with the log by `Log::set_options`, for all who open it. A writer takes them when it is opened; those that it is given
itself win.
"
        }
        Scope::Writer => "\n## Of a writer\n\nGiven to `Log::open_writer`.\n",
        Scope::Reader => "\n## Of a reader\n\nGiven to `Log::open_reader`.\n",
    }
}

fn row(option: &Opt) -> String {
    let range = match option.range() {
        Some((_, "9223372036854775807")) => String::new(),
        Some((least, most)) if option.kind == Kind::Text => format!("{least} to {most} bytes"),
        Some((least, most)) => format!("{least} to {most}"),
        None => String::new(),
    };
    format!(
        "| `{}` | {} | {} | {range} | {} | {} |\n",
        option.name,
        option.kind.label(),
        option.default.as_deref().unwrap_or("absent"),
        option.drivers.join(", "),
        option.since,
    )
}
