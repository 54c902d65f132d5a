//! Files on messages: who gets them, and that they are gone with what they were on.

use std::{fs::File, io::Cursor, time::SystemTime};

use image::{DynamicImage, Frame, ImageFormat, Rgba, RgbaImage, codecs::gif::GifEncoder};
use reqwest::Method;
use serde_json::json;
use tidings_tests::{
    app::{Backend, PASSWORD, Person, Setup, TestApp, id, until},
    s3::S3,
};

/// Longer than several chunks, and nowhere the same.
fn long() -> Vec<u8> {
    (0..300_000_u32).flat_map(|n| [n.to_le_bytes()[0], n.to_le_bytes()[1]]).collect()
}

fn photo() -> Vec<u8> {
    let mut bytes = vec![];
    let noise = RgbaImage::from_fn(640, 400, |x, y| Rgba([x, y, x * y, 255].map(|n| n.to_le_bytes()[0])));
    DynamicImage::from(noise)
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
        .expect("it is written to memory");
    bytes
}

fn moving() -> Vec<u8> {
    let mut bytes = vec![];
    let frames = [[255, 0, 0, 255], [0, 0, 255, 255]].map(|colour| RgbaImage::from_pixel(8, 4, Rgba(colour)));
    GifEncoder::new(&mut bytes).encode_frames(frames.map(Frame::new)).expect("it is written to memory");
    bytes
}

async fn pair(app: &TestApp) -> (Person, Person, String) {
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("pictures", &[&bob]).await;
    (ada, bob, group)
}

#[tokio::test]
async fn a_picture_goes_with_its_message_to_those_who_see_it() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let eve = app.person("eve").await;
    let photo = photo();
    let uploaded = ada.uploading("Müller.png", &photo).await.expect(201);
    assert_eq!(uploaded.header("location"), Some(&*format!("/v1/attachments/{}", uploaded.text_of("id"))));
    let picture = uploaded.json;
    let shown = json!({
        "id": picture["id"], "name": "Müller.png", "media_type": "image/png", "size": photo.len(), "width": 640,
        "height": 400, "thumbnail": {"width": 320, "height": 200},
    });
    assert_eq!(picture, shown);
    ada.file(&picture).await.expect(200);
    bob.file(&picture).await.problem(404, "no-such-attachment");
    let notes = ada.upload("notes.txt", b"notes").await;
    let sent = ada.send_files(&group, None, &[&picture, &notes]).await;
    assert_eq!((&sent["body"], &sent["attachments"]), (&json!(null), &json!([picture, notes])));
    assert_eq!(bob.messages(&group).await[0]["attachments"], sent["attachments"]);
    assert_eq!(bob.get(format!("/v1/messages/{}", id(&sent))).await.expect(200)["attachments"], sent["attachments"]);
    let inbox = bob.all("/v1/conversations").await;
    assert_eq!(inbox[0]["last_message"]["attachments"], sent["attachments"]);

    let file = bob.file(&picture).await.expect(200);
    assert_eq!(file.bytes, photo);
    for (header, value) in [
        ("content-type", "image/png"),
        ("content-disposition", "inline; filename=\"M_ller.png\"; filename*=UTF-8''M%C3%BCller.png"),
        ("accept-ranges", "bytes"),
        ("cache-control", "private, no-cache"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(file.header(header), Some(value));
    }
    let small = bob.thumbnail(&picture).await.expect(200);
    assert_eq!(small.header("content-type"), Some("image/jpeg"));
    let small = image::load_from_memory(&small.bytes).unwrap();
    assert_eq!((small.width(), small.height()), (320, 200));
    eve.file(&picture).await.problem(404, "no-such-attachment");
    eve.thumbnail(&picture).await.problem(404, "no-such-attachment");
    bob.delete(format!("/v1/messages/{}?for=me", id(&sent))).await.expect(204);
    bob.file(&picture).await.problem(404, "no-such-attachment");
    ada.file(&picture).await.expect(200);
}

