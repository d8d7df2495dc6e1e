//! What stands in a block of code that is marked `console`: commands behind `$ `, which go on behind `> `, and what each
//! prints. `…` in a line stands for anything, as a line by itself for any lines.

/// What stands between what a command prints and its exit code.
const CODE: char = '\u{1}';
/// What stands behind its exit code.
pub(super) const END: char = '\u{2}';

/// A command and what it is to print.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    line: usize,
    command: String,
    output: Vec<String>,
}

/// The commands of a page.
pub(super) fn steps(page: &str) -> Vec<Step> {
    let mut found: Vec<Step> = Vec::new();
    let mut inside = false;
    for (index, line) in page.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if !inside {
        } else if let Some(command) = line.strip_prefix("$ ") {
            found.push(Step { line: index + 1, command: command.to_owned(), output: Vec::new() });
        } else if let Some(step) = found.last_mut() {
            match line.strip_prefix("> ") {
                Some(more) if step.output.is_empty() => step.command.push_str(&format!("\n{more}")),
                _ => step.output.push(line.to_owned()),
            }
        }
    }
    found
}

/// A script that runs them in one shell. What they say of errors is output, too.
pub(super) fn script(steps: &[Step]) -> String {
    let run = |step: &Step| format!("{}\nprintf '\\001%s\\002' \"$?\"\n", step.command);
    format!("exec 2>&1\n{}", steps.iter().map(run).collect::<String>())
}

/// What the commands printed otherwise than they are to, with the line of the page.
pub(super) fn differences(steps: &[Step], said: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let Some((text, code)) = said.get(index).and_then(|text| text.rsplit_once(CODE)) else {
            wrong.push(format!("{}: did not end: {}", step.line, step.command));
            break;
        };
        let printed: Vec<&str> = text.lines().collect();
        if code != "0" {
            wrong
                .push(format!("{}: exit code {code}; let the example print it: {}", step.line, step.command));
        }
        if !fits(&step.output, &printed) {
            let (command, printed) = (&step.command, printed.join("\n"));
            wrong.push(format!("{}: {command}\nprinted:\n{printed}", step.line));
        }
    }
    wrong
}

/// Whether what was printed is what the page says.
fn fits(output: &[String], printed: &[&str]) -> bool {
    match output.split_first() {
        None => printed.is_empty(),
        Some((any, rest)) if any == "…" => (0..=printed.len()).any(|skip| fits(rest, &printed[skip..])),
        Some((line, rest)) => {
            printed.split_first().is_some_and(|(first, behind)| alike(line, first) && fits(rest, behind))
        }
    }
}

fn alike(line: &str, printed: &str) -> bool {
    match line.split_once('…') {
        None => line == printed,
        Some((start, rest)) => printed.strip_prefix(start).is_some_and(|behind| {
            behind.char_indices().map(|(at, _)| at).chain([behind.len()]).any(|at| alike(rest, &behind[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(output: &str) -> Vec<Step> {
        steps(&format!("```console\n$ run\n{output}\n```"))
    }

    fn said(text: &str) -> Vec<String> {
        text.split(END).map(str::to_owned).collect()
    }

    #[test]
    fn commands_stand_in_blocks_of_their_own() {
        let page = "$ no\n```sh\n$ no\n```\n```console\n$ a \\\n> b\nsays\n$ c\n```\n";
        let step = |line, command: &str, output: &[&str]| Step {
            line,
            command: command.to_owned(),
            output: output.iter().map(|line| (*line).to_owned()).collect(),
        };
        assert_eq!(steps(page), [step(6, "a \\\nb", &["says"]), step(9, "c", &[])]);
    }

    #[test]
    fn what_is_printed_has_to_be_what_is_said() {
        assert!(differences(&one("1:0:0\n2"), &said("1:0:0\n2\n\u{1}0\u{2}")).is_empty());
        assert_eq!(differences(&one("1:0:0"), &said("1:0:1\n\u{1}0\u{2}")).len(), 1);
        assert_eq!(differences(&one("1:0:0"), &said("1:0:0\nmore\n\u{1}0\u{2}")).len(), 1);
        assert_eq!(differences(&one("1:0:0"), &said("\u{1}0\u{2}")).len(), 1);
    }

    #[test]
    fn an_ellipsis_stands_for_anything() {
        assert!(differences(&one("process …:…, gone"), &said("process vm:12, gone\n\u{1}0\u{2}")).is_empty());
        assert!(differences(&one("first\n…\nlast"), &said("first\na\nb\nlast\n\u{1}0\u{2}")).is_empty());
        assert_eq!(differences(&one("first\n…\nlast"), &said("first\na\n\u{1}0\u{2}")).len(), 1);
        assert_eq!(differences(&one("a…c"), &said("abd\n\u{1}0\u{2}")).len(), 1);
    }

    #[test]
    fn a_command_that_fails_or_does_not_end_is_wrong() {
        assert_eq!(differences(&one("said"), &said("said\n\u{1}104\u{2}")).len(), 1);
        assert_eq!(differences(&one("said"), &said("said\n")).len(), 1);
    }
}
