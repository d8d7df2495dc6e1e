//! dl-core/src/options/generated.rs.

use super::table::{Kind, Opt, Scope, Table, number};
use crate::code::{format, wrapped};
use crate::report::Fault;

const HEAD: &str = "\
// Made from options.toml by `cargo run -p xtask -- options`; change it there.

use std::fmt;

use super::choices::{OnTruncated, Start};
use super::text::{self, Unit};
use crate::error::Result;
use crate::types::{Compression, Digest, Dlsn, Takeover};
";

pub(super) fn generate(table: &Table) -> Result<String, Fault> {
    let mut code = HEAD.to_owned();
    for scope in Scope::ALL {
        let options: Vec<&Opt> = table.iter().filter(|option| option.scope == scope).collect();
        code.push_str(&structure(scope, &options)?);
    }
    let secret: String =
        table.iter().filter(|option| option.secret).map(|o| format!("{:?},", o.name)).collect();
    code.push_str(&format!(
        "\n/// Options whose values are not shown.\npub(super) const SECRET: &[&str] = &[{secret}];\n"
    ));
    format(&code)
}

fn structure(scope: Scope, options: &[&Opt]) -> Result<String, String> {
    let (name, doc) = match scope {
        Scope::Namespace => ("Options", "Options of a namespace; those in its URI win over these."),
        Scope::Log => ("LogOptions", "Options that are kept with a log."),
        Scope::Writer => ("WriterOptions", "Options of a writer."),
        Scope::Reader => ("ReaderOptions", "Options of a reader."),
    };
    let scope = scope.name();
    let each = |part: fn(&Opt) -> Result<String, String>| -> Result<String, String> {
        options.iter().map(|option| part(option)).collect()
    };
    let (fields, defaults, setters) = (each(field)?, each(default)?, each(setter)?);
    let (from_text, texts, checks) = (each(set_arm)?, each(as_text)?, each(check)?);
    let printed = each(printed)?;
    let names: String = options.iter().map(|option| format!("{:?},", option.name)).collect();
    Ok(format!(
        "
/// {doc}
///
/// Set fields, or chain the methods of the same names.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct {name} {{ {fields} }}

impl {name} {{
    /// The names of all options, in the order of the table.
    pub const NAMES: &[&str] = &[{names}];

    {setters}

    /// Sets the option `name` from text, as in URIs and on the command line.
    ///
    /// # Errors
    /// `invalid-argument` for an unknown name, a text that is no value, and a value out of range; nothing is
    /// changed then.
    pub fn set(&mut self, name: &str, text: &str) -> Result<()> {{
        match name {{
            {from_text}_ => return Err(text::unknown({scope:?}, name, Self::NAMES)),
        }}
        Ok(())
    }}

    /// The options that have a value, by name, as texts that [`set`](Self::set) takes.
    #[must_use]
    pub fn texts(&self) -> Vec<(&'static str, String)> {{
        let texts = [{texts}];
        texts.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
    }}

    /// Checks the range of every value.
    ///
    /// # Errors
    /// `invalid-argument` with the option, its value and its range.
    pub fn validate(&self) -> Result<()> {{
        {checks}
        Ok(())
    }}
}}

impl Default for {name} {{
    fn default() -> Self {{
        Self {{ {defaults} }}
    }}
}}

/// Of what is secret, only whether it is there.
impl fmt::Debug for {name} {{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{
        f.debug_struct({name:?}){printed}.finish()
    }}
}}
"
    ))
}

fn field(option: &Opt) -> Result<String, String> {
    Ok(format!("{}pub {}: {},\n", doc_lines(option), option.name, rust_type(option)))
}

fn setter(option: &Opt) -> Result<String, String> {
    let Opt { name, .. } = option;
    let (parameter, value) = match (option.kind, option.default.is_some()) {
        (Kind::Text, true) => ("impl Into<String>".to_owned(), "value.into()"),
        (Kind::Text, false) => ("impl Into<String>".to_owned(), "Some(value.into())"),
        (_, true) => (rust_type(option), "value"),
        (kind, false) => (base_type(kind).to_owned(), "Some(value)"),
    };
    Ok(format!(
        "/// Sets [`{name}`](Self#structfield.{name}).
        #[must_use]
        pub fn {name}(mut self, value: {parameter}) -> Self {{
            self.{name} = {value};
            self
        }}\n\n"
    ))
}