#[tokio::test]
async fn who_left_keeps_what_they_saw_and_gets_nothing_after() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let (one, two) = (ada.upload("one.gif", &moving()).await, ada.upload("two.txt", b"two").await);
    assert_eq!(
        (&one["media_type"], &one["width"], &one["thumbnail"]["width"]),
        (&json!("image/gif"), &json!(8), &json!(8))
    );
    ada.send_files(&group, Some("before"), &[&one]).await;
    bob.delete(format!("/v1/conversations/{group}/members/me")).await.expect(204);
    ada.send_files(&group, Some("after"), &[&two]).await;
    assert_eq!(bob.file(&one).await.expect(200).bytes, moving());
    bob.file(&two).await.problem(404, "no-such-attachment");
}

#[tokio::test]
async fn parts_of_a_file_are_served_as_they_are_asked_for() {
    let app = TestApp::shared();
    let (ada, bytes) = (app.person("ada").await, long());
    let file = ada.upload("long.bin", &bytes).await;
    let whole = ada.file(&file).await.expect(200);
    let tag = whole.header("etag").unwrap().to_owned();
    let size = bytes.len();
    for (range, part) in [
        ("bytes=0-0", 0..1),
        ("bytes=65535-65536", 65_535..65_537),
        ("bytes=100000-399999", 100_000..400_000),
        ("bytes=599990-", 599_990..size),
        ("bytes=-10", size - 10..size),
        ("bytes=599999-9999999", 599_999..size),
    ] {
        let answer = ada.file(&file).header("range", range).await.expect(206);
        assert_eq!(answer.bytes, bytes[part.clone()], "{range}");
        let shown = format!("bytes {}-{}/{size}", part.start, part.end - 1);
        assert_eq!(answer.header("content-range"), Some(&*shown));
        assert_eq!(answer.header("content-length"), Some(&*part.len().to_string()));
    }
    for nonsense in ["bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6", "bytes"] {
        assert_eq!(ada.file(&file).header("range", nonsense).await.expect(200).bytes.len(), size, "{nonsense}");
    }
    for out in ["bytes=600000-", "bytes=-0"] {
        let answer = ada.file(&file).header("range", out).await.problem(416, "no-such-range");
        assert_eq!(answer.header("content-range"), Some(&*format!("bytes */{size}")), "{out}");
    }
    ada.file(&file).header("if-none-match", &tag).await.expect(304);
    ada.file(&file).header("if-none-match", "\"other\", *").await.expect(304);
    ada.file(&file).header("if-none-match", "\"other\"").await.expect(200);
    ada.file(&file).header("range", "bytes=0-1").header("if-range", &tag).await.expect(206);
    ada.file(&file).header("range", "bytes=0-1").header("if-range", "\"other\"").await.expect(200);
    let head = ada.call(Method::HEAD, format!("/v1/attachments/{}", id(&file))).await.expect(200);
    assert_eq!((head.header("content-length"), head.bytes.len()), (Some("600000"), 0));
    ada.get("/v1/attachments/nonsense").await.expect(404);
}

#[tokio::test]
async fn a_file_is_gone_with_its_message() {
    let app = TestApp::start();
    let (ada, bob, group) = pair(&app).await;
    let (picture, kept) = (ada.upload("photo.png", &photo()).await, ada.upload("kept.txt", b"kept").await);
    let sent = ada.send_files(&group, Some("look"), &[&picture]).await;
    ada.send_files(&group, Some("look here"), &[&kept]).await;
    bob.file(&picture).await.expect(200);
    assert_eq!(app.sealed_files(&id(&picture)).len(), 2, "the file and its thumbnail");
    ada.delete(format!("/v1/messages/{}", id(&sent))).await.expect(204);
    for person in [&ada, &bob] {
        person.file(&picture).await.problem(404, "no-such-attachment");
        person.thumbnail(&picture).await.problem(404, "no-such-attachment");
        assert_eq!(person.get(format!("/v1/messages/{}", id(&sent))).await.expect(200)["attachments"], json!([]));
    }
    until("its bytes are gone", async || app.sealed_files(&id(&picture)).is_empty()).await;
    assert_eq!(bob.file(&kept).await.expect(200).text, "kept");
    app.tool_done(&["replay", "--verify"]);
}

