//! Demonstration data.

use serde_json::{Value, json};
use tidings_tests::app::{TestApp, bodies};

/// What somebody sees, without what differs from one installation to the next: ids and times.
async fn seen(app: &TestApp, username: &str) -> Value {
    let person = app.sign_in(username, "for demonstrations only").await;
    let mut talks = vec![];
    for talk in person.all("/v1/conversations").await {
        let messages = person.messages(talk["id"].as_str().expect("a conversation has an id")).await;
        let shown: Vec<_> = messages
            .iter()
            .map(|message| {
                json!([
                    message["body"],
                    message["subject"],
                    message["sender"]["username"],
                    message["reactions"],
                    message["pinned"],
                    message["read"],
                    message["edited_at"].is_null(),
                    message["reply_to"].is_null(),
                ])
            })
            .collect();
        talks.push(json!([talk["name"], talk["kind"], talk["unread"], talk["my_role"], talk["member_count"], shown]));
    }
    json!(talks)
}

#[tokio::test]
async fn a_seed_makes_the_same_people_and_talks_every_time_and_they_can_be_used() {
    let app = TestApp::start();
    let arguments = ["seed", "--seed", "7", "--people", "6", "--messages", "80"];
    app.tool_done(&arguments);
    let ada = seen(&app, "ada").await;
    let text = ada.to_string();
    let talks = ada.as_array().unwrap();
    assert!(talks.len() >= 3, "{ada:#}");
    assert!(text.contains("group") && text.contains("direct") && text.contains("\"count\":"), "{text}");
    let anybody_behind = talks.iter().any(|talk| talk[2].as_u64().unwrap() > 0);
    let grace = seen(&app, "grace").await;
    let behind = anybody_behind || grace.as_array().unwrap().iter().any(|talk| talk[2].as_u64().unwrap() > 0);
    assert!(behind, "something is unread");

    // a log with people is left alone, unless told otherwise; and the same seed again adds nothing to it
    let events = app.tool_done(&["events"]).lines().count();
    let refused = app.tool(&arguments);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--force"), "{refused:?}");
    app.tool_done(&[arguments.as_slice(), &["--force"]].concat());
    assert_eq!(app.tool_done(&["events"]).lines().count(), events);
    assert_eq!(app.tool(&["seed", "--people", "2"]).status.code(), Some(2));
    app.tool_done(&["replay", "--verify"]);

    // another installation, no server running: the same
    let other = TestApp::start();
    other.stop().await;
    other.tool_done(&arguments);
    other.restart();
    assert_eq!(seen(&other, "ada").await, ada);
    // another seed: others say other things
    let third = TestApp::start();
    third.tool_done(&["seed", "--seed", "8", "--people", "6", "--messages", "80"]);
    assert_ne!(seen(&third, "ada").await, ada);
    // people who were there before keep their names
    let named = third.person("late").await;
    let body = json!({"username": "ken", "password": "correct horse battery"});
    third.post("/v1/users", body).await.expect(201);
    third.tool_done(&["seed", "--seed", "9", "--people", "11", "--messages", "5", "--force"]);
    assert!(third.sign_in("ken-9", "for demonstrations only").await.username == "ken-9");
    let group = named.group("and they talk with others", &[]).await;
    named.send(&group, "hello").await;
    assert_eq!(bodies(&named.messages(&group).await), ["hello"]);
}
