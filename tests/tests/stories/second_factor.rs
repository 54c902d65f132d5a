//! The second factor: codes by time, and recovery codes.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde_json::{Value, json};
use tidings_domain::{Timestamp, values::TotpSecret};
use tidings_tests::app::{Answer, PASSWORD, Person, Setup, TestApp};

/// A step of the clock, in milliseconds.
const STEP: i64 = 30_000;

fn clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp::from_millis(i64::try_from(since.as_millis()).expect("before the year 292278994"))
}

/// The code of so many steps from now. The next one is right, too, and stays so should a step end meanwhile.
fn code(secret: &TotpSecret, steps: i64) -> String {
    secret.code_at(clock().plus_millis(steps * STEP)).expect("a code")
}

fn secret_of(offer: &Answer) -> TotpSecret {
    serde_json::from_value(offer["secret"].clone()).expect("base32")
}

/// Turns it on; the secret and the recovery codes.
async fn turn_on(person: &Person) -> (TotpSecret, Vec<String>) {
    let secret = secret_of(&person.post("/v1/users/me/totp", None).await.expect(200));
    let on = person.put("/v1/users/me/totp", json!({"otp": code(&secret, 0)})).await.expect(200);
    let codes = on["recovery_codes"].as_array().expect("a list").iter();
    (secret, codes.map(|code| code.as_str().expect("text").to_owned()).collect())
}

async fn sign_in(person: &Person, otp: Option<&str>) -> Answer {
    let mut body = json!({"username": person.username, "password": PASSWORD});
    if let Some(otp) = otp {
        body["otp"] = json!(otp);
    }
    person.app.post("/v1/sessions", body).await
}

async fn turn_off(person: &Person, password: &str) -> Answer {
    person.call(Method::DELETE, "/v1/users/me/totp").json(json!({"password": password})).await
}

#[tokio::test]
async fn with_it_on_signing_in_takes_a_code_that_serves_once() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let offer = ada.post("/v1/users/me/totp", None).await.expect(200);
    assert!(offer.position() > 0);
    let secret = secret_of(&offer);
    let uri = offer.text_of("otpauth_uri");
    assert!(uri.starts_with("otpauth://totp/Tidings") && uri.contains(secret.as_str()), "{uri}");
    sign_in(&ada, None).await.expect(201);
    assert_eq!(ada.get("/v1/users/me").await["mfa_enabled"], false, "nothing is asked for before a code was shown");

    let on = ada.put("/v1/users/me/totp", json!({"otp": code(&secret, 0)})).await.expect(200);
    assert!(on.position() > 0);
    assert_eq!(on["recovery_codes"].as_array().map(Vec::len), Some(10));
    assert_eq!(ada.get("/v1/users/me").await["mfa_enabled"], true);
    sign_in(&ada, None).await.problem(401, "otp-required");
    let body = json!({"username": ada.username, "password": "not the password"});
    app.post("/v1/sessions", body).await.problem(401, "wrong-credentials");

    let right = code(&secret, 1);
    let session = sign_in(&ada, Some(&right)).await.expect(201);
    assert_eq!(session["user"]["mfa_enabled"], true);
    sign_in(&ada, Some(&right)).await.problem(401, "wrong-credentials");
}

#[tokio::test]
async fn a_wrong_an_expired_and_an_impossible_code_get_the_answer_to_wrong_credentials() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let (secret, _) = turn_on(&ada).await;
    let unknown = json!({"username": "nobody-at-all", "password": PASSWORD, "otp": "123456"});
    let unknown = app.post("/v1/sessions", unknown).await.expect(401);
    let (old, new) = (code(&secret, -20), code(&secret, 20));
    for wrong in [old.as_str(), &new, "", "12345", "abcdef", "0000-0000-0000-0000"] {
        let answer = sign_in(&ada, Some(wrong)).await.problem(401, "wrong-credentials");
        assert_eq!(answer.json, unknown.json, "{wrong}");
    }
}

#[tokio::test]
async fn each_recovery_code_serves_once() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let (_, codes) = turn_on(&ada).await;
    for code in &codes {
        sign_in(&ada, Some(code)).await.expect(201);
        sign_in(&ada, Some(code)).await.problem(401, "wrong-credentials");
    }
}

