//! Standard input, read beside the appends.

use std::io::{self, Read};
use std::thread;

use bytes::Bytes;
use dl_core::{Error, ErrorKind, Result};
use tokio::sync::mpsc;

use super::framing::{Framer, Framing};

/// What a read asks for: all that a pipe holds.
const READ_BYTES: usize = 64 * 1024;

/// Blocks that were read and not yet taken. More would only be memory.
const BLOCKS_AHEAD: usize = 2;

/// The records of standard input in blocks; after an error none follow.
///
/// A thread of its own reads, because nothing can end a read of a terminal or pipe. It ends with the input, or with
/// the process.
pub(super) fn blocks(framing: Framing) -> Result<mpsc::Receiver<Result<Vec<Bytes>>>> {
    let (sender, receiver) = mpsc::channel(BLOCKS_AHEAD);
    let read = move || read(&mut io::stdin().lock(), framing, &sender);
    thread::Builder::new().name("stdin".to_owned()).spawn(read).map_err(|error| {
        Error::new(ErrorKind::Unavailable, "the system refused a thread to read standard input")
            .caused_by(error)
    })?;
    Ok(receiver)
}

fn read(input: &mut dyn Read, framing: Framing, sender: &mpsc::Sender<Result<Vec<Bytes>>>) {
    let mut framer = Framer::new(framing);
    let mut piece = vec![0; READ_BYTES];
    loop {
        let (outcome, ended) = match input.read(&mut piece) {
            Ok(0) => (framer.end(), true),
            Ok(count) => (framer.take(&piece[..count]), false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => (Err(unreadable(error)), true),
        };
        // Sending fails when nobody takes records any more.
        let records = framer.records();
        if !records.is_empty() && sender.blocking_send(Ok(records)).is_err() {
            return;
        }
        if let Err(error) = outcome {
            let _unwanted = sender.blocking_send(Err(error));
            return;
        }
        if ended {
            return;
        }
    }
}

fn unreadable(error: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("reading standard input failed: {error}"))
        .retry(false)
        .caused_by(error)
}
