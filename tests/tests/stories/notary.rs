//! The notary: signed heads of the log, and proofs, as an auditor checks them.

use serde_json::Value;
use tidings_notary::{
    Checkpoint, Hash, VerifierKey,
    tree::{is_consistent, root_of_inclusion},
};
use tidings_tests::app::{Answer, Person, Setup, TestApp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

async fn auditor(app: &TestApp) -> Person {
    let person = app.person("auditor").await;
    app.tool_done(&["grant", &person.username, "auditor"]);
    person
}

async fn key(auditor: &Person) -> VerifierKey {
    auditor.get("/v1/audit/key").await.expect(200).text.parse().expect("the notary answers so")
}

async fn checkpoint(auditor: &Person, key: &VerifierKey) -> Checkpoint {
    let answer = auditor.get("/v1/audit/checkpoint").await.expect(200);
    assert!(answer.header("content-type").expect("the notary answers so").starts_with("text/plain"));
    Checkpoint::verify(&answer.text, key).expect("the notary answers so")
}

fn hashes(proof: &Answer) -> Vec<Hash> {
    proof["hashes"]
        .as_array()
        .expect("the notary answers so")
        .iter()
        .map(|hash| hash.as_str().expect("the notary answers so").parse().expect("the notary answers so"))
        .collect()
}

/// What an inclusion proof leads to.
fn root(proof: &Answer) -> Hash {
    let leaf = proof.text_of("leaf_hash").parse().expect("the notary answers so");
    root_of_inclusion(leaf, proof.number("index"), proof.number("size"), &hashes(proof)).expect("the notary answers so")
}

async fn grown(auditor: &Person, from: &Checkpoint, to: &Checkpoint) -> bool {
    let (old, new) = (from.head, to.head);
    let proof = auditor.get(format!("/v1/audit/proof/consistency?from={}&to={}", old.size, new.size)).await.expect(200);
    assert_eq!((proof.number("from"), proof.number("to")), (old.size, new.size));
    is_consistent((old.size, old.root), (new.size, new.root), &hashes(&proof))
}

#[tokio::test]
async fn what_was_appended_is_proved_to_be_in_the_signed_log_at_once() {
    let app = TestApp::shared();
    let (auditor, ada) = (auditor(&app).await, app.person("ada").await);
    let (key, group) = (key(&auditor).await, ada.group("proved", &[]).await);
    let sent = ada.post(format!("/v1/conversations/{group}/messages"), serde_json::json!({"body": "proved"})).await;
    let position = sent.expect(201).position();
    let signed = checkpoint(&auditor, &key).await;
    let size = signed.head.size;
    let path = format!("/v1/audit/proof/inclusion?position={position}&size={size}");
    let proof = auditor.get(&*path).await.expect(200);
    assert_eq!((proof.number("position"), proof.number("size")), (position, size));
    assert_eq!(root(&proof), signed.head.root);
    // later heads go on from it, and it is proved in them, too
    ada.send_all(&group, &["more", "and more"]).await;
    let later = checkpoint(&auditor, &key).await;
    assert!(later.head.size >= size + 2);
    assert!(grown(&auditor, &signed, &later).await);
    assert_eq!(root(&auditor.get(&*path).await.expect(200)), signed.head.root, "the older tree is not forgotten");
    let newest = auditor.get(format!("/v1/audit/proof/inclusion?position={position}")).await.expect(200);
    assert!(newest.number("size") >= later.head.size);
    assert_eq!(newest["leaf_hash"], proof["leaf_hash"]);
}

#[tokio::test]
async fn only_auditors_are_shown_proofs() {
    let app = TestApp::shared();
    let (ada, operator) = (app.person("ada").await, app.person("operator").await);
    app.tool_done(&["grant", &operator.username, "operator"]);
    for path in ["checkpoint", "key", "proof/inclusion?position=1", "proof/consistency?from=1"] {
        let path = format!("/v1/audit/{path}");
        app.get(&*path).await.expect(401);
        ada.get(&*path).await.problem(403, "forbidden");
        operator.get(&*path).await.problem(403, "forbidden");
    }
}

#[tokio::test]
async fn what_the_tree_does_not_have_is_not_proved() {
    let app = TestApp::shared();
    let auditor = auditor(&app).await;
    let proof = |query: &str| auditor.get(format!("/v1/audit/proof/{query}"));
    for query in [
        "inclusion?position=9000000000000000",
        "inclusion?position=1&size=9000000000000000",
        "consistency?from=2&to=1",
        "consistency?from=1&to=9000000000000000",
    ] {
        proof(query).await.problem(404, "no-such-entry");
    }
    for (query, named) in [
        ("inclusion", "/position"),
        ("inclusion?position=x", "/position"),
        ("inclusion?position=0", "/position"),
        ("inclusion?position=1&size=-1", "/size"),
        ("consistency?to=2", "/from"),
        ("consistency?from=0&to=2", "/from"),
        ("consistency?from=1&to=+2", "/to"),
    ] {
        proof(query).await.names(400, &[named]);
    }
}

#[tokio::test]
async fn a_killed_server_goes_on_from_what_it_had_signed() {
    let app = TestApp::start();
    let mut auditor = auditor(&app).await;
    let (key, group) = (key(&auditor).await, auditor.group("killed", &[]).await);
    let mut heads = vec![];
    for nth in 0..3 {
        auditor.send_all(&group, &["some", "more"]).await;
        heads.push(checkpoint(&auditor, &key).await);
        match nth {
            0 => app.kill(),
            1 => {
                // what is torn or lost is made anew from the log, and is the same
                app.stop().await;
                std::fs::remove_dir_all(app.data_dir().join("checkpoints/tile")).unwrap();
            }
            _ => break,
        }
        app.restart();
        // not on the connection that was cut
        auditor = auditor.at(&app.behind(app.port()));
    }
    assert_eq!(self::key(&auditor).await, key);
    for pair in heads.windows(2) {
        assert!(pair[0].head.size < pair[1].head.size);
        assert!(grown(&auditor, &pair[0], &pair[1]).await);
    }
}

#[tokio::test]
async fn the_command_line_shows_the_same_and_the_log_verifies() {
    let app = TestApp::start();
    let auditor = auditor(&app).await;
    let (key, group) = (key(&auditor).await, auditor.group("verified", &[]).await);
    auditor.send_all(&group, &["one", "two", "three"]).await;
    let signed = checkpoint(&auditor, &key).await;
    assert_eq!(app.tool_done(&["audit", "key"]).trim(), key.to_string());
    let size = signed.head.size.to_string();
    let json = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    let last =
        app.tool_done(&["events"]).lines().last().map(|line| json(line.to_owned())["position"].to_string()).unwrap();
    let shown = json(app.tool_done(&["audit", "prove", &last, "--size", &size]));
    assert_eq!(shown, auditor.get(format!("/v1/audit/proof/inclusion?position={last}&size={size}")).await.json);
    let shown = json(app.tool_done(&["audit", "prove", "--from", "2", "--to", &size]));
    assert_eq!(shown, auditor.get(format!("/v1/audit/proof/consistency?from=2&to={size}")).await.json);
    let kept = app.data_dir().join("kept-elsewhere");
    std::fs::write(&kept, &signed.note).unwrap();
    let verify = ["audit", "verify", "--key", &key.to_string(), "--checkpoint", kept.to_str().unwrap()];
    app.tool_done(&verify);
    let exported = app.tool_done(&["audit", "export"]);
    assert_eq!(exported.lines().count() as u64, signed.head.size + 1, "every entry, and the head");
    // the same without a server
    app.stop().await;
    app.tool_done(&verify);
    assert_eq!(app.tool_done(&["audit", "export"]), exported);
    assert_eq!(app.tool(&["audit", "prove", "9000000000000000"]).status.code(), Some(1));
    assert_eq!(app.tool(&["audit", "prove"]).status.code(), Some(2));
}

/// Reads one request and answers it; its body.
async fn answer(mut stream: TcpStream, status: &str) -> String {
    let mut read = vec![];
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.expect("the notary answers so");
                assert!(head.starts_with("POST /heads HTTP/1.1"), "{head}");
                return body.to_owned();
            }
        }
        assert!(stream.read_buf(&mut read).await.expect("the notary answers so") > 0, "the whole request comes");
    }
}

#[tokio::test]
async fn a_witness_is_sent_signed_heads_and_sent_them_again_when_it_fails() {
    let witness = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/heads", witness.local_addr().unwrap());
    let app = TestApp::with(Setup { env: vec![("TIDINGS_WITNESS", url)], ..Setup::default() });
    let auditor = auditor(&app).await;
    let key = key(&auditor).await;
    let mut sent = vec![];
    for status in ["500 Internal Server Error", "204 No Content"] {
        let (stream, _) = witness.accept().await.unwrap();
        sent.push(Checkpoint::verify(&answer(stream, status).await, &key).unwrap());
    }
    assert!(sent[0].head.size <= sent[1].head.size);
    let now = checkpoint(&auditor, &key).await;
    assert!(grown(&auditor, &sent[0], &now).await, "it is the same log");
}
