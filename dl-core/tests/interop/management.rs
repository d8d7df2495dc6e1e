//! Each sees, renames and deletes the logs of the other.

use dl_core::{LogName, WriterOptions};
use serde_json::{Value, json};

use crate::java::VERSIONS;
use crate::world::{BoundBy, World};

fn name(text: &str) -> LogName {
    LogName::new(text).unwrap()
}

impl World {
    /// The names that both list, which must be the same.
    async fn list(&mut self) -> Vec<String> {
        let ours = self.dl.list_logs("", None, 100).await.unwrap();
        let ours: Vec<String> = ours.iter().map(ToString::to_string).collect();
        let theirs = self.java.call(json!({"do": "list"}));
        let theirs = theirs["logs"].as_array().unwrap().iter().map(Value::as_str);
        let mut theirs: Vec<&str> = theirs.map(Option::unwrap).collect();
        theirs.sort_unstable();
        assert_eq!(ours, theirs);
        ours
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs what builds Java: ci/test interop"]
async fn logs_of_one_are_listed_renamed_and_deleted_by_the_other() {
    let mut world = World::new(VERSIONS[0], BoundBy::Dl).await;
    world.dl.create_log(&name("ours")).await.unwrap();
    world.java.create("theirs");
    assert_eq!(world.list().await, ["ours", "theirs"]);
    world.java.open_writer("ours");
    world.java.write(&[(1, b"java")]);
    world.java.close_writer();
    let writer = world.dl.log(&name("theirs")).open_writer(WriterOptions::default()).await.unwrap();
    writer.append("dl").await.unwrap().await.unwrap();
    writer.close().await.unwrap();

    world.java.call(json!({"do": "rename", "log": "ours", "to": "ours-2"}));
    world.dl.rename_log(&name("theirs"), &name("theirs-2")).await.unwrap();
    assert_eq!(world.list().await, ["ours-2", "theirs-2"]);
    assert_eq!(world.dl.log(&name("ours-2")).count().await.unwrap(), 1);
    let read = world.java.call(json!({"do": "read", "log": "theirs-2"}));
    assert_eq!(read["records"].as_array().unwrap().len(), 1);

    world.dl.delete_log(&name("ours-2")).await.unwrap();
    world.java.call(json!({"do": "delete", "log": "theirs-2"}));
    // Java's call returns before the nodes are gone.
    let mut logs = world.dl.watch_logs("").unwrap();
    while world.dl.log_exists(&name("theirs-2")).await.unwrap() {
        logs.next().await.unwrap();
    }
    assert!(!world.dl.log_exists(&name("ours-2")).await.unwrap());
    assert!(world.java.ask(json!({"do": "info", "log": "ours-2"})).get("error").is_some());
}
