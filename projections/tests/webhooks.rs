//! Webhooks as their owners see them.
#![expect(clippy::unwrap_used, reason = "in a test an unwrap says enough")]

mod support;

use support::{Backing, World};
use tidings_domain::{
    Personal, StreamId, UserId, WebhookId,
    values::{WebhookSecret, WebhookTopic, WebhookUrl},
    webhook::{
        Delivery, PausedBecause, Target, WebhookCreated, WebhookDeleted, WebhookDelivered, WebhookEvent,
        WebhookFailing, WebhookMoved, WebhookPaused, WebhookResumed,
    },
};
use tidings_event_store::Position;
use uuid::Uuid;

async fn make(world: &mut World, owner: UserId, number: u128) -> WebhookId {
    let id = WebhookId::new(Uuid::from_u128(number));
    let target = Target {
        url: WebhookUrl::parse("https://example.org/hook").unwrap(),
        secret: WebhookSecret::from_bytes(&[1; 32]),
    };
    let created = WebhookCreated {
        owner,
        key: world.person_key(owner),
        from: 3,
        topics: vec![WebhookTopic::Message, WebhookTopic::Read],
        conversation: None,
        at: world.now(),
        target: Personal::Clear(target),
    };
    world.append(StreamId::Webhook(id), WebhookEvent::from(created)).await;
    id
}

async fn tell(world: &mut World, id: WebhookId, event: impl Into<WebhookEvent>) {
    world.append(StreamId::Webhook(id), event.into()).await;
}

async fn a_webhook_shows_how_its_deliveries_go(on: Backing) {
    let mut world = World::following(on).await;
    let ada = world.user("ada").await;
    let id = make(&mut world, ada, 1).await;
    let at = world.now();
    let failing = WebhookFailing { position: 4, since: at, status: Some(500), reason: "500".to_owned(), at };
    tell(&mut world, id, failing).await;
    tell(&mut world, id, WebhookPaused { because: PausedBecause::Failing, at }).await;
    let shown = world.settled().await.webhooks(ada).await.unwrap().remove(0);
    assert_eq!((shown.url.as_deref(), shown.delivered_up_to), (Some("https://example.org/hook"), Position::new(3)));
    assert_eq!(shown.failing.map(|failing| failing.status), Some(Some(500)));
    assert_eq!(shown.paused, Some((PausedBecause::Failing, at)));
    tell(&mut world, id, WebhookResumed { at }).await;
    for position in 1..=25_u64 {
        let delivery = Delivery { position, topic: WebhookTopic::Message, status: 204, attempts: 1, at };
        tell(&mut world, id, WebhookDelivered { up_to: position, recent: vec![delivery], at }).await;
    }
    let shown = world.settled().await.webhooks(ada).await.unwrap().remove(0);
    assert_eq!((shown.paused, shown.failing, shown.delivered_up_to), (None, None, Position::new(25)));
    let positions: Vec<u64> = shown.recent.iter().map(|delivery| delivery.position).collect();
    assert_eq!(positions, (6..=25).rev().collect::<Vec<_>>());
    tell(&mut world, id, WebhookMoved { to: 0, at }).await;
    assert_eq!(world.settled().await.webhooks(ada).await.unwrap()[0].delivered_up_to, Position::START);
}

async fn who_delivers_finds_all_and_their_owners_find_their_own(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let mut all = vec![];
    for number in 1..=5 {
        let owner = if number % 2 == 0 { ada } else { bob };
        all.push((make(&mut world, owner, number).await, owner));
    }
    let at = world.now();
    let (gone, _) = all.remove(0);
    tell(&mut world, gone, WebhookDeleted { at }).await;
    let queries = world.settled().await;
    let first = queries.all_webhooks(None, 3).await.unwrap();
    assert_eq!(
        (first.as_slice(), &all[3..]),
        (&all[..3], queries.all_webhooks(Some(first[2].0), 3).await.unwrap().as_slice())
    );
    assert_eq!(queries.webhooks(ada).await.unwrap().len(), 2);
    // nothing is left of who closes their account, and what is still noted about it hurts nobody
    world.close(ada).await;
    tell(&mut world, all[0].0, WebhookDelivered { up_to: 9, recent: vec![], at }).await;
    let queries = world.settled().await;
    assert!(queries.webhooks(ada).await.unwrap().is_empty());
    assert_eq!(queries.all_webhooks(None, 10).await.unwrap().len(), 2);
}

over_both!(a_webhook_shows_how_its_deliveries_go, who_delivers_finds_all_and_their_owners_find_their_own);
