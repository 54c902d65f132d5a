//! Rebuilds on a disk that is full: what serves is left alone, and the rebuild says why it failed.

use std::fs;

use serde_json::Value;
use tidings_tests::app::{Person, Setup, TestApp, until};

use super::disk::{SmallDisk, ignoring_the_signal, limit};

/// An operator, and a group with some megabytes of messages.
async fn talk(app: &TestApp) -> (Person, String) {
    let root = app.person("operator").await;
    app.tool_done(&["grant", &root.username, "operator"]);
    let group = root.group("large", &[]).await;
    for at in 0..100 {
        root.send(&group, &format!("{at} {}", "x".repeat(30_000))).await;
    }
    assert_eq!(root.messages(&group).await.len(), 100);
    (root, group)
}

async fn conversations(root: &Person) -> Value {
    let listed = root.get("/v1/admin/projections").await.expect(200);
    listed.items().iter().find(|projection| projection["name"] == "conversations").expect("it is listed").clone()
}

async fn rebuild(root: &Person) {
    until("it is begun", async || {
        let begun = root.post("/v1/admin/projections/conversations/rebuild", None).await;
        // it says so at once where it fails at once; one that is seen to have failed may have its last words to say
        assert!(matches!(begun.status, 202 | 409 | 503), "{begun:?}");
        begun.status != 409
    })
    .await;
}

/// It fails and says why; what serves is the same and serves on.
async fn fails(root: &Person, group: &str, why: &[&str]) {
    rebuild(root).await;
    let failure = loop {
        let now = conversations(root).await;
        assert_eq!(now["generation"], 1, "{now}");
        if let Some(failure) = now["failure"].as_str() {
            break failure.to_owned();
        }
        tokio::task::yield_now().await;
    };
    assert!(failure.contains("rebuild failed") && why.iter().any(|why| failure.contains(why)), "{failure}");
    assert_eq!(root.messages(group).await.len(), 100);
}

/// There is room again: it is rebuilt, and nobody has to restart anything.
async fn succeeds(root: &Person, group: &str) {
    rebuild(root).await;
    loop {
        let now = conversations(root).await;
        // what failed before is forgotten once this has ended
        if now["generation"].as_u64() > Some(1) && now["failure"].is_null() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(root.messages(group).await.len(), 100);
    let found = root.post("/v1/admin/projections/conversations/verify", None).await.expect(200);
    assert_eq!(found["differing"], 0);
}

/// Before it takes the last room from the log; where a small disk can be mounted.
#[tokio::test]
async fn a_rebuild_that_would_fill_the_disk_is_not_begun() {
    let Some(disk) = SmallDisk::mount() else { return in_the_middle_of_it().await };
    let data_dir = disk.directory.join("data");
    fs::create_dir(&data_dir).expect("the disk is empty");
    let app = TestApp::with(Setup { data_dir: Some(data_dir), ..Setup::default() });
    let (root, group) = talk(&app).await;
    disk.fill();
    fails(&root, &group, &["the disk has"]).await;
    fs::remove_file(disk.ballast()).expect("it was put there");
    succeeds(&root, &group).await;
    app.stop().await;
}

#[tokio::test]
async fn a_rebuild_that_finds_no_room_in_the_middle_fails_and_leaves_what_serves_alone() {
    in_the_middle_of_it().await;
}

async fn in_the_middle_of_it() {
    let before = ignoring_the_signal("--fsize=unlimited:unlimited");
    let app = TestApp::with(Setup { before, ..Setup::default() });
    let (root, group) = talk(&app).await;
    limit(app.pid(), "--fsize=1000000:unlimited");
    fails(&root, &group, &["full", "disk I/O"]).await;
    let left: Vec<_> = app.data_files().into_iter().filter(|file| file.ends_with("views-conversations-2.db")).collect();
    assert!(left.is_empty(), "{left:?}");
    limit(app.pid(), "--fsize=unlimited:unlimited");
    succeeds(&root, &group).await;
    app.stop().await;
}
