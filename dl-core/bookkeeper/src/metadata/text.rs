//! Format 2: the message in protobuf's text form, as BookKeeper 4.2 to 4.8 wrote it.

use std::fmt::Write;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::proto;
use crate::proto::ledger_metadata::{CustomMetadata, DigestType, Segment, State};

/// Enumerations in their text form.
const STATES: [(&str, State); 3] =
    [("OPEN", State::Open), ("IN_RECOVERY", State::InRecovery), ("CLOSED", State::Closed)];
const DIGESTS: [(&str, DigestType); 4] = [
    ("CRC32", DigestType::Crc32),
    ("HMAC", DigestType::Hmac),
    ("CRC32C", DigestType::Crc32c),
    ("DUMMY", DigestType::Dummy),
];

pub(super) fn decode(body: &[u8]) -> Result<proto::LedgerMetadata> {
    let mut text = Text { rest: body };
    let mut metadata = proto::LedgerMetadata::default();
    while let Some(name) = text.name()? {
        match name {
            b"quorumSize" => metadata.quorum_size = text.size()?,
            b"ensembleSize" => metadata.ensemble_size = text.size()?,
            b"length" => metadata.length = text.number()?,
            b"lastEntryId" => metadata.last_entry_id = Some(text.number()?),
            b"state" => metadata.state = text.one_of(&STATES)? as i32,
            b"segment" => metadata.segment.push(segment(&mut text)?),
            b"digestType" => metadata.digest_type = Some(text.one_of(&DIGESTS)? as i32),
            b"password" => metadata.password = Some(text.bytes()?),
            b"ackQuorumSize" => metadata.ack_quorum_size = Some(text.size()?),
            b"ctime" => metadata.ctime = Some(text.number()?),
            b"customMetadata" => metadata.custom_metadata.push(custom(&mut text)?),
            b"cToken" => metadata.c_token = Some(text.number()?),
            _ => return Err(Error::corrupt("metadata has a field that this version does not know")),
        }
    }
    Ok(metadata)
}

fn segment(text: &mut Text<'_>) -> Result<Segment> {
    let mut segment = Segment::default();
    text.open()?;
    while let Some(name) = text.name_inside()? {
        match name {
            b"ensembleMember" => segment.ensemble_member.push(text.string()?),
            b"firstEntryId" => segment.first_entry_id = text.number()?,
            _ => return Err(Error::corrupt("an ensemble has a field that this version does not know")),
        }
    }
    Ok(segment)
}

fn custom(text: &mut Text<'_>) -> Result<CustomMetadata> {
    let mut custom = CustomMetadata::default();
    text.open()?;
    while let Some(name) = text.name_inside()? {
        match name {
            b"key" => custom.key = Some(text.string()?),
            b"value" => custom.value = Some(text.bytes()?),
            _ => {
                return Err(Error::corrupt(
                    "a pair of the application has a field that this version does not know",
                ));
            }
        }
    }
    Ok(custom)
}

/// What is still to be read.
struct Text<'a> {
    rest: &'a [u8],
}

