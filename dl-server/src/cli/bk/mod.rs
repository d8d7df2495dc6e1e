//! `dl bk`: the BookKeeper cluster below a namespace, for its operators.

mod bookies;
mod cluster;
mod end;
mod entries;
mod error;
mod find;
mod fragments;
mod ledgers;
mod orphans;
mod place;
mod references;
mod show;

use clap::{Args, Subcommand};

use super::Shared;
use super::failure::Result;
pub(super) use cluster::Cluster;
use cluster::ClusterArgs;
pub(super) use place::Place;

/// Looks at the BookKeeper cluster below a namespace: ledgers, entries, bookies, copies that are missing, ledgers nobody
/// refers to
///
/// The cluster is that of the namespace (distributedlog://…), or the one that --zookeeper and --ledgers-path name. Nothing
/// is fenced, recovered or changed, but for `dl bk orphans --delete` and `dl bk recover --close`.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Example:\n  dl bk fragments orders --ns 'distributedlog://zk1:2181;zk2:2181/messaging/dl'"
)]
pub(crate) struct Bk {
    #[command(subcommand)]
    action: Action,

    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Debug, Subcommand)]
enum Action {
    Ledgers(ledgers::Ledgers),
    Show(show::Show),
    Entries(entries::Entries),
    Bookies(bookies::Bookies),
    End(end::End),
    Find(find::Find),
    Recover(end::Recover),
    Fragments(fragments::Fragments),
    Orphans(orphans::Orphans),
}

impl Bk {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let cluster = Cluster::open(&self.cluster, shared).await?;
        let mut output = shared.output();
        let done = match self.action {
            Action::Ledgers(action) => action.run(&cluster, shared.json, &mut output).await,
            Action::Show(action) => action.run(&cluster, shared.json, &mut output).await,
            Action::Entries(action) => action.run(&cluster, &mut output).await,
            Action::Bookies(action) => action.run(&cluster, shared.json, &mut output).await,
            Action::End(action) => action.run(&cluster, &mut output).await,
            Action::Find(action) => action.run(&cluster, &mut output).await,
            Action::Recover(action) => action.run(&cluster, shared.json, &mut output).await,
            Action::Fragments(action) => action.run(&cluster, shared, &mut output).await,
            Action::Orphans(action) => action.run(&cluster, shared.json, &mut output).await,
        };
        cluster.close().await;
        done
    }
}
