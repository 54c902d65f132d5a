//! Who may do what: every route of the document, asked by everybody there is. What comes of it is the table in
//! `docs/permissions.md`; `PERMISSIONS=write` writes it anew.

mod routes;
mod rows;
mod scene;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::Path,
};

use futures::{StreamExt, stream};
use serde_json::Value;
use tidings_tests::app::{Setup, TestApp};

use routes::rows;
use rows::Row;
use scene::{People, Who};

/// Routes that are asked at the same time.
const AT_ONCE: usize = 4;

const INTRODUCTION: &str = "\
# Who may do what

Every route, asked by everybody, with a request that is right in itself: only who asks decides. This page is made from what the
running server answers; a test compares it at every change, and fails for a route that is not here.

- **anonymous**: without a token · **suspended**: with the token of an account that was suspended
- **stranger**: signed in, never in the conversation · **former**: was in it when the message was sent, and left
- **member**, **sender** (of the message), **admin**, **owner**: of the group that the path is about; a scheduled message and a
  webhook in a path are the sender's
- **operator**, **auditor**: with that role, never in the conversation

`2xx` done · `101` goes on as a WebSocket · `401` who is it? · `403` not allowed · `404` not there, or not to be seen by who asks · `409` cannot be now

A row whose answers are the same for all who are signed in is about what is one's own.
";

fn document_routes(document: &Value) -> BTreeMap<(String, String), String> {
    let mut routes = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("a document has paths") {
        for (method, operation) in item.as_object().expect("a path has methods") {
            let tag = operation["tags"][0].as_str().expect("each has a tag").to_owned();
            routes.insert((path.clone(), method.to_uppercase()), tag);
        }
    }
    routes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_answers_everybody_as_the_table_of_permissions_says() {
    let private = ("TIDINGS_WEBHOOKS_PRIVATE", "true".to_owned());
    let app = TestApp::with(Setup { env: vec![private], ..Setup::default() });
    let document = app.get("/openapi.json").await.expect(200).json;
    let routes = document_routes(&document);
    let rows = rows();
    let named = |row: &Row| (row.path.to_owned(), row.method.to_owned());
    let known: BTreeSet<_> = rows.iter().map(named).collect();
    let there: BTreeSet<_> = routes.keys().cloned().collect();
    let lacking: Vec<_> = there.difference(&known).collect();
    assert!(lacking.is_empty(), "tests/tests/stories/permissions/routes.rs lacks {lacking:?}");
    let gone: Vec<_> = known.difference(&there).collect();
    assert!(gone.is_empty(), "tests/tests/stories/permissions/routes.rs has what is no route: {gone:?}");

    let people = People::gather(&app).await;
    let asked = rows.into_iter().map(|row| {
        let people = &people;
        async move {
            let mut answers = vec![];
            for who in Who::ALL {
                answers.push(people.ask(&row, who).await);
            }
            ((row.path.to_owned(), row.method.to_owned()), answers)
        }
    });
    let mut answers: BTreeMap<_, _> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;

    let mut page = INTRODUCTION.to_owned();
    let tags: BTreeSet<_> = routes.values().collect();
    for tag in tags {
        write!(page, "\n## {tag}\n\n| route |").expect("there is room");
        for who in Who::ALL {
            write!(page, " {} |", who.name()).expect("there is room");
        }
        writeln!(page, "\n|---|{}", "---|".repeat(Who::ALL.len())).expect("there is room");
        for ((path, method), _) in routes.iter().filter(|(_, of)| *of == tag) {
            let row = answers.remove(&(path.clone(), method.clone())).expect("it was asked");
            writeln!(page, "| `{method} {path}` | {} |", row.join(" | ")).expect("there is room");
        }
    }
    compare(&page);
}

fn compare(page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/permissions.md");
    if std::env::var_os("PERMISSIONS").is_some_and(|wish| wish == "write") {
        std::fs::write(path, page).expect("there is room");
        return;
    }
    let published = std::fs::read_to_string(path).expect("the page is there");
    for (line, (now, then)) in page.lines().zip(published.lines()).enumerate() {
        assert_eq!(now, then, "line {} of docs/permissions.md; PERMISSIONS=write makes it anew", line + 1);
    }
    assert_eq!(page, published, "docs/permissions.md is longer or shorter; PERMISSIONS=write makes it anew");
}
