//! What a caller was told is done, the caller's next read shows.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::json;
use tidings_tests::app::TestApp;

#[tokio::test]
async fn answers_that_changed_something_say_where_it_stands() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let made = ada.post("/v1/conversations", json!({"kind": "group", "name": "g", "members": [bob.id]})).await;
    let group = made.text_of("id");
    let path = format!("/v1/conversations/{group}/messages");
    let sent = ada.post(&*path, json!({"body": "x"})).await.expect(201);
    assert!(sent.position() > made.position());
    let read = bob.put(format!("/v1/conversations/{group}/read"), json!({"up_to": sent["id"]})).await.expect(200);
    assert!(read.position() > sent.position());
    let again = bob.put(format!("/v1/conversations/{group}/read"), json!({"up_to": sent["id"]})).await.expect(200);
    assert_eq!(again.header("tidings-position"), None, "nothing was appended");
    assert_eq!(ada.get(&*path).await.header("tidings-position"), None, "a read appends nothing");
}

#[tokio::test]
async fn a_read_waits_for_the_position_it_names() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("wait", &[&bob]).await;
    let path = format!("/v1/conversations/{group}/messages");
    for at in 1..=20 {
        let sent = ada.post(&*path, json!({"body": "x"})).await.expect(201);
        let seen = bob.get(&*path).header("tidings-min-position", sent.position()).await.expect(200);
        assert_eq!(seen.items()[0]["seq"], at, "another reader who was told the position");
    }
    let begun = std::time::Instant::now();
    let far = bob.get(&*path).header("tidings-min-position", u32::MAX).await;
    far.problem(503, "not-yet-visible");
    assert!((1..10).contains(&begun.elapsed().as_secs()), "it waits for two seconds: {:?}", begun.elapsed());
    for bad in ["x", "-1", "1.5", ""] {
        bob.get(&*path).header("tidings-min-position", bad).await.expect(400);
    }
}

/// Writes, and reads at once what it wrote: 10,000 times, by eight at once, while others send.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_reads_its_own_write_in_the_next_request() {
    const TRIES: usize = 10_000;
    const PEOPLE: usize = 8;
    let app = TestApp::start();
    let people = futures::future::join_all((0..PEOPLE).map(|_| app.person("self"))).await;
    let common = people[0].group("common", &people[1..].iter().collect::<Vec<_>>()).await;
    let over = Arc::new(AtomicBool::new(false));
    let load = {
        let (mut sender, common, over) = (people[0].again().await, common.clone(), over.clone());
        tokio::spawn(async move {
            for at in 1.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                sender.send(&common, "load").await;
                if at % 500 == 0 {
                    sender = sender.refreshed().await;
                }
            }
        })
    };
    let tasks = people.iter().cloned().map(|mut person| {
        tokio::spawn(async move {
            let own = person.group("own", &[]).await;
            let path = format!("/v1/conversations/{own}/messages");
            let mut seq = 0;
            for at in 0..TRIES / PEOPLE {
                if at % 200 == 199 {
                    // on a slow machine it takes longer than a token lives
                    person = person.refreshed().await;
                }
                if at % 5 == 4 {
                    let name = format!("name {at}");
                    person.patch("/v1/users/me", json!({"first_name": name})).await.expect(200);
                    assert_eq!(person.get("/v1/users/me").await.expect(200)["first_name"], name);
                } else {
                    seq += 1;
                    person.post(&*path, json!({"body": at.to_string()})).await.expect(201);
                    let seen = person.get(format!("{path}?limit=1")).await.expect(200);
                    assert_eq!(
                        (&seen.items()[0]["seq"], &seen.items()[0]["body"]),
                        (&json!(seq), &json!(at.to_string()))
                    );
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    load.await.unwrap();
}
