//! Several nodes of one installation: any of them takes any request.

use serde_json::json;
use tidings_tests::app::{PASSWORD, TestApp, bodies};

#[tokio::test]
async fn what_one_node_took_another_shows_from_its_position_on() {
    let one = TestApp::shared();
    let other = one.another_node();
    let (ada, bob) = (one.person("ada").await, one.person("bob").await);
    let group = ada.group("everywhere", &[&bob]).await;
    let there = other.sign_in(&bob.username, PASSWORD).await;
    for nth in 0..20 {
        let (from, to) = if nth % 2 == 0 { (&ada, &there) } else { (&there, &ada) };
        let body = format!("message {nth}");
        let sent = from.post(format!("/v1/conversations/{group}/messages"), json!({"body": body})).await.expect(201);
        let shown = to
            .get(format!("/v1/conversations/{group}/messages?limit=1"))
            .header("Tidings-Min-Position", sent.header("Tidings-Position").expect("the answer tells its position"))
            .await
            .expect(200);
        assert_eq!(bodies(shown.items()), [body]);
    }
}

#[tokio::test]
async fn a_session_ended_on_one_node_ends_on_all() {
    let one = TestApp::shared();
    let other = one.another_node();
    let ada = one.person("ada").await;
    let there = other.get("/v1/users/me").token(&ada.access_token);
    there.await.expect(200);
    let begun = std::time::Instant::now();
    ada.delete("/v1/sessions/current").await.expect(204);
    while other.get("/v1/users/me").token(&ada.access_token).await.status != 401 {
        assert!(begun.elapsed().as_secs() < 10, "the other node learns of it");
    }
}
