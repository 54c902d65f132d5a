//! The inbox.

use serde_json::json;
use tidings_tests::app::{Person, TestApp, id};

async fn groups(owner: &Person, other: &Person, count: usize) -> Vec<String> {
    let mut groups = vec![];
    for at in 0..count {
        groups.push(owner.group(&format!("group {at}"), &[other]).await);
    }
    groups
}

#[tokio::test]
async fn the_newest_activity_comes_first() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let made = groups(&ada, &bob, 3).await;
    assert_eq!(bob.inbox().await, [&*made[2], &made[1], &made[0]]);
    ada.send(&made[0], "up").await;
    bob.send(&made[1], "upper").await;
    assert_eq!(bob.inbox().await, [&*made[1], &made[0], &made[2]]);
    let items = bob.all("/v1/conversations").await;
    let shown: Vec<_> =
        items.iter().map(|item| (item["unread"].clone(), item["last_message"]["body"].clone())).collect();
    assert_eq!(shown, [(json!(0), json!("upper")), (json!(1), json!("up")), (json!(0), json!(null))]);
    for item in &items {
        assert_eq!(*item, bob.get(format!("/v1/conversations/{}", id(item))).await.expect(200).json);
    }
}

#[tokio::test]
async fn an_item_that_moves_to_the_top_while_one_pages_is_neither_repeated_nor_lost() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let made = groups(&ada, &bob, 6).await;
    let (page, next) = bob.page("/v1/conversations", 2, None).await;
    let mut seen: Vec<_> = page.iter().map(id).collect();
    ada.send(&made[5], "seen already, and moves").await;
    ada.send(&made[1], "not seen yet, and moves").await;
    let fresh = ada.group("fresh", &[&bob]).await;
    let mut next = next;
    while let Some(cursor) = next {
        let (page, further) = bob.page("/v1/conversations", 2, Some(&cursor)).await;
        seen.extend(page.iter().map(id));
        next = further;
    }
    let wanted: Vec<_> = made.iter().rev().cloned().collect();
    assert_eq!(seen, wanted);
    assert_eq!(bob.inbox().await[..3], [fresh, made[1].clone(), made[5].clone()]);
}

#[tokio::test]
async fn filters_show_the_archived_and_the_unread() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let made = groups(&ada, &bob, 4).await;
    ada.send(&made[1], "new").await;
    ada.send(&made[2], "new").await;
    let settings = |group: &str| format!("/v1/conversations/{group}/settings");
    let changed = bob.patch(settings(&made[2]), json!({"archived": true, "muted": true})).await.expect(200);
    assert!(changed.position() > 0);
    assert_eq!((&changed["archived"], &changed["muted"]), (&json!(true), &json!(true)), "{}", changed.text);
    let ids = |query: &str| {
        let (bob, path) = (bob.clone(), format!("/v1/conversations?{query}"));
        async move { bob.pages(&path, 1).await.concat().iter().map(id).collect::<Vec<_>>() }
    };
    assert_eq!(ids("archived=true").await, [&*made[2]]);
    assert_eq!(ids("archived=false").await, [&*made[1], &made[3], &made[0]]);
    assert!(ids("unread=true").await.contains(&made[1]));
    assert_eq!(ids("unread=true&archived=false").await, [&*made[1]]);
    assert_eq!(ids("unread=true&archived=true").await, [&*made[2]]);
    assert!(
        !ada.all("/v1/conversations?archived=true").await.iter().any(|item| id(item) == made[2]),
        "one's own setting"
    );
    let back = bob.patch(settings(&made[2]), json!({"archived": false})).await.expect(200);
    assert_eq!((&back["archived"], &back["muted"]), (&json!(false), &json!(true)), "{}", back.text);
    let same = bob.patch(settings(&made[2]), json!({"archived": false})).await.expect(200);
    assert_eq!(same.header("tidings-position"), None);
    bob.patch(settings(&made[2]), json!({"archived": "yes"})).await.names(400, &["/archived"]);
    bob.get("/v1/conversations?archived=maybe").await.names(400, &["/archived"]);
}
