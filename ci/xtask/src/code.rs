//! Generated code.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::report::Fault;

/// A doc comment, in lines that rustfmt leaves as they are.
pub(crate) fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    let mut line = "///".to_owned();
    for word in text.split(' ') {
        if line.len() + 1 + word.len() > 104 {
            lines.push_str(&line);
            lines.push('\n');
            line = "///".to_owned();
        }
        line.push(' ');
        line.push_str(word);
    }
    lines + &line + "\n"
}

/// The code as `cargo fmt` leaves it.
pub(crate) fn format(code: &str) -> Result<String, Fault> {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rustfmt.toml");
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path", config])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = rustfmt.stdin.take() {
        input.write_all(code.as_bytes())?;
    }
    let output = rustfmt.wait_with_output()?;
    if !output.status.success() {
        return Err("rustfmt refused the generated code".into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
