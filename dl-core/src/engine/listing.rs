//! Lists the logs of a namespace.

use crate::error::Result;
use crate::metadata::MetadataStore;
use crate::types::LogName;

/// Names of logs in byte order: those below `prefix` (all, if it is empty) and behind `after`, at most `limit`.
pub(crate) async fn list(
    metadata: &dyn MetadataStore,
    prefix: &str,
    after: Option<&LogName>,
    limit: usize,
) -> Result<Vec<LogName>> {
    let prefix = prefix.trim_matches('/');
    let start = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let after = after.map_or("", LogName::as_str);
    let mut names = Vec::new();
    // What is still to be looked at, the next at the end. A name that ends in '/' stands for all below it, and sorts
    // among its siblings as these do.
    let mut todo = vec![start];
    while let Some(next) = todo.pop() {
        if names.len() >= limit {
            break;
        }
        if next.is_empty() || next.ends_with('/') {
            if next.as_str() > after || after.starts_with(&next) {
                todo.extend(siblings(metadata, &next).await?.into_iter().rev());
            }
        } else if next.as_str() > after
            && metadata.get(&format!("/{next}/<default>/ledgers")).await?.is_some()
        {
            // A node that no log can be named like is not ours.
            names.extend(LogName::new(&next).ok());
        }
    }
    Ok(names)
}

/// For each node directly below `directory` its own name and that of all below it, in byte order.
async fn siblings(metadata: &dyn MetadataStore, directory: &str) -> Result<Vec<String>> {
    let path = format!("/{}", directory.trim_end_matches('/'));
    let children = metadata.children(&path).await?.unwrap_or_default();
    let reserved = |name: &str| name.starts_with('<') || (directory.is_empty() && name.starts_with('.'));
    let mut names = Vec::new();
    for child in children.iter().filter(|child| !reserved(&child.name)) {
        let name = format!("{directory}{}", child.name);
        names.push(format!("{name}/"));
        names.push(name);
    }
    names.sort_unstable();
    Ok(names)
}
