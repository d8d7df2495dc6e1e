//! The `format` file: what a namespace directory is, and which builds may open it.
//!
//! Text, one `name: value` a line, ended by a checksum of the lines above:
//!
//! ```text
//! dl namespace directory
//! version: 1
//! namespace: 5f3a9c0d11e2b347
//! compatible: 0
//! read-only-compatible: 0
//! incompatible: 0
//! check: 8a1b2c3d
//! ```
//!
//! The three sets of feature bits (hexadecimal) say what a build that does not know a bit may do: anything, read, or
//! nothing.

use std::path::{Path, PathBuf};

use super::io;
use super::layout::Layout;
use crate::error::{Error, ErrorKind, Result};
use crate::seams::{OpenMode, Seams};
use crate::types::FormatInfo;

const TITLE: &str = "dl namespace directory";
const VERSION: u64 = 1;
/// The feature bits this build knows.
const KNOWN_READ_ONLY_COMPATIBLE: u64 = 0;
const KNOWN_INCOMPATIBLE: u64 = 0;
const MOST_BYTES: usize = 4_096;

/// What the `format` file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    /// Random number of the namespace, part of every checksum in its files.
    pub(super) namespace: u64,
}

impl Format {
    /// Reads the file; `None` if there is none.
    ///
    /// # Errors
    /// `unsupported` naming the version or feature bits that this build does not know; `corrupt` if it is damaged.
    pub(super) fn read(seams: &Seams, layout: &Layout, read_only: bool) -> Result<Option<Self>> {
        let path = layout.format();
        let file = match seams.files.open(&path, OpenMode::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io::failed(error, "opening the format file", &path)),
        };
        let mut bytes = vec![0; MOST_BYTES];
        let read = file
            .read_at(&mut bytes, 0)
            .map_err(|error| io::failed(error, "reading the format file", &path))?;
        let text = std::str::from_utf8(&bytes[..read]).unwrap_or_default();
        Self::parse(text, read_only).map(Some).map_err(|error| error.with("file", path.display()))
    }

    /// Whether the file is written as this build writes what it says, to the last byte.
    pub(super) fn is_as_written(seams: &Seams, layout: &Layout) -> Result<bool> {
        let text = Self::text_of(seams, &layout.format())?;
        let lines = text.rsplit_once("check: ").map_or("", |(lines, _)| lines);
        Ok(text == with_check(lines))
    }

    /// What the file says, also one that a newer build wrote, and the number of the namespace; `None` if there is none.
    pub(super) fn describe(seams: &Seams, layout: &Layout) -> Result<Option<(FormatInfo, u64)>> {
        let path = layout.format();
        let known = match Self::read(seams, layout, false) {
            Ok(None) => return Ok(None),
            Ok(Some(_)) => true,
            Err(error) if error.kind() == ErrorKind::Unsupported => false,
            Err(error) => return Err(error),
        };
        let text = Self::text_of(seams, &path)?;
        let value = |name: &str, radix| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            value.and_then(|value| u64::from_str_radix(value, radix).ok())
        };
        let (Some(version), Some(namespace)) = (value("version", 10), value("namespace", 16)) else {
            return Ok(None);
        };
        let bits = |name| value(name, 16).unwrap_or(0);
        let format = FormatInfo {
            version,
            compatible: bits("compatible"),
            read_only_compatible: bits("read-only-compatible"),
            incompatible: bits("incompatible"),
            known,
        };
        Ok(Some((format, namespace)))
    }

    fn text_of(seams: &Seams, path: &Path) -> Result<String> {
        let failed = |error| io::failed(error, "reading the format file", path);
        let file = seams.files.open(path, OpenMode::Read).map_err(failed)?;
        let mut bytes = vec![0; MOST_BYTES];
        let read = file.read_at(&mut bytes, 0).map_err(failed)?;
        Ok(std::str::from_utf8(&bytes[..read]).unwrap_or_default().to_owned())
    }

    /// Where the file is until [`finish`](Self::finish) gives it its name.
    pub(super) fn unfinished(layout: &Layout) -> PathBuf {
        layout.format().with_extension("new")
    }

    /// Writes the file, durably, under its unfinished name; over one that was left there, which all who look find.
    pub(super) fn begin(self, seams: &Seams, layout: &Layout) -> Result<()> {
        let path = Self::unfinished(layout);
        let failed = |error| io::failed(error, "making the format file", &path);
        let file = seams.files.open(&path, OpenMode::Create).map_err(failed)?;
        file.write_at(&[self.text().as_bytes()], 0).map_err(failed)?;
        file.sync().map_err(failed)?;
        seams.files.sync_dir(layout.root()).map_err(failed)
    }

    /// Gives it its name, durably.
    pub(super) fn finish(self, seams: &Seams, layout: &Layout) -> Result<()> {
        let path = layout.format();
        let failed = |error| io::failed(error, "making the format file", &path);
        seams.files.rename(&Self::unfinished(layout), &path).map_err(failed)?;
        seams.files.sync_dir(layout.root()).map_err(failed)
    }

    fn text(self) -> String {
        let lines = format!(
            "{TITLE}\nversion: {VERSION}\nnamespace: {:016x}\ncompatible: 0\nread-only-compatible: 0\nincompatible: 0\n",
            self.namespace
        );
        with_check(&lines)
    }

    fn parse(text: &str, read_only: bool) -> Result<Self> {
        let damaged = || Error::corrupt("the format file is not what was written; restore it from a backup");
        if !text.starts_with(TITLE) {
            return Err(Error::unsupported(
                "the directory is not a dl namespace: its format file is another program's",
            ));
        }
        let (lines, check) = text.rsplit_once("check: ").ok_or_else(damaged)?;
        let check = u32::from_str_radix(check.trim_end(), 16).map_err(|_| damaged())?;
        if crc32c::crc32c(lines.as_bytes()) != check {
            return Err(damaged());
        }
        let value = |name: &str, radix| {
            let value = lines.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            value.and_then(|value| u64::from_str_radix(value, radix).ok()).ok_or_else(damaged)
        };
        let refuse = |what: String| {
            Err(Error::unsupported(format!(
                "the directory has {what}, which this build does not know; use a newer one"
            )))
        };
        let version = value("version", 10)?;
        if version != VERSION {
            return refuse(format!("format version {version}"));
        }
        let unknown = value("incompatible", 16)? & !KNOWN_INCOMPATIBLE;
        if unknown != 0 {
            return refuse(format!("incompatible feature bits {unknown:#x}"));
        }
        let unknown = value("read-only-compatible", 16)? & !KNOWN_READ_ONLY_COMPATIBLE;
        if unknown != 0 && !read_only {
            return refuse(format!(
                "feature bits {unknown:#x}, with which it can only be read (read_only=true)"
            ));
        }
        value("compatible", 16)?;
        Ok(Self { namespace: value("namespace", 16)? })
    }
}

fn with_check(lines: &str) -> String {
    format!("{lines}check: {:08x}\n", crc32c::crc32c(lines.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_bits_are_named_and_damage_is_found() {
        let format = Format { namespace: 0x1234 };
        let text = format.text();
        assert_eq!(Format::parse(&text, false).unwrap(), format);
        let lines = text.split("check").next().unwrap();
        let newer = with_check(&lines.replace("\nincompatible: 0", "\nincompatible: 4"));
        let error = Format::parse(&newer, true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains("0x4"), "{error}");
        let read_only = with_check(&lines.replace("read-only-compatible: 0", "read-only-compatible: 1"));
        assert_eq!(Format::parse(&read_only, false).unwrap_err().kind(), ErrorKind::Unsupported);
        assert!(Format::parse(&read_only, true).is_ok());
        for at in TITLE.len()..text.len() - 1 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            assert!(Format::parse(&String::from_utf8(bytes).unwrap(), false).is_err(), "flip at {at}");
        }
    }
}
