//! Sending: what a message is made of, and what is refused.

use serde_json::json;
use tidings_tests::app::TestApp;

fn messages(conversation: &str) -> String {
    format!("/v1/conversations/{conversation}/messages")
}

#[tokio::test]
async fn a_sent_message_is_shown_whole_and_the_same_to_everyone() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("letters", &[&bob]).await;
    let text = "Zeile 1\n\tمرحبا 你好 🎉 \u{200d} \"quoted\" \\ end ";
    let body = json!({"body": text, "subject": "  Greetings  ", "content_type": "Text/Markdown; charset=UTF-8"});
    let sent = ada.post(messages(&group), body).await.expect(201);
    assert!(sent.position() > 0);
    assert_eq!((&sent["body"], &sent["subject"]), (&json!(text), &json!("Greetings")), "a body is kept byte by byte");
    assert_eq!(sent["content_type"], "text/markdown; charset=utf-8");
    assert_eq!(sent["sender"], json!({"id": ada.id, "username": ada.username}));
    assert_eq!((&sent["conversation_id"], &sent["seq"]), (&json!(group), &json!(1)));
    for empty in ["mentions", "attachments", "reactions"] {
        assert_eq!(sent[empty], json!([]), "{empty}");
    }
    for null in ["reply_to", "edited_at", "deleted_at"] {
        assert!(sent.json.get(null).is_some_and(serde_json::Value::is_null), "{null}: {}", sent.text);
    }
    assert_eq!((&sent["read"], &sent["pinned"]), (&json!(true), &json!(false)), "one's own is read");
    let mut seen = bob.get(format!("/v1/messages/{}", sent.text_of("id"))).await.expect(200).json;
    assert_eq!(seen["read"], false);
    seen["read"] = json!(true);
    assert_eq!(seen, sent.json);
}

#[tokio::test]
async fn the_plainest_message_has_the_defaults() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let group = ada.group("alone", &[]).await;
    for at in 1..=3 {
        let sent = ada.post(messages(&group), json!({"body": "."})).await.expect(201);
        assert_eq!((&sent["content_type"], &sent["subject"]), (&json!("text/plain"), &json!(null)));
        assert_eq!(sent["seq"], at);
    }
    assert_eq!(ada.unread(&group).await, 0);
}

#[tokio::test]
async fn a_message_that_breaks_rules_names_every_member_and_is_not_sent() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let group = ada.group("rules", &[]).await;
    let wrong = json!({"body": "", "subject": "x".repeat(256), "content_type": "nonsense"});
    ada.post(messages(&group), wrong).await.names(422, &["/body", "/subject", "/content_type"]);
    for (body, at) in [
        (json!({"body": "x".repeat(65_537)}), "/body"),
        (json!({"body": "ß".repeat(32_769)}), "/body"),
        (json!({"body": "a\u{0}b"}), "/body"),
        (json!({"body": "x", "subject": "a\nb"}), "/subject"),
        (json!({"body": "x", "subject": " "}), "/subject"),
        (json!({"body": "x", "reply_to": "nonsense"}), "/reply_to"),
    ] {
        ada.post(messages(&group), body).await.names(422, &[at]);
    }
    for (body, at) in [
        (json!({}), "/body"),
        (json!({"body": 1}), "/body"),
        (json!({"body": "x", "subject": ["x"]}), "/subject"),
        (json!({"body": "x", "bodi": "x"}), "/bodi"),
    ] {
        let refused = ada.post(messages(&group), body).await;
        // an absent body breaks the rule that there is a body or an attachment
        assert!(refused.status == 400 || (refused.status == 422 && at == "/body"), "{refused:?}");
        assert_eq!(refused.pointers(), [at], "{refused:?}");
    }
    assert!(ada.messages(&group).await.is_empty());
    let longest = "x".repeat(65_536);
    let sent = ada.post(messages(&group), json!({"body": longest, "subject": "ß".repeat(255)})).await.expect(201);
    assert_eq!(sent["body"], longest);
    assert_eq!(sent["seq"], 1, "nothing was appended before");
}

