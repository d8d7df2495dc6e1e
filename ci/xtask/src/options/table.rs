//! Reading options.toml.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::report::Fault;

/// All options, in the order of the file.
pub(super) type Table = Vec<Opt>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    option: Table,
}

/// One option.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opt {
    pub(super) name: String,
    pub(super) scope: Scope,
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    /// Whether it is left out where options are printed for people who look for an error.
    #[serde(default)]
    pub(super) secret: bool,
    pub(super) default: Option<String>,
    pub(super) least: Option<String>,
    pub(super) most: Option<String>,
    pub(super) drivers: Vec<String>,
    pub(super) since: String,
    pub(super) doc: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    Namespace,
    Log,
    Writer,
    Reader,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Flag,
    Text,
    Count,
    Size,
    Duration,
    Takeover,
    Compression,
    Digest,
    Start,
    Dlsn,
    OnTruncated,
}

impl Scope {
    pub(super) const ALL: [Self; 4] = [Self::Namespace, Self::Log, Self::Writer, Self::Reader];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Log => "log",
            Self::Writer => "writer",
            Self::Reader => "reader",
        }
    }
}

impl Kind {
    /// How the documentation calls it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Flag => "true or false",
            Self::Text => "text",
            Self::Count => "number",
            Self::Size => "bytes",
            Self::Duration => "milliseconds",
            Self::Takeover => "`force`, `never`, `wait:DURATION`",
            Self::Compression => "`none`, `lz4`",
            Self::Digest => "`crc32`, `crc32c`, `mac`, `none`",
            Self::Start => "`earliest`, `latest`, DLSN, `txid:N`",
            Self::Dlsn => "DLSN",
            Self::OnTruncated => "`fail`, `skip`",
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Count | Self::Size | Self::Duration)
    }

    fn needs_range(self) -> bool {
        self.is_number() || self == Self::Text
    }
}

impl Opt {
    pub(super) fn range(&self) -> Option<(&str, &str)> {
        self.least.as_deref().zip(self.most.as_deref())
    }

    fn check(&self) -> Result<(), String> {
        if self.kind.needs_range() != self.range().is_some() {
            return Err("needs `least` and `most` if and only if it is a number or a text".to_owned());
        }
        if (self.kind == Kind::Duration) != self.name.ends_with("_ms") {
            return Err("ends in _ms if and only if it is a duration".to_owned());
        }
        if (self.kind == Kind::Size) != self.name.ends_with("_bytes") {
            return Err("ends in _bytes if and only if it is a size".to_owned());
        }
        if self.default.is_none() && !self.doc.contains("If absent:") {
            return Err("has no default: its doc says what holds \"If absent:\"".to_owned());
        }
        if self.drivers.is_empty() {
            return Err("has an effect in no driver".to_owned());
        }
        if !self.kind.is_number() {
            return Ok(());
        }
        let (least, most) = self.range().ok_or("has no range")?;
        let (least, most) = (number(least)?, number(most)?);
        let default = self.default.as_deref().map_or(Ok(least), number)?;
        if (least..=most).contains(&default) {
            Ok(())
        } else {
            Err("has a default out of its range".to_owned())
        }
    }
}

/// The table, each row checked by itself.
pub(super) fn read(root: &Path) -> Result<Table, Fault> {
    let path = root.join("dl-core/src/options/options.toml");
    let file: File = toml::from_str(&fs::read_to_string(path)?)?;
    for (index, option) in file.option.iter().enumerate() {
        let same = |other: &Opt| other.name == option.name && other.scope == option.scope;
        let problem = match option.check() {
            Err(problem) => problem,
            Ok(()) if file.option[..index].iter().any(same) => "stands there twice".to_owned(),
            Ok(()) => continue,
        };
        return Err(format!("options.toml: {} {problem}", option.name).into());
    }
    Ok(file.option)
}

/// The number that a text such as `64MiB` or `2h` stands for.
pub(super) fn number(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let factor = match &text[digits.len()..] {
        "" | "ms" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        suffix => return Err(format!("has a value with the unknown suffix {suffix:?}")),
    };
    let value: u64 = digits.parse().map_err(|_| format!("has the value {text:?}, which is no number"))?;
    value.checked_mul(factor).ok_or_else(|| format!("has the value {text:?}, which is too large"))
}
