//! What it means that a writer lost its log: somebody else has it, or nobody has.

use std::time::Duration;

use crate::engine::layout;
use crate::engine::lock::CUT_OFF;
use crate::engine::ownership::Ownership;
use crate::error::{Error, ErrorKind};
use crate::telemetry::WRITER_FENCED;

/// How long to ask who the new owner is before failing without its name.
const ASK_OWNER: Duration = Duration::from_secs(1);

/// Finds out what an error means: who cut the writer off, or that the log was deleted.
pub(super) async fn explain(own: &Ownership, error: Error) -> Error {
    if !matches!(error.kind(), ErrorKind::Fenced | ErrorKind::NotFound) {
        return error.with("log", &own.log);
    }
    let metadata = &*own.engine.stores.metadata;
    let find_out = async {
        match layout::exists(metadata, &own.log).await {
            Ok(false) => layout::no_log(&own.log),
            Ok(true) | Err(_) => {
                let fenced = Error::fenced(CUT_OFF).with("log", &own.log);
                match metadata.lock_owner(&own.paths.lock()).await {
                    Ok(Some(owner)) => fenced.with("owner", owner),
                    Ok(None) | Err(_) => fenced,
                }
            }
        }
    };
    tokio::select! {
        biased;
        error = find_out => error,
        () = own.engine.seams.clock.sleep(ASK_OWNER) => error.with("log", &own.log),
    }
}

/// Counts and tells that the writer was cut off.
pub(super) fn fenced(own: &Ownership, error: &Error) {
    own.engine.telemetry.metrics.writers_fenced.add(1);
    own.engine.telemetry.tell(WRITER_FENCED, "another writer took the log", |event| event.caused_by(error));
}
