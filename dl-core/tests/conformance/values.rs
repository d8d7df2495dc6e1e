//! Variables, lists that repeat, and payloads: from what a case says to plain values.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::show;

/// What a case has bound so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variables(BTreeMap<String, Value>);

impl Variables {
    pub(crate) fn bind(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// The same, with `$i` bound to a number.
    pub(crate) fn counting(&self, i: u64) -> Self {
        let mut counting = self.clone();
        counting.bind("i", json!(i));
        counting
    }

    /// The value with all its variables replaced and its lists written out.
    pub(crate) fn resolve(&self, value: &Value) -> Result<Value, String> {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                let mut list = Vec::new();
                for item in items {
                    self.item(item, &mut list)?;
                }
                Ok(Value::Array(list))
            }
            Value::Object(fields) => {
                let resolved = |(name, field): (&String, &Value)| Ok((name.clone(), self.resolve(field)?));
                Ok(Value::Object(fields.iter().map(resolved).collect::<Result<_, String>>()?))
            }
            plain => Ok(plain.clone()),
        }
    }

    /// An item of a list: one that repeats stands for many.
    fn item(&self, item: &Value, list: &mut Vec<Value>) -> Result<(), String> {
        let Some(repeat) = item.get("repeat") else {
            list.push(self.resolve(item)?);
            return Ok(());
        };
        let number = |value: &Value| value.as_u64().ok_or("repeat and first are numbers from 0");
        let first = item.get("first").map_or(Ok(0), number)?;
        let mut item = item.clone();
        if let Some(fields) = item.as_object_mut() {
            fields.retain(|name, _| name != "repeat" && name != "first");
        }
        for i in first..first + number(repeat)? {
            list.push(self.counting(i).resolve(&item)?);
        }
        Ok(())
    }

    fn text(&self, text: &str) -> Result<Value, String> {
        let pieces = pieces(text)?;
        if let [Piece::Variable(path)] = pieces.as_slice() {
            let (value, rest) = self.look_up(path)?;
            if rest.is_empty() {
                return Ok(value.clone());
            }
        }
        let mut result = String::new();
        for piece in pieces {
            match piece {
                Piece::Plain(plain) => result.push_str(&plain),
                Piece::Variable(path) => {
                    let (value, rest) = self.look_up(path)?;
                    match value {
                        Value::String(text) => result.push_str(text),
                        other => result.push_str(&other.to_string()),
                    }
                    result.push_str(rest);
                }
            }
        }
        Ok(Value::String(result))
    }

    /// The value, and the part of the path behind it that is plain text since a text or a number has no fields.
    fn look_up<'a>(&self, path: &'a str) -> Result<(&Value, &'a str), String> {
        let (name, mut rest) = path.split_at(path.find('.').unwrap_or(path.len()));
        let mut value = self.0.get(name).ok_or_else(|| format!("nothing is bound to ${name}"))?;
        while let Some(field) = rest.strip_prefix('.') {
            let field = &field[..field.find('.').unwrap_or(field.len())];
            let found = match value {
                Value::Object(fields) => fields.get(field),
                Value::Array(items) if field == "last" => items.last(),
                Value::Array(items) => field.parse::<usize>().ok().and_then(|index| items.get(index)),
                _ => break,
            };
            value = found.ok_or_else(|| format!("${path}: there is no {field:?} in {value}"))?;
            rest = &rest[field.len() + 1..];
        }
        Ok((value, rest))
    }
}

/// The names of the variables in a value.
pub(crate) fn names(value: &Value, found: &mut Vec<String>) -> Result<(), String> {
    match value {
        Value::String(text) => {
            for piece in pieces(text)? {
                if let Piece::Variable(path) = piece {
                    found.push(path.split('.').next().unwrap_or_default().to_owned());
                }
            }
            Ok(())
        }
        Value::Array(items) => items.iter().try_for_each(|item| names(item, found)),
        Value::Object(fields) => fields.values().try_for_each(|field| names(field, found)),
        _ => Ok(()),
    }
}

enum Piece<'a> {
    Plain(String),
    Variable(&'a str),
}

/// Splits a text at its variables: `$` and a name, with fields behind dots. `$$` is a dollar sign.
fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        if dollar > 0 {
            pieces.push(Piece::Plain(rest[..dollar].to_owned()));
        }
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            pieces.push(Piece::Plain("$".to_owned()));
            rest = after;
            continue;
        }
        let ends = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.');
        let path = rest[..rest.find(ends).unwrap_or(rest.len())].trim_end_matches('.');
        if !path.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Err(format!("{text:?}: no name follows a '$'; write $$ for a dollar sign"));
        }
        pieces.push(Piece::Variable(path));
        rest = &rest[path.len()..];
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Plain(rest.to_owned()));
    }
    Ok(pieces)
}

/// The payload that a text or a table stands for, in hexadecimal; `None` if the table speaks of none.
pub(crate) fn payload(value: &Value) -> Result<Option<String>, String> {
    if let Some(text) = value.as_str() {
        return Ok(Some(show::hex(text.as_bytes())));
    }
    let field = |name: &str| value.get(name);
    let text = |value: &Value, name: &str| {
        value.as_str().map(str::to_owned).ok_or_else(|| format!("{name} is no text"))
    };
    Ok(match (field("text"), field("hex"), field("bytes")) {
        (Some(plain), None, None) => Some(show::hex(text(plain, "text")?.as_bytes())),
        (None, Some(hex), None) => Some(show::hex(&show::from_hex(&text(hex, "hex")?)?)),
        (None, None, Some(bytes)) => {
            let number = |value: &Value| match value {
                Value::String(text) => text.parse().ok(),
                value => value.as_u64(),
            };
            let count = number(bytes).ok_or("bytes is no number from 0")?;
            let seed = field("seed").map_or(Some(0), number).ok_or("seed is no number from 0")?;
            Some(show::hex(&generated(count, seed)))
        }
        (None, None, None) => None,
        _ => return Err("a payload is one of text, hex and bytes".to_owned()),
    })
}

/// Byte `j` of a generated payload is `(seed + 131 j + j / 256) mod 256`.
fn generated(count: u64, seed: u64) -> Vec<u8> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(count);
    for j in 0..count {
        bytes.push(((seed as usize).wrapping_add(131 * j).wrapping_add(j >> 8) & 255) as u8);
    }
    bytes
}

/// A record to append, as agents take it.
pub(crate) fn new_record(value: &Value) -> Result<Value, String> {
    const FIELDS: [&str; 5] = ["text", "hex", "bytes", "seed", "txid"];
    if let Some(stray) =
        value.as_object().and_then(|fields| fields.keys().find(|name| !FIELDS.contains(&name.as_str())))
    {
        return Err(format!("a record to append has no {stray:?}"));
    }
    let payload = payload(value)?.ok_or("a record needs text, hex or bytes")?;
    let mut record = Map::from_iter([("payload".to_owned(), json!(payload))]);
    if let Some(txid) = value.get("txid") {
        record.insert("txid".to_owned(), txid.clone());
    }
    Ok(Value::Object(record))
}
