use super::*;

#[tokio::test(start_paused = true)]
async fn what_is_appended_is_read_back_in_order() {
    let shared = Shared::new("written-in-order");
    let namespace = shared.process("a").await;
    let writer = namespace.log(shared.log()).open_writer(creating()).await.unwrap();
    let mut tickets = Vec::new();
    for payload in ["one", "two", "three"] {
        tickets.push(writer.append(payload).await.unwrap());
    }
    for (index, ticket) in tickets.into_iter().enumerate() {
        let receipt = ticket.await.unwrap();
        assert_eq!(receipt.sequence_id, Some(index as u64));
        assert_eq!(receipt.dlsn.segment(), 1);
    }
    assert_eq!(read_all(&namespace, shared.log()).await, ["one", "two", "three"]);
}