#[tokio::test]
async fn closing_an_account_takes_its_files_along() {
    let app = TestApp::start();
    let (ada, bob, group) = pair(&app).await;
    let (sent, unsent) = (ada.upload("sent.txt", b"sent").await, ada.upload("unsent.txt", b"unsent").await);
    ada.send_files(&group, Some("look"), &[&sent]).await;
    let own = bob.upload("own.txt", b"own").await;
    bob.send_files(&group, None, &[&own]).await;
    ada.call(Method::DELETE, "/v1/users/me").json(json!({"password": PASSWORD})).await.expect(204);
    bob.file(&sent).await.problem(404, "no-such-attachment");
    assert_eq!(bob.messages(&group).await[1]["attachments"], json!([]));
    until("their bytes are gone", async || {
        app.sealed_files(&id(&sent)).is_empty() && app.sealed_files(&id(&unsent)).is_empty()
    })
    .await;
    assert_eq!(bob.file(&own).await.expect(200).text, "own");
    app.tool_done(&["replay", "--verify"]);
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let app = TestApp::start();
    let (ada, _bob, group) = pair(&app).await;
    let file = ada.upload("long.bin", &long()).await;
    app.kill();
    app.restart();
    // not on the connection that the kill has cut
    let ada = ada.at(&app.behind(app.port()));
    ada.send_files(&group, None, &[&file]).await;
    app.kill();
    app.restart();
    let ada = ada.at(&app.behind(app.port()));
    assert_eq!(ada.file(&file).await.expect(200).bytes, long());
}

#[tokio::test]
async fn what_is_damaged_is_never_served() {
    let app = TestApp::start();
    let ada = app.person("ada").await;
    let file = ada.upload("long.bin", &long()).await;
    let small = ada.upload("small.txt", b"small").await;
    let path = app.sealed_files(&id(&file)).pop().unwrap();
    let whole = std::fs::read(&path).unwrap();
    // in the fifth chunk: all before it is right
    let mut flipped = whole.clone();
    flipped[300_000] ^= 1;
    std::fs::write(&path, &flipped).unwrap();
    ada.file(&file).header("range", "bytes=299000-301000").await.problem(500, "internal");
    assert!(ada.file(&file).attempt().await.is_err(), "the answer breaks off");
    assert_eq!(ada.file(&file).header("range", "bytes=0-999").await.expect(206).bytes, long()[..1000]);
    std::fs::write(&path, &whole[..200_000]).unwrap();
    ada.file(&file).header("range", "bytes=-10").await.problem(500, "internal");
    let path = app.sealed_files(&id(&small)).pop().unwrap();
    let mut flipped = std::fs::read(&path).unwrap();
    flipped[10] ^= 1;
    std::fs::write(&path, flipped).unwrap();
    ada.file(&small).await.problem(500, "internal");
    std::fs::remove_file(path).unwrap();
    ada.file(&small).await.problem(500, "internal");
    assert!(app.log().iter().any(|line| line.contains("was changed, or belongs elsewhere")), "{:?}", app.log());
}

