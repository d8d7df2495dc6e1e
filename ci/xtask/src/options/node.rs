//! bindings-node/lib/options.ts.

use super::table::{Kind, Opt, Scope, Table};
use crate::report::Fault;

const HEAD: &str = "\
// Made from dl-core/src/options/options.toml by `cargo run -p xtask -- options`; change it there.

import type { Dlsn } from './dlsn';

/** A number, or a text with a unit: `64MiB`, `30s`. */
export type Quantity = number | bigint | string;

/** What to do about another that holds the log or the cursor: take it, wait so long for it, or fail with `locked`. */
export type Takeover = 'force' | 'never' | `wait:${string}` | Wait;

/** To wait for another to let go. */
export interface Wait {
  /** So many milliseconds. */
  waitMs: number;
}

/** How entries are compressed. */
export type Compression = 'none' | 'lz4';

/** Where a reader starts: at an end, at a position or the next there is, or at the first record with that txid or more. */
export type Start = 'earliest' | 'latest' | Dlsn | `${bigint}:${bigint}:${bigint}` | AtTxid | `txid:${bigint}`;

/** The first record with a txid, or a larger one. */
export interface AtTxid {
  /** The least txid. */
  txid: bigint | number;
}
";

pub(super) fn generate(table: &Table) -> Result<String, Fault> {
    let mut code = HEAD.to_owned();
    for scope in Scope::ALL {
        let options: Vec<&Opt> = table.iter().filter(|option| option.scope == scope).collect();
        code.push_str(&interface(scope, &options, table));
    }
    code.push_str(
        "\n/** @internal What the options kept with a log are read as. */\nexport const LOG_OPTIONS = {\n",
    );
    for option in table.iter().filter(|option| option.scope == Scope::Log) {
        let kind = match option.kind {
            Kind::Flag => "flag",
            kind if kind.is_number() => "number",
            _ => "text",
        };
        code.push_str(&format!("  {}: '{kind}',\n", camel(&option.name)));
    }
    code.push_str("} as const;\n");
    for scope in Scope::ALL {
        code.push_str(&names(scope, table.iter().filter(|option| option.scope == scope)));
    }
    Ok(code)
}

/// The names there are, which the types alone do not say when it runs.
fn names<'a>(scope: Scope, options: impl Iterator<Item = &'a Opt>) -> String {
    let name = match scope {
        Scope::Namespace => "NAMESPACE_NAMES",
        Scope::Log => "LOG_NAMES",
        Scope::Writer => "WRITER_NAMES",
        Scope::Reader => "READER_NAMES",
    };
    let list: String = options.map(|option| format!("  '{}',\n", camel(&option.name))).collect();
    format!("\n/** @internal */\nexport const {name}: readonly string[] = [\n{list}];\n")
}

fn interface(scope: Scope, options: &[&Opt], table: &Table) -> String {
    let (name, doc) = match scope {
        Scope::Namespace => ("NamespaceOptions", "Options of a namespace; those in its URI win over these."),
        Scope::Log => ("LogOptions", "Options that are kept with a log."),
        Scope::Writer => ("WriterOptions", "Options of a writer."),
        Scope::Reader => ("ReaderOptions", "Options of a reader."),
    };
    let fields: String = options.iter().map(|option| field(option, table)).collect();
    format!("\n/** {doc} */\nexport interface {name} {{\n{fields}}}\n")
}

fn field(option: &Opt, table: &Table) -> String {
    let mut facts = vec![renamed(&option.doc, table)];
    if let Some(default) = &option.default {
        facts.push(format!("Default: {default}."));
    }
    match option.range() {
        Some((_, "9223372036854775807")) | None => {}
        Some((least, most)) if option.kind == Kind::Text => facts.push(format!("{least} to {most} bytes.")),
        Some((least, most)) => facts.push(format!("{least} to {most}.")),
    }
    let doc = wrapped(&facts.join(" "));
    format!("{doc}  {}?: {} | undefined;\n", camel(&option.name), type_of(option.kind))
}

fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Flag => "boolean",
        Kind::Text => "string",
        Kind::Count | Kind::Size | Kind::Duration => "Quantity",
        Kind::Takeover => "Takeover",
        Kind::Compression => "Compression",
        Kind::Digest => "'crc32' | 'crc32c' | 'mac' | 'none'",
        Kind::Start => "Start",
        Kind::Dlsn => "Dlsn | string",
        Kind::OnTruncated => "'fail' | 'skip'",
    }
}

/// A text in which the names of options are those that they have in JavaScript.
fn renamed(text: &str, table: &Table) -> String {
    let is_option = |name: &str| table.iter().any(|option| option.name == name);
    // What stands in backquotes has an odd place.
    let parts = text.split('`').enumerate().map(|(place, part)| match place % 2 {
        1 if is_option(part) => camel(part),
        1 if part == "try_append" => "tryAppend".to_owned(),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("`")
}

/// A doc comment in lines of 120.
fn wrapped(text: &str) -> String {
    let mut lines = "  /**\n".to_owned();
    let mut line = "   *".to_owned();
    for word in text.split(' ') {
        if line.len() + 1 + word.len() > 120 {
            lines.push_str(&line);
            lines.push('\n');
            line = "   *".to_owned();
        }
        line.push(' ');
        line.push_str(word);
    }
    lines + &line + "\n   */\n"
}

/// `in_flight_bytes` as `inFlightBytes`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut text = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}
