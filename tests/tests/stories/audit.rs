//! Auditors: the log they are shown, and that nobody is shown it unnoticed.

use serde_json::{Value, json};
use tidings_tests::app::{PASSWORD, Person, TestApp, id};

async fn auditor(app: &TestApp) -> Person {
    let person = app.person("auditor").await;
    app.tool_done(&["grant", &person.username, "auditor"]);
    person
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().expect("an event has a type")).collect()
}

#[tokio::test]
async fn auditors_read_what_is_recorded_as_cloudevents() {
    let app = TestApp::shared();
    let (eve, ada, bob) = (auditor(&app).await, app.person("ada").await, app.person("bob").await);
    let group = ada.group("engine room", &[&bob]).await;
    let path = format!("/v1/conversations/{group}/messages");
    let sent = ada.post(&*path, json!({"body": "it is hot", "subject": "engine"})).key("k").await.expect(201);
    ada.get(format!("/v1/audit/events?stream=conversation-{group}")).await.problem(403, "forbidden");
    app.get("/v1/audit/events").await.expect(401);

    let answer = eve.get(format!("/v1/audit/events?stream=conversation-{group}")).await.expect(200);
    assert!(answer.position() > 0, "the reading itself is recorded");
    assert_eq!(names(answer.items()), ["conversation_started", "message_sent"]);
    let [started, event] = answer.items() else { panic!("{}", answer.text) };
    assert_eq!(started["data"]["name"], "engine room");
    for (member, value) in [
        ("specversion", json!("1.0")),
        ("source", json!("/v1/audit/events")),
        ("subject", json!(format!("conversation-{group}"))),
        ("datacontenttype", json!("application/json")),
        ("position", json!(sent.position())),
        ("streamversion", json!(2)),
        ("actor", json!(ada.id)),
        ("request", json!(sent.header("x-request-id"))),
        ("schema", json!(1)),
    ] {
        assert_eq!(event[member], value, "{member}: {event}");
    }
    assert_eq!(event["command"].as_str().map(str::len), Some(32));
    let proof = eve.get(format!("/v1/audit/proof/inclusion?position={}", sent.position())).await.expect(200);
    assert_eq!(event["leafhash"], proof["leaf_hash"]);
    assert_eq!(event["data"]["content"], json!({"subject": "engine", "body": "it is hot"}));
    assert!(event.get("erased").is_none() && event.get("withheld").is_none());

    ada.delete(format!("/v1/messages/{}", sent.text_of("id"))).await.expect(204);
    let after = eve.get(format!("/v1/audit/events?stream=conversation-{group}&type=message_sent")).await.expect(200);
    let [event] = after.items() else { panic!("{}", after.text) };
    assert_eq!((&event["erased"], &event["data"]["content"]), (&json!(true), &json!(null)));
    assert_eq!((&event["data"]["sender"], &event["actor"]), (&json!(ada.id), &json!(ada.id)));
}

#[tokio::test]
async fn what_opens_accounts_is_shown_to_nobody() {
    let app = TestApp::shared();
    let (eve, ada) = (auditor(&app).await, app.person("ada").await);
    let change = json!({"password": "another horse battery", "current_password": PASSWORD});
    ada.patch("/v1/users/me", change).await.expect(200);
    let answer = eve.get(format!("/v1/audit/events?stream=user-{}", ada.id)).await.expect(200);
    let [registered, changed] = answer.items() else { panic!("{}", answer.text) };
    assert_eq!(registered["data"]["identity"]["username"], ada.username.as_str());
    assert_eq!(registered["data"]["identity"]["password_hash"], json!(null));
    assert_eq!(changed["data"]["password_hash"], json!(null));
    assert_eq!((&registered["withheld"], &changed["withheld"]), (&json!(true), &json!(true)));
    assert!(changed.get("erased").is_none() && !answer.text.contains("argon2"), "{}", answer.text);
}