fn default(option: &Opt) -> Result<String, String> {
    let Some(text) = &option.default else {
        return Ok(format!("{}: None,\n", option.name));
    };
    let value = match option.kind {
        Kind::Flag => text.clone(),
        Kind::Text => format!("{text:?}.to_owned()"),
        kind if kind.is_number() => literal(text)?,
        kind => format!("{}::{}", base_type(kind), camel(text)),
    };
    Ok(format!("{}: {value},\n", option.name))
}

fn set_arm(option: &Opt) -> Result<String, String> {
    let Opt { name, .. } = option;
    let value = match option.kind {
        Kind::Flag => format!("text::flag({name:?}, text)?"),
        Kind::Text => format!("text::text({name:?}, text, {})?", range(option)?),
        kind if kind.is_number() => {
            format!("text::number({name:?}, text, {}, {})?", unit(kind), range(option)?)
        }
        _ => format!("text::choice({name:?}, text)?"),
    };
    let value = if option.default.is_some() { value } else { format!("Some({value})") };
    Ok(format!("{name:?} => self.{name} = {value},\n"))
}

fn printed(option: &Opt) -> Result<String, String> {
    let Opt { name, .. } = option;
    Ok(match (option.secret, option.default.is_some()) {
        (false, _) => format!(".field({name:?}, &self.{name})"),
        (true, false) => format!(".field({name:?}, &self.{name}.as_ref().map(|_| \"…\"))"),
        (true, true) => return Err("is secret, and its default is known to all".to_owned()),
    })
}

fn as_text(option: &Opt) -> Result<String, String> {
    let Opt { name, kind, .. } = option;
    let show = |value: &str| format!("text::show({}, {value})", unit(*kind));
    let text = match (kind.is_number(), option.default.is_some()) {
        (true, true) => format!("Some({})", show(&format!("self.{name}"))),
        (true, false) => format!("self.{name}.map(|value| {})", show("value")),
        (false, true) => format!("Some(self.{name}.to_string())"),
        (false, false) => format!("self.{name}.as_ref().map(ToString::to_string)"),
    };
    Ok(format!("({name:?}, {text}),\n"))
}

fn check(option: &Opt) -> Result<String, String> {
    let Opt { name, .. } = option;
    let call = match option.kind {
        Kind::Text => format!("text::check_text({name:?}, value, {})?;", range(option)?),
        kind if kind.is_number() => {
            format!("text::check_number({name:?}, value, {}, {})?;", unit(kind), range(option)?)
        }
        _ => return Ok(String::new()),
    };
    let borrow = if option.kind == Kind::Text { "&" } else { "" };
    Ok(match option.default {
        Some(_) => call.replace(", value,", &format!(", {borrow}self.{name},")),
        None => format!("if let Some(value) = {borrow}self.{name} {{ {call} }}\n"),
    })
}

fn rust_type(option: &Opt) -> String {
    let base = base_type(option.kind);
    if option.default.is_some() { base.to_owned() } else { format!("Option<{base}>") }
}

fn base_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Flag => "bool",
        Kind::Text => "String",
        Kind::Count | Kind::Size | Kind::Duration => "u64",
        Kind::Takeover => "Takeover",
        Kind::Compression => "Compression",
        Kind::Digest => "Digest",
        Kind::Start => "Start",
        Kind::Dlsn => "Dlsn",
        Kind::OnTruncated => "OnTruncated",
    }
}

fn unit(kind: Kind) -> &'static str {
    match kind {
        Kind::Size => "Unit::Bytes",
        Kind::Duration => "Unit::Milliseconds",
        _ => "Unit::Count",
    }
}

fn range(option: &Opt) -> Result<String, String> {
    let (least, most) = option.range().ok_or("has no range")?;
    Ok(format!("{}..={}", literal(least)?, literal(most)?))
}

/// A number as Rust writes it: 67_108_864.
fn literal(text: &str) -> Result<String, String> {
    let digits = number(text)?.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    Ok(grouped)
}

fn camel(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// The doc comment of a field, in lines that rustfmt leaves as they are.
fn doc_lines(option: &Opt) -> String {
    let mut facts = Vec::new();
    if let Some(default) = &option.default {
        facts.push(format!("Default: {default}."));
    }
    match option.range() {
        Some((_, "9223372036854775807")) | None => {}
        Some((least, most)) if option.kind == Kind::Text => facts.push(format!("{least} to {most} bytes.")),
        Some((least, most)) => facts.push(format!("{least} to {most}.")),
    }
    let mut lines = wrapped(&option.doc);
    if !facts.is_empty() {
        lines.push_str(&format!("///\n/// {}\n", facts.join(" ")));
    }
    lines
}
