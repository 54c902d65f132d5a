//! Looking for what was said.

use serde_json::{Value, json};
use tidings_tests::app::{Answer, PASSWORD, Person, TestApp, id};

fn bodies(found: &Answer) -> Vec<&str> {
    found.items().iter().map(|hit| hit["message"]["body"].as_str().expect("a text")).collect()
}

async fn find(person: &Person, query: &str) -> Answer {
    person.get(format!("/v1/search?q={query}")).await.expect(200)
}

async fn finds(person: &Person, query: &str) -> Vec<String> {
    bodies(&find(person, query).await).into_iter().map(str::to_owned).collect()
}

async fn edit(person: &Person, message: &Value, body: &str) {
    person.patch(format!("/v1/messages/{}", id(message)), json!({"body": body})).await.expect(200);
}

#[tokio::test]
async fn everything_that_one_sees_can_be_found_whatever_the_script() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let group = ada.group("engines", &[&bob]).await;
    let pair = ada.direct(&[&bob]).await;
    for body in ["Analytical engines", "crème brûlée", "東京都に行く", "مُحَمَّد هنا", "Ёлка 🎄", "สวัสดีครับ"]
    {
        ada.send(&group, body).await;
    }
    bob.send(&pair, "The engine runs <b>hot</b> & loud").await;
    assert_eq!(finds(&bob, "ENGINE").await, ["The engine runs <b>hot</b> & loud", "Analytical engines"]);
    for (query, body) in [
        ("creme+bru", "crème brûlée"),
        ("京", "東京都に行く"),
        ("東京", "東京都に行く"),
        ("محمد", "مُحَمَّد هنا"),
        ("елка", "Ёлка 🎄"),
        ("🎄", "Ёлка 🎄"),
        ("ครับ", "สวัสดีครับ"),
    ] {
        assert_eq!(finds(&bob, query).await, [body], "{query}");
        assert!(finds(&eve, query).await.is_empty(), "{query} is nothing to a stranger");
    }
    let found = find(&ada, "hot").await;
    assert_eq!(found.items()[0]["snippet"], "The engine runs &lt;b&gt;<mark>hot</mark>&lt;/b&gt; &amp; loud");
    assert_eq!(found.items()[0]["message"]["sender"]["username"], bob.username.as_str());
    assert!(finds(&ada, "nothing+such").await.is_empty());
}

#[tokio::test]
async fn what_is_looked_for_can_be_narrowed_down() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let (one, two) = (ada.group("one", &[&bob]).await, ada.group("two", &[&bob]).await);
    let first = ada.send(&one, "lunch at noon").await;
    let second = bob.send(&one, "lunch later").await;
    ada.send(&two, "no lunch").await;
    let path = format!("/v1/conversations/{two}/messages");
    ada.post(path, json!({"body": "bring forks", "subject": "Lunch, again"})).await.expect(201);
    assert_eq!(finds(&bob, "lunch").await, ["bring forks", "no lunch", "lunch later", "lunch at noon"]);
    assert_eq!(finds(&bob, &format!("lunch&conversation={one}")).await, ["lunch later", "lunch at noon"]);
    assert_eq!(finds(&bob, "lunch&from=me").await, ["lunch later"]);
    assert_eq!(finds(&bob, &format!("lunch&from={}", ada.username)).await.len(), 3);
    let at = |message: &Value| message["created_at"].as_str().expect("a time").to_owned();
    assert!(finds(&bob, &format!("lunch&since={}", at(&second))).await.len() >= 3);
    assert!(finds(&bob, &format!("lunch&until={}", at(&first))).await.is_empty());
    assert_eq!(finds(&bob, "lunch+forks").await, ["bring forks"], "a subject and a body are one text");
    let subject = find(&bob, "again").await;
    assert_eq!(subject.items()[0]["snippet"], "Lunch, <mark>again</mark>");

    eve.get(format!("/v1/search?q=lunch&conversation={one}")).await.problem(403, "not-a-member");
    eve.get(format!("/v1/search?q=lunch&conversation={}", eve.id)).await.problem(404, "no-such-conversation");
    eve.get("/v1/search?q=lunch&from=nobody-at-all").await.problem(404, "no-such-user");
}

