use super::*;
use crate::ErrorKind;

#[tokio::test(start_paused = true)]
async fn a_later_writer_cuts_the_earlier_one_off() {
    let shared = Shared::new("takeover");
    let (first, second) = (shared.process("first").await, shared.process("second").await);
    let old = first.log(shared.log()).open_writer(creating()).await.unwrap();
    append(&old, "one").await;
    let new = second.log(shared.log()).open_writer(WriterOptions::default()).await.unwrap();
    let error = old.fenced().await;
    assert_eq!((error.kind(), error.owner()), (ErrorKind::Fenced, Some("second")));
    let error = old.append("lost").await.unwrap_err();
    assert_eq!((error.kind(), error.owner()), (ErrorKind::Fenced, Some("second")));
    let receipt = append(&new, "two").await;
    assert_eq!((receipt.dlsn.segment(), receipt.sequence_id), (2, Some(1)));
    assert_eq!(read_all(&first, shared.log()).await, ["one", "two"]);
}
