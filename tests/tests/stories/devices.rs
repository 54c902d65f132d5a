//! Devices and their public keys, and bodies that only the receivers can read.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidings_tests::app::{PASSWORD, Person, TestApp, id};

/// Something in base64.
fn key(n: usize) -> String {
    format!("{n:08}")
}

fn publication(packages: std::ops::Range<usize>, fallback: Option<usize>) -> Value {
    let packages: Vec<_> = packages.map(key).collect();
    let mut body = json!({"identity_key": key(0), "key_packages": packages});
    if let Some(fallback) = fallback {
        body["fallback_key_package"] = json!(key(fallback));
    }
    body
}

async fn publish(person: &Person, body: Value) -> Value {
    person.put("/v1/users/me/devices/phone", body).await.expect(200).json
}

fn path(owner: &Person) -> String {
    format!("/v1/users/{}/devices/phone/claim", owner.username)
}

#[tokio::test]
async fn a_hundred_claims_at_once_give_fifty_packages_once_each_and_fifty_times_the_fallback() {
    let app = TestApp::shared();
    let several = app.database().is_some();
    let nodes = if several { vec![app.clone(), app.another_node(), app.another_node()] } else { vec![app.clone()] };
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    publish(&ada, publication(1..51, Some(999))).await;
    let claims: Vec<_> = (0..100)
        .map(|n| {
            let (bob, path) = (bob.at(&nodes[n % nodes.len()]), path(&ada));
            tokio::spawn(async move { bob.post(path, None).await.expect(200).json })
        })
        .collect();
    let mut got: BTreeMap<(String, bool), usize> = BTreeMap::new();
    for claim in claims {
        let claim = claim.await.expect("no claim panics");
        assert_eq!(claim["device"], "phone");
        let package = claim["key_package"].as_str().expect("text").to_owned();
        *got.entry((package, claim["fallback"] == true)).or_default() += 1;
    }
    assert_eq!(got.remove(&(key(999), true)), Some(50), "{got:?}");
    assert_eq!(got, (1..51).map(|n| ((key(n), false), 1)).collect());
}

#[tokio::test]
async fn devices_are_published_listed_and_removed() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let published = publish(&ada, publication(1..4, Some(9))).await;
    assert_eq!((&published["device"], &published["identity_key"]), (&json!("phone"), &json!(key(0))));
    assert_eq!((&published["key_packages"], &published["fallback"]), (&json!(3), &json!(true)));
    ada.put("/v1/users/me/devices/Laptop-2", publication(0..0, None)).await.expect(200);
    let mine = ada.all("/v1/users/me/devices").await;
    assert_eq!(mine.iter().map(|device| &device["key_packages"]).collect::<Vec<_>>(), [&json!(3), &json!(0)]);
    assert!(mine.iter().all(|device| device["published_at"].is_string()));

    let shown = bob.all(&format!("/v1/users/{}/devices", ada.username)).await;
    let plain = |device: &str| json!({"device": device, "identity_key": key(0)});
    assert_eq!(shown, [plain("phone"), plain("Laptop-2")], "what is left is for the owner alone");
    let first = bob.get(format!("/v1/users/{}/devices?limit=1", ada.id)).await.expect(200);
    assert_eq!((first.items().len(), first["next"].is_string()), (1, true));

    let claimed = bob.post(path(&ada), None).await.expect(200);
    assert!(claimed.position() > 0);
    assert_eq!(claimed.json, json!({"device": "phone", "key_package": key(1), "fallback": false}));
    assert_eq!(ada.all("/v1/users/me/devices").await[0]["key_packages"], 2);
    // more of them, of which some were there before
    assert_eq!(publish(&ada, publication(1..6, None)).await["key_packages"], 4);
    assert_eq!(ada.post("/v1/users/me/devices/phone/claim", None).await.expect(200)["key_package"], key(2));

    ada.delete("/v1/users/me/devices/phone").await.expect(204);
    ada.delete("/v1/users/me/devices/phone").await.problem(404, "no-such-device");
    bob.post(path(&ada), None).await.problem(404, "no-such-device");
    assert_eq!(bob.all(&format!("/v1/users/{}/devices", ada.id)).await, [plain("Laptop-2")]);
}

#[tokio::test]
async fn another_identity_makes_what_was_published_before_void() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    publish(&ada, publication(1..4, Some(9))).await;
    let body = json!({"identity_key": key(100), "key_packages": [key(101)]});
    let again = publish(&ada, body).await;
    assert_eq!((&again["key_packages"], &again["fallback"]), (&json!(1), &json!(false)));
    assert_eq!(bob.post(path(&ada), None).await.expect(200)["key_package"], key(101));
    bob.post(path(&ada), None).await.problem(409, "no-key-packages");
}

#[tokio::test]
async fn a_claim_repeated_under_its_key_takes_nothing_more() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    publish(&ada, publication(1..3, Some(9))).await;
    for package in [key(1), key(2), key(9)] {
        let idempotency = format!("claim-{package}");
        let first = bob.post(path(&ada), None).key(&idempotency).await.expect(200);
        let again = bob.post(path(&ada), None).key(&idempotency).await.expect(200);
        assert_eq!((&first["key_package"], &first.json), (&json!(package), &again.json));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
    }
}

