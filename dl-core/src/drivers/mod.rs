//! The drivers: each keeps the metadata and the segments of a namespace somewhere else.

pub(crate) mod file;
pub(crate) mod memory;

use std::path::Path;
use std::time::Duration;

use crate::error::Result;
use crate::options::{Location, Options};
use crate::seams::{OpenMode, Seams};
use crate::store::Stores;

/// Opens the namespace at this URI, whose query is set in `options`. Answers also how this process names itself as the
/// owner of a log.
pub(crate) async fn open(uri: &str, options: &mut Options, seams: &Seams) -> Result<(Stores, String)> {
    let location = Location::parse(uri, options)?;
    options.validate()?;
    let owner = options.client_id.clone().unwrap_or_else(|| process_name(seams));
    let stores = match location {
        Location::Memory(name) => memory::open(&name, seams),
        Location::File(path) => {
            let file = file::FileOptions {
                client_id: owner.clone(),
                lock_wait: Duration::from_millis(options.lock_wait_ms),
                journal_bytes: options.journal_bytes,
                unsafe_filesystem: options.unsafe_filesystem,
                create: options.create_namespace,
                read_only: options.read_only,
            };
            file::open(&path, &file, seams).await?
        }
    };
    Ok((stores, owner))
}

/// Host name and process id, as far as the system tells them.
fn process_name(seams: &Seams) -> String {
    let mut name = [0; 64];
    let host = seams
        .files
        .open(Path::new("/proc/sys/kernel/hostname"), OpenMode::Read)
        .and_then(|file| file.read_at(&mut name, 0))
        .map(|length| String::from_utf8_lossy(&name[..length]).trim().to_owned());
    let process = seams.files.process().map_or(0, |(id, _)| id);
    format!("{}:{process}", host.unwrap_or_else(|_| "localhost".to_owned()))
}
