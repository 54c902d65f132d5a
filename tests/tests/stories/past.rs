//! The past: as-of answers are what was answered then, but for what was erased since.

use serde_json::{Value, json};
use tidings_tests::app::{Answer, Person, TestApp, bodies, id};

async fn auditor(app: &TestApp) -> Person {
    let person = app.person("auditor").await;
    app.tool_done(&["grant", &person.username, "auditor"]);
    person
}

/// What the routes of a member answer, and what they answer as of a position or a time.
async fn seen(person: &Person, group: &str, as_of: Option<&str>) -> [Value; 4] {
    let query = as_of.map(|as_of| format!("?as_of={as_of}")).unwrap_or_default();
    let mut answers = vec![];
    for path in ["", "/members", "/messages"] {
        answers.push(person.get(format!("/v1/conversations/{group}{path}{query}")).await.expect(200).json);
    }
    answers.push(person.get(format!("/v1/conversations{query}")).await.expect(200).json);
    answers.try_into().expect("four of them")
}

/// The time of a server's answer, to be asked for later.
async fn moment(eve: &Person) -> (u64, String) {
    // what an auditor reads is noted: the note's own time and position are a moment of the log
    let noted = eve.get("/v1/audit/events?category=webhook&limit=1").await.expect(200).position();
    let events = eve.get("/v1/audit/events?category=access&actor=me&limit=100").await.expect(200);
    let last = events.items().iter().find(|event| event["position"] == noted).expect("it is in the log");
    (noted, last["time"].as_str().expect("a time").to_owned())
}

#[tokio::test]
async fn people_see_again_what_they_saw() {
    let app = TestApp::shared();
    let (eve, ada, bob) = (auditor(&app).await, app.person("ada").await, app.person("bob").await);
    let cleo = app.person("cleo").await;
    let group = ada.group("yesterday", &[&bob]).await;
    let sent = ada.send_all(&group, &["one", "two", "three"]).await;
    bob.read(&sent[0]).await;
    bob.put(format!("/v1/messages/{}/reactions/👍", id(&sent[1])), None).await.expect(204);
    let mut then = vec![];
    for person in [&ada, &bob] {
        then.push(seen(person, &group, None).await);
    }
    let (position, time) = moment(&eve).await;

    ada.patch(format!("/v1/conversations/{group}"), json!({"name": "today"})).await.expect(200);
    ada.patch(format!("/v1/messages/{}", id(&sent[2])), json!({"body": "3"})).await.expect(200);
    ada.put(format!("/v1/messages/{}/pin", id(&sent[0])), None).await.expect(204);
    ada.put(format!("/v1/conversations/{group}/members/{}", cleo.id), json!({})).await.expect(200);
    cleo.send(&group, "hello").await;
    bob.read(&sent[2]).await;
    bob.patch("/v1/users/me", json!({"first_name": "Robert"})).await.expect(200);
    ada.delete(format!("/v1/conversations/{group}/members/{}", bob.id)).await.expect(204);

    for (person, then) in [&ada, &bob].into_iter().zip(&then) {
        assert_ne!(person.get(format!("/v1/conversations/{group}")).await.json, then[0], "it went on");
        for as_of in [position.to_string(), time.clone()] {
            let now = seen(person, &group, Some(&as_of)).await;
            for (now, then) in now.iter().zip(then) {
                assert_eq!(now, then, "as of {as_of}");
            }
        }
    }
    let shown = bob.get(format!("/v1/conversations/{group}?as_of={position}")).await.expect(200);
    assert_eq!(shown.header("tidings-as-of"), Some(&*position.to_string()));
    // she was not in it then
    cleo.get(format!("/v1/conversations/{group}/members?as_of={position}")).await.problem(403, "not-a-member");
    cleo.get(format!("/v1/conversations/{group}?as_of={position}")).await.problem(403, "not-a-member");
    eve.get(format!("/v1/conversations/{group}?as_of={position}")).await.problem(403, "not-a-member");
    // pages go on in their own moment
    let page = ada.get(format!("/v1/conversations/{group}/messages?as_of={position}&limit=2")).await.expect(200);
    assert_eq!(bodies(page.items()), ["three", "two"]);
    let cursor = page.text_of("next");
    let rest = ada.get(format!("/v1/conversations/{group}/messages?as_of={position}&limit=2&cursor={cursor}")).await;
    assert_eq!(bodies(rest.expect(200).items()), ["one"]);
    ada.get(format!("/v1/conversations/{group}/messages?cursor={cursor}")).await.names(400, &["/cursor"]);
}

#[tokio::test]
async fn what_was_erased_since_is_erased_in_every_past() {
    let app = TestApp::shared();
    let (eve, ada, bob) = (auditor(&app).await, app.person("ada").await, app.person("bob").await);
    let group = ada.group("forgetful", &[&bob]).await;
    let sent = ada.send_all(&group, &["a secret", "no secret"]).await;
    bob.send(&group, "gone with me").await;
    let (position, _) = moment(&eve).await;
    ada.delete(format!("/v1/messages/{}", id(&sent[0]))).await.expect(204);
    let password = json!({"password": tidings_tests::app::PASSWORD});
    bob.call(reqwest::Method::DELETE, "/v1/users/me").json(password).await.expect(204);

    let shown = ada.get(format!("/v1/conversations/{group}/messages?as_of={position}")).await.expect(200);
    let [of_bob, kept, deleted] = shown.items() else { panic!("{}", shown.text) };
    assert_eq!(kept["body"], "no secret");
    for erased in [of_bob, deleted] {
        assert_eq!((&erased["body"], &erased["deleted_at"]), (&json!(null), &json!(null)), "it was not deleted then");
    }
    assert_eq!(of_bob["sender"], json!({"id": bob.id, "username": null}));
    let audited = eve.get(format!("/v1/audit/conversations/{group}?as_of={position}")).await.expect(200);
    assert_eq!(audited["messages"]["items"][2]["body"], json!(null));
    assert!(!audited.text.contains("a secret") && !audited.text.contains("gone with me"), "{}", audited.text);
    let account = eve.get(format!("/v1/audit/users/{}?as_of={position}", bob.id)).await.expect(200);
    assert_eq!((&account["closed"], &account["user"]["username"]), (&json!(false), &json!(null)));
    assert_eq!(eve.get(format!("/v1/audit/users/{}", bob.id)).await.expect(200)["closed"], true);
}

