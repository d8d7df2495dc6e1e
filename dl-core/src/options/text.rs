//! Values as text: reading them, showing them, and the ranges they must keep.

use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::error::{Error, Result, quoted};

/// What a number counts, which decides how its text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Count,
    Bytes,
    Milliseconds,
}

const SIZES: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

/// `ms` stands in front of `m` and `s`: the first suffix that fits is taken.
const DURATIONS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads a plain decimal number.
pub(super) fn count(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// Reads a duration: milliseconds, or a number with one of `ms s m h d`.
pub(super) fn duration_ms(text: &str) -> Option<u64> {
    scaled(text, &DURATIONS)
}

fn scaled(text: &str, suffixes: &[(&str, u64)]) -> Option<u64> {
    for (suffix, factor) in suffixes {
        if let Some(number) = text.strip_suffix(suffix) {
            return count(number)?.checked_mul(*factor);
        }
    }
    count(text)
}

fn read(unit: Unit, text: &str) -> Option<u64> {
    match unit {
        Unit::Count => count(text),
        Unit::Bytes => scaled(text, &SIZES),
        Unit::Milliseconds => duration_ms(text),
    }
}

/// The shortest text that reads back as this value.
pub(super) fn show(unit: Unit, value: u64) -> String {
    let suffixes: &[(&str, u64)] = match unit {
        Unit::Count => &[],
        Unit::Bytes => &SIZES,
        Unit::Milliseconds => &DURATIONS,
    };
    let fits = |(_, factor): &&(&str, u64)| value != 0 && value.is_multiple_of(*factor);
    match suffixes.iter().rev().find(fits) {
        Some((suffix, factor)) => format!("{}{suffix}", value / factor),
        None => value.to_string(),
    }
}

/// Reads a number of an option and checks its range.
pub(super) fn number(name: &'static str, text: &str, unit: Unit, range: RangeInclusive<u64>) -> Result<u64> {
    let value = read(unit, text).ok_or_else(|| {
        let example = match unit {
            Unit::Count => "a decimal number",
            Unit::Bytes => "bytes, or a number with KiB, MiB, GiB or TiB",
            Unit::Milliseconds => "milliseconds, or a number with ms, s, m, h or d",
        };
        invalid(name, format!("cannot be {}; write {example}", quoted(text)))
    })?;
    check_number(name, value, unit, range)?;
    Ok(value)
}

/// Checks the range of a number.
pub(super) fn check_number(
    name: &'static str,
    value: u64,
    unit: Unit,
    range: RangeInclusive<u64>,
) -> Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    let (least, most) = (show(unit, *range.start()), show(unit, *range.end()));
    Err(invalid(name, format!("cannot be {}; it is {least} to {most}", show(unit, value))))
}

/// Reads a text and checks its length.
pub(super) fn text(name: &'static str, text: &str, bytes: RangeInclusive<u64>) -> Result<String> {
    check_text(name, text, bytes)?;
    Ok(text.to_owned())
}

/// Checks the length of a text, and that it holds no control characters.
pub(super) fn check_text(name: &'static str, value: &str, bytes: RangeInclusive<u64>) -> Result<()> {
    if value.contains(char::is_control) {
        return Err(invalid(name, format!("cannot be {}; it has no control characters", quoted(value))));
    }
    let length = u64::try_from(value.len()).unwrap_or(u64::MAX);
    if bytes.contains(&length) {
        return Ok(());
    }
    let (least, most) = (bytes.start(), bytes.end());
    Err(invalid(name, format!("cannot have {length} bytes; it has {least} to {most}")))
}

/// Reads a flag: `true` or `false`.
pub(super) fn flag(name: &'static str, text: &str) -> Result<bool> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid(name, format!("cannot be {}; write true or false", quoted(text)))),
    }
}

/// Reads a value that knows its own text.
pub(super) fn choice<T: FromStr<Err = Error>>(name: &'static str, text: &str) -> Result<T> {
    text.parse().map_err(|error: Error| invalid(name, format!("is not valid: {}", error.message())))
}

/// The error for a name that is not in the table.
pub(super) fn unknown(scope: &str, name: &str, known: &[&str]) -> Error {
    Error::invalid_argument(format!(
        "there is no {scope} option {}; the {scope} options are {}",
        quoted(name),
        known.join(", ")
    ))
}

fn invalid(name: &'static str, problem: String) -> Error {
    Error::invalid_argument(format!("the option {name} {problem}")).with("option", name)
}
