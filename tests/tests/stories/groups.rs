//! Groups: who is in them, who may do what, and what happens when people leave and return.

use std::future::IntoFuture;

use serde_json::json;
use tidings_tests::app::{Person, TestApp, bodies};

fn member(group: &str, person: &Person) -> String {
    format!("/v1/conversations/{group}/members/{}", person.id)
}

async fn role(reader: &Person, group: &str, person: &Person) -> Option<String> {
    let members = reader.all(&format!("/v1/conversations/{group}/members")).await;
    let found = members.iter().find(|member| member["user"]["id"] == person.id)?;
    found["role"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_group_shows_its_owner_members_and_name() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let body = json!({"kind": "group", "name": "  Tea ", "members": [bob.username, ada.id, bob.id]});
    let made = ada.post("/v1/conversations", body).await.expect(201);
    assert!(made.position() > 0);
    let shown = bob.get(format!("/v1/conversations/{}", made.text_of("id"))).await.expect(200);
    for (viewer, role) in [(&made, "owner"), (&shown, "member")] {
        assert_eq!((&viewer["kind"], &viewer["name"]), (&json!("group"), &json!("Tea")));
        assert_eq!((&viewer["my_role"], &viewer["member_count"]), (&json!(role), &json!(2)));
        assert_eq!(
            (&viewer["unread"], &viewer["muted"], &viewer["archived"]),
            (&json!(0), &json!(false), &json!(false))
        );
        assert!(viewer["read_up_to"].is_null() && viewer["last_message"].is_null(), "{}", viewer.text);
    }
    let group = made.text_of("id");
    let members = bob.all(&format!("/v1/conversations/{group}/members")).await;
    assert_eq!(members.len(), 2, "each once, however often named");
    for member in &members {
        assert!(member["user"]["username"].is_string() && member["joined_at"].is_string(), "{member}");
        assert!(member["read_up_to"].is_null() && member["delivered_up_to"].is_null(), "{member}");
    }
}

#[tokio::test]
async fn what_each_role_may_do_is_settled() {
    let app = TestApp::shared();
    let (owner, admin) = (app.person("owner").await, app.person("admin").await);
    let (plain, guest) = (app.person("plain").await, app.person("guest").await);
    let group = owner.group("roles", &[&admin, &plain]).await;
    owner.put(member(&group, &admin), json!({"role": "admin"})).await.expect(200);
    assert_eq!(role(&plain, &group, &admin).await.as_deref(), Some("admin"));
    let here = format!("/v1/conversations/{group}");

    // any member adds; a role is for owner and admins to give
    plain.put(member(&group, &guest), json!({"role": "admin"})).await.problem(403, "not-an-admin");
    plain.put(member(&group, &guest), json!({})).await.expect(200);
    plain.put(member(&group, &guest), json!({"role": "admin"})).await.problem(403, "not-an-admin");
    admin.put(member(&group, &guest), json!({"role": "admin"})).await.expect(200);
    // only the owner takes it from another admin
    admin.put(member(&group, &guest), json!({"role": "member"})).await.problem(403, "not-the-owner");
    admin.delete(member(&group, &guest)).await.problem(403, "not-the-owner");
    owner.put(member(&group, &guest), json!({"role": "member"})).await.expect(200);
    // nobody removes or demotes the owner
    for by in [&admin, &plain] {
        assert_eq!(by.delete(member(&group, &owner)).await.expect(403).status, 403);
        assert_eq!(by.put(member(&group, &owner), json!({"role": "member"})).await.expect(403).status, 403);
    }
    owner.put(member(&group, &guest), json!({"role": "owner"})).await.names(400, &["/role"]);
    // names
    plain.patch(&*here, json!({"name": "mine"})).await.problem(403, "not-an-admin");
    let renamed = admin.patch(&*here, json!({"name": "Ours"})).await.expect(200);
    assert_eq!(renamed["name"], "Ours");
    admin.patch(&*here, json!({"name": " "})).await.names(422, &["/name"]);
    // removal
    guest.delete(member(&group, &plain)).await.problem(403, "not-an-admin");
    admin.delete(member(&group, &plain)).await.expect(204);
    assert_eq!(role(&owner, &group, &plain).await, None);
    plain.put(member(&group, &plain), json!({})).await.problem(403, "not-a-member");
}

#[tokio::test]
async fn strangers_learn_nothing_of_a_group() {
    let app = TestApp::shared();
    let (ada, eve) = (app.person("ada").await, app.person("eve").await);
    let group = ada.group("private", &[]).await;
    let message = ada.send(&group, "secret").await;
    let id = message["id"].as_str().unwrap();
    let here = format!("/v1/conversations/{group}");
    for path in [here.clone(), format!("{here}/members"), format!("{here}/messages")] {
        eve.get(path).await.problem(403, "not-a-member");
    }
    eve.post(format!("{here}/messages"), json!({"body": "let me in"})).await.problem(403, "not-a-member");
    eve.patch(&*here, json!({"name": "mine"})).await.problem(403, "not-a-member");
    eve.patch(format!("{here}/settings"), json!({"muted": true})).await.problem(403, "not-a-member");
    eve.put(format!("{here}/read"), json!({"up_to": id})).await.problem(403, "not-a-member");
    eve.put(format!("{here}/typing"), None).await.problem(403, "not-a-member");
    for path in
        [format!("/v1/messages/{id}"), format!("/v1/messages/{id}/history"), format!("/v1/messages/{id}/receipts")]
    {
        eve.get(path).await.expect(404);
    }
    eve.patch(format!("/v1/messages/{id}"), json!({"body": "x"})).await.expect(404);
    eve.delete(format!("/v1/messages/{id}")).await.expect(404);
    eve.put(format!("/v1/messages/{id}/reactions/👍"), None).await.expect(404);
    assert!(eve.inbox().await.is_empty());
    assert!(eve.all("/v1/messages").await.is_empty());
    let nowhere = "/v1/conversations/018f0000-0000-7000-8000-000000000000";
    eve.get(nowhere).await.expect(404);
    eve.get("/v1/conversations/nonsense").await.expect(404);
}

#[tokio::test]
async fn when_the_owner_leaves_the_longest_standing_admin_else_member_follows() {
    let app = TestApp::shared();
    let (first, second, third) = (app.person("first").await, app.person("second").await, app.person("third").await);
    let group = first.group("dynasty", &[&second, &third]).await;
    first.put(member(&group, &third), json!({"role": "admin"})).await.expect(200);
    first.delete(member(&group, &first)).await.expect(204);
    assert_eq!(role(&second, &group, &third).await.as_deref(), Some("owner"), "the admin before the older member");
    second.put(member(&group, &first), json!({})).await.expect(200);
    third.delete(format!("/v1/conversations/{group}/members/me")).await.expect(204);
    assert_eq!(role(&first, &group, &second).await.as_deref(), Some("owner"), "who returned stands shortest");
    assert_eq!(role(&second, &group, &first).await.as_deref(), Some("member"));
}

#[tokio::test]
async fn who_left_sees_what_was_sent_until_then_and_nothing_after() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("leaving", &[&bob]).await;
    ada.send_all(&group, &["one", "two"]).await;
    assert_eq!(bob.unread(&group).await, 2);
    bob.delete(member(&group, &bob)).await.expect(204);
    let after = ada.send(&group, "three").await;

    assert_eq!(bodies(&bob.messages(&group).await), ["two", "one"]);
    bob.get(format!("/v1/messages/{}", after["id"].as_str().unwrap())).await.expect(404);
    assert!(!bob.inbox().await.contains(&group));
    assert_eq!(bob.get("/v1/unread").await.expect(200).json, json!({"total": 0, "conversations": []}));
    let shown = bob.get(format!("/v1/conversations/{group}")).await.expect(200);
    assert_eq!((&shown["unread"], &shown["my_role"]), (&json!(0), &json!(null)), "{}", shown.text);
    assert_eq!(shown["last_message"]["body"], "two", "what was sent after is not for those who left");
    bob.post(format!("/v1/conversations/{group}/messages"), json!({"body": "?"})).await.problem(403, "not-a-member");
}