#[tokio::test]
async fn auditors_see_views_as_they_stood_and_that_is_noted() {
    // its own: what others write may have the same time
    let app = TestApp::start();
    let (eve, ada, bob) = (auditor(&app).await, app.person("ada").await, app.person("bob").await);
    let group = ada.group("audited", &[&bob]).await;
    let sent = ada.send_all(&group, &["one", "two", "three"]).await;
    bob.read(&sent[0]).await;
    let hidden = format!("/v1/messages/{}?for=me", id(&sent[1]));
    bob.delete(hidden).await.expect(204);
    let members = ada.get(format!("/v1/conversations/{group}/members")).await.expect(200);
    let inbox = bob.get("/v1/conversations").await.expect(200);
    let profile = bob.get("/v1/users/me").await.expect(200);
    let (position, time) = moment(&eve).await;
    let before = ada.get("/v1/users/me/accesses").await.expect(200).items().len();
    bob.delete(format!("/v1/conversations/{group}/members/me")).await.expect(204);
    ada.send(&group, "four").await;
    bob.patch("/v1/users/me", json!({"first_name": "Robert", "email": null})).await.expect(200);

    let ask = async |path: &str, as_of: &str| -> Answer {
        let answer = eve.get(format!("/v1/audit/{path}?as_of={as_of}")).await.expect(200);
        assert!(answer.position() > position, "it is noted");
        assert_eq!(answer["as_of"], position);
        answer
    };
    for as_of in [position.to_string(), time] {
        let shown = ask(&format!("conversations/{group}"), &as_of).await;
        assert_eq!(shown["conversation"]["name"], "audited");
        assert_eq!(
            (&shown["conversation"]["member_count"], &shown["conversation"]["my_role"]),
            (&json!(2), &json!(null))
        );
        assert_eq!(shown["members"]["items"], members["items"]);
        let texts = shown["messages"]["items"].as_array().expect("a list");
        assert_eq!(bodies(texts), ["three", "two", "one"], "also what somebody has hidden");
        let listed = ask(&format!("conversations/{group}/members"), &as_of).await;
        assert_eq!(listed["items"], members["items"]);
        let listed = ask(&format!("conversations/{group}/messages"), &as_of).await;
        assert_eq!(listed["items"], shown["messages"]["items"]);
        let shown = ask(&format!("users/{}/inbox", bob.username), &as_of).await;
        assert_eq!((&shown["items"], &shown["unread"]), (&inbox["items"], &json!(1)));
        let shown = ask(&format!("users/{}", bob.id), &as_of).await;
        assert_eq!(shown["user"], profile.json);
        let found = eve.get(format!("/v1/audit/users?query={}&as_of={as_of}", bob.username)).await.expect(200);
        assert_eq!(found["items"], json!([profile.json]));
    }
    let inbox = eve.get(format!("/v1/audit/users/{}/inbox", bob.id)).await.expect(200);
    assert!(inbox["as_of"].as_u64() > Some(position) && inbox.items().is_empty(), "he has left");
    let accesses = ada.get("/v1/users/me/accesses?limit=100").await.expect(200);
    assert!(accesses.items().len() >= before + 6, "{}", accesses.text);
    let of_group = |access: &&Value| access["conversation_id"] == group.as_str() && access["as_of"] == position;
    assert_eq!(accesses.items().iter().filter(of_group).count(), 6);
}

#[tokio::test]
async fn a_moment_must_be_one() {
    let app = TestApp::shared();
    let (eve, ada) = (auditor(&app).await, app.person("ada").await);
    let group = ada.group("moments", &[]).await;
    for as_of in ["yesterday", "-1", "017", "1.5", ""] {
        eve.get(format!("/v1/audit/conversations/{group}?as_of={as_of}")).await.names(400, &["/as_of"]);
        ada.get(format!("/v1/conversations?as_of={as_of}")).await.names(400, &["/as_of"]);
    }
    let far = "9000000000000000000";
    eve.get(format!("/v1/audit/conversations/{group}?as_of={far}")).await.problem(404, "no-such-position");
    ada.get(format!("/v1/conversations/{group}?as_of={far}")).await.problem(404, "no-such-position");
    eve.get(format!("/v1/audit/conversations/{group}?as_of=0")).await.problem(404, "no-such-conversation");
    eve.get(format!("/v1/audit/users/{}?as_of=2004-11-15T12:00:00Z", ada.id)).await.problem(404, "no-such-user");
    assert!(ada.get("/v1/conversations?as_of=0").await.expect(200).items().is_empty());
    let later = eve.get(format!("/v1/audit/conversations/{group}?as_of=2999-01-01T00:00:00Z")).await.expect(200);
    assert_eq!(later["conversation"]["name"], "moments");
    ada.get(format!("/v1/audit/conversations/{group}")).await.problem(403, "forbidden");
    ada.get("/v1/audit/users").await.problem(403, "forbidden");
    eve.get("/v1/audit/users/nobody-by-this-name/inbox").await.problem(404, "no-such-user");
}