#[tokio::test]
async fn recorded_events_are_found_by_stream_category_name_actor_and_time() {
    let app = TestApp::shared();
    let (eve, ada, bob) = (auditor(&app).await, app.person("ada").await, app.person("bob").await);
    let group = ada.group("filters", &[&bob]).await;
    let sent = ada.send_all(&group, &["one", "two", "three"]).await;
    bob.read(&sent[1]).await;
    bob.put(format!("/v1/messages/{}/reactions/👍", id(&sent[0])), None).await.expect(204);
    let of = async |query: String| eve.all(&format!("/v1/audit/events?{query}")).await;

    let ours = of(format!("actor={}", bob.username)).await;
    assert_eq!(names(&ours).last_chunk::<2>(), Some(&["read_up_to", "reaction_added"]));
    assert!(ours.iter().all(|event| event["actor"] == bob.id.as_str()), "{ours:#?}");
    let readers = of(format!("actor={}&category=reader", bob.id)).await;
    assert_eq!(names(&readers), ["read_up_to"]);
    assert_eq!(readers[0]["subject"], format!("reader-{group}-{}", bob.id));
    assert_eq!(names(&of(format!("actor={}&type=reaction_added", bob.id)).await), ["reaction_added"]);
    let stream = format!("stream=conversation-{group}");
    let all = of(stream.clone()).await;
    assert_eq!(names(&all), ["conversation_started", "message_sent", "message_sent", "message_sent"]);
    let pages = eve.pages(&format!("/v1/audit/events?{stream}"), 1).await;
    assert_eq!(pages.concat(), all, "page by page the same");

    let time = |event: &Value| event["time"].as_str().expect("a time").to_owned();
    let since = of(format!("{stream}&since={}", time(&all[2]))).await;
    assert!(since.len() >= 2 && all.ends_with(&since), "{since:#?}");
    let until = of(format!("{stream}&until={}", time(&all[2]))).await;
    assert_eq!([until, since].concat(), all);
    assert!(of(format!("{stream}&category=user")).await.is_empty());
    assert!(of("stream=of-another-program".to_owned()).await.is_empty());
}

#[tokio::test]
async fn the_whole_log_comes_line_by_line() {
    let app = TestApp::start();
    let (eve, ada) = (auditor(&app).await, app.person("ada").await);
    let group = ada.group("many", &[]).await;
    for n in 0..300 {
        ada.send(&group, &n.to_string()).await;
    }
    let pages = eve.all("/v1/audit/events").await;
    let answer = eve.get("/v1/audit/events").header("accept", "application/x-ndjson").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/x-ndjson")));
    assert!(answer.position() > 0);
    let lines: Vec<Value> = answer.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines[..pages.len()], pages);
    let positions: Vec<u64> = lines.iter().map(|event| event["position"].as_u64().expect("a number")).collect();
    assert!(positions.is_sorted() && *positions.last().expect("events") < answer.position());
    let sent = eve.get("/v1/audit/events?type=message_sent").header("accept", "application/x-ndjson").await;
    assert_eq!(sent.text.lines().count(), 300);
}

#[tokio::test]
async fn nobody_is_shown_anything_of_others_unnoticed() {
    let app = TestApp::shared();
    let (eve, ada, bob) = (auditor(&app).await, app.person("ada").await, app.person("bob").await);
    let mallory = app.person("mallory").await;
    let group = ada.group("watched", &[&bob]).await;
    let ours = async |person: &Person| -> Vec<Value> {
        let all = person.all("/v1/users/me/accesses").await;
        all.into_iter().filter(|access| access["auditor"]["id"] == eve.id.as_str()).collect()
    };
    assert_eq!(ours(&ada).await, Vec::<Value>::new());

    let read = eve.get(format!("/v1/audit/events?stream=conversation-{group}")).await.expect(200);
    for person in [&ada, &bob] {
        let [access] = &*ours(person).await else { panic!("one access") };
        assert_eq!(access["position"], read.position());
        assert_eq!(access["auditor"]["username"], eve.username.as_str());
        assert_eq!((&access["shown"], &access["conversation_id"]), (&json!("log"), &json!(group)));
        assert_eq!((&access["message_id"], &access["as_of"]), (&json!(null), &json!(null)));
    }
    assert_eq!(ours(&mallory).await, Vec::<Value>::new(), "none of hers was read");

    eve.get(format!("/v1/audit/events?stream=reader-{group}-{}", bob.id)).await.expect(200);
    eve.get(format!("/v1/audit/events?actor={}", bob.username)).await.expect(200);
    eve.get(format!("/v1/audit/events?stream=session-{}", bob.session)).await.expect(200);
    assert_eq!((ours(&ada).await.len(), ours(&bob).await.len()), (1, 4));
    eve.get("/v1/audit/events?category=session&limit=1").await.expect(200);
    assert_eq!((ours(&ada).await.len(), ours(&bob).await.len(), ours(&mallory).await.len()), (2, 5, 1));
    assert_eq!(ours(&eve).await, Vec::<Value>::new(), "one's own looking is no news");
    let later = app.person("later").await;
    assert_eq!(ours(&later).await, Vec::<Value>::new(), "who was not there is not concerned");

    let noted = eve.all(&format!("/v1/audit/events?category=access&actor={}", eve.username)).await;
    assert_eq!(noted.len(), 5, "each is in the log: {noted:#?}");
    assert_eq!(noted[0]["data"]["filter"], json!({"stream": format!("conversation-{group}")}));
    assert_eq!(noted[2]["data"]["filter"], json!({"actor": bob.id}));
    let pages = bob.pages("/v1/users/me/accesses", 2).await;
    assert_eq!(pages.concat(), bob.all("/v1/users/me/accesses").await);
}

