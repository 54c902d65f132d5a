//! What happens to a message later: edits, deletion, reactions, pins, receipts.

use serde_json::{Value, json};
use tidings_tests::app::{Person, TestApp, id, seqs};

fn of(message: &Value, what: &str) -> String {
    format!("/v1/messages/{}{what}", id(message))
}

async fn pair(app: &TestApp) -> (Person, Person, String) {
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("changing", &[&bob]).await;
    (ada, bob, group)
}

#[tokio::test]
async fn an_edit_replaces_the_text_and_keeps_every_version() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let path = format!("/v1/conversations/{group}/messages");
    let sent = ada.post(path, json!({"body": "frist", "subject": "About"})).await.expect(201).json;
    let edited = ada.patch(of(&sent, ""), json!({"body": "first"})).await.expect(200);
    assert_eq!((&edited["body"], &edited["subject"], &edited["seq"]), (&json!("first"), &json!("About"), &json!(1)));
    assert!(edited["edited_at"].is_string() && edited.position() > 0);
    let again = ada.patch(of(&sent, ""), json!({"body": "First!", "subject": null})).await.expect(200);
    assert!(again["subject"].is_null(), "{}", again.text);
    assert_eq!(bob.get(of(&sent, "")).await["body"], "First!");
    assert_eq!(bob.messages(&group).await[0]["body"], "First!");
    let history = bob.get(of(&sent, "/history")).await.expect(200);
    let versions: Vec<_> = history.items().iter().map(|version| (&version["body"], &version["subject"])).collect();
    let (about, none) = (json!("About"), json!(null));
    assert_eq!(versions, [(&json!("frist"), &about), (&json!("first"), &about), (&json!("First!"), &none)]);
    assert!(history.items().iter().all(|version| version["at"].is_string()));

    bob.patch(of(&sent, ""), json!({"body": "mine"})).await.problem(403, "not-the-sender");
    ada.patch(of(&sent, ""), json!({"body": ""})).await.names(422, &["/body"]);
    ada.patch(of(&sent, ""), json!({})).await.names(400, &["/body"]);
    let same = ada.patch(of(&sent, ""), json!({"body": "First!"})).await.expect(200);
    assert_eq!(same.header("tidings-position"), None, "the same text is no new version");
}

#[tokio::test]
async fn deleted_for_everyone_leaves_an_empty_place() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let sent = ada.send_all(&group, &["one", "two", "three"]).await;
    bob.put(of(&sent[1], "/reactions/👍"), None).await.expect(204);
    ada.patch(of(&sent[1], ""), json!({"body": "two, edited"})).await.expect(200);
    bob.delete(of(&sent[1], "?for=everyone")).await.problem(403, "not-the-sender");
    let gone = ada.delete(of(&sent[1], "")).await.expect(204);
    assert!(gone.position() > 0);
    for person in [&ada, &bob] {
        let seen = person.messages(&group).await;
        assert_eq!(seqs(&seen), [3, 2, 1]);
        let place = &seen[1];
        assert!(place["body"].is_null() && place["subject"].is_null() && place["deleted_at"].is_string(), "{place}");
        assert_eq!((&place["reactions"], &place["attachments"]), (&json!([]), &json!([])));
        assert_eq!(person.get(of(&sent[1], "")).await.expect(200).json, *place);
        let history = person.get(of(&sent[1], "/history")).await;
        assert!(!history.text.contains("two"), "{}", history.text);
    }
    assert_eq!(ada.delete(of(&sent[1], "")).await.expect(204).header("tidings-position"), None);
    ada.patch(of(&sent[1], ""), json!({"body": "back"})).await.problem(409, "message-deleted");
    bob.put(of(&sent[1], "/reactions/👍"), None).await.problem(409, "message-deleted");
    ada.put(of(&sent[1], "/pin"), None).await.problem(409, "message-deleted");
    ada.delete(of(&sent[0], "?for=nobody")).await.names(400, &["/for"]);
}

#[tokio::test]
async fn the_last_message_of_a_conversation_follows_what_happens_to_it() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let sent = ada.send_all(&group, &["one", "two"]).await;
    let last = |person: &Person| {
        let call = person.get(format!("/v1/conversations/{group}"));
        async move { call.await.expect(200)["last_message"].clone() }
    };
    assert_eq!(last(&bob).await["body"], "two");
    ada.patch(of(&sent[1], ""), json!({"body": "TWO"})).await.expect(200);
    assert_eq!(last(&bob).await["body"], "TWO");
    ada.delete(of(&sent[1], "")).await.expect(204);
    assert!(last(&bob).await["body"].is_null());
    bob.delete(of(&sent[1], "?for=me")).await.expect(204);
    assert_eq!(last(&bob).await["body"], "one", "what is hidden for him is not his last message");
    assert_eq!(last(&ada).await["seq"], 2);
}