#[tokio::test]
async fn who_returns_sees_all_again_and_the_gap_never_counts() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("returning", &[&bob]).await;
    ada.send(&group, "before").await;
    ada.delete(member(&group, &bob)).await.expect(204);
    let gap = ada.send(&group, "gap").await;
    ada.put(member(&group, &bob), json!({})).await.expect(200);
    assert_eq!(bodies(&bob.messages(&group).await), ["gap", "before"]);
    assert_eq!(bob.unread(&group).await, 0, "neither what was unread when he left nor the gap");
    ada.send(&group, "after").await;
    assert_eq!(bob.unread(&group).await, 1);
    // a message from before one joined never counts, whatever one marks
    let gap = format!("/v1/messages/{}/read", gap["id"].as_str().unwrap());
    assert_eq!(bob.delete(gap).await.expect(200).json, json!({"unread": 1}));
    assert_eq!(bob.unread(&group).await, 1);
    assert!(bob.inbox().await.contains(&group));
}

#[tokio::test]
async fn a_newcomer_sees_the_whole_history_and_none_of_it_counts() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("history", &[]).await;
    ada.send_all(&group, &["one", "two"]).await;
    ada.put(member(&group, &bob), None).await.expect(200);
    assert_eq!(bodies(&bob.messages(&group).await), ["two", "one"]);
    assert_eq!(bob.unread(&group).await, 0);
    // adding again, or removing one who is not there, changes nothing
    let again = ada.put(member(&group, &bob), json!({})).await.expect(200);
    assert_eq!(again.header("tidings-position"), None);
    ada.put(format!("/v1/conversations/{group}/members/nobody-here"), json!({})).await.expect(404);
}

