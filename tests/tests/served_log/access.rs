//! Who may read.

use eventstore::{
    AppendToStreamOptions, Authentication, Client, Error, ReadAllOptions, ReadStreamOptions, SubscribeToAllOptions,
    SubscriptionEvent,
};
use reqwest::Method;
use tidings_tests::app::Person;

use super::{all, app, client, client_of, data, person, with_role};

async fn is_refused(client: &Client, options: &ReadAllOptions) -> bool {
    matches!(all(client, options).await, Err(Error::AccessDenied))
}

fn bearer(person: &Person) -> ReadAllOptions {
    ReadAllOptions::default().authenticated(Authentication::bearer(person.access_token.clone()))
}

#[tokio::test]
async fn only_auditors_and_operators_read_the_log() {
    let app = app();
    let (ada, auditor) = (person(&app, "ada").await, with_role(&app, "auditor").await);
    let nobody = client(&app, "");
    let plain = ReadAllOptions::default();
    assert!(is_refused(&nobody, &plain).await);
    assert!(is_refused(&client(&app, "nobody:nothing@"), &plain).await);
    assert!(is_refused(&client(&app, &format!("{}:wrong@", auditor.username)), &plain).await);
    assert!(is_refused(&client_of(&app, &ada), &plain).await);
    assert!(is_refused(&nobody, &bearer(&ada)).await);
    assert!(!is_refused(&client_of(&app, &auditor), &plain).await);
    assert!(!is_refused(&nobody, &bearer(&auditor)).await);
    // the token serves as long as its session
    auditor.delete("/v1/sessions/current").await.expect(204);
    assert!(is_refused(&nobody, &bearer(&auditor)).await);
    assert!(!is_refused(&client_of(&app, &auditor), &plain).await);
}

#[tokio::test]
async fn what_is_sealed_is_opened_for_auditors_and_nobody_else() {
    let app = app();
    let (auditor, operator) = (with_role(&app, "auditor").await, with_role(&app, "operator").await);
    let group = auditor.group("sealed", &[&operator]).await;
    auditor.send(&group, "behind the sundial").await;
    let stream = format!("conversation-{group}");
    let mut seen = Vec::new();
    for reader in [&auditor, &operator] {
        let options = ReadStreamOptions::default().position(eventstore::StreamPosition::End).max_count(1);
        let mut answer = client_of(&app, reader).read_stream(stream.as_str(), &options).await.expect("they may read");
        seen.push(data(&answer.next().await.expect("the answer is whole").expect("there is a message")));
    }
    assert_eq!(seen[0]["opened"]["body"], "behind the sundial");
    assert!(seen[0].get("sealed").is_none());
    assert!(seen[1].get("opened").is_none() && seen[1]["sealed"].is_string());
    assert!(!seen[1].to_string().contains("sundial"));
    assert_eq!(seen[0]["seq"], seen[1]["seq"]);
    // and that it was opened, those learn whose it is
    let accesses = operator.get("/v1/users/me/accesses").await.expect(200);
    let [access] = accesses.items() else { panic!("one access: {}", accesses.text) };
    assert_eq!((&access["auditor"]["id"], &access["shown"]), (&auditor.id.into(), &"protocol".into()));
    assert_eq!(access["conversation_id"], group);
}

#[tokio::test]
async fn a_subscription_ends_when_its_reader_may_not_read_any_more() {
    let app = app();
    let (operator, auditor) = (with_role(&app, "operator").await, with_role(&app, "auditor").await);
    let mut following = client_of(&app, &auditor).subscribe_to_all(&SubscribeToAllOptions::default()).await;
    loop {
        if let SubscriptionEvent::CaughtUp(_) = following.next_subscription_event().await.expect("they may read") {
            break;
        }
    }
    let role = format!("/v1/admin/users/{}/roles/auditor", auditor.username);
    operator.call(Method::DELETE, role).await.expect(204);
    loop {
        match following.next_subscription_event().await {
            Ok(_) => {}
            Err(error) => {
                assert!(matches!(error, Error::AccessDenied), "{error}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn nothing_can_be_written() {
    let app = app();
    let auditor = with_role(&app, "auditor").await;
    let event = eventstore::EventData::binary("message_sent", bytes::Bytes::from_static(b"{}"));
    let refused = client_of(&app, &auditor).append_to_stream("user-1", &AppendToStreamOptions::default(), event).await;
    assert!(refused.is_err(), "{refused:?}");
}