#[tokio::test]
async fn the_owner_is_told_when_few_packages_are_left_and_nobody_else() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let begun = publish(&ada, publication(1..13, None)).await;
    assert_eq!(begun["key_packages"], 12);
    let (mut at_ada, mut at_bob) = (ada.live().await, bob.live().await);
    let mut last = 0;
    for _ in 0..3 {
        last = bob.post(path(&ada), None).await.expect(200).position();
    }
    for left in [10, 9] {
        let notice = at_ada.expect("key_packages").await;
        assert_eq!(notice.data["device"], "phone");
        // as its own route shows it now, which may be after the next claim
        assert!(notice.data["key_packages"].as_u64().is_some_and(|now| now <= left), "{notice:?}");
    }
    let mut resumed = ada.live_after(last - 1).await;
    assert_eq!(resumed.expect("key_packages").await.position(), last);
    let group = bob.group("after", &[]).await;
    assert_eq!(at_bob.expect("conversation").await.data["id"], group, "nothing came before it");
}

#[tokio::test]
async fn what_is_no_key_and_what_is_too_much_is_refused() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let put = |body: Value| ada.put("/v1/users/me/devices/phone", body);
    let long = "A".repeat(10_928);
    for wrong in ["", "no base64", "AAA", "AB==", "-_-_", long.as_str()] {
        let body = json!({"identity_key": wrong, "key_packages": [key(1), wrong], "fallback_key_package": wrong});
        put(body).await.names(422, &["/identity_key", "/key_packages/1", "/fallback_key_package"]);
    }
    put(json!({"identity_key": key(0)})).await.names(400, &["/key_packages"]);
    put(json!({"key_packages": []})).await.names(400, &["/identity_key"]);
    put(json!({"identity_key": key(0), "key_packages": "AAAA"})).await.names(400, &["/key_packages"]);
    put(json!({"identity_key": key(0), "key_packages": [], "more": 1})).await.names(400, &["/more"]);
    put(publication(1..102, None)).await.names(422, &["/key_packages"]);
    let large: Vec<_> = (0..40).map(|n| format!("{}{}", key(n), "A".repeat(10_000))).collect();
    put(json!({"identity_key": key(0), "key_packages": large})).await.names(422, &["/key_packages"]);
    publish(&ada, publication(1..101, None)).await;
    publish(&ada, publication(101..201, None)).await;
    put(publication(201..202, None)).await.problem(409, "too-many-key-packages");
    for n in 1..20 {
        ada.put(format!("/v1/users/me/devices/d{n}"), publication(0..0, None)).await.expect(200);
    }
    ada.put("/v1/users/me/devices/d20", publication(0..0, None)).await.problem(409, "too-many-devices");
    for impossible in ["a%20b", &"x".repeat(65), "%C3%A4"] {
        ada.put(format!("/v1/users/me/devices/{impossible}"), publication(0..0, None)).await.expect(404);
    }
    bob.get("/v1/users/nobody-at-all/devices").await.problem(404, "no-such-user");
    bob.post("/v1/users/nobody-at-all/devices/phone/claim", None).await.problem(404, "no-such-user");
    bob.put(format!("/v1/users/{}/devices/phone", ada.id), publication(0..0, None)).await.expect(404);
    app.get(format!("/v1/users/{}/devices", ada.id)).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_closed_account_has_no_devices() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    publish(&ada, publication(1..4, Some(9))).await;
    ada.delete("/v1/users/me").json(json!({"password": PASSWORD})).await.expect(204);
    bob.post(path(&ada), None).await.problem(404, "no-such-user");
    bob.post(format!("/v1/users/{}/devices/phone/claim", ada.id), None).await.problem(404, "no-such-user");
    bob.get(format!("/v1/users/{}/devices", ada.id)).await.problem(404, "no-such-user");
}

#[tokio::test]
async fn a_body_of_any_type_passes_through_untouched() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("sealed", &[&bob]).await;
    let path = format!("/v1/conversations/{group}/messages");
    let base64 = "AP/+/v8K".repeat(8_000);
    for (kind, body) in [
        ("application/mls-message", base64.as_str()),
        ("application/octet-stream", "AP/+/v8=\r\n"),
        ("application/vnd.example.v1+cbor; scheme=\"Double Ratchet\"", "  oWFhAQ==  "),
        ("message/mls", "@bob is not mentioned here"),
    ] {
        let sent = ada.post(&*path, json!({"body": body, "content_type": kind})).await.expect(201);
        let seen = bob.get(format!("/v1/messages/{}", id(&sent.json))).await.expect(200);
        assert_eq!((&seen["body"], &seen["content_type"]), (&json!(body), &sent["content_type"]));
        assert!(sent["content_type"].as_str().is_some_and(|shown| shown.eq_ignore_ascii_case(kind)), "{sent:?}");
        assert_eq!(seen["mentions"], json!([]));
    }
    for wrong in ["sealed", "*/*", "text/", ""] {
        ada.post(&*path, json!({"body": "x", "content_type": wrong})).await.names(422, &["/content_type"]);
    }
}