#[tokio::test]
async fn members_are_listed_in_pages_with_how_far_they_are() {
    let app = TestApp::shared();
    let mut people = vec![];
    for at in 0..6 {
        people.push(app.person(&format!("p{at}")).await);
    }
    let group = people[0].group("many", &people[1..].iter().collect::<Vec<_>>()).await;
    let path = format!("/v1/conversations/{group}/members");
    let pages = people[3].pages(&path, 4).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [4, 2]);
    let mut seen: Vec<_> =
        pages.concat().iter().map(|member| member["user"]["id"].as_str().unwrap().to_owned()).collect();
    let mut all: Vec<_> = people.iter().map(|person| person.id.clone()).collect();
    seen.sort_unstable();
    all.sort_unstable();
    assert_eq!(seen, all);

    let sent = people[0].send_all(&group, &["one", "two"]).await;
    people[1].read(&sent[0]).await;
    people[2].put(format!("/v1/conversations/{group}/delivered"), json!({"up_to": sent[1]["id"]})).await.expect(204);
    let members = people[4].all(&path).await;
    let of = |at: usize| members.iter().find(|member| member["user"]["id"] == people[at].id).unwrap();
    assert_eq!(of(1)["read_up_to"], sent[0]["id"]);
    assert_eq!((&of(2)["read_up_to"], &of(2)["delivered_up_to"]), (&json!(null), &sent[1]["id"]));
    assert_eq!(of(0)["read_up_to"], sent[1]["id"], "who sends has read up to there");
}

#[tokio::test]
async fn the_same_people_added_many_times_at_once_are_in_it_once() {
    let app = TestApp::shared();
    let owner = app.person("host").await;
    let group = owner.group("door", &[]).await;
    let guests = futures::future::join_all((0..4).map(|_| app.person("guest"))).await;
    let adds = (0..48).map(|at| owner.put(member(&group, &guests[at % 4]), json!({})).into_future());
    for answer in futures::future::join_all(adds).await {
        answer.expect(200);
    }
    assert_eq!(owner.get(format!("/v1/conversations/{group}")).await["member_count"], 5);
}
