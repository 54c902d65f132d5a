//! The files of the views: damage, other releases, other programs, and what must not stay in them.

mod support;

use std::fs;

use support::{Backing, World};
use tidings_domain::message::MessageAction;
use tidings_projections::{SqliteViews, ViewsError};

#[tokio::test]
async fn a_damaged_view_is_built_anew() {
    let mut world = World::following(Backing::Sqlite).await;
    let (_, bob, group) = world.talk(20).await;
    world.settled().await;
    world.stop().await;
    let path = world.file("views-conversations-1.db");
    let mut bytes = fs::read(&path).unwrap();
    bytes[20..3000].fill(0xff);
    bytes[68..72].copy_from_slice(b"TDGV");
    fs::write(&path, bytes).unwrap();
    fs::write(world.file("views-directory-1.db"), "no database at all").unwrap();
    world.start().await;
    assert_eq!(world.settled().await.unread(bob, group).await.unwrap(), 20);
    world.assert_verified().await;
}

#[tokio::test]
async fn a_view_of_another_release_or_another_log_is_built_anew() {
    let mut world = World::following(Backing::Sqlite).await;
    let (_, bob, group) = world.talk(20).await;
    world.settled().await;
    world.stop().await;
    let change = |name: &str, sql: &str| {
        rusqlite::Connection::open(world.file(name)).unwrap().execute(sql, []).unwrap();
    };
    change("views-conversations-1.db", "UPDATE about SET value = 'older' WHERE name = 'fingerprint'");
    change("views-directory-1.db", "UPDATE checkpoint SET position = 1000000");
    change("views-search-1.db", "UPDATE about SET value = 'older' WHERE name = 'fingerprint'");
    world.start().await;
    assert_eq!(world.settled().await.unread(bob, group).await.unwrap(), 20);
    assert!(world.views().status().await.unwrap().iter().all(|projection| projection.generation == 2));
    world.assert_verified().await;
}

/// Leaves the files as they are while they are served from, with a row that says something else than the log.
async fn tampered_while_serving(
    start_of_the_machine: &str,
) -> (World, tidings_domain::UserId, tidings_domain::ConversationId) {
    let mut world = World::following(Backing::Sqlite).await;
    let (_, bob, group) = world.talk(20).await;
    world.settled().await;
    world.stop().await;
    let open = |name: &str| rusqlite::Connection::open(world.file(name)).expect("SQLite is there");
    assert_eq!(open("views.db").query_row("SELECT count(*) FROM unsynced", [], |row| row.get(0)), Ok(0));
    open("views.db").execute("INSERT INTO unsynced VALUES (?)", [start_of_the_machine]).expect("SQLite is there");
    open("views-conversations-1.db").execute("UPDATE conversations SET last_seq = 7", []).expect("SQLite is there");
    (world, bob, group)
}

#[tokio::test]
async fn views_that_were_being_written_when_the_machine_stopped_are_built_anew() {
    let (mut world, bob, group) = tampered_while_serving("another start").await;
    world.start().await;
    assert_eq!(world.settled().await.unread(bob, group).await.unwrap(), 20);
    world.assert_verified().await;
}

#[tokio::test]
async fn views_that_a_killed_process_wrote_serve_again() {
    let this_start = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let (mut world, bob, group) = tampered_while_serving(this_start.trim()).await;
    world.start().await;
    assert_eq!(world.settled().await.unread(bob, group).await.unwrap(), 7);
}

#[tokio::test]
async fn a_file_of_another_program_is_refused_and_left_as_it_is() {
    for name in ["views.db", "views-conversations-1.db"] {
        let world = World::new(Backing::Sqlite);
        let path = world.file(name);
        let foreign = rusqlite::Connection::open(&path).unwrap();
        foreign
            .execute_batch("PRAGMA application_id = 42; CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)")
            .unwrap();
        drop(foreign);
        let before = fs::read(&path).unwrap();
        let refused = SqliteViews::open(world.directory.path()).err().unwrap();
        assert!(matches!(&refused, ViewsError::Foreign(why) if why.contains(name)), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[tokio::test]
async fn erased_text_leaves_the_files() {
    let mut world = World::following(Backing::Sqlite).await;
    let (ada, bob, group) = world.talk(50).await;
    let secret = world.send(group, ada, "the treasure is under the oak").await;
    world.send(group, bob, "bob's confession in the chapel").await;
    world.edit(secret, ada, "the treasure is under the elm").await;
    world.settled().await;
    let directory = world.directory.path().to_owned();
    let on_disk = |text: &str| {
        let entries = fs::read_dir(&directory).unwrap();
        entries.map(|entry| entry.unwrap().path()).any(|path| {
            let bytes = fs::read(path).unwrap();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        })
    };
    assert!(on_disk("under the oak") && on_disk("under the elm") && on_disk("the chapel"));
    world.act(secret, ada, MessageAction::Delete).await;
    world.close(bob).await;
    world.settled().await;
    while on_disk("under the oak") || on_disk("under the elm") || on_disk("the chapel") || on_disk("Firstbob") {
        tokio::task::yield_now().await;
    }
}
