//! Running a recovery.

use std::sync::Arc;

use super::cluster::Cluster;
use super::post::Post;
use crate::cluster::Versioned;
use crate::error::Result;
use crate::ledger::{Access, Recovery, RecoveryOutput};

/// Recovers a ledger. Dropping the future leaves the ledger in recovery, to be tried again.
pub(super) async fn run(cluster: &Arc<Cluster>, access: Arc<Access>, known: Versioned) -> Result<Versioned> {
    let id = access.id();
    let placement = cluster.placement.clone();
    let mut recovery = Recovery::new(access, known, cluster.options.recovery, placement, cluster.now_ms())?;
    let mut post = Post::new(cluster.clone());
    loop {
        while let Some(output) = recovery.poll() {
            match output {
                RecoveryOutput::Send { to, token, request } => post.send(&to, token, &request),
                RecoveryOutput::Metadata(call) => {
                    let answer = cluster.ask_store(id, call).await;
                    recovery.tick(cluster.now_ms());
                    recovery.metadata_answer(answer);
                }
                RecoveryOutput::Done(result) => return result,
            }
        }
        let answer = post.next(recovery.next_tick_ms()).await;
        recovery.tick(cluster.now_ms());
        if let Some((token, answer)) = answer {
            recovery.answer(token, answer);
        }
    }
}
