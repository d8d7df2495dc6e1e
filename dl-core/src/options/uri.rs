//! The URI of a namespace: which driver, where, and options in its query.

mod cluster;

use std::path::{Path, PathBuf};

use super::Options;
use super::generated::SECRET;
use crate::error::{Error, Result, quoted};

const FORMS: &str = "memory:NAME, file:///PATH, distributedlog://HOST:PORT/PATH, dl://HOST:PORT/";

/// Where a namespace is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// In this process, under a name.
    Memory(String),
    /// In a directory; the path is absolute.
    File(PathBuf),
    /// On a BookKeeper cluster.
    BookKeeper(ClusterPlace),
}

/// The place of a namespace in ZooKeeper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClusterPlace {
    /// The servers, `host:port` joined by commas.
    pub(crate) servers: String,
    /// The path of its node.
    pub(crate) path: String,
}

impl Location {
    /// Reads a URI. What its query sets is set in `options`, over what stands there.
    ///
    /// # Errors
    /// `invalid-argument` for a URI that cannot be right, with the form it should have; `unsupported` for a scheme
    /// that this build has no driver for.
    pub(crate) fn parse(uri: &str, options: &mut Options) -> Result<Self> {
        let shown = shown_uri(uri);
        let bad = |problem: String| {
            Error::invalid_argument(format!("the namespace URI {} {problem}", quoted(&shown)))
                .with("uri", &shown)
        };
        let (scheme, rest) = uri.split_once(':').ok_or_else(|| {
            bad(match uri.starts_with('/') {
                true => format!("has no scheme; write file://{shown}"),
                false => format!("has no scheme; write one of {FORMS}"),
            })
        })?;
        let rest = match rest.split_once('#') {
            None => rest,
            Some(_) => return Err(bad("has a '#'; write it as %23".to_owned())),
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let location = match scheme.to_ascii_lowercase().as_str() {
            "memory" => memory(place).map_err(bad)?,
            "file" => file(place).map_err(bad)?,
            "distributedlog" | "distributedlog-bk" => Self::BookKeeper(cluster::parse(place).map_err(bad)?),
            "dl" | "dls" => {
                return Err(Error::unsupported(format!(
                    "this build has no driver for {scheme}: namespaces; use memory:NAME, file:///PATH or distributedlog://HOST:PORT/PATH"
                ))
                .with("uri", &shown));
            }
            _ => return Err(bad(format!("has the unknown scheme {}; write one of {FORMS}", quoted(scheme)))),
        };
        set_options(query, options, &bad)?;
        Ok(location)
    }
}

/// The URI of the directory at `path`: `file://` and the path, with all but plain characters percent-encoded.
///
/// # Errors
/// `invalid-argument` if the path is not absolute.
pub fn file_uri(path: &Path) -> Result<String> {
    if !path.is_absolute() {
        return Err(Error::invalid_argument(format!(
            "the path {} is not absolute",
            quoted(&path.to_string_lossy())
        )));
    }
    let mut uri = "file://".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(byte.into())
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(uri)
}

/// The URI as it may be shown, in messages and logs: `…` stands for the value of each option that is secret.
#[must_use]
pub fn shown_uri(uri: &str) -> String {
    let Some((place, query)) = uri.split_once('?') else { return uri.to_owned() };
    let shown = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if decode_text(name).is_ok_and(|name| SECRET.contains(&name.as_str())) => {
            format!("{name}=…")
        }
        _ => pair.to_owned(),
    });
    format!("{place}?{}", shown.collect::<Vec<_>>().join("&"))
}

fn memory(place: &str) -> std::result::Result<Location, String> {
    let name = decode_text(place)?;
    if name.is_empty() || name.starts_with('/') {
        return Err("names no namespace; write memory:NAME".to_owned());
    }
    Ok(Location::Memory(name))
}

fn file(place: &str) -> std::result::Result<Location, String> {
    // file:///path, file://localhost/path and file:/path all name a path of this machine (RFC 8089).
    let path = match place.strip_prefix("//") {
        Some(rest) => rest.strip_prefix("localhost").filter(|path| path.starts_with('/')).unwrap_or(rest),
        None => place,
    };
    if !path.starts_with('/') {
        return Err("has no absolute path; write file:///PATH, with three slashes".to_owned());
    }
    let bytes = decode(path)?;
    if bytes.contains(&0) {
        return Err("has a NUL in its path".to_owned());
    }
    Ok(Location::File(path_from(bytes)?))
}

#[cfg(unix)]
fn path_from(bytes: Vec<u8>) -> std::result::Result<PathBuf, String> {
    use std::os::unix::ffi::OsStringExt;
    Ok(std::ffi::OsString::from_vec(bytes).into())
}

#[cfg(not(unix))]
fn path_from(bytes: Vec<u8>) -> std::result::Result<PathBuf, String> {
    String::from_utf8(bytes).map(PathBuf::from).map_err(|_| "is not UTF-8".to_owned())
}

fn set_options(query: &str, options: &mut Options, bad: &impl Fn(String) -> Error) -> Result<()> {
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| bad(format!("has an option without a value; write {pair}=VALUE")))?;
        let name = decode_text(name).map_err(bad)?;
        options.set(&name, &decode_text(value).map_err(bad)?)?;
    }
    Ok(())
}

fn decode_text(text: &str) -> std::result::Result<String, String> {
    String::from_utf8(decode(text)?).map_err(|_| "has percent-escapes that are not UTF-8".to_owned())
}

fn decode(text: &str) -> std::result::Result<Vec<u8>, String> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let escape = match *after {
            [high, low, ..] => digit(high).zip(digit(low)),
            _ => None,
        };
        let (high, low) =
            escape.ok_or_else(|| "has a '%' that no two hex digits follow; write it as %25".to_owned())?;
        bytes.push(high << 4 | low);
        rest = &after[2..];
    }
    Ok(bytes)
}
