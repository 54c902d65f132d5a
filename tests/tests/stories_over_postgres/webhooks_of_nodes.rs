//! Webhooks where several nodes could deliver.

use serde_json::json;
use tidings_tests::app::{Receiver, Setup, TestApp};

fn setup() -> Setup {
    Setup { env: vec![("TIDINGS_WEBHOOKS_PRIVATE", "true".to_owned())], ..Setup::default() }
}

#[tokio::test]
async fn a_webhook_is_delivered_though_the_node_that_took_it_is_gone_and_by_one_node_at_a_time() {
    let one = TestApp::with(setup());
    let nodes = [one.another_node_with(setup()), one.another_node_with(setup())];
    let (ada, bob) = (one.person("ada").await, one.person("bob").await);
    let group = ada.group("everywhere", &[&bob]).await;
    let mut receiver = Receiver::listen().await;
    let body = json!({"url": receiver.url(), "events": ["message"]});
    let made = bob.post("/v1/webhooks", body).await.expect(201);
    let secret = made.text_of("secret");
    ada.send(&group, "first").await;
    assert_eq!(receiver.bodies(1).await, ["first"]);
    one.kill();
    let there = ada.at(&nodes[0]);
    for nth in 0..10 {
        there.send(&group, &format!("{nth}")).await;
    }
    let mut ids = vec![];
    let mut bodies = vec![];
    while bodies.last().is_none_or(|last| last != "9") {
        let posted = receiver.next().await;
        assert!(posted.is_signed_by(&secret));
        ids.push(posted.header("webhook-id").to_owned());
        bodies.push(posted.json["data"]["body"].as_str().unwrap().to_owned());
    }
    // what the lost node had not noted may come once more, under the same id
    let fresh: Vec<_> = bodies.iter().filter(|body| *body != "first").cloned().collect();
    assert_eq!(fresh, (0..10).map(|nth| nth.to_string()).collect::<Vec<_>>());
    ids.sort_unstable();
    ids.dedup();
    assert!(ids.len() >= 10, "{ids:?}");
    // a change that one node takes is known to the one that delivers
    let path = format!("/v1/webhooks/{}", made.text_of("id"));
    bob.at(&nodes[1]).patch(&*path, json!({"paused": true})).await.expect(200);
    there.send(&group, "held back").await;
    bob.at(&nodes[0]).patch(&*path, json!({"paused": false})).await.expect(200);
    assert_eq!(receiver.bodies(1).await, ["held back"]);
}
