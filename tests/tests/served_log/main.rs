//! The log over KurrentDB's protocol, read with the official client.

mod access;
mod deleting;
mod following;
mod reading;

use eventstore::{Client, ReadAllOptions, ResolvedEvent};
use serde_json::{Value, json};
use tidings_tests::app::{Person, Setup, TestApp};

/// As it may stand in a connection string: the client does not decode it.
const PASSWORD: &str = "correct-horse-battery-staple";

/// A server that serves its log.
fn app() -> TestApp {
    TestApp::with(Setup { env: vec![("TIDINGS_GRPC_LISTEN", "127.0.0.1:0".to_owned())], ..Setup::default() })
}

/// Where it serves it.
fn address(app: &TestApp) -> String {
    let said = "the log is served over gRPC on ";
    let log = app.log();
    let line = log.iter().find_map(|line| line.split_once(said));
    line.expect("it says where").1.trim().to_owned()
}

/// A client with these credentials (`name:password@`) in its connection string.
fn client(app: &TestApp, credentials: &str) -> Client {
    let settings = format!("kurrentdb://{credentials}{}?tls=false", address(app));
    Client::new(settings.parse().expect("a connection string")).expect("a client")
}

/// A client for this person, by their password.
fn client_of(app: &TestApp, person: &Person) -> Client {
    client(app, &format!("{}:{PASSWORD}@", person.username))
}

/// Somebody new.
async fn person(app: &TestApp, name: &str) -> Person {
    let username = app.fresh_name(name);
    app.post("/v1/users", json!({"username": username, "password": PASSWORD})).await.expect(201);
    app.sign_in(&username, PASSWORD).await
}

/// Somebody new with this role.
async fn with_role(app: &TestApp, role: &str) -> Person {
    let person = person(app, role).await;
    app.tool_done(&["grant", &person.username, role]);
    person
}

async fn all(client: &Client, options: &ReadAllOptions) -> Result<Vec<ResolvedEvent>, eventstore::Error> {
    let (mut answer, mut events) = (client.read_all(options).await?, Vec::new());
    while let Some(event) = answer.next().await? {
        events.push(event);
    }
    Ok(events)
}

fn data(event: &ResolvedEvent) -> Value {
    event.get_original_event().as_json().expect("events are JSON")
}

fn names(events: &[ResolvedEvent]) -> Vec<&str> {
    events.iter().map(|event| event.get_original_event().event_type.as_str()).collect()
}
