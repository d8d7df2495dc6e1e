//! Names that are not ours to take: `-ldl` is glibc's, and the bare crate names belong to others.

use std::path::Path;

use crate::cargo::{Metadata, Package};
use crate::report::{Fault, Report};

pub(crate) fn check(root: &Path) -> Result<Report, Fault> {
    let metadata = Metadata::read(root)?;
    let wrong: Vec<String> = metadata.ours().flat_map(problems).collect();
    Ok(Report::of("names: no library is called dl, no crate can be published", wrong))
}

fn problems(package: &Package) -> Vec<String> {
    let mut wrong = Vec::new();
    for target in &package.targets {
        let is_library = target.crate_types.iter().any(|kind| kind != "bin" && kind != "proc-macro");
        if is_library && matches!(target.name.as_str(), "dl" | "libdl") {
            wrong.push(format!(
                "{}: a library called {} would shadow glibc's libdl",
                package.name, target.name
            ));
        }
    }
    if package.publish.as_ref().is_none_or(|registries| !registries.is_empty()) {
        wrong.push(format!("{}: needs publish = false", package.name));
    }
    wrong
}
