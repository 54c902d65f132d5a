//! Lists of messages: pages of a conversation, and what one received.

use serde_json::json;
use tidings_tests::app::{Person, TestApp, bodies, id, seqs};

fn messages(conversation: &str) -> String {
    format!("/v1/conversations/{conversation}/messages")
}

/// Two people and a group with ten messages of the first.
async fn ten(app: &TestApp) -> (Person, Person, String, Vec<String>) {
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("ten", &[&bob]).await;
    let mut ids = vec![String::new()];
    for at in 1..=10 {
        ids.push(id(&ada.send(&group, &at.to_string()).await));
    }
    (ada, bob, group, ids)
}

#[tokio::test]
async fn pages_go_from_the_newest_to_the_oldest_with_nothing_skipped_or_twice() {
    let app = TestApp::shared();
    let (_, bob, group, _) = ten(&app).await;
    for limit in [1, 3, 5, 10, 11] {
        let pages = bob.pages(&messages(&group), limit).await;
        assert_eq!(seqs(&pages.concat()), (1..=10).rev().collect::<Vec<_>>());
        assert!(pages.iter().all(|page| !page.is_empty()), "no empty page at the end: {limit}");
    }
    let by_itself = bob.get(messages(&group)).await.expect(200);
    assert_eq!((by_itself.items().len(), &by_itself["next"]), (10, &json!(null)));
}

#[tokio::test]
async fn paging_is_not_disturbed_by_messages_that_arrive() {
    let app = TestApp::shared();
    let (ada, bob, group, _) = ten(&app).await;
    let path = messages(&group);
    let (mut seen, mut next) = bob.page(&path, 4, None).await;
    let mut at = 10;
    while let Some(cursor) = next {
        for _ in 0..3 {
            at += 1;
            ada.send(&group, &at.to_string()).await;
        }
        let (page, further) = bob.page(&path, 4, Some(&cursor)).await;
        seen.extend(page);
        next = further;
    }
    assert_eq!(seqs(&seen), (1..=10).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_page_may_start_at_any_message() {
    let app = TestApp::shared();
    let (_, bob, group, ids) = ten(&app).await;
    let path = messages(&group);
    let pages = |query: String, limit: usize| {
        let (bob, path) = (bob.clone(), path.clone());
        async move {
            let pages = bob.pages(&format!("{path}?{query}"), limit).await;
            pages.iter().map(|page| seqs(page)).collect::<Vec<_>>()
        }
    };
    assert_eq!(pages(format!("before={}", ids[5]), 3).await, [vec![4, 3, 2], vec![1]]);
    // newest first as everywhere, and the page nearest the anchor
    assert_eq!(pages(format!("after={}", ids[5]), 3).await, [vec![8, 7, 6], vec![10, 9]]);
    assert_eq!(pages(format!("after={}", ids[10]), 3).await, [Vec::<u64>::new()]);
    assert_eq!(pages(format!("before={}", ids[1]), 3).await, [Vec::<u64>::new()]);
    for (anchor, limit) in [(5, 5), (1, 4), (10, 4), (6, 1), (3, 100)] {
        let around = bob.get(format!("{path}?around={}&limit={limit}", ids[anchor])).await.expect(200);
        let seen = seqs(around.items());
        assert!(seen.contains(&(anchor as u64)), "{seen:?}");
        assert!(seen.len() <= limit, "{anchor} {limit}: {seen:?}");
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1] + 1), "one unbroken stretch, newest first: {seen:?}");
    }
    let around = bob.get(format!("{path}?around={}&limit=5", ids[5])).await.expect(200);
    assert_eq!(seqs(around.items()), [7, 6, 5, 4, 3]);
}