#[tokio::test]
async fn pages_of_what_was_found_are_stable_while_more_is_sent() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let (group, pair) = (ada.group("pages", &[&bob]).await, ada.direct(&[&bob]).await);
    for n in 1..=7 {
        let place = if n % 2 == 0 { &group } else { &pair };
        ada.send(place, &format!("page number {n}")).await;
        ada.send(place, "something else").await;
    }
    let (mut seen, mut path) = (vec![], "/v1/search?q=page&limit=2".to_owned());
    loop {
        let page = bob.get(&path).await.expect(200);
        seen.extend(bodies(&page).into_iter().map(str::to_owned));
        ada.send(&group, "one more page").await;
        match page["next"].as_str() {
            Some(next) => path = format!("/v1/search?q=page&limit=2&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<_> = (1..=7).rev().map(|n| format!("page number {n}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn what_is_edited_deleted_hidden_or_closed_is_found_no_more() {
    let app = TestApp::shared();
    let (ada, bob, cleo) = (app.person("ada").await, app.person("bob").await, app.person("cleo").await);
    let group = ada.group("gone", &[&bob, &cleo]).await;
    let sent = ada.send_all(&group, &["secret one", "secret two", "secret three"]).await;
    let of_cleo = cleo.send(&group, "secret of cleo").await;
    edit(&ada, &sent[0], "harmless").await;
    assert_eq!(finds(&bob, "secret").await, ["secret of cleo", "secret three", "secret two"]);
    assert_eq!(finds(&bob, "harmless").await, ["harmless"]);
    ada.delete(format!("/v1/messages/{}", id(&sent[1]))).await.expect(204);
    bob.delete(format!("/v1/messages/{}?for=me", id(&sent[2]))).await.expect(204);
    assert_eq!(finds(&bob, "secret").await, ["secret of cleo"]);
    assert_eq!(finds(&ada, "secret").await, ["secret of cleo", "secret three"]);
    cleo.delete("/v1/users/me").json(json!({"password": PASSWORD})).await.expect(204);
    assert!(finds(&bob, "secret").await.is_empty(), "{of_cleo}");
}

#[tokio::test]
async fn who_left_finds_what_was_said_until_then() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("left", &[&bob]).await;
    ada.send(&group, "tea before").await;
    bob.delete(format!("/v1/conversations/{group}/members/me")).await.expect(204);
    ada.send(&group, "tea after").await;
    assert_eq!(finds(&bob, "tea").await, ["tea before"]);
    ada.put(format!("/v1/conversations/{group}/members/{}", bob.id), None).await.expect(200);
    assert_eq!(finds(&bob, "tea").await, ["tea after", "tea before"]);
}

#[tokio::test]
async fn what_is_sealed_for_its_readers_only_is_not_looked_into() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("sealed", &[&bob]).await;
    let path = format!("/v1/conversations/{group}/messages");
    let sealed = json!({"body": "c2VjcmV0", "content_type": "application/mls-message", "subject": "Sealed"});
    ada.post(path, sealed).await.expect(201);
    assert!(finds(&bob, "c2VjcmV0").await.is_empty());
    assert_eq!(finds(&bob, "sealed").await, ["c2VjcmV0"]);
}

#[tokio::test]
async fn a_search_for_nothing_is_refused() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let long = "x".repeat(513);
    for query in ["", "?q=", "?q=%20%20", "?q=!%3F", "?q=a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q", &format!("?q={long}")] {
        ada.get(format!("/v1/search{query}")).await.names(400, &["/q"]);
    }
    ada.get("/v1/search?q=x&limit=101").await.names(400, &["/limit"]);
    ada.get("/v1/search?q=x&cursor=!").await.names(400, &["/cursor"]);
    ada.get("/v1/search?q=x&since=yesterday").await.names(400, &["/since"]);
    ada.get("/v1/search?q=x&conversation=y").await.names(400, &["/conversation"]);
    app.get("/v1/search?q=x").await.problem(401, "unauthenticated");
}
