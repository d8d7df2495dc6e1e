//! A client that was closed, and what it leaves of the runtime that it was made on.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::connection::{Bookies, ConnectionOptions};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn without_a_runtime_a_writer_of_a_closed_client_ends() {
    let runtime = runtime();
    let world = runtime.block_on(World::new(4));
    let writer = runtime.block_on(world.client.create(three())).unwrap();
    let found = runtime.block_on(world.client.metadata(writer.id())).unwrap();
    let member = found.metadata.last_ensemble().1[1].clone();
    world.client.close();
    // It asks the metadata store for another bookie, which is a task.
    world.kill(&member);
    let ticket = writer.try_append(payload(0)).unwrap();
    assert_eq!(now(ticket).unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(now(writer.close()).unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn a_writer_whose_runtime_ended_ends() {
    let runtime = runtime();
    let world = runtime.block_on(World::new(3));
    let writer = runtime.block_on(world.client.create(three())).unwrap();
    drop(runtime);
    assert_eq!(writer.try_append(payload(0)).unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn tasks_at_rest_are_those_of_the_caller() {
    let (own, other) = (runtime(), runtime());
    let seams = {
        let _entered = own.enter();
        Seams::system()
    };
    let spawn = || {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        seams.tasks.spawn(Box::pin(async move {
            // Nobody waits if the test failed.
            let _failed = sender.send(tokio::runtime::Handle::current().id());
        }));
        receiver
    };
    assert_eq!(own.block_on(spawn()), Ok(own.handle().id()));
    seams.tasks.rest();
    assert_eq!(other.block_on(async { spawn().await }), Ok(other.handle().id()));
    assert!(now(spawn()).is_err(), "it is dropped");
    now(seams.clock.sleep(Duration::from_secs(3_600)));
}

#[tokio::test]
async fn bookies_that_are_closed_connect_to_none_that_they_did_not_know() {
    let bookies = Bookies::new(Arc::new(MemoryCluster::new()), ConnectionOptions::default(), Seams::system());
    bookies.close();
    let bookie = bookies.bookie(&crate::ledger::testing::bookies(0..1)[0]);
    let request = Request::ListEntries(LedgerId::new(1).unwrap());
    assert_eq!(bookie.call(&request, None).await.unwrap_err().kind(), ErrorKind::Closed);
}

/// The outcome of what waits for nothing.
fn now<T>(call: impl Future<Output = T>) -> T {
    match std::pin::pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("it waits"),
    }
}
