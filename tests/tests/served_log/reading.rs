//! Reading a stream and the whole log, both ways.

use eventstore::{Error, Position, ReadAllOptions, ReadStreamOptions, StreamPosition, SubscriptionFilter};

use super::{all, app, client_of, names, with_role};

fn backwards() -> ReadAllOptions {
    ReadAllOptions::default().position(StreamPosition::End)
}

fn at(position: Position) -> ReadAllOptions {
    ReadAllOptions::default().position(StreamPosition::Position(position))
}

#[tokio::test]
async fn a_stream_is_read_from_any_revision_in_both_directions() {
    let app = app();
    let auditor = with_role(&app, "auditor").await;
    let group = auditor.group("stream", &[]).await;
    let texts: Vec<_> = (0..600).map(|n| n.to_string()).collect();
    auditor.send_all(&group, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (client, stream) = (client_of(&app, &auditor), format!("conversation-{group}"));
    let read = async |options: ReadStreamOptions| {
        let mut answer = client.read_stream(stream.as_str(), &options).await.expect("they may read");
        let mut revisions = Vec::new();
        while let Some(event) = answer.next().await.expect("the stream is there") {
            revisions.push(event.get_original_event().revision);
        }
        revisions
    };
    let options = ReadStreamOptions::default;
    let last = 600;
    assert_eq!(read(options()).await, (0..=last).collect::<Vec<_>>());
    assert_eq!(read(options().position(StreamPosition::End)).await, (0..=last).rev().collect::<Vec<_>>());
    let middle = || options().position(StreamPosition::Position(300)).max_count(5);
    assert_eq!(read(middle()).await, [300, 301, 302, 303, 304]);
    assert_eq!(read(middle().backwards()).await, [300, 299, 298, 297, 296]);
    assert_eq!(read(options().position(StreamPosition::Position(last + 1))).await, [0_u64; 0]);
    assert_eq!(read(options().position(StreamPosition::End).forwards()).await, [0_u64; 0]);
}

#[tokio::test]
async fn a_stream_that_is_not_there_is_not_found() {
    let app = app();
    let client = client_of(&app, &with_role(&app, "auditor").await);
    for options in [ReadStreamOptions::default(), ReadStreamOptions::default().position(StreamPosition::End)] {
        let mut answer = client.read_stream("conversation-nowhere", &options).await.expect("they may read");
        assert!(matches!(answer.next().await, Err(Error::ResourceNotFound)));
    }
}

#[tokio::test]
async fn the_log_reads_the_same_backwards_and_pages_join() {
    let app = app();
    // what an auditor is shown is noted: the log would be longer every time
    let operator = with_role(&app, "operator").await;
    let group = operator.group("log", &[]).await;
    let texts: Vec<_> = (0..700).map(|n| n.to_string()).collect();
    operator.send_all(&group, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let client = client_of(&app, &operator);
    let whole = all(&client, &ReadAllOptions::default()).await.expect("they may read");
    let positions: Vec<u64> = whole.iter().map(|event| event.get_original_event().position.commit).collect();
    assert!(positions.len() > 700 && positions.is_sorted_by(|a, b| a < b));
    let back = all(&client, &backwards()).await.expect("they may read");
    let back: Vec<u64> = back.iter().rev().map(|event| event.get_original_event().position.commit).collect();
    assert_eq!(back, positions);
    // forwards with the event at the position, backwards without it
    let middle = whole[350].get_original_event().position;
    let commits = |events: Vec<eventstore::ResolvedEvent>| {
        events.iter().map(|event| event.get_original_event().position.commit).collect::<Vec<_>>()
    };
    assert_eq!(commits(all(&client, &at(middle).max_count(3)).await.expect("they may read")), positions[350..353]);
    let before = commits(all(&client, &at(middle).backwards().max_count(3)).await.expect("they may read"));
    assert_eq!(before, [positions[349], positions[348], positions[347]]);
}

#[tokio::test]
async fn the_log_is_filtered_by_stream_and_by_type() {
    let app = app();
    // what an auditor is shown is noted: the log would be longer every time
    let operator = with_role(&app, "operator").await;
    let group = operator.group("filters", &[]).await;
    operator.send_all(&group, &["one", "two", "three"]).await;
    let client = client_of(&app, &operator);
    let read = async |options: ReadAllOptions, filter: SubscriptionFilter| {
        all(&client, &options.filter(filter)).await.expect("they may read")
    };
    let by_type = SubscriptionFilter::on_event_type;
    let sent = read(ReadAllOptions::default(), by_type().add_prefix("message_se")).await;
    assert_eq!(names(&sent), ["message_sent"; 3]);
    let last = read(backwards().max_count(2), by_type().regex("^message_sent$")).await;
    assert_eq!(last.len(), 2);
    assert!(last[0].get_original_event().revision > last[1].get_original_event().revision);
    let by_stream = SubscriptionFilter::on_stream_name;
    let users = read(ReadAllOptions::default(), by_stream().add_prefix("user-").add_prefix("login-")).await;
    assert!(users.iter().all(|event| !event.get_original_event().stream_id().starts_with("conversation-")));
    assert!(!users.is_empty());
    let everything = read(ReadAllOptions::default(), by_stream().exclude_system_events()).await;
    assert_eq!(everything.len(), all(&client, &ReadAllOptions::default()).await.expect("they may read").len());
    let without = read(ReadAllOptions::default(), by_stream().regex("^(?!user-).*$")).await;
    assert!(without.len() < everything.len());
    let wrong = all(&client, &ReadAllOptions::default().filter(by_stream().regex("("))).await;
    assert!(matches!(wrong, Err(Error::Grpc { .. })), "{wrong:?}");
}
