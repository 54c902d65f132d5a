//! What stands in for KurrentDB deletes streams as it does. (Only the stand-in: the log of a server is never deleted from.)

use eventstore::{
    AppendToStreamOptions, Client, DeleteStreamOptions, Error, EventData, ReadAllOptions, ReadStreamOptions,
    StreamState, TombstoneStreamOptions,
};
use serde_json::json;
use tidings_tests::stand_in::StandIn;

fn client(server: &StandIn) -> Client {
    Client::new(server.connection_string().parse().expect("a connection string")).expect("a client")
}

async fn append(client: &Client, state: StreamState) -> Result<u64, Error> {
    let event = EventData::json("tested", &json!({})).expect("JSON");
    let options = AppendToStreamOptions::default().stream_state(state);
    client.append_to_stream("test-1", &options, event).await.map(|written| written.next_expected_version)
}

async fn revisions(client: &Client) -> Result<Vec<u64>, Error> {
    let mut answer = client.read_stream("test-1", &ReadStreamOptions::default()).await?;
    let mut revisions = Vec::new();
    while let Some(event) = answer.next().await? {
        revisions.push(event.get_original_event().revision);
    }
    Ok(revisions)
}

#[tokio::test]
async fn a_deleted_stream_is_not_there_and_goes_on_where_it_was() {
    let server = StandIn::start();
    let client = client(&server);
    for _ in 0..3 {
        append(&client, StreamState::Any).await.unwrap();
    }
    let elsewhere = DeleteStreamOptions::default().stream_state(StreamState::StreamRevision(0));
    assert!(client.delete_stream("test-1", &elsewhere).await.is_err(), "it is at another revision");
    assert_eq!(revisions(&client).await.unwrap(), [0, 1, 2]);

    client.delete_stream("test-1", &DeleteStreamOptions::default()).await.unwrap();
    assert!(matches!(revisions(&client).await, Err(Error::ResourceNotFound)));
    assert_eq!(super::all(&client, &ReadAllOptions::default()).await.unwrap().len(), 3, "the log is whole");

    assert_eq!(append(&client, StreamState::NoStream).await.unwrap(), 3);
    assert!(append(&client, StreamState::NoStream).await.is_err(), "now it is there again");
    assert_eq!(revisions(&client).await.unwrap(), [3]);
}

#[tokio::test]
async fn a_stream_that_is_deleted_for_good_is_neither_read_nor_written() {
    let server = StandIn::start();
    let client = client(&server);
    append(&client, StreamState::NoStream).await.unwrap();
    client.tombstone_stream("test-1", &TombstoneStreamOptions::default()).await.unwrap();
    assert!(matches!(revisions(&client).await, Err(Error::ResourceDeleted)));
    assert!(matches!(append(&client, StreamState::Any).await, Err(Error::ResourceDeleted)));
    assert!(client.delete_stream("test-1", &DeleteStreamOptions::default()).await.is_err());
}
