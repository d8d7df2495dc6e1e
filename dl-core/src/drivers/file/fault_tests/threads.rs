//! A process that gets no more threads: an error where one is needed, and all goes on once there are some.

use super::*;
use crate::error::{Error, ErrorKind};
use crate::store::Replication;
use crate::testing::stores::source::Source;

#[tokio::test(start_paused = true)]
async fn without_threads_a_writer_is_refused_and_an_open_one_goes_on() {
    let world = machine();
    let other = Opener::new(&world).await;
    let written = TestWriter::start(&other.stores).await;
    written.append(0..3).await;

    let owner = Opener::new(&world).await;
    owner.process.refuse_threads(true);
    let refused = |error: Error| {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.message().contains("ulimit -u"), "{error}");
    };
    refused(owner.stores.metadata.watch("/x").unwrap_err());
    let id = owner.stores.segments.allocate("/a", &[]).await.unwrap().id;
    refused(
        owner
            .stores
            .segments
            .create(id, Arc::new(Source::default()), Replication::default())
            .await
            .map(drop)
            .unwrap_err(),
    );
    let reader = owner.stores.segments.open(written.id).await.unwrap();
    let tail = reader.tail().await.unwrap();
    assert_eq!(tail.entries, 3, "what needs no thread goes on");
    refused(reader.wait(tail).await.unwrap_err());

    owner.process.refuse_threads(false);
    let writer = TestWriter::start(&owner.stores).await;
    owner.process.refuse_threads(true);
    // The threads it has serve every writer.
    let another = TestWriter::start(&owner.stores).await;
    for writer in [&writer, &another] {
        writer.append(0..3).await;
        recovered(&owner.stores, writer.id, 3, entry).await;
    }
    owner.stores.session.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_got_no_threads_closes() {
    let world = machine();
    let owner = Opener::new(&world).await;
    owner.process.refuse_threads(true);
    let id = owner.stores.segments.allocate("/a", &[]).await.unwrap().id;
    assert!(
        owner.stores.segments.create(id, Arc::new(Source::default()), Replication::default()).await.is_err()
    );
    owner.stores.session.close().await.unwrap();
}
