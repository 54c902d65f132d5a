//! The live stream: every event, to those who may see it, nothing lost and nothing twice.

use std::collections::BTreeSet;

use serde_json::json;
use tidings_tests::app::{Live, LiveEvent, Person, SOON, TestApp, id};

async fn pair(app: &TestApp) -> (Person, Person, String) {
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("live", &[&bob]).await;
    (ada, bob, group)
}

/// Positions rise strictly; what is ephemeral has none.
fn assert_ordered(events: &[LiveEvent]) {
    let positions: Vec<_> = events.iter().filter(|event| event.id.is_some()).map(LiveEvent::position).collect();
    assert!(positions.is_sorted(), "{positions:?}");
}

#[tokio::test]
async fn a_message_arrives_as_the_route_shows_it_to_each() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let (mut of_ada, mut of_bob) = (ada.live().await, bob.live().await);
    let path = format!("/v1/conversations/{group}/messages");
    let sent = ada.post(path, json!({"body": "look", "subject": "Live"})).await.expect(201);
    let first = of_ada.until_body("look").await.pop().unwrap();
    let second = of_bob.until_body("look").await.pop().unwrap();
    assert_eq!((first.position(), second.position()), (sent.position(), sent.position()));
    assert_eq!(first.data, sent.json);
    assert_eq!(second.data, bob.get(format!("/v1/messages/{}", sent.text_of("id"))).await.json);
    assert_eq!((&first.data["read"], &second.data["read"]), (&json!(true), &json!(false)));
}

#[tokio::test]
async fn what_was_pushed_is_there_for_who_reads_then() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let mut live = bob.live().await;
    for number in 1..=30 {
        let body = format!("number {number}");
        let reading = async {
            let pushed = live.until_body(&body).await.pop().unwrap();
            let message = bob.get(format!("/v1/messages/{}", pushed.data["id"].as_str().unwrap())).await.expect(200);
            let conversation = bob.get(format!("/v1/conversations/{group}")).await.expect(200);
            (pushed, message.json, conversation.json)
        };
        let (_, (pushed, message, conversation)) = tokio::join!(ada.send(&group, &body), reading);
        assert_eq!(pushed.data, message);
        assert_eq!(conversation["unread"], number);
    }
}

#[tokio::test]
async fn every_kind_of_event_comes_as_it_happens() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let eve = app.person("eve").await;
    let mut live = bob.live().await;
    let here = format!("/v1/conversations/{group}");
    let sent = ada.send(&group, "one").await;
    let message = format!("/v1/messages/{}", id(&sent));
    let mut positions = vec![live.until_body("one").await.pop().unwrap().position()];
    let up_to = json!({"up_to": sent["id"]});
    let calls = [
        (ada.patch(&*message, json!({"body": "first"})), "message_edited", "first"),
        (ada.put(format!("{message}/reactions/👍"), None), "reaction", "👍"),
        (bob.put(format!("{here}/delivered"), up_to.clone()), "delivered", &*bob.id),
        (bob.put(format!("{here}/read"), up_to), "read", &*bob.id),
        (ada.put(format!("{here}/members/{}", eve.id), json!({})), "member", &*eve.id),
        (ada.patch(&*here, json!({"name": "renamed"})), "conversation", "renamed"),
        (ada.delete(format!("{here}/members/{}", eve.id)), "member", &*eve.id),
        (ada.delete(&*message), "message_deleted", "deleted_at"),
    ];
    for (call, kind, shown) in calls {
        let answer = call.await;
        assert!(answer.status < 300, "{answer:?}");
        let event = live.expect(kind).await;
        let data = event.data.to_string();
        assert!(data.contains(shown) && data.contains(&group), "{event:?}");
        assert_eq!(event.position(), answer.position(), "{event:?}");
        positions.push(event.position());
    }
    assert!(positions.is_sorted());
}

#[tokio::test]
async fn a_conversation_that_begins_is_told_to_those_who_are_in_it() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let mut live = bob.live().await;
    let group = ada.group("surprise", &[&bob]).await;
    let told = live.expect("conversation").await.data;
    assert_eq!((&told["id"], &told["name"], &told["my_role"]), (&json!(group), &json!("surprise"), &json!("member")));
    ada.send(&group, "hello").await;
    live.until_body("hello").await;
    let direct = ada.direct(&[&bob]).await;
    assert_eq!(live.expect("conversation").await.data["id"], direct);
}

#[tokio::test]
async fn a_quiet_stream_shows_that_it_lives() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let begun = std::time::Instant::now();
    ada.live().await.comment().await;
    assert!(begun.elapsed().as_secs() < 18, "a comment every 15 seconds: {:?}", begun.elapsed());
}

#[tokio::test]
async fn typing_is_told_to_the_others_and_never_kept() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let before = ada.send(&group, "before").await;
    let mut live = bob.live().await;
    // he must be known to be in the group before he is told of it
    ada.send(&group, "now").await;
    live.until_body("now").await;
    let typing = ada.put(format!("/v1/conversations/{group}/typing"), None).await.expect(204);
    assert_eq!(typing.header("tidings-position"), None);
    let event = live.until(|event| event.event == "typing").await.pop().unwrap();
    let data = event.data.to_string();
    assert!(data.contains(&ada.id) && data.contains(&group), "{data}");
    let sentinel = ada.send(&group, "after").await;
    let mut again = bob.live_after(0).await;
    let replayed = again.until_body("after").await;
    assert!(replayed.iter().all(|event| event.event != "typing"));
    assert!(replayed.iter().any(|event| event.data["id"] == before["id"]) && sentinel["seq"] == 3);
}

