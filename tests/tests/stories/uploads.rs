//! Uploads that go wrong, or try to make something go wrong.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};
use reqwest::Method;
use serde_json::json;
use tidings_tests::app::{Person, Raw, Setup, TestApp, id, multipart, multipart_type};

const MIB: usize = 1024 * 1024;

fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = vec![];
    picture.write_to(&mut Cursor::new(&mut bytes), format).expect("it is written to memory");
    bytes
}

/// Nothing of an upload is left, wherever it went wrong.
fn assert_nothing_is_left(app: &TestApp) {
    assert_eq!(app.sealed_files(""), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn an_upload_that_is_too_large_is_413_and_leaves_nothing() {
    let app = TestApp::with(Setup { env: vec![("TIDINGS_ATTACHMENTS_MAX_MIB", "1".to_owned())], ..Setup::default() });
    let ada = app.person("ada").await;
    for size in [MIB + 1, 3 * MIB] {
        ada.uploading("large.bin", &vec![7; size]).await.problem(413, "too-large");
    }
    assert_nothing_is_left(&app);
    let largest = ada.upload("large.bin", &vec![7; MIB]).await;
    assert_eq!(largest["size"], MIB);
    assert_eq!(ada.file(&largest).await.expect(200).bytes.len(), MIB);
}

#[tokio::test]
async fn a_body_that_is_no_upload_is_refused_and_leaves_nothing() {
    let app = TestApp::start();
    let ada = app.person("ada").await;
    let post = |media_type: &str, body: Vec<u8>| ada.call(Method::POST, "/v1/attachments").bytes(media_type, body);
    let file = multipart("file", "cat.png", b"meow");
    post("application/octet-stream", file.clone()).await.problem(415, "wrong-media-type");
    post("multipart/form-data", file.clone()).await.problem(415, "wrong-media-type");
    post(&multipart_type(), file[..file.len() - 30].to_vec()).await.problem(400, "malformed-request");
    post(&multipart_type(), b"--nothing like it--".to_vec()).await.problem(400, "malformed-request");
    post(&multipart_type(), vec![]).await.problem(400, "malformed-request");
    post(&multipart_type(), vec![b'x'; 5 * MIB]).await.problem(400, "malformed-request");
    post(&multipart_type(), multipart("picture", "cat.png", b"meow")).await.names(400, &["/picture"]);
    let end = file.len() - "--\r\n".len();
    let twice = [&file[..end], b"\r\n", &file[file.iter().position(|byte| *byte == b'\n').unwrap() + 1..]].concat();
    post(&multipart_type(), twice).await.names(400, &["/file"]);
    ada.uploading("empty.png", b"").await.names(422, &["/file"]);
    app.call(Method::POST, "/v1/attachments").bytes(&multipart_type(), file).await.problem(401, "unauthenticated");
    assert_nothing_is_left(&app);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let app = TestApp::start();
    let ada = app.person("ada").await;
    let mut raw = Raw::to(&app).await;
    let head = format!(
        "POST /v1/attachments HTTP/1.1\r\nhost: tidings\r\nauthorization: Bearer {}\r\ncontent-type: {}\r\n\
         content-length: 1000000\r\n\r\n",
        ada.access_token,
        multipart_type()
    );
    raw.write(head).await;
    raw.write(&multipart("file", "cat.png", &vec![7; 300_000])[..200_000]).await;
    tidings_tests::app::until("the upload has begun", async || !app.sealed_files("incoming").is_empty()).await;
    drop(raw);
    tidings_tests::app::until("the upload is gone", async || app.sealed_files("").is_empty()).await;
}

#[tokio::test]
async fn a_file_is_what_its_bytes_say_and_nothing_dangerous_is_shown() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    for (name, bytes, media_type) in [
        ("cat.png", b"<!DOCTYPE html><script>alert(1)</script>".as_slice(), "text/html"),
        ("cat.svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>", "text/plain"),
        ("cat.gif", b"%PDF-1.7", "application/pdf"),
        ("notes", "Grüße".as_bytes(), "text/plain"),
        ("what", b"\xff\xfe\0\x01", "application/octet-stream"),
    ] {
        let uploaded = ada.upload(name, bytes).await;
        assert_eq!((&uploaded["media_type"], &uploaded["name"]), (&json!(media_type), &json!(name)));
        assert!(uploaded["width"].is_null() && uploaded["thumbnail"].is_null(), "{uploaded}");
        let file = ada.file(&uploaded).await.expect(200);
        assert_eq!(file.bytes, bytes);
        assert!(file.header("content-disposition").unwrap().starts_with("attachment;"), "{:?}", file.headers);
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(file.header("content-security-policy"), Some("default-src 'none'; sandbox"));
        ada.thumbnail(&uploaded).await.problem(404, "no-such-attachment");
    }
}

#[tokio::test]
async fn a_name_is_made_harmless() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    for (given, kept) in [
        ("../../etc/passwd", Some("passwd")),
        ("C:\\temp\\cat.gif", Some("cat.gif")),
        ("..", None),
        (".bashrc", Some("bashrc")),
        ("photo\u{202e}gpj.exe", Some("photogpj.exe")),
        ("Übersicht.pdf", Some("Übersicht.pdf")),
    ] {
        let uploaded = ada.upload(given, b"text").await;
        assert_eq!(uploaded["name"], json!(kept), "{given}");
        let header = ada.file(&uploaded).await.expect(200);
        let header = header.headers["content-disposition"].to_str().expect("it is ASCII").to_owned();
        assert!(!header.contains("..") && !header.contains('/') && !header.contains('\\'), "{header}");
    }
}

