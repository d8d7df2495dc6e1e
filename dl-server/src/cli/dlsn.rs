//! `dl dlsn`.

use std::fmt::Write;

use clap::Args;
use dl_core::{Dlsn, Error, ErrorKind};
use serde_json::json;

use super::Shared;
use super::failure::Result;
use super::table;

/// Prints a DLSN in all its forms
///
/// DistributedLog keeps positions as 25 bytes, or 200 in an old version (v0), and as Base64 of these.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl dlsn AQAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAg==")]
pub(crate) struct Convert {
    /// The DLSN as segment:entry:slot, in Base64, or in hexadecimal
    #[arg(allow_hyphen_values = true)]
    dlsn: String,
}

impl Convert {
    pub(super) fn run(&self, shared: &Shared) -> Result<()> {
        let dlsn = parse(&self.dlsn)?;
        let forms = [
            ("dlsn", dlsn.to_string()),
            ("base64", dlsn.to_base64()),
            ("hex", hex(&dlsn.to_bytes())),
            ("base64_v0", dlsn.to_base64_v0()),
            ("hex_v0", hex(&dlsn.to_bytes_v0())),
        ];
        let mut output = shared.output();
        if shared.json {
            let object = forms.into_iter().map(|(name, form)| (name.to_owned(), json!(form)));
            output.object(&object.collect::<serde_json::Map<_, _>>())?;
        } else {
            table::write(&mut output, &forms.map(|(name, form)| [name.to_owned(), form]))?;
        }
        output.flush()
    }
}

/// Reads any of the forms. No text is two of them: they differ in length or have a colon.
fn parse(text: &str) -> Result<Dlsn> {
    let stored = from_hex(text).and_then(|bytes| Dlsn::from_bytes(&bytes).ok());
    let stored = stored.or_else(|| Dlsn::from_base64(text).ok()).or_else(|| text.parse().ok());
    stored.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("{text:?} is not a DLSN; write segment:entry:slot such as 3:120:0, or its stored form in Base64 or hexadecimal"),
        )
        .into()
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a text does not fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}
