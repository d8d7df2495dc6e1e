//! dl-ffi/src/options/generated.rs: the options of the C header.

use super::table::{Kind, Opt, Scope, Table};
use crate::code::{format, wrapped};
use crate::report::Fault;

const HEAD: &str = "\
// Made from dl-core/src/options/options.toml by `cargo run -p xtask -- options`; change it there.

use std::ffi::c_char;

use dl_core::{LogOptions, Options, ReaderOptions, WriterOptions};

use super::{Settings, get, name, new, set};
use crate::boundary::{answer, boundary};
use crate::dlsn::dl_dlsn;
use crate::error::dl_error;
use crate::handle::{self, Boxed, Object};
use crate::text;
";

pub(super) fn generate(table: &Table) -> Result<String, Fault> {
    let mut code = HEAD.to_owned();
    for scope in Scope::ALL {
        code.push_str(&object(scope));
        for option in table.iter().filter(|option| option.scope == scope) {
            code.push_str(&setter(option));
        }
    }
    format(&code)
}

/// The type of a scope and what can be done with it.
fn object(scope: Scope) -> String {
    let (values, of) = match scope {
        Scope::Namespace => ("Options", "a namespace, for dl_namespace_open; those in its URI win"),
        Scope::Log => ("LogOptions", "a log, kept with it: see dl_log_set_options"),
        Scope::Writer => ("WriterOptions", "a writer, for dl_log_open_writer"),
        Scope::Reader => ("ReaderOptions", "a reader, for dl_log_open_reader"),
    };
    let name = scope.name();
    let object = format!("dl_{name}_options");
    format!(
        "
/// Options of {of}. One thread at a time fills them.
#[derive(Debug)]
pub struct {object} {{
    pub(crate) settings: Settings<{values}>,
}}

impl Object for {object} {{
    const NAME: &'static str = \"the options\";
}}

impl Boxed for {object} {{}}

/// Makes options: the defaults.
#[unsafe(no_mangle)]
pub extern \"C\" fn {object}_new() -> *mut {object} {{
    answer(std::ptr::null_mut(), || Ok(handle::give({object} {{ settings: new() }})))
}}

/// Sets the option `name` from text, as in URIs and on the command line: \"64MiB\", \"30s\", \"true\".
///
/// Errors: invalid-argument for an unknown name, a text that is no value, and a value out of range; nothing is changed then.
#[unsafe(no_mangle)]
pub extern \"C\" fn {object}_set(
    options: *mut {object},
    name: *const c_char,
    value: *const c_char,
) -> *mut dl_error {{
    boundary(|| {{
        let (name, value) = (text::read(name, \"name\")?, text::read(value, \"value\")?);
        set(&mut handle::borrow_mut(options)?.settings, name, value)
    }})
}}

/// The value of the option `name` as text; NULL if it has none. It lives until the options are changed or freed.
#[unsafe(no_mangle)]
pub extern \"C\" fn {object}_get(options: *const {object}, name: *const c_char) -> *const c_char {{
    answer(std::ptr::null(), || Ok(get(&handle::borrow(options)?.settings, text::read(name, \"name\")?)))
}}

/// The name at this index, from 0, of those options that have a value; NULL behind the last. It lives until the options are
/// changed or freed.
#[unsafe(no_mangle)]
pub extern \"C\" fn {object}_name(options: *const {object}, index: usize) -> *const c_char {{
    answer(std::ptr::null(), || Ok(name(&handle::borrow(options)?.settings, index)))
}}

/// Frees options.
#[unsafe(no_mangle)]
pub extern \"C\" fn {object}_free(options: *mut {object}) {{
    handle::free(options);
}}
"
    )
}

fn setter(option: &Opt) -> String {
    let Opt { name, scope, .. } = option;
    let object = format!("dl_{}_options", scope.name());
    let (parameter, value) = match option.kind {
        Kind::Flag => ("bool", "&value.to_string()"),
        Kind::Count | Kind::Size | Kind::Duration => ("u64", "&value.to_string()"),
        Kind::Dlsn => ("dl_dlsn", "&dl_core::Dlsn::from(value).to_string()"),
        Kind::Text | Kind::Takeover | Kind::Compression | Kind::Digest | Kind::Start | Kind::OnTruncated => {
            ("*const c_char", "text::read(value, \"value\")?")
        }
    };
    let doc = doc(option);
    format!(
        "
{doc}#[unsafe(no_mangle)]
pub extern \"C\" fn {object}_set_{name}(options: *mut {object}, value: {parameter}) -> *mut dl_error {{
    boundary(|| {{
        let value = {value};
        set(&mut handle::borrow_mut(options)?.settings, {name:?}, value)
    }})
}}
"
    )
}

fn doc(option: &Opt) -> String {
    let mut facts = vec![option.kind.label().replace('`', "\"")];
    facts.extend(option.default.as_ref().map(|default| format!("default {default}")));
    match option.range() {
        Some((_, "9223372036854775807")) | None => {}
        Some((least, most)) => facts.push(format!("{least} to {most}")),
    }
    let doc = option.doc.replace('`', "\"");
    let facts = format!(
        "{}. Errors: invalid-argument if the value cannot be, which changes nothing.",
        facts.join("; ")
    );
    format!("{}///\n{}", wrapped(&doc), wrapped(&facts))
}