#[tokio::test]
async fn only_what_one_may_see_is_shown() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let eve = app.person("eve").await;
    let hers = ada.group("with eve", &[&eve]).await;
    let mut live = eve.live_after(0).await;
    ada.send(&group, "not for eve").await;
    ada.put(format!("/v1/conversations/{group}/members/{}", eve.id), json!({})).await.expect(200);
    ada.send(&group, "for all").await;
    bob.patch("/v1/users/me", json!({"email": format!("{}@example.org", bob.username)})).await.expect(200);
    ada.delete(format!("/v1/conversations/{group}/members/{}", eve.id)).await.expect(204);
    ada.send(&group, "gone again").await;
    ada.send(&hers, "end").await;
    let events = live.until_body("end").await;
    let all = format!("{events:?}");
    assert!(all.contains("for all"), "{all}");
    for secret in ["gone again", "example.org"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
    let direct = ada.direct(&[&bob]).await;
    ada.send(&direct, "between us").await;
    ada.send(&hers, "end 2").await;
    assert!(!format!("{:?}", live.until_body("end 2").await).contains("between us"));
}

async fn collect(mut live: Live, last: &str) -> Vec<(u64, String)> {
    let events = live.until_body(last).await;
    assert_ordered(&events);
    let messages = events.iter().filter(|event| event.event == "message");
    messages.map(|event| (event.position(), event.data["body"].as_str().unwrap_or_default().to_owned())).collect()
}

#[tokio::test]
async fn who_resumes_anywhere_while_others_send_gets_all_and_nothing_twice() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let eve = app.person("eve").await;
    ada.put(format!("/v1/conversations/{group}/members/{}", eve.id), json!({})).await.expect(200);
    let whole = bob.live().await;
    let writers: Vec<_> = [(&ada, "a"), (&bob, "b"), (&ada, "c"), (&bob, "d")]
        .into_iter()
        .map(|(person, name)| {
            let (person, group) = (person.clone(), group.clone());
            tokio::spawn(async move {
                for at in 0..25 {
                    person.send(&group, &format!("{name}{at}")).await;
                }
            })
        })
        .collect();
    // cut the line after every few events, and go on from where it was cut
    let mut pieces: Vec<(u64, String)> = vec![];
    let mut cuts = 0;
    let mut live = eve.live_after(0).await;
    let mut last = String::new();
    while pieces.len() < 100 {
        let event = live.next().await;
        last = event.id.clone().unwrap_or(last);
        if event.event == "message" {
            pieces.push((event.position(), event.data["body"].as_str().unwrap().to_owned()));
        }
        if pieces.len() % 7 == 6 {
            cuts += 1;
            live =
                if cuts % 2 == 0 { eve.live_since(&last).await } else { eve.live_after(last.parse().unwrap()).await };
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    ada.send(&group, "the end").await;
    let whole = collect(whole, "the end").await;
    let distinct: BTreeSet<_> = pieces.iter().collect();
    assert_eq!((distinct.len(), pieces.len()), (100, 100), "nothing twice");
    assert_eq!(pieces, whole[..100], "nothing lost, and in the same order");
    // the same again, later, from the middle
    let middle = whole[49].0;
    assert_eq!(collect(bob.live_after(middle).await, "the end").await, whole[50..]);
    assert_eq!(collect(eve.live_since(&middle.to_string()).await, "the end").await, whole[50..]);
}

#[tokio::test]
async fn a_position_that_is_none_is_refused() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    ada.get("/v1/live?after=yesterday").await.names(400, &["/after"]);
    ada.get("/v1/live?after=-1").await.names(400, &["/after"]);
    ada.get("/v1/live").header("last-event-id", "x").await.expect(400);
    ada.get(format!("/v1/live?after={}0", u64::MAX)).await.names(400, &["/after"]);
    // one that this node has not come to yet is none of these
    drop(ada.live_after(u64::MAX / 2).await);
}

#[tokio::test]
async fn a_session_that_ends_closes_its_streams_soon() {
    let app = TestApp::shared();
    let (ada, bob, _) = pair(&app).await;
    let other = ada.again().await;
    let (mut first, mut second) = (ada.live().await, other.live().await);
    let begun = std::time::Instant::now();
    other.delete("/v1/sessions/current").await.expect(204);
    second.closed().await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    // the other session's stream lives on
    let direct = bob.direct(&[&ada]).await;
    bob.send(&direct, "still here").await;
    first.until_body("still here").await;
    // a new password ends all sessions but the one that set it
    let third = ada.again().await;
    let mut of_third = third.live().await;
    let body = json!({"password": "another password", "current_password": tidings_tests::app::PASSWORD});
    ada.patch("/v1/users/me", body).await.expect(200);
    of_third.closed().await;
    bob.send(&direct, "and here").await;
    first.until_body("and here").await;
}

#[tokio::test]
async fn a_stream_ends_when_the_server_does_and_goes_on_after() {
    let app = TestApp::start();
    let (ada, bob, group) = pair(&app).await;
    let mut live = bob.live().await;
    ada.send(&group, "one").await;
    let last = live.until_body("one").await.pop().unwrap().id.unwrap();
    app.stop().await;
    live.closed().await;
    app.restart();
    ada.send(&group, "two").await;
    let mut resumed = bob.live_since(&last).await;
    assert_eq!(resumed.expect("message").await.data["body"], "two");
}