#[tokio::test]
async fn an_answer_names_the_message_it_answers() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("thread", &[&bob]).await;
    let elsewhere = ada.group("elsewhere", &[]).await;
    let question = ada.send(&group, "tea?").await;
    let foreign = ada.send(&elsewhere, "not here").await;
    let answer = bob.post(messages(&group), json!({"body": "yes", "reply_to": question["id"]})).await.expect(201);
    assert_eq!(answer["reply_to"], question["id"]);
    assert_eq!(ada.messages(&group).await[0]["reply_to"], question["id"]);
    for nowhere in [&foreign["id"], &json!(format!("{}-99-99", group.replace('-', "")))] {
        bob.post(messages(&group), json!({"body": "?", "reply_to": nowhere})).await.names(404, &["/reply_to"]);
    }
}

#[tokio::test]
async fn a_mention_is_a_member_named_with_an_at_sign() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let group = ada.group("mentions", &[&bob]).await;
    let text = format!(
        "@{} look, @{}! mail {}@example.org @nobody-at-all @{}.",
        bob.username, bob.username, ada.username, eve.username
    );
    let sent = ada.post(messages(&group), json!({"body": text})).await.expect(201);
    let mentioned = sent["mentions"].as_array().unwrap();
    assert_eq!(mentioned.len(), 1, "each once, members only: {}", sent.text);
    assert!(mentioned[0] == bob.id || mentioned[0]["id"] == bob.id, "{}", sent.text);
    ada.send(&group, "without").await;
    assert_eq!(bob.unread_and_mentions(&group).await, (2, 1));
    bob.read(&sent.json).await;
    assert_eq!(bob.unread_and_mentions(&group).await, (1, 0));
    // what the server cannot read mentions nobody
    let sealed = json!({"body": format!("@{}", bob.username), "content_type": "application/mls-message"});
    assert_eq!(ada.post(messages(&group), sealed).await.expect(201)["mentions"], json!([]));
}

#[tokio::test]
async fn an_end_to_end_encrypted_body_passes_through_untouched() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let body = "AAECAwQFBgcICQ+/==";
    let message = json!({"to": [bob.id], "body": body, "content_type": "application/mls-message"});
    let sent = ada.post("/v1/messages", message).await.expect(201);
    let got = bob.get(format!("/v1/messages/{}", sent.text_of("id"))).await.expect(200);
    assert_eq!((&got["body"], &got["content_type"]), (&json!(body), &json!("application/mls-message")));
}

#[tokio::test]
async fn two_hundred_sends_by_sixteen_clients_at_once_have_one_order_for_all_readers() {
    let app = TestApp::shared();
    let people = futures::future::join_all((0..4).map(|_| app.person("hurry"))).await;
    let group = people[0].group("rush", &people[1..].iter().collect::<Vec<_>>()).await;
    // four people on four devices each
    let clients = (0..16).map(|client| {
        let (person, group) = (people[client % 4].clone(), group.clone());
        tokio::spawn(async move {
            for at in 0..13 {
                person.send(&group, &format!("{client}/{at}")).await;
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let orders = futures::future::join_all(people.iter().map(|person| person.messages(&group))).await;
    let order: Vec<_> = orders[0].iter().map(|message| (message["seq"].clone(), message["body"].clone())).collect();
    assert_eq!(order.len(), 208);
    assert!(order.iter().rev().zip(1_u64..).all(|((seq, _), at)| *seq == at), "no gaps");
    for other in &orders[1..] {
        assert!(
            other.iter().zip(&order).all(|(message, (seq, body))| message["seq"] == *seq && message["body"] == *body)
        );
    }
    for client in 0..16 {
        let own = order.iter().rev().filter_map(|(_, body)| {
            let (by, at) = body.as_str()?.split_once('/')?;
            (by.parse() == Ok(client)).then(|| at.parse::<u32>().unwrap())
        });
        assert!(own.collect::<Vec<_>>().is_sorted(), "what one client sends one after the other stays so");
    }
}