impl<'a> Text<'a> {
    /// The name of the next field, or `None` at the end.
    fn name(&mut self) -> Result<Option<&'a [u8]>> {
        self.skip_space();
        if self.rest.is_empty() { Ok(None) } else { self.word().map(Some) }
    }

    /// The name of the next field, or `None` at the closing brace, which is taken.
    fn name_inside(&mut self) -> Result<Option<&'a [u8]>> {
        if self.take(b'}') { Ok(None) } else { self.word().map(Some) }
    }

    fn open(&mut self) -> Result<()> {
        // A colon in front of a message is allowed.
        let _optional = self.take(b':');
        if self.take(b'{') { Ok(()) } else { Err(Self::malformed()) }
    }

    fn number(&mut self) -> Result<i64> {
        let word = self.value()?;
        std::str::from_utf8(word).ok().and_then(|word| word.parse().ok()).ok_or_else(Self::malformed)
    }

    fn size(&mut self) -> Result<i32> {
        i32::try_from(self.number()?).map_err(|_| Self::malformed())
    }

    fn one_of<T: Copy>(&mut self, names: &[(&str, T)]) -> Result<T> {
        let word = self.value()?;
        let found = names.iter().find(|(name, _)| name.as_bytes() == word);
        found.map(|(_, value)| *value).ok_or_else(Self::malformed)
    }

    fn string(&mut self) -> Result<String> {
        String::from_utf8(self.bytes()?.into()).map_err(|_| Self::malformed())
    }

    fn bytes(&mut self) -> Result<Bytes> {
        if !self.take(b':') || !self.take(b'"') {
            return Err(Self::malformed());
        }
        let mut bytes = Vec::new();
        loop {
            match self.next()? {
                b'"' => return Ok(bytes.into()),
                b'\n' => return Err(Self::malformed()),
                b'\\' => bytes.push(self.escaped()?),
                byte => bytes.push(byte),
            }
        }
    }

    /// What follows a backslash: a letter, a character, or up to three octal digits.
    fn escaped(&mut self) -> Result<u8> {
        Ok(match self.next()? {
            b'a' => 0x07,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            byte @ (b'\\' | b'\'' | b'"' | b'?') => byte,
            byte @ b'0'..=b'7' => {
                let mut value = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit) = self.rest.first().filter(|byte| matches!(byte, b'0'..=b'7')) else {
                        break;
                    };
                    value = value * 8 + u32::from(digit - b'0');
                    self.rest = &self.rest[1..];
                }
                u8::try_from(value).map_err(|_| Self::malformed())?
            }
            _ => return Err(Self::malformed()),
        })
    }

    /// The word after a colon.
    fn value(&mut self) -> Result<&'a [u8]> {
        if self.take(b':') { self.word() } else { Err(Self::malformed()) }
    }

    fn word(&mut self) -> Result<&'a [u8]> {
        self.skip_space();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let end = self.rest.iter().position(|byte| !is_part(byte)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        if word.is_empty() { Err(Self::malformed()) } else { Ok(word) }
    }

    fn take(&mut self, wanted: u8) -> bool {
        self.skip_space();
        let found = self.rest.first() == Some(&wanted);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn next(&mut self) -> Result<u8> {
        let (first, rest) = self.rest.split_first().ok_or_else(Self::malformed)?;
        self.rest = rest;
        Ok(*first)
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn malformed() -> Error {
        Error::corrupt("metadata of a ledger is no protobuf in text form")
    }
}

/// Fields in the order of their numbers, as the Java client writes them.
pub(super) fn encode(metadata: &proto::LedgerMetadata, stored: &mut Vec<u8>) {
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "{name}: {value}");
    };
    line("quorumSize", &metadata.quorum_size);
    line("ensembleSize", &metadata.ensemble_size);
    line("length", &metadata.length);
    if let Some(last) = &metadata.last_entry_id {
        line("lastEntryId", last);
    }
    line("state", &name_of(&STATES, |state| state as i32 == metadata.state));
    for segment in &metadata.segment {
        let members = segment.ensemble_member.iter();
        let members: String =
            members.map(|id| format!("  ensembleMember: {}\n", quoted(id.as_bytes()))).collect();
        text.push_str(&format!("segment {{\n{members}  firstEntryId: {}\n}}\n", segment.first_entry_id));
    }
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        let _infallible = writeln!(text, "{name}: {value}");
    };
    if let Some(digest) = metadata.digest_type {
        line("digestType", &name_of(&DIGESTS, |known| known as i32 == digest));
    }
    if let Some(password) = &metadata.password {
        line("password", &quoted(password));
    }
    if let Some(size) = &metadata.ack_quorum_size {
        line("ackQuorumSize", size);
    }
    if let Some(time) = &metadata.ctime {
        line("ctime", time);
    }
    for custom in &metadata.custom_metadata {
        let key = quoted(custom.key.as_deref().unwrap_or_default().as_bytes());
        let value = quoted(custom.value.as_deref().unwrap_or_default());
        text.push_str(&format!("customMetadata {{\n  key: {key}\n  value: {value}\n}}\n"));
    }
    stored.extend_from_slice(text.as_bytes());
}

fn name_of<T: Copy>(names: &[(&'static str, T)], wanted: impl Fn(T) -> bool) -> &'static str {
    names.iter().find(|(_, value)| wanted(*value)).map_or("", |(name, _)| name)
}

/// Bytes in quotes; what is not printable as three octal digits.
fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in bytes {
        match byte {
            0x07 => text.push_str("\\a"),
            0x08 => text.push_str("\\b"),
            0x0c => text.push_str("\\f"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            0x0b => text.push_str("\\v"),
            b'\\' => text.push_str("\\\\"),
            b'\'' => text.push_str("\\'"),
            b'"' => text.push_str("\\\""),
            0x20..=0x7e => text.push(char::from(*byte)),
            _ => text.push_str(&format!("\\{byte:03o}")),
        }
    }
    text.push('"');
    text
}
