//! Whether a result is what a case expects.

use std::cmp::Ordering;

use dl_core::Dlsn;
use serde_json::{Map, Value};

use crate::show;
use crate::values::payload;

/// Compares a result with an expectation: of tables, the fields that the expectation names.
///
/// # Errors
/// Says where they differ.
pub(crate) fn matches(expected: &Value, actual: &Value) -> Result<(), String> {
    compare(expected, actual, "")
}

fn compare(expected: &Value, actual: &Value, place: &str) -> Result<(), String> {
    let differ = || Err(format!("{place}: expected {}, got {}", brief(expected), brief(actual)));
    if let Some(fields) = expected.as_object() {
        if let Some(verdict) = comparison(fields, actual, place)? {
            return if verdict { Ok(()) } else { differ() };
        }
        if let Some(stored) = actual.as_str() {
            return match payload(expected)? {
                Some(wanted) if wanted == stored => Ok(()),
                _ => differ(),
            };
        }
    }
    match (expected, actual) {
        (Value::String(_), Value::Object(record)) if record.contains_key("payload") => {
            compare_record(expected, &Map::new(), record, place)
        }
        (Value::Object(fields), Value::Object(record)) if record.contains_key("payload") => {
            compare_record(expected, fields, record, place)
        }
        (Value::Object(wanted), Value::Object(fields)) => compare_fields(wanted, fields, place),
        (Value::Array(wanted), Value::Array(items)) => compare_lists(wanted, items, place),
        _ if expected == actual => Ok(()),
        _ => differ(),
    }
}

fn compare_record(
    expected: &Value,
    fields: &Map<String, Value>,
    record: &Map<String, Value>,
    place: &str,
) -> Result<(), String> {
    let stored = record.get("payload").and_then(Value::as_str).unwrap_or_default();
    if let Some(wanted) = payload(expected)?.filter(|wanted| wanted != stored) {
        return Err(format!("{place}: expected the payload {}, got {}", legible(&wanted), legible(stored)));
    }
    let described = ["text", "hex", "bytes", "seed", "maybe"];
    let others = fields.iter().filter(|(name, _)| !described.contains(&name.as_str()));
    compare_fields(&others.map(|(name, value)| (name.clone(), value.clone())).collect(), record, place)
}

fn compare_fields(
    wanted: &Map<String, Value>,
    fields: &Map<String, Value>,
    place: &str,
) -> Result<(), String> {
    for (name, value) in wanted {
        let here = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
        match fields.get(name) {
            Some(field) => compare(value, field, &here)?,
            None => {
                return Err(format!(
                    "{here}: there is no such field in {}",
                    brief(&Value::Object(fields.clone()))
                ));
            }
        }
    }
    Ok(())
}

/// Items marked `maybe` may be missing from some point of their run on: what is there of the run is a prefix of it.
fn compare_lists(wanted: &[Value], items: &[Value], place: &str) -> Result<(), String> {
    let mut rest = items.iter();
    let mut run_ended = false;
    for expected in wanted {
        let maybe = expected.get("maybe").is_some();
        run_ended &= maybe;
        if run_ended {
            continue;
        }
        let here = format!("{place}[{}]", items.len() - rest.len());
        let mut after = rest.clone();
        let verdict = match after.next() {
            Some(item) => compare(expected, item, &here),
            None => Err(format!("{here}: expected {}, but there is no more", brief(expected))),
        };
        match verdict {
            Ok(()) => rest = after,
            Err(_) if maybe => run_ended = true,
            Err(difference) => return Err(difference),
        }
    }
    match rest.as_slice() {
        [] => Ok(()),
        [first, ..] => Err(format!("{place}: {} more than expected, the first {}", rest.len(), brief(first))),
    }
}

/// The verdict of an expectation that compares; `None` if it is a table of fields.
fn comparison(fields: &Map<String, Value>, actual: &Value, place: &str) -> Result<Option<bool>, String> {
    let mut entries = fields.iter();
    let (Some((operator, operand)), None) = (entries.next(), entries.next()) else { return Ok(None) };
    let ordered = |wanted: fn(Ordering) -> bool| match order(actual, operand) {
        Some(ordering) => Ok(Some(wanted(ordering))),
        None => Err(format!("{place}: {} and {} have no order", brief(actual), brief(operand))),
    };
    match operator.as_str() {
        "gt" => ordered(Ordering::is_gt),
        "ge" => ordered(Ordering::is_ge),
        "lt" => ordered(Ordering::is_lt),
        "le" => ordered(Ordering::is_le),
        "ne" => Ok(Some(compare(operand, actual, place).is_err())),
        "any" => {
            let choices = operand.as_array().ok_or_else(|| format!("{place}: any is no list"))?;
            Ok(Some(choices.iter().any(|choice| compare(choice, actual, place).is_ok())))
        }
        "len" => {
            let length = actual.as_array().map(|items| items.len() as u64);
            Ok(Some(length.is_some() && length == operand.as_u64()))
        }
        _ => Ok(None),
    }
}

/// The order of two numbers or two DLSNs.
fn order(one: &Value, other: &Value) -> Option<Ordering> {
    if let (Some(one), Some(other)) = (one.as_i64(), other.as_i64()) {
        return Some(one.cmp(&other));
    }
    let dlsn = |value: &Value| value.as_str().and_then(|text| text.parse::<Dlsn>().ok());
    Some(dlsn(one)?.cmp(&dlsn(other)?))
}

/// A value for people: payloads legible, long texts cut.
pub(crate) fn brief(value: &Value) -> String {
    let text = match value {
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| match value.as_str() {
                Some(stored) if name == "payload" => format!("{name}: {}", legible(stored)),
                _ => format!("{name}: {}", brief(value)),
            };
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) if items.len() > 8 => {
            let shown: Vec<_> = items[..8].iter().map(brief).collect();
            format!("[{}, … {} in all]", shown.join(", "), items.len())
        }
        Value::Array(items) => format!("[{}]", items.iter().map(brief).collect::<Vec<_>>().join(", ")),
        plain => plain.to_string(),
    };
    cut(&text, 1_500)
}

fn legible(hex: &str) -> String {
    let bytes = show::from_hex(hex).unwrap_or_default();
    match String::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => cut(&format!("{text:?}"), 80),
        _ => format!("{} ({} bytes)", cut(hex, 40), hex.len() / 2),
    }
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
