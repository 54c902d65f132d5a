//! Looking for words in several conversations, one of them so long that its index lies in several stretches.
#![expect(clippy::unwrap_used, reason = "in a test an unwrap says enough")]

mod support;

use support::{Backing, World};
use tidings_domain::{MessageId, UserId};
use tidings_projections::{
    Queries,
    model::{SearchFilter, Wanted},
};

/// All that is found, newest first.
async fn found(queries: &dyn Queries, user: UserId, query: &str, limit: usize) -> Vec<MessageId> {
    let (wanted, mut cursor, mut found) = (Wanted::parse(query).unwrap(), None, Vec::new());
    loop {
        let page = queries.search(user, &wanted, SearchFilter::default(), cursor, limit).await.unwrap();
        assert!(page.items.len() <= limit);
        found.extend(page.items.into_iter().map(|hit| hit.message.id));
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

async fn every_page_of_what_is_found_is_what_reading_all_conversations_finds(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let mut groups = Vec::new();
    for _ in 0..4 {
        groups.push(world.group(ada, &[bob]).await);
    }
    let elsewhere = world.group(bob, &[]).await;
    let mut sent = Vec::new();
    for n in 1..=4_600_usize {
        // the last group falls silent early, and is looked into last
        let group = if n % 11 > 0 { groups[0] } else { groups[if n < 1_000 { 3 } else { 1 + n % 2 }] };
        let parity = if n % 2 == 0 { "even" } else { "uneven" };
        let body = format!("common {parity}{}", if n % 350 == 0 { " seldom" } else { "" });
        sent.push((world.send(group, ada, &body).await, body));
        if n % 500 == 0 {
            world.send(elsewhere, bob, "common even seldom").await;
        }
    }
    sent.reverse();
    let queries = world.settled().await;
    for (query, limit) in [("common", 100), ("even", 100), ("seldom", 1), ("uneven seldom", 3), ("even common", 99)] {
        let says = |body: &str| query.split(' ').all(|word| body.split(' ').any(|said| said == word));
        let expected: Vec<_> = sent.iter().filter(|(_, body)| says(body)).map(|(id, _)| *id).collect();
        assert_eq!(found(queries.as_ref(), ada, query, limit).await, expected, "{query}");
    }
    // each is in half of all messages, and both are in none
    assert_eq!(found(queries.as_ref(), ada, "even uneven", 10).await, []);
}

over_both! { every_page_of_what_is_found_is_what_reading_all_conversations_finds }
