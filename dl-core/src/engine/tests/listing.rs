//! Lists of names, in pages.

use std::collections::BTreeSet;

use super::Shared;
use crate::types::LogName;

on_every_driver! { pages_of_any_size_from_anywhere_are_parts_of_the_sorted_list }

/// Names of up to four characters around '/' in the order of bytes, most of them close to each other.
fn some_names() -> BTreeSet<LogName> {
    let letters = ["a", "-", "/", "b", "0", "."];
    let name = |mut number: usize| {
        let mut name = String::new();
        while number > 0 {
            name.push_str(letters[number % letters.len()]);
            number /= letters.len();
        }
        name
    };
    (0..1_296).step_by(5).filter_map(|number| LogName::new(&name(number)).ok()).collect()
}

async fn pages_of_any_size_from_anywhere_are_parts_of_the_sorted_list(shared: Shared) {
    let namespace = shared.process("a").await;
    let names = some_names();
    assert!(names.len() > 50, "{}", names.len());
    for name in &names {
        namespace.create_log(name).await.unwrap();
    }
    for limit in [1, 2, 7, 1_000] {
        for after in names.iter().map(Some).chain([None, LogName::new("-a/").ok().as_ref()]) {
            let expected = names.iter().filter(|name| after.is_none_or(|after| *name > after));
            let listed = namespace.list_logs("", after, limit).await.unwrap();
            assert!(listed.iter().eq(expected.take(limit)), "{limit} after {after:?}: {listed:?}");
        }
    }
    for prefix in names.iter().map(LogName::as_str) {
        let expected = names.iter().filter(|name| name.as_str().starts_with(&format!("{prefix}/")));
        assert!(namespace.list_logs(prefix, None, 1_000).await.unwrap().iter().eq(expected), "{prefix}");
    }
}
