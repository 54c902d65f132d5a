//! Nothing personal is in clear in the log's bytes.

use std::path::Path;

use serde_json::json;
use tidings_tests::app::{PASSWORD, Setup, TestApp, id};

const SECRETS: [&str; 9] = [
    "zwiebelfisch",
    "+4930123456",
    "kassandra",
    "Dornröschen",
    "aschenputtel",
    "rumpelstilzchen",
    "hexenhaus",
    "siebenmeilen",
    "correct horse",
];

#[tokio::test]
async fn what_people_say_and_are_is_sealed_in_the_log() {
    let app = TestApp::embedded();
    let body = json!({
        "username": "zwiebelfisch", "password": PASSWORD, "email": "kassandra@example.org", "phone_number": "+4930123456",
        "first_name": "Dornröschen", "last_name": "Aschenputtel",
    });
    app.post("/v1/users", body).key("aschenputtel-key").await.expect(201);
    let ada = app.sign_in("zwiebelfisch", PASSWORD).await;
    let bob = app.person("bob").await;
    let group = ada.group("Rumpelstilzchen", &[&bob]).await;
    let path = format!("/v1/conversations/{group}/messages");
    let sent = ada.post(&*path, json!({"body": "Hexenhaus", "subject": "Siebenmeilen"})).key("k1").await.expect(201);
    ada.patch(format!("/v1/messages/{}", sent.text_of("id")), json!({"body": "Hexenhaus, zwei"}))
        .key("k2")
        .await
        .expect(200);
    ada.patch(format!("/v1/conversations/{group}"), json!({"name": "Rumpelstilzchen 2"})).key("k3").await.expect(200);
    ada.patch("/v1/users/me", json!({"first_name": "Dornröschen II"})).key("k4").await.expect(200);
    bob.post("/v1/messages", json!({"to": ["zwiebelfisch"], "body": "hexenhaus @zwiebelfisch"}))
        .key("k5")
        .await
        .expect(201);
    let session = json!({"username": "zwiebelfisch", "password": PASSWORD, "device_name": "Siebenmeilenstiefel"});
    app.post("/v1/sessions", session).key("k6").await.expect(201);
    bob.read(&sent.json).await;
    let check = |when: &str| {
        let mut files = 0;
        for (name, bytes) in app.stored() {
            if !["events.db", "keys.db", "tidings_events", "tidings_keys"].iter().any(|part| name.starts_with(part)) {
                continue;
            }
            files += usize::from(!bytes.is_empty());
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            for secret in SECRETS {
                assert!(!text.contains(&secret.to_lowercase()), "{secret} is in {name} {when}");
            }
        }
        assert!(files >= 2, "log and keys are there");
    };
    check("while it runs");
    let events = app.tool_done(&["events"]);
    assert!(events.contains("message_sent") && events.contains(&id(&sent.json)[..8]));
    for secret in SECRETS {
        assert!(!events.to_lowercase().contains(&secret.to_lowercase()), "{secret}");
    }
    app.stop().await;
    check("after a stop");
}

#[tokio::test]
async fn what_holds_secrets_is_the_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let data_dir = parent.path().join("made/by/the/server");
    let app = TestApp::with(Setup { data_dir: Some(data_dir.clone()), ..Setup::default() });
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data_dir), 0o700);
    assert_eq!(mode(&data_dir.join("control.sock")), 0o600);
    for path in app.data_files() {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    app.stop().await;
}
