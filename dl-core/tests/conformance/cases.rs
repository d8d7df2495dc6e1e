//! Reads the cases and refuses what is not in the language.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::language::{self, Kind};
use crate::values;

/// A case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) promises: Vec<String>,
    #[serde(default)]
    pub(crate) needs: Vec<String>,
    /// What it shows, where the name does not say it all.
    #[serde(default)]
    pub(crate) about: String,
    /// Whether process `p` has the namespace open before the first step.
    #[serde(default = "yes")]
    pub(crate) opens: bool,
    /// Whether what was acknowledged is looked for when the last step is done.
    #[serde(default = "yes")]
    pub(crate) audit: bool,
    pub(crate) steps: Vec<Step>,
}

pub(crate) type Step = Map<String, Value>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

fn yes() -> bool {
    true
}

/// All cases, in the order of their files.
///
/// # Errors
/// Every mistake there is in them, a line each.
#[expect(clippy::disallowed_methods, reason = "cases lie on the real disk")]
pub(crate) fn load(folder: &Path) -> Result<Vec<Case>, String> {
    let unreadable = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let (mut cases, mut mistakes) = (Vec::new(), Vec::new());
    for path in paths {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).map_err(unreadable)?;
        match toml::from_str::<File>(&text) {
            Ok(read) => {
                mistakes.extend(
                    read.case.iter().filter_map(|case| check(case).err().map(|it| format!("{file}: {it}"))),
                );
                cases.extend(read.case);
            }
            Err(error) => mistakes.push(format!("{file}: {error}")),
        }
    }
    let mut seen = BTreeSet::new();
    mistakes.extend(
        cases
            .iter()
            .filter(|case| !seen.insert(&case.name))
            .map(|case| format!("two cases are named {}", case.name)),
    );
    if mistakes.is_empty() { Ok(cases) } else { Err(mistakes.join("\n")) }
}

/// Checks what can be seen without running it.
pub(crate) fn check(case: &Case) -> Result<(), String> {
    let here = |mistake: String| format!("{}: {mistake}", case.name);
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if case.name.is_empty() || !case.name.chars().all(plain) {
        return Err(here("a name is lower case with hyphens".to_owned()));
    }
    if case.promises.is_empty() || !case.promises.iter().all(|promise| PROMISES.contains(&promise.as_str())) {
        return Err(here("it names no promise, or one that there is not".to_owned()));
    }
    let known = |name: &String| language::CAPABILITIES.iter().any(|(capability, _)| capability == name);
    if let Some(unknown) = case.needs.iter().find(|name| !known(name)) {
        return Err(here(format!("there is no capability {unknown:?}")));
    }
    let mut names = Names::default();
    if case.opens {
        names.processes.insert("p".to_owned());
    }
    for (number, step) in (1..).zip(&case.steps) {
        check_step(case, step, &mut names).map_err(|mistake| here(format!("step {number}: {mistake}")))?;
    }
    names.leftovers(case).map_err(here)
}

/// The promises of the design, and what it says about errors.
pub(crate) const PROMISES: &[&str] = &[
    "errors", "P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P11", "P12", "P13", "P14", "P15",
    "P16", "P17", "P18", "P20",
];

/// What the steps so far have named.
#[derive(Default)]
struct Names {
    processes: BTreeSet<String>,
    every_process: BTreeSet<String>,
    /// Those still open, with their process.
    handles: BTreeMap<String, String>,
    calls: BTreeMap<String, String>,
    /// Whether each variable was used.
    variables: BTreeMap<String, bool>,
}

impl Names {
    fn leftovers(&self, case: &Case) -> Result<(), String> {
        if let Some(call) = self.calls.keys().next() {
            return Err(format!("the call {call:?} is never awaited or cancelled"));
        }
        if let Some((name, _)) = self.variables.iter().find(|(_, used)| !**used) {
            return Err(format!("${name} is bound and never used"));
        }
        let crowded =
            self.every_process.len() > 1 || (case.opens && self.every_process.iter().any(|name| name != "p"));
        if crowded
            && !case.needs.iter().any(|name| ["processes", "persistent", "power"].contains(&name.as_str()))
        {
            return Err(
                "it has several processes, so it needs \"processes\", \"persistent\" or \"power\"".to_owned()
            );
        }
        Ok(())
    }
}