/// The most memory that the server has had at any time, in MiB.
fn peak_memory(app: &TestApp) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", app.pid())).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says so");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

#[tokio::test]
async fn a_picture_that_would_be_a_giant_is_a_file_like_any_other() {
    let app = TestApp::start();
    let ada = app.person("ada").await;
    let mut png = written(&DynamicImage::new_luma8(1, 1), ImageFormat::Png);
    png[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let mut gif = written(&DynamicImage::new_rgba8(1, 1), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xff; 4]);
    let png_cut = written(&DynamicImage::new_luma8(900, 900), ImageFormat::Png);
    let before = peak_memory(&app);
    for (bomb, media_type) in [(&*png, "image/png"), (&*gif, "image/gif"), (&png_cut[..60], "image/png")] {
        let uploaded = ada.upload("bomb", bomb).await;
        assert_eq!(uploaded["media_type"], media_type);
        assert!(uploaded["width"].is_null() && uploaded["thumbnail"].is_null(), "{uploaded}");
        let file = ada.file(&uploaded).await.expect(200);
        assert_eq!(file.bytes, bomb);
        // what could not be looked at here is not to be looked at by a browser either
        assert!(file.header("content-disposition").unwrap().starts_with("attachment;"), "{:?}", file.headers);
    }
    let taken = peak_memory(&app) - before;
    assert!(taken < 100, "{taken} MiB");
}

#[tokio::test]
async fn an_attachment_is_its_uploader_s_to_send_and_once() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("tea", &[&bob]).await;
    let path = format!("/v1/conversations/{group}/messages");
    let send = |person: &Person, ids: &[&str]| person.post(&*path, json!({"body": "x", "attachments": ids}));
    let file = id(&ada.upload("a.txt", b"a").await);
    send(&bob, &[&file]).await.names(422, &["/attachments/0"]);
    send(&ada, &[&file, &file]).await.names(422, &["/attachments/1"]);
    send(&ada, &["cat.png"]).await.names(422, &["/attachments/0"]);
    let unknown = "00000000-0000-7000-8000-000000000000";
    send(&ada, &[&file, unknown]).await.names(422, &["/attachments/1"]);
    send(&ada, &[unknown; 11]).await.names(422, &["/attachments"]);
    ada.post(&*path, json!({"attachments": []})).await.names(400, &["/body"]);
    ada.post(&*path, json!({"body": "", "attachments": [file]})).await.names(422, &["/body"]);
    let elsewhere = bob.group("elsewhere", &[]).await;
    let elsewhere = format!("/v1/conversations/{elsewhere}/messages");
    ada.post(&*elsewhere, json!({"body": "x", "attachments": [file]})).await.problem(403, "not-a-member");
    // nothing of all that used it up
    send(&ada, &[&file]).await.expect(201);
    let used = send(&ada, &[&file]).await.problem(409, "attachment-used");
    assert_eq!(used.pointers(), ["/attachments/0"]);
    send(&bob, &[&file]).await.names(422, &["/attachments/0"]);
}

#[tokio::test]
async fn the_same_upload_again_is_the_same_attachment() {
    let app = TestApp::start();
    let (ada, bytes) = (app.person("ada").await, vec![7; 2 * MIB]);
    let first = ada.uploading("a.bin", &bytes).key("once").await.expect(201);
    let again = ada.uploading("a.bin", &bytes).key("once").await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((&again.json, again.position()), (&first.json, first.position()));
    ada.uploading("b.bin", &bytes).key("once").await.problem(422, "idempotency-key-reused");
    ada.uploading("a.bin", &bytes[1..]).key("once").await.problem(422, "idempotency-key-reused");
    ada.post("/v1/conversations", json!({"kind": "group", "name": "x", "members": []}))
        .key("once")
        .await
        .problem(422, "idempotency-key-reused");
    assert_eq!(app.sealed_files("").len(), 1, "{:?}", app.sealed_files(""));
    assert_eq!(ada.file(&first.json).await.expect(200).bytes, bytes);

    let path = format!("/v1/conversations/{}/messages", ada.group("files", &[]).await);
    let message = json!({"attachments": [first["id"]]});
    let sent = ada.post(&*path, message.clone()).key("send").await.expect(201);
    let again = ada.post(&*path, message).key("send").await.expect(201);
    assert_eq!((again.header("idempotency-replayed"), &again.json), (Some("true"), &sent.json));
}

#[tokio::test]
async fn only_so_many_uploads_wait_to_be_sent() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    for _ in 0..50 {
        ada.upload("a.txt", b"a").await;
    }
    let last = ada.get("/v1/conversations").await.expect(200);
    assert!(last.items().is_empty());
    ada.uploading("a.txt", b"a").await.problem(409, "too-many-unused-attachments");
}
