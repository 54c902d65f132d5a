//! Subscriptions.

use eventstore::{
    StreamPosition, SubscribeToAllOptions, SubscribeToStreamOptions, Subscription, SubscriptionEvent,
    SubscriptionFilter,
};

use super::{app, client_of, data, with_role};

async fn next(following: &mut Subscription) -> SubscriptionEvent {
    following.next_subscription_event().await.expect("the subscription goes on")
}

/// The bodies of events until the subscription has caught up.
async fn bodies_until_caught_up(following: &mut Subscription) -> Vec<String> {
    let mut bodies = Vec::new();
    loop {
        match next(following).await {
            SubscriptionEvent::EventAppeared(event) => bodies.extend(body(&event)),
            SubscriptionEvent::CaughtUp(_) => return bodies,
            SubscriptionEvent::Confirmed(_) | SubscriptionEvent::Checkpoint(_) | SubscriptionEvent::FellBehind(_) => {}
            other @ (SubscriptionEvent::FirstStreamPosition(_)
            | SubscriptionEvent::LastStreamPosition(_)
            | SubscriptionEvent::LastAllPosition(_)) => panic!("unexpected: {other:?}"),
        }
    }
}

fn body(event: &eventstore::ResolvedEvent) -> Option<String> {
    Some(data(event)["opened"]["body"].as_str()?.to_owned())
}

#[tokio::test]
async fn a_subscription_is_confirmed_catches_up_and_goes_on_with_what_is_sent() {
    let app = app();
    let auditor = with_role(&app, "auditor").await;
    let group = auditor.group("followed", &[]).await;
    auditor.send_all(&group, &["one", "two"]).await;
    let client = client_of(&app, &auditor);
    let options = SubscribeToStreamOptions::default().start_from(StreamPosition::Start);
    let mut following = client.subscribe_to_stream(format!("conversation-{group}"), &options).await;
    assert!(matches!(next(&mut following).await, SubscriptionEvent::Confirmed(_)));
    assert_eq!(bodies_until_caught_up(&mut following).await, ["one", "two"]);
    for text in ["three", "four", "five"] {
        auditor.send(&group, text).await;
        let SubscriptionEvent::EventAppeared(event) = next(&mut following).await else { panic!("no event") };
        assert_eq!(body(&event).as_deref(), Some(text));
    }
}

#[tokio::test]
async fn a_subscription_begins_after_its_place_or_at_the_end() {
    let app = app();
    let auditor = with_role(&app, "auditor").await;
    let group = auditor.group("places", &[]).await;
    auditor.send_all(&group, &["one", "two", "three"]).await;
    let client = client_of(&app, &auditor);
    let stream = format!("conversation-{group}");
    let after_two = SubscribeToStreamOptions::default().start_from(StreamPosition::Position(2));
    let mut after_two = client.subscribe_to_stream(stream.as_str(), &after_two).await;
    assert_eq!(bodies_until_caught_up(&mut after_two).await, ["three"]);
    let end = SubscribeToStreamOptions::default().start_from(StreamPosition::End);
    let mut end = client.subscribe_to_stream(stream.as_str(), &end).await;
    assert_eq!(bodies_until_caught_up(&mut end).await, [""; 0]);
    auditor.send(&group, "four").await;
    assert_eq!(body(&end.next().await.expect("the subscription goes on")).as_deref(), Some("four"));
    let all = SubscribeToAllOptions::default().position(StreamPosition::End);
    let mut all = client.subscribe_to_all(&all).await;
    assert_eq!(bodies_until_caught_up(&mut all).await, [""; 0]);
    auditor.send(&group, "five").await;
    assert_eq!(body(&all.next().await.expect("the subscription goes on")).as_deref(), Some("five"));
}

#[tokio::test]
async fn a_filtered_subscription_tells_how_far_it_looked() {
    let app = app();
    let auditor = with_role(&app, "auditor").await;
    let group = auditor.group("checkpoints", &[]).await;
    let texts: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    auditor.send_all(&group, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let client = client_of(&app, &auditor);
    let filter = SubscriptionFilter::on_event_type().regex("^nothing$").max(10);
    let mut following = client.subscribe_to_all(&SubscribeToAllOptions::default().filter(filter)).await;
    let mut checkpoints = Vec::new();
    loop {
        match next(&mut following).await {
            SubscriptionEvent::Checkpoint(position) => checkpoints.push(position.commit),
            SubscriptionEvent::CaughtUp(_) => break,
            SubscriptionEvent::Confirmed(_) => {}
            other @ (SubscriptionEvent::EventAppeared(_)
            | SubscriptionEvent::FellBehind(_)
            | SubscriptionEvent::FirstStreamPosition(_)
            | SubscriptionEvent::LastStreamPosition(_)
            | SubscriptionEvent::LastAllPosition(_)) => panic!("unexpected: {other:?}"),
        }
    }
    assert!(checkpoints.len() >= 10 && checkpoints.is_sorted_by(|a, b| a < b), "{checkpoints:?}");
}