#[tokio::test]
async fn what_an_auditor_asks_for_must_make_sense() {
    let app = TestApp::shared();
    let eve = auditor(&app).await;
    for (query, pointer) in [
        ("category=nonsense", "/category"),
        ("type=message_unsent", "/type"),
        ("since=yesterday", "/since"),
        ("until=tomorrow", "/until"),
        ("stream=", "/stream"),
        ("stream=two%20words", "/stream"),
        ("limit=0", "/limit"),
        ("cursor=x", "/cursor"),
    ] {
        eve.get(format!("/v1/audit/events?{query}")).await.names(400, &[pointer]);
    }
    eve.get("/v1/audit/events?actor=nobody-by-this-name").await.problem(404, "no-such-user");
    let first = eve.get("/v1/audit/events?limit=1").await.expect(200);
    let cursor = first.text_of("next");
    eve.get(format!("/v1/audit/events?category=user&cursor={cursor}")).await.names(400, &["/cursor"]);
}

#[tokio::test]
async fn the_life_of_a_message_is_told_also_after_its_erasure() {
    let app = TestApp::shared();
    let (eve, ada, bob) = (auditor(&app).await, app.person("ada").await, app.person("bob").await);
    let cleo = app.person("cleo").await;
    let group = ada.group("lives", &[&bob, &cleo]).await;
    let sent = ada.send(&group, "draft").await;
    let path = |rest: &str| format!("/v1/messages/{}{rest}", id(&sent));
    ada.patch(path(""), json!({"body": "final"})).await.expect(200);
    let up_to = json!({"up_to": sent["id"]});
    bob.put(format!("/v1/conversations/{group}/delivered"), up_to).await.expect(204);
    bob.read(&sent).await;
    bob.put(path("/reactions/👍"), None).await.expect(204);
    bob.delete(path("/reactions/👍")).await.expect(204);
    cleo.send(&group, "I have read it").await;
    ada.put(path("/pin"), None).await.expect(204);
    ada.delete(path("/pin")).await.expect(204);
    bob.delete(path("/read")).await.expect(200);
    cleo.delete(path("?for=me")).await.expect(204);

    let told = |answer: &tidings_tests::app::Answer| -> Vec<(String, String)> {
        let events = answer["events"].as_array().expect("a list").iter();
        events.map(|event| (text(&event["what"]), text(&event["by"]))).collect()
    };
    let expected = [
        ("sent", &ada),
        ("edited", &ada),
        ("delivered", &bob),
        ("read", &bob),
        ("reaction_added", &bob),
        ("reaction_removed", &bob),
        ("read", &cleo),
        ("pinned", &ada),
        ("unpinned", &ada),
        ("marked_unread", &bob),
        ("hidden", &cleo),
    ];
    let mut expected: Vec<_> = expected.map(|(what, by)| (what.to_owned(), by.id.clone())).into();
    let life = eve.get(format!("/v1/audit/messages/{}", id(&sent))).await.expect(200);
    assert_eq!(told(&life), expected);
    assert_eq!((&life["erased"], &life["sender"]["username"]), (&json!(false), &json!(ada.username)));
    assert_eq!((&life["events"][0]["body"], &life["events"][1]["body"]), (&json!("draft"), &json!("final")));
    assert_eq!(life["events"][4]["emoji"], "👍");
    assert_eq!(life["people"].as_array().map(Vec::len), Some(3));
    assert_eq!(life["accesses"], json!([]));

    ada.delete(path("")).await.expect(204);
    expected.push(("deleted".to_owned(), ada.id.clone()));
    let after = eve.get(format!("/v1/audit/messages/{}", id(&sent))).await.expect(200);
    let mut then = told(&after);
    // the receipt follows when the views and the search show nothing any more
    then.retain(|(what, _)| what != "erased");
    assert_eq!(then, expected);
    assert_eq!(after["erased"], true);
    assert!(after["events"].as_array().expect("a list").iter().all(|event| event["body"].is_null()));
    assert!(!after.text.contains("draft") && !after.text.contains("final"));
    let [access] = &**after["accesses"].as_array().expect("a list") else { panic!("{}", after.text) };
    assert_eq!((&access["position"], &access["shown"]), (&json!(life.position()), &json!("message")));
    assert_eq!(access["message_id"], sent["id"]);
    let accesses = cleo.get("/v1/users/me/accesses").await.expect(200);
    assert!(accesses.items().iter().any(|access| access["position"] == after.position()), "{}", accesses.text);

    bob.get(format!("/v1/audit/messages/{}", id(&sent))).await.problem(403, "forbidden");
    for nothing in ["x".to_owned(), format!("{}-9-99", "0".repeat(32)), id(&sent).replacen("-1-", "-2-", 1)] {
        eve.get(format!("/v1/audit/messages/{nothing}")).await.expect(404);
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