fn check_step(case: &Case, step: &Step, names: &mut Names) -> Result<(), String> {
    let text = |name: &str| step.get(name).and_then(Value::as_str);
    let kind = text("do").and_then(language::kind).ok_or("it does nothing that there is")?;
    check_keys(kind, step)?;
    if let Some(needs) = kind.needs.filter(|needs| !case.needs.iter().any(|name| name == needs)) {
        return Err(format!("the case has to say that it needs {needs:?}"));
    }
    if step.contains_key("expect_error") && (step.contains_key("expect") || step.contains_key("or_error")) {
        return Err("it expects an error and something else".to_owned());
    }
    if step.contains_key("start")
        && ["expect", "expect_error", "or_error"].iter().any(|name| step.contains_key(*name))
    {
        return Err("what a started call answers is expected where it is awaited".to_owned());
    }
    let mut used = Vec::new();
    step.values().try_for_each(|value| values::names(value, &mut used))?;
    for name in used.iter().filter(|name| !BUILT_IN.contains(&name.as_str())) {
        *names.variables.get_mut(name).ok_or_else(|| format!("nothing is bound to ${name}"))? = true;
    }
    check_names(kind, &text, step, names)
}

/// Variables that the runner binds.
const BUILT_IN: &[&str] = &["i", "uri", "durability"];

fn check_keys(kind: &Kind, step: &Step) -> Result<(), String> {
    if let Some(missing) = kind.required.iter().find(|name| !step.contains_key(**name)) {
        return Err(format!("{} needs {missing:?}", kind.name));
    }
    let of_calls: &[&str] = if kind.is_call { language::OF_CALLS } else { &[] };
    let lists = [kind.required, kind.optional, language::COMMON, of_calls];
    let known = |name: &str| lists.iter().any(|list| list.contains(&name));
    match step.keys().find(|name| !known(name)) {
        Some(stray) => Err(format!("{} takes no {stray:?}", kind.name)),
        None => Ok(()),
    }
}

fn check_names<'a>(
    kind: &Kind,
    text: &impl Fn(&str) -> Option<&'a str>,
    step: &Step,
    names: &mut Names,
) -> Result<(), String> {
    let process = text("process").unwrap_or("p").to_owned();
    match kind.name {
        "open" => {
            names.every_process.insert(process.clone());
            names.processes.insert(process);
            return Ok(());
        }
        "crash" => return forget(names, &process),
        "power_loss" => {
            let all: Vec<_> = names.processes.iter().cloned().collect();
            return all.iter().try_for_each(|process| forget(names, process));
        }
        "await" | "cancel" | "retry" | "still_pending" => {
            let call = text("call").unwrap_or_default();
            let known = if kind.name == "still_pending" {
                names.calls.contains_key(call)
            } else {
                names.calls.remove(call).is_some()
            };
            if !known {
                return Err(format!("no call {call:?} is in flight"));
            }
        }
        _ if !kind.is_call && kind.required.contains(&"process") && !names.processes.contains(&process) => {
            return Err(format!("there is no process {process:?}"));
        }
        _ if !kind.is_call => {}
        _ => match text("on") {
            Some(handle) if !names.handles.contains_key(handle) => {
                return Err(format!("there is no handle {handle:?}"));
            }
            Some(_) if step.contains_key("process") || step.contains_key("log") => {
                return Err("a handle knows its process and its log".to_owned());
            }
            None if !names.processes.contains(&process) => {
                return Err(format!("there is no process {process:?}"));
            }
            _ => {}
        },
    }
    let owner = text("on").and_then(|handle| names.handles.get(handle)).cloned().unwrap_or(process);
    if let Some(name) = text("as") {
        if language::OPENERS.contains(&kind.name) {
            names.handles.insert(name.to_owned(), owner.clone());
        } else {
            names.variables.insert(name.to_owned(), false);
        }
    }
    if let Some(call) = text("start") {
        names.calls.insert(call.to_owned(), owner);
    }
    if kind.name == "drop" {
        names.handles.remove(text("on").unwrap_or_default());
    }
    Ok(())
}

/// A process ended.
fn forget(names: &mut Names, process: &str) -> Result<(), String> {
    if !names.processes.remove(process) {
        return Err(format!("there is no process {process:?}"));
    }
    names.handles.retain(|_, owner| owner != process);
    names.calls.retain(|_, owner| owner != process);
    Ok(())
}
