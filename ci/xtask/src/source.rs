//! Source files as far as the checks need to understand them.

use std::fs;
use std::path::Path;

use crate::report::Fault;

/// One source file, without its comments and its tests.
pub(crate) struct Source {
    /// Below the folder that was read.
    pub(crate) path: String,
    /// The path of its module from the root of the crate: `["drivers", "file", "journal"]`.
    pub(crate) module: Vec<String>,
    lines: Vec<String>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let mut module: Vec<String> = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        let lines = if is_test(path) { Vec::new() } else { code(text) };
        Self { path: path.to_owned(), module, lines }
    }

    /// Every line of code with its number.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines.iter().enumerate().map(|(index, line)| (index + 1, line.as_str()))
    }

    /// Every path into our crate that is named, from the root of the crate, with the number of its line.
    pub(crate) fn uses(&self) -> Vec<(usize, Vec<String>)> {
        let mut found = Vec::new();
        for (number, line) in self.lines() {
            for (at, _) in line.match_indices("crate::") {
                found.extend(paths(&line[at + "crate::".len()..]).into_iter().map(|path| (number, path)));
            }
            for (at, _) in line.match_indices("super::") {
                if !line[..at].ends_with("super::") {
                    found.extend(self.through_super(&line[at..]).into_iter().map(|path| (number, path)));
                }
            }
        }
        found
    }

    fn through_super(&self, mut text: &str) -> Vec<Vec<String>> {
        let mut base = self.module.clone();
        while let Some(rest) = text.strip_prefix("super::") {
            base.pop();
            text = rest;
        }
        paths(text).into_iter().map(|path| [base.clone(), path].concat()).collect()
    }
}

/// All source files below a folder, in the order of their paths.
pub(crate) fn read(folder: &Path) -> Result<Vec<Source>, Fault> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(folder)?.to_string_lossy().into_owned();
                found.push(Source::new(&name, &fs::read_to_string(&path)?));
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn is_test(path: &str) -> bool {
    path.split('/')
        .map(|part| part.trim_end_matches(".rs"))
        .any(|part| part == "tests" || part.ends_with("_tests"))
}

/// The lines without what follows `//`, up to the tests at the foot.
fn code(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let inside_tests = line.starts_with("mod ") && line.ends_with('{');
        if inside_tests && lines.last().is_some_and(|last| last.starts_with("#[cfg(test)]")) {
            break;
        }
        lines.push(line.split("//").next().unwrap_or_default().to_owned());
    }
    lines
}

/// The paths that a text such as `a::B;` or `{a::B, c}` begins with. Braces within braces are not followed: what stands
/// before them is what the rules look at.
fn paths(text: &str) -> Vec<Vec<String>> {
    match text.strip_prefix('{') {
        None => vec![path(text)],
        Some(group) => {
            let mut depth = 0_usize;
            let mut found = vec![String::new()];
            for letter in group.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => found.push(String::new()),
                    _ if depth == 0 => found.iter_mut().last().into_iter().for_each(|text| text.push(letter)),
                    _ => {}
                }
            }
            found.iter().map(|text| path(text.trim())).filter(|path| !path.is_empty()).collect()
        }
    }
}

fn path(text: &str) -> Vec<String> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    text[..end].split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
