//! Every route, with a request that is right in itself.

use serde_json::{Value, json};
use tidings_tests::app::PASSWORD;

use super::{
    rows::{Names, Row, Where, row},
    scene::{DEVICE, HOOK, Scene, in_an_hour, keys},
};

pub(super) fn rows() -> Vec<Row> {
    [
        accounts(),
        exports(),
        factors(),
        devices(),
        people(),
        operation(),
        audit(),
        conversations(),
        messages(),
        files(),
        later(),
        live(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn accounts() -> Vec<Row> {
    vec![
        row("POST", "/v1/users")
            .body(|scene| Some(json!({"username": scene.app.fresh_name("new"), "password": PASSWORD}))),
        row("GET", "/v1/users"),
        row("GET", "/v1/users/{user}").names(|scene| vec![("user", scene.other.username.clone())]),
        row("GET", "/v1/users/me"),
        row("GET", "/v1/users/me/accesses"),
        row("PATCH", "/v1/users/me").body(|_| Some(json!({"first_name": "Somebody"}))),
        row("GET", "/v1/users/me/erasures"),
        row("DELETE", "/v1/users/me").body(|_| Some(json!({"password": PASSWORD}))).spoils(),
        row("POST", "/v1/sessions").body(|scene| Some(scene.credentials())),
        row("POST", "/v1/sessions/refresh")
            .body(|scene| Some(json!({"refresh_token": scene.caller.refresh_token})))
            .spoils(),
        row("GET", "/v1/sessions"),
        row("DELETE", "/v1/sessions/{session}").names(|scene| vec![("session", scene.caller.session.clone())]).spoils(),
    ]
}

fn factors() -> Vec<Row> {
    vec![
        row("POST", "/v1/users/me/totp").spoils(),
        row("PUT", "/v1/users/me/totp")
            .about(Where::TotpOffered)
            .body(|scene| Some(json!({"otp": scene.otp})))
            .spoils(),
        row("DELETE", "/v1/users/me/totp").about(Where::Totp).body(|_| Some(json!({"password": PASSWORD}))).spoils(),
    ]
}

fn devices() -> Vec<Row> {
    let device: fn(&Scene<'_>) -> Names = |_| vec![("device", DEVICE.to_owned())];
    let theirs: fn(&Scene<'_>) -> Names = |scene| vec![("user", scene.other.id.clone()), ("device", DEVICE.to_owned())];
    vec![
        row("PUT", "/v1/users/me/devices/{device}").names(device).body(|_| Some(keys())).spoils(),
        row("DELETE", "/v1/users/me/devices/{device}").about(Where::Device).names(device).spoils(),
        row("GET", "/v1/users/{user}/devices").names(theirs),
        row("POST", "/v1/users/{user}/devices/{device}/claim").names(theirs),
    ]
}

fn people() -> Vec<Row> {
    let asked: fn(&Scene<'_>) -> Names = |scene| vec![("user", scene.asked.id.clone())];
    let other: fn(&Scene<'_>) -> Names = |scene| vec![("user", scene.other.id.clone())];
    let blocked: fn(&Scene<'_>) -> Names = |scene| vec![("user", scene.blocked.id.clone())];
    vec![
        row("GET", "/v1/contacts"),
        row("PUT", "/v1/contacts/{user}").names(asked),
        // somebody else: rows are asked at the same time, and who has just asked is to find that they did
        row("DELETE", "/v1/contacts/{user}").names(other),
        row("GET", "/v1/blocks"),
        row("PUT", "/v1/blocks/{user}").names(blocked),
        row("DELETE", "/v1/blocks/{user}").names(blocked),
    ]
}

fn operation() -> Vec<Row> {
    let user: fn(&Scene<'_>) -> Names = |scene| vec![("user", scene.other.id.clone())];
    let role: fn(&Scene<'_>) -> Names = |scene| vec![("user", scene.other.id.clone()), ("role", "auditor".to_owned())];
    let view: fn(&Scene<'_>) -> Names = |_| vec![("name", "directory".to_owned())];
    vec![
        row("GET", "/health/live"),
        row("HEAD", "/health/live"),
        row("GET", "/health/ready"),
        row("HEAD", "/health/ready"),
        row("GET", "/metrics"),
        row("GET", "/v1/admin/projections"),
        row("POST", "/v1/admin/projections/{name}/rebuild").names(view),
        row("POST", "/v1/admin/projections/{name}/verify").names(|_| vec![("name", "conversations".to_owned())]),
        // of a role that nobody has, and of an account that is not suspended: nothing changes for the others
        row("PUT", "/v1/admin/users/{user}/roles/{role}").names(role),
        row("DELETE", "/v1/admin/users/{user}/roles/{role}").names(role),
        row("DELETE", "/v1/admin/users/{user}/suspend").names(user),
        row("GET", "/v1/admin/holds"),
        row("PUT", "/v1/admin/holds/conversations/{conversation}").body(|_| Some(json!({"reason": "case 12/2026"}))),
        row("DELETE", "/v1/admin/holds/conversations/{conversation}"),
        row("PUT", "/v1/admin/holds/users/{user}").names(user).body(|_| Some(json!({"reason": "case 12/2026"}))),
        row("DELETE", "/v1/admin/holds/users/{user}").names(user),
        row("POST", "/v1/admin/users/{user}/suspend").names(|scene| vec![("user", scene.caller.id.clone())]).spoils(),
    ]
}

fn exports() -> Vec<Row> {
    let part: fn(&Scene<'_>) -> Names =
        |scene| vec![("export", scene.owned.clone()), ("name", "conversations.ndjson".to_owned())];
    let path = "/v1/users/me/exports/{export}";
    let of_one = [
        row("GET", path),
        row("GET", "/v1/users/me/exports/{export}/manifest"),
        row("GET", "/v1/users/me/exports/{export}/parts/{name}"),
        row("DELETE", path),
    ];
    let of_one = of_one.map(|row| row.about(Where::Export).names(part).spoils());
    [row("GET", "/v1/users/me/exports"), row("POST", "/v1/users/me/exports")].into_iter().chain(of_one).collect()
}

fn audit() -> Vec<Row> {
    let user: fn(&Scene<'_>) -> Names = |scene| vec![("user", scene.other.id.clone())];
    vec![
        row("GET", "/v1/audit/checkpoint"),
        row("GET", "/v1/audit/key"),
        row("GET", "/v1/audit/proof/inclusion").query("?position=1"),
        row("GET", "/v1/audit/proof/consistency").query("?from=1"),
        row("GET", "/v1/audit/events"),
        row("POST", "/v1/audit/exports").body(|scene| Some(json!({"user": scene.other.id}))),
        row("GET", "/v1/audit/conversations/{conversation}"),
        row("GET", "/v1/audit/conversations/{conversation}/members"),
        row("GET", "/v1/audit/conversations/{conversation}/messages"),
        row("GET", "/v1/audit/messages/{message}"),
        row("GET", "/v1/audit/users"),
        row("GET", "/v1/audit/users/{user}").names(user),
        row("GET", "/v1/audit/users/{user}/inbox").names(user),
    ]
}

fn conversations() -> Vec<Row> {
    let member: fn(&Scene<'_>) -> Names = |scene| vec![("user", scene.member.id.clone())];
    let up_to: fn(&Scene<'_>) -> Option<Value> = |scene| Some(json!({"up_to": scene.message}));
    vec![
        row("POST", "/v1/conversations")
            .body(|scene| Some(json!({"kind": "group", "name": "new", "members": [scene.other.id]}))),
        row("GET", "/v1/conversations"),
        row("GET", "/v1/unread"),
        row("GET", "/v1/conversations/{conversation}"),
        row("PATCH", "/v1/conversations/{conversation}").body(|_| Some(json!({"name": "renamed"}))),
        row("PATCH", "/v1/conversations/{conversation}/settings").body(|_| Some(json!({"muted": true}))),
        row("GET", "/v1/conversations/{conversation}/members"),
        row("GET", "/v1/conversations/{conversation}/pins"),
        row("PUT", "/v1/conversations/{conversation}/members/{user}")
            .names(member)
            .body(|_| Some(json!({"role": "admin"}))),
        row("DELETE", "/v1/conversations/{conversation}/members/{user}").names(member),
        row("PUT", "/v1/conversations/{conversation}/read").body(up_to),
        row("PUT", "/v1/conversations/{conversation}/delivered").body(up_to),
        row("PUT", "/v1/conversations/{conversation}/typing"),
        row("GET", "/v1/conversations/{conversation}/retention"),
        row("PUT", "/v1/conversations/{conversation}/retention").body(|_| Some(json!({"days": 30}))),
        row("DELETE", "/v1/conversations/{conversation}/retention"),
    ]
}

fn messages() -> Vec<Row> {
    let emoji: fn(&Scene<'_>) -> Names = |_| vec![("emoji", "👍".to_owned())];
    vec![
        row("POST", "/v1/messages").body(|scene| Some(json!({"to": [scene.other.id], "body": "hello"}))),
        row("GET", "/v1/messages"),
        row("GET", "/v1/search").query("?q=asked"),
        row("POST", "/v1/conversations/{conversation}/messages").body(|_| Some(json!({"body": "hello"}))),
        row("GET", "/v1/conversations/{conversation}/messages"),
        row("GET", "/v1/messages/{message}"),
        row("GET", "/v1/messages/{message}/history"),
        row("GET", "/v1/messages/{message}/receipts"),
        row("PATCH", "/v1/messages/{message}").body(|_| Some(json!({"body": "edited"}))),
        row("DELETE", "/v1/messages/{message}"),
        row("PUT", "/v1/messages/{message}/read"),
        row("DELETE", "/v1/messages/{message}/read"),
        row("PUT", "/v1/messages/{message}/reactions/{emoji}").names(emoji),
        row("DELETE", "/v1/messages/{message}/reactions/{emoji}").names(emoji),
        row("PUT", "/v1/messages/{message}/pin"),
        row("DELETE", "/v1/messages/{message}/pin"),
    ]
}

fn files() -> Vec<Row> {
    let picture: fn(&Scene<'_>) -> Names = |scene| vec![("attachment", scene.owned.clone())];
    vec![
        row("POST", "/v1/attachments").uploads(),
        row("GET", "/v1/attachments/{attachment}").about(Where::Picture).names(picture),
        row("GET", "/v1/attachments/{attachment}/thumbnail").about(Where::Picture).names(picture),
    ]
}

fn later() -> Vec<Row> {
    let scheduled: fn(&Scene<'_>) -> Names = |scene| vec![("scheduled", scene.owned.clone())];
    let path = "/v1/scheduled/{scheduled}";
    vec![
        row("POST", "/v1/scheduled")
            .body(|scene| Some(json!({"to": [scene.other.id], "body": "later", "send_at": in_an_hour()}))),
        row("GET", "/v1/scheduled"),
        row("GET", path).about(Where::Scheduled).names(scheduled),
        row("DELETE", path).about(Where::Scheduled).names(scheduled),
    ]
}

/// What asks for a WebSocket.
const UPGRADE: &[(&str, &str)] = &[
    ("connection", "upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

fn live() -> Vec<Row> {
    let webhook: fn(&Scene<'_>) -> Names = |scene| vec![("webhook", scene.owned.clone())];
    let path = "/v1/webhooks/{webhook}";
    vec![
        row("GET", "/v1/live"),
        row("GET", "/v1/live/ws").headers(UPGRADE),
        row("POST", "/v1/webhooks").body(|_| Some(json!({"url": HOOK}))).spoils(),
        row("GET", "/v1/webhooks"),
        row("GET", path).about(Where::Webhook).names(webhook),
        row("PATCH", path).about(Where::Webhook).names(webhook).body(|_| Some(json!({"paused": true}))),
        row("DELETE", path).about(Where::Webhook).names(webhook),
    ]
}