#[tokio::test]
async fn a_list_may_hold_only_the_read_or_only_the_unread() {
    let app = TestApp::shared();
    let (_, bob, group, ids) = ten(&app).await;
    bob.put(format!("/v1/conversations/{group}/read"), json!({"up_to": ids[4]})).await.expect(200);
    bob.put(format!("/v1/messages/{}/read", ids[7]), None).await.expect(200);
    bob.delete(format!("/v1/messages/{}/read", ids[2])).await.expect(200);
    let path = messages(&group);
    let unread = bob.pages(&format!("{path}?unread=true"), 2).await.concat();
    assert_eq!(seqs(&unread), [10, 9, 8, 6, 5, 2]);
    assert!(unread.iter().all(|message| message["read"] == false));
    let read = bob.pages(&format!("{path}?unread=false"), 2).await.concat();
    assert_eq!(seqs(&read), [7, 4, 3, 1]);
    assert!(read.iter().all(|message| message["read"] == true));
    let below = bob.all(&format!("{path}?unread=true&before={}", ids[6])).await;
    assert_eq!(seqs(&below), [5, 2]);
}

#[tokio::test]
async fn what_one_received_comes_from_all_conversations_newest_first() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let group = ada.group("one", &[&bob, &eve]).await;
    let direct = eve.direct(&[&bob]).await;
    ada.send(&group, "a").await;
    let read = eve.send(&direct, "b").await;
    bob.send(&group, "his own").await;
    let c = eve.send(&group, "c").await;
    ada.send(&group, "d").await;
    bob.read(&read).await;
    assert_eq!(bodies(&bob.pages("/v1/messages", 2).await.concat()), ["d", "c", "b", "a"]);
    assert_eq!(bodies(&bob.all("/v1/messages?unread=true").await), ["d", "c"], "sending read what came before");
    assert_eq!(bodies(&bob.all("/v1/messages?unread=false").await), ["b", "a"]);
    for from in [&eve.id, &eve.username] {
        assert_eq!(bodies(&bob.all(&format!("/v1/messages?from={from}")).await), ["c", "b"]);
    }
    assert!(bob.all("/v1/messages?from=me").await.is_empty());
    bob.get("/v1/messages?from=nobody-like-this").await.problem(404, "no-such-user");
    // times: `since` is in the list, `until` no more
    let at = c["created_at"].as_str().unwrap();
    let since = bob.all(&format!("/v1/messages?since={at}")).await;
    assert!(bodies(&since).contains(&"c") && bodies(&since).contains(&"d") && !bodies(&since).contains(&"a"));
    let until = bob.all(&format!("/v1/messages?until={at}")).await;
    assert!(bodies(&until).contains(&"a") && !bodies(&until).contains(&"d"), "{:?}", bodies(&until));
    assert!(bob.all("/v1/messages?since=2100-01-01T00:00:00Z").await.is_empty());
    assert!(bob.all("/v1/messages?until=2001-01-01T00:00:00Z&since=2000-01-01T00:00:00Z").await.is_empty());
}

#[tokio::test]
async fn paging_what_one_received_is_not_disturbed_by_messages_that_arrive() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let groups = [ada.group("one", &[&bob]).await, ada.group("two", &[&bob]).await];
    for at in 0..8 {
        ada.send(&groups[at % 2], &at.to_string()).await;
    }
    let (mut seen, mut next) = bob.page("/v1/messages", 3, None).await;
    while let Some(cursor) = next {
        ada.send(&groups[0], "late").await;
        let (page, further) = bob.page("/v1/messages", 3, Some(&cursor)).await;
        seen.extend(page);
        next = further;
    }
    assert_eq!(bodies(&seen), ["7", "6", "5", "4", "3", "2", "1", "0"]);
}

#[tokio::test]
async fn a_cursor_serves_its_own_list_alone() {
    let app = TestApp::shared();
    let (_, bob, group, _) = ten(&app).await;
    let other = bob.group("other", &[]).await;
    let (_, cursor) = bob.page(&messages(&group), 3, None).await;
    let cursor = cursor.unwrap();
    for path in [messages(&other), "/v1/messages".to_owned(), "/v1/conversations".to_owned(), "/v1/users".to_owned()] {
        bob.get(format!("{path}?cursor={cursor}")).await.names(400, &["/cursor"]);
    }
    for forged in ["x", "", &cursor[1..], &format!("{cursor}x")] {
        bob.get(format!("{}?cursor={forged}", messages(&group))).await.names(400, &["/cursor"]);
    }
    bob.get(format!("{}?cursor={cursor}", messages(&group))).await.expect(200);
}