#[tokio::test]
async fn hidden_for_me_is_gone_for_me_alone() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let sent = ada.send_all(&group, &["one", "two"]).await;
    bob.delete(of(&sent[0], "")).await.expect(204);
    assert_eq!(seqs(&bob.messages(&group).await), [2]);
    assert_eq!(seqs(&bob.all("/v1/messages").await), [2]);
    for call in [bob.get(of(&sent[0], "")), bob.get(of(&sent[0], "/history")), bob.get(of(&sent[0], "/receipts"))] {
        call.await.expect(404);
    }
    bob.put(of(&sent[0], "/reactions/👍"), None).await.expect(404);
    assert_eq!(seqs(&ada.messages(&group).await), [2, 1]);
    ada.delete(of(&sent[1], "?for=me")).await.expect(204);
    assert_eq!((seqs(&ada.messages(&group).await), seqs(&bob.messages(&group).await)), (vec![1], vec![2]));
}

#[tokio::test]
async fn a_reaction_is_one_emoji_once_for_each_person() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let sent = ada.send(&group, "news").await;
    let react = |person: &Person, emoji: &str| person.put(of(&sent, &format!("/reactions/{emoji}")), None);
    for _ in 0..2 {
        react(&bob, "👍").await.expect(204);
    }
    react(&ada, "👍").await.expect(204);
    react(&ada, "👩‍👩‍👧‍👦").await.expect(204);
    react(&ada, "%E2%9D%A4").await.expect(204);
    let reactions = |seen: Value| {
        let mut list: Vec<_> = seen["reactions"].as_array().unwrap().iter().map(ToString::to_string).collect();
        list.sort_unstable();
        list
    };
    let wanted = |mine: [bool; 3]| {
        let of =
            |emoji: &str, count: u64, mine: bool| json!({"emoji": emoji, "count": count, "mine": mine}).to_string();
        let mut list = vec![of("👍", 2, mine[0]), of("👩‍👩‍👧‍👦", 1, mine[1]), of("❤️", 1, mine[2])];
        list.sort_unstable();
        list
    };
    assert_eq!(reactions(ada.get(of(&sent, "")).await.json), wanted([true, true, true]));
    assert_eq!(reactions(bob.get(of(&sent, "")).await.json), wanted([true, false, false]));
    bob.delete(of(&sent, "/reactions/👍")).await.expect(204);
    bob.delete(of(&sent, "/reactions/🎉")).await.expect(204);
    let seen = bob.get(of(&sent, "")).await;
    let thumb = seen["reactions"].as_array().unwrap().iter().find(|reaction| reaction["emoji"] == "👍");
    assert_eq!(thumb, Some(&json!({"emoji": "👍", "count": 1, "mine": false})));
    for wrong in ["x", "1", "👍👍", ":+1:", "👍%20", "%20"] {
        let refused = react(&bob, wrong).await.expect(422);
        assert_eq!(refused.pointers(), ["/emoji"], "{}", refused.text);
    }
}

#[tokio::test]
async fn however_an_emoji_is_written_it_is_one_reaction() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let sent = ada.send(&group, "news").await;
    // with and without selectors: a keycap, a joined sequence with a skin tone, a subdivision's flag, a pirate's
    for (one, another) in [
        ("1\u{fe0f}\u{20e3}", "1\u{20e3}"),
        ("🧑🏻\u{200d}❤\u{fe0f}\u{200d}🧑🏿", "🧑🏻\u{200d}❤\u{200d}🧑🏿"),
        ("🏴󠁧󠁢󠁷󠁬󠁳󠁿", "🏴󠁧󠁢󠁷󠁬󠁳󠁿"),
        ("🏴\u{200d}☠\u{fe0f}", "🏴\u{200d}☠"),
    ] {
        let reaction = |emoji: &str| of(&sent, &format!("/reactions/{emoji}"));
        ada.put(reaction(one), None).await.expect(204);
        let again = ada.put(reaction(another), None).await.expect(204);
        assert_eq!(again.header("tidings-position"), None, "{one} is there already");
        bob.put(reaction(another), None).await.expect(204);
        let shown = bob.get(of(&sent, "")).await.json["reactions"].clone();
        assert_eq!(shown, json!([{"emoji": one, "count": 2, "mine": true}]));
        bob.delete(reaction(one)).await.expect(204);
        ada.delete(reaction(another)).await.expect(204);
        assert_eq!(bob.get(of(&sent, "")).await.json["reactions"], json!([]));
    }
}