#[tokio::test]
async fn what_nobody_sends_is_collected() {
    let app =
        TestApp::with(Setup { env: vec![("TIDINGS_ATTACHMENTS_UNUSED_HOURS", "0".to_owned())], ..Setup::default() });
    let (ada, _bob, group) = pair(&app).await;
    let (sent, unsent) = (ada.upload("sent.txt", b"sent").await, ada.upload("unsent.txt", b"unsent").await);
    ada.send_files(&group, None, &[&sent]).await;
    app.stop().await;
    // bytes without an event, as a crash leaves them: of long ago, and of an upload that may be under way
    let of = app.sealed_files(&id(&sent)).pop().unwrap();
    let (old, new) = (of.with_file_name(name(&of, "1")), of.with_file_name(name(&of, "2")));
    for path in [&old, &new] {
        std::fs::copy(&of, path).unwrap();
    }
    File::options().write(true).open(&old).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    app.restart();
    until("the unused are gone", async || app.sealed_files(&id(&unsent)).is_empty() && !old.exists()).await;
    ada.file(&unsent).await.problem(404, "no-such-attachment");
    assert_eq!(ada.file(&sent).await.expect(200).text, "sent");
    assert!(new.exists());
    app.tool_done(&["replay", "--verify"]);
}

/// The name of a file stored under another key.
fn name(of: &std::path::Path, key: &str) -> String {
    let name = of.file_name().expect("it is a file").to_string_lossy().into_owned();
    let id = name.split('.').next().unwrap_or_default().to_owned();
    format!("{id}.{key}.file")
}

#[tokio::test]
async fn nothing_of_a_file_is_in_clear() {
    let app = TestApp::embedded();
    let (ada, _bob, group) = pair(&app).await;
    let text = b"rumpelstilzchen ".repeat(10_000);
    let file = ada.upload("dornröschen.txt", &text).await;
    ada.send_files(&group, None, &[&file]).await;
    assert_eq!(ada.file(&file).await.expect(200).bytes, text);
    for (name, bytes) in app.stored().into_iter().filter(|(name, _)| !name.starts_with("views")) {
        let shown = String::from_utf8_lossy(&bytes);
        for secret in ["rumpelstilzchen", "dornröschen"] {
            assert!(!shown.contains(secret), "{secret} is in {name}");
        }
    }
}

#[tokio::test]
async fn attachments_in_an_s3_compatible_store_are_there_for_every_node() {
    let store = S3::start().await;
    let app = TestApp::with(Setup { env: store.env(), ..Setup::default() });
    let (ada, bob, group) = pair(&app).await;
    // more than one part
    let bytes = long().repeat(10);
    let (file, picture) = (ada.upload("long.bin", &bytes).await, ada.upload("photo.png", &photo()).await);
    assert_eq!(store.objects().keys().filter(|name| name.starts_with("some/where/")).count(), 3);
    assert!(app.sealed_files("").is_empty(), "nothing stays on the node");
    let sent = ada.send_files(&group, None, &[&file, &picture]).await;
    let elsewhere = if Backend::default() == Backend::Embedded {
        bob.clone()
    } else {
        bob.at(&app.another_node_with(Setup { env: store.env(), ..Setup::default() }))
    };
    until("the other node shows it", async || elsewhere.file(&file).await.status == 200).await;
    assert_eq!(elsewhere.file(&file).await.expect(200).bytes, bytes);
    assert_eq!(elsewhere.file(&file).header("range", "bytes=-7").await.expect(206).bytes, bytes[bytes.len() - 7..]);
    assert_eq!(elsewhere.thumbnail(&picture).await.expect(200).header("content-type"), Some("image/jpeg"));
    let (name, object) = store.objects().into_iter().find(|(name, _)| name.contains(&id(&file))).unwrap();
    let mut flipped = object.to_vec();
    flipped[70_000] ^= 1;
    store.put(&name, flipped.into());
    bob.file(&file).header("range", "bytes=66000-").await.problem(500, "internal");
    ada.delete(format!("/v1/messages/{}", id(&sent))).await.expect(204);
    until("the objects are gone", async || store.objects().is_empty()).await;
    drop(store);
    ada.uploading("late.txt", b"late").await.problem(503, "unavailable");
}