#[tokio::test]
async fn it_is_turned_on_by_a_code_and_off_by_the_password() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    ada.put("/v1/users/me/totp", json!({"otp": "123456"})).await.problem(409, "no-totp-secret");
    let secret = secret_of(&ada.post("/v1/users/me/totp", None).await.expect(200));
    ada.put("/v1/users/me/totp", json!({"otp": code(&secret, -20)})).await.problem(403, "wrong-otp");
    for wrong in [json!("12345"), json!("once upon a time")] {
        ada.put("/v1/users/me/totp", json!({"otp": wrong})).await.names(422, &["/otp"]);
    }
    ada.put("/v1/users/me/totp", json!({"otp": 123_456})).await.names(400, &["/otp"]);
    ada.put("/v1/users/me/totp", json!({})).await.names(400, &["/otp"]);
    ada.put("/v1/users/me/totp", json!({"otp": code(&secret, 0)})).await.expect(200);
    ada.put("/v1/users/me/totp", json!({"otp": code(&secret, 1)})).await.problem(409, "mfa-enabled");
    ada.post("/v1/users/me/totp", None).await.problem(409, "mfa-enabled");

    turn_off(&ada, "not the password").await.problem(403, "wrong-password");
    ada.delete("/v1/users/me/totp").await.expect(415);
    turn_off(&ada, PASSWORD).await.expect(204);
    assert_eq!(ada.get("/v1/users/me").await["mfa_enabled"], false);
    sign_in(&ada, None).await.expect(201);
    turn_off(&ada, PASSWORD).await.expect(204);
    app.post("/v1/users/me/totp", json!({})).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn nobody_else_is_told_whether_it_is_on() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    turn_on(&ada).await;
    let shown = bob.get(format!("/v1/users/{}", ada.id)).await.expect(200);
    let found = bob.get(format!("/v1/users?query={}", ada.username)).await.expect(200);
    assert!(!shown.text.contains("mfa") && !found.text.contains("mfa"), "{} {}", shown.text, found.text);
}

#[tokio::test]
async fn the_same_request_again_gets_the_same_codes_and_a_sign_in_its_first_answer() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let offer = ada.post("/v1/users/me/totp", None).key("offer").await.expect(200);
    let same = ada.post("/v1/users/me/totp", None).key("offer").await.expect(200);
    assert_eq!((&offer.json, same.header("idempotency-replayed")), (&same.json, Some("true")));
    let secret = secret_of(&offer);
    let otp = json!({"otp": code(&secret, 0)});
    let first = ada.put("/v1/users/me/totp", otp.clone()).key("on").await.expect(200);
    let again = ada.put("/v1/users/me/totp", otp).key("on").await.expect(200);
    assert_eq!((&first.json, again.header("idempotency-replayed")), (&again.json, Some("true")));

    let body = json!({"username": ada.username, "password": PASSWORD, "otp": code(&secret, 1)});
    let key = format!("sign-in {}", ada.id).replace(' ', "-");
    let first = app.post("/v1/sessions", body.clone()).key(&key).await.expect(201);
    let again = app.post("/v1/sessions", body.clone()).key(&key).await.expect(201);
    assert_eq!(first["session_id"], again["session_id"]);
    app.post("/v1/sessions", body).await.problem(401, "wrong-credentials");
}

#[tokio::test]
async fn of_two_who_show_one_code_at_once_one_gets_in_wherever_they_ask() {
    let one = TestApp::shared();
    let other = if one.database().is_some() { one.another_node() } else { one.clone() };
    let ada = one.person("ada").await;
    let (secret, codes) = turn_on(&ada).await;
    for otp in [&code(&secret, 1), &codes[0]] {
        let there = ada.at(&other);
        let (here, there) = tokio::join!(sign_in(&ada, Some(otp)), sign_in(&there, Some(otp)));
        let mut statuses = [here.status, there.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 401], "{here:?} {there:?}");
    }
}

#[tokio::test]
async fn a_used_code_stays_used_after_a_restart_and_secrets_are_sealed() {
    let app = TestApp::with(Setup::default());
    let ada = app.person("ada").await;
    let (secret, codes) = turn_on(&ada).await;
    let right = code(&secret, 1);
    sign_in(&ada, Some(&right)).await.expect(201);
    sign_in(&ada, Some(&codes[0])).await.expect(201);
    app.stop().await;
    for (name, bytes) in app.stored() {
        let text = String::from_utf8_lossy(&bytes);
        for kept in [secret.as_str(), &codes[0], &codes[1], &codes[1].replace('-', "")] {
            assert!(!text.contains(kept), "{name} holds {kept}");
        }
    }
    app.restart();
    sign_in(&ada, Some(&right)).await.problem(401, "wrong-credentials");
    sign_in(&ada, Some(&codes[0])).await.problem(401, "wrong-credentials");
    sign_in(&ada, Some(&codes[1])).await.expect(201);
}

#[tokio::test]
async fn a_closed_account_asks_for_nothing_any_more() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let (secret, codes) = turn_on(&ada).await;
    ada.call(Method::DELETE, "/v1/users/me").json(json!({"password": PASSWORD})).await.expect(204);
    for otp in [None, Some(codes[0].as_str()), Some(&code(&secret, 1))] {
        let answer: Value = sign_in(&ada, otp).await.problem(401, "wrong-credentials").json;
        assert!(!answer.to_string().contains("otp"), "{answer}");
    }
}

#[tokio::test]
async fn who_lost_everything_gets_in_again_by_an_operator_at_the_console() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    turn_on(&ada).await;
    sign_in(&ada, None).await.problem(401, "otp-required");
    app.tool_done(&["forget-second-factor", &ada.username]);
    sign_in(&ada, None).await.expect(201);
    // there is nothing left to turn off
    app.tool_done(&["forget-second-factor", &ada.username]);
    assert_eq!(app.tool(&["forget-second-factor", "nobody-there"]).status.code(), Some(1));
    turn_on(&ada).await;
}
