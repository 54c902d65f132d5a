//! Presence: contacts see who is here, and nobody else does.

use serde_json::json;
use tidings_tests::app::{Live, LiveEvent, Person, TestApp};

async fn befriend(one: &Person, other: &Person) {
    one.put(format!("/v1/contacts/{}", other.id), None).await.expect(200);
    other.put(format!("/v1/contacts/{}", one.id), None).await.expect(200);
}

/// Waits until the stream tells this of somebody.
async fn told(live: &mut Live, of: &Person, online: bool) -> LiveEvent {
    let about = |event: &LiveEvent| event.event == "presence" && event.data["user"]["id"] == of.id;
    let event = live.until(|event| about(event) && event.data["online"] == online).await.pop().expect("it came");
    assert_eq!((&event.id, &event.data["user"]["username"]), (&None, &json!(of.username)));
    assert!(event.data["since"].is_string(), "{event:?}");
    event
}

#[tokio::test]
async fn contacts_see_each_other_come_and_go() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    befriend(&ada, &bob).await;
    let mut of_ada = ada.live().await;
    let mut of_bob = bob.live().await;
    let came = told(&mut of_ada, &bob, true).await;
    told(&mut of_bob, &ada, true).await;
    // a second stream of somebody who is here is no news, and itself learns who is
    let mut second = bob.live().await;
    told(&mut second, &ada, true).await;
    let direct = bob.direct(&[&ada]).await;
    // what was on its way has come by then
    bob.send(&direct, "here").await;
    of_ada.until_body("here").await;
    drop(of_bob);
    bob.send(&direct, "still here").await;
    let heard = of_ada.until_body("still here").await;
    assert!(heard.iter().all(|event| event.event != "presence"), "{heard:?}");
    drop(second);
    let went = told(&mut of_ada, &bob, false).await;
    assert!(came.data["since"].as_str() < went.data["since"].as_str());
    let _of_bob = bob.live().await;
    told(&mut of_ada, &bob, true).await;
}

#[tokio::test]
async fn strangers_and_the_blocked_see_nothing() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let zoe = app.person("zoe").await;
    befriend(&ada, &bob).await;
    befriend(&ada, &zoe).await;
    eve.put(format!("/v1/contacts/{}", ada.id), None).await.expect(200);
    let group = ada.group("where all hear the end", &[&bob, &eve]).await;
    let (mut of_bob, mut of_eve, mut of_zoe) = (bob.live().await, eve.live().await, zoe.live().await);
    ada.put(format!("/v1/blocks/{}", bob.id), None).await.expect(204);
    let mut of_ada = ada.live().await;
    told(&mut of_zoe, &ada, true).await;
    told(&mut of_ada, &zoe, true).await;
    ada.send(&group, "the end").await;
    for live in [&mut of_bob, &mut of_eve, &mut of_ada] {
        let heard = live.until_body("the end").await;
        assert!(heard.iter().all(|event| event.event != "presence"), "{heard:?}");
    }
}

#[tokio::test]
async fn who_become_contacts_see_that_both_are_here() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let (mut of_ada, mut of_bob) = (ada.live().await, bob.live().await);
    befriend(&ada, &bob).await;
    told(&mut of_ada, &bob, true).await;
    told(&mut of_bob, &ada, true).await;
}

#[tokio::test]
async fn presence_is_not_in_the_log() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    befriend(&ada, &bob).await;
    let group = ada.group("quiet", &[&bob]).await;
    let mut of_ada = ada.live().await;
    let of_bob = bob.live().await;
    told(&mut of_ada, &bob, true).await;
    drop(of_bob);
    told(&mut of_ada, &bob, false).await;
    ada.send(&group, "the end").await;
    let mut again = ada.live_after(0).await;
    let heard = again.until_body("the end").await;
    assert!(heard.iter().all(|event| event.event != "presence"), "{heard:?}");
}