#[tokio::test]
async fn pins_are_for_owner_and_admins_and_for_both_in_a_direct_conversation() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let sent = bob.send(&group, "rules").await;
    bob.put(of(&sent, "/pin"), None).await.problem(403, "not-an-admin");
    ada.put(of(&sent, "/pin"), None).await.expect(204);
    assert_eq!(bob.get(of(&sent, "")).await["pinned"], true);
    bob.delete(of(&sent, "/pin")).await.problem(403, "not-an-admin");
    ada.delete(of(&sent, "/pin")).await.expect(204);
    assert_eq!(ada.delete(of(&sent, "/pin")).await.expect(204).header("tidings-position"), None);
    assert_eq!(bob.get(of(&sent, "")).await["pinned"], false);
    let direct = ada.direct(&[&bob]).await;
    let sent = ada.send(&direct, "ours").await;
    bob.put(of(&sent, "/pin"), None).await.expect(204);
    assert_eq!(ada.get(of(&sent, "")).await["pinned"], true);
}

#[tokio::test]
async fn what_is_pinned_is_listed_newest_first_for_those_who_see_it() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let eve = app.person("eve").await;
    let sent = ada.send_all(&group, &["one", "two", "three", "four", "five"]).await;
    let path = format!("/v1/conversations/{group}/pins");
    assert!(bob.all(&path).await.is_empty());
    for nth in [0, 1, 2, 4] {
        ada.put(of(&sent[nth], "/pin"), None).await.expect(204);
    }
    assert_eq!(seqs(&bob.pages(&path, 2).await.concat()), [5, 3, 2, 1]);
    ada.delete(of(&sent[4], "/pin")).await.expect(204);
    ada.delete(of(&sent[1], "")).await.expect(204);
    bob.delete(of(&sent[0], "?for=me")).await.expect(204);
    assert_eq!(seqs(&bob.all(&path).await), [3]);
    assert_eq!(seqs(&ada.pages(&path, 1).await.concat()), [3, 1]);
    assert_eq!(ada.all(&path).await[0], ada.get(of(&sent[2], "")).await.expect(200).json);
    bob.delete(format!("/v1/conversations/{group}/members/me")).await.expect(204);
    let late = ada.send(&group, "bob is gone").await;
    ada.put(of(&late, "/pin"), None).await.expect(204);
    assert_eq!(seqs(&bob.all(&path).await), [3]);
    eve.get(&*path).await.problem(403, "not-a-member");
    eve.get(format!("/v1/conversations/{}/pins", eve.id)).await.problem(404, "no-such-conversation");
}

#[tokio::test]
async fn receipts_say_who_got_and_who_read_a_message_and_when() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let eve = app.person("eve").await;
    ada.put(format!("/v1/conversations/{group}/members/{}", eve.id), json!({})).await.expect(200);
    let sent = ada.send_all(&group, &["one", "two"]).await;
    let delivered = format!("/v1/conversations/{group}/delivered");
    bob.put(&*delivered, json!({"up_to": sent[1]["id"]})).await.expect(204);
    bob.put(&*delivered, json!({"up_to": sent[0]["id"]})).await.expect(204);
    eve.read(&sent[0]).await;
    let receipts = |message: &Value| {
        let call = ada.get(of(message, "/receipts"));
        async move { call.await.expect(200).items().to_vec() }
    };
    let has = |list: &[Value], who: &Person| {
        let entry = list.iter().find(|entry| entry["user"]["id"] == who.id);
        entry.map(|entry| (entry["delivered_at"].is_string(), entry["read_at"].is_string()))
    };
    let first = receipts(&sent[0]).await;
    assert_eq!(has(&first, &bob), Some((true, false)), "{first:?}");
    assert_eq!(has(&first, &eve), Some((true, true)), "what is read was delivered: {first:?}");
    assert!(has(&first, &ada).is_none(), "not the sender: {first:?}");
    for entry in &first {
        assert_eq!(entry["sent_at"], sent[0]["created_at"]);
        assert!(entry["sent_at"].as_str() <= entry["delivered_at"].as_str(), "{entry}");
    }
    let second = receipts(&sent[1]).await;
    assert_eq!(has(&second, &bob), Some((true, false)), "{second:?}");
    assert_eq!(has(&second, &eve).unwrap_or_default(), (false, false), "{second:?}");
}
