use std::sync::Arc;

use serde_json::{Value, json};
use tidings_domain::{
    ConversationId, Event, KeyId, Personal, StreamId, Timestamp, UserId,
    conversation::{ConversationEvent, MessageContent, MessageSent},
    values::{Body, ContentType},
};

use super::{upcast::Upcaster, *};
use crate::{
    keys::{InstallationSecret, SqliteKeyBlocks},
    port::Position,
};

struct Fixture {
    codec: Codec,
    stream: StreamName,
    _directory: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let secret = InstallationSecret::from_bytes([1; 32]);
    let blocks = SqliteKeyBlocks::open(&directory.path().join("keys.db"), &secret).unwrap();
    let stream = StreamId::Conversation(ConversationId::new(Uuid::from_u128(1))).name();
    Fixture { codec: Codec::new(Keyring::new(blocks, &secret)), stream, _directory: directory }
}

const TEXT: &str = "meet me at the usual place";

fn sent(key: KeyId, author_key: KeyId) -> ConversationEvent {
    MessageSent {
        seq: 1,
        sender: UserId::new(Uuid::from_u128(2)),
        at: Timestamp::from_millis(5),
        key,
        author_key,
        content_type: ContentType::plain_text(),
        reply_to: None,
        mentions: vec![],
        attachments: vec![],
        content: Personal::Clear(MessageContent { subject: None, body: Some(Body::parse(TEXT).unwrap()) }),
    }
    .into()
}

fn recorded(stream: &StreamName, new: &NewEvent) -> Arc<RecordedEvent> {
    Arc::new(RecordedEvent {
        position: Position::new(1),
        stream: stream.clone(),
        version: 2,
        id: new.id,
        name: new.name.into(),
        recorded_at: Timestamp::from_millis(9),
        data: new.data.clone(),
        metadata: new.metadata.clone(),
    })
}

/// What another node reads, which did not write it.
async fn opened(codec: &Codec, event: &Arc<RecordedEvent>) -> Result<Event, CodecError> {
    read(&elsewhere(codec), event).await
}

fn elsewhere(codec: &Codec) -> Codec {
    Codec::new(codec.keyring().clone())
}

async fn read(codec: &Codec, event: &Arc<RecordedEvent>) -> Result<Event, CodecError> {
    codec.open_all(std::slice::from_ref(event)).await.unwrap().remove(0).map(|decoded| decoded.event)
}

#[tokio::test]
async fn an_event_is_the_same_whether_it_was_kept_open_or_is_opened_again() {
    let Fixture { codec, stream, _directory } = fixture();
    let (key, author) = (codec.keyring().take().await.unwrap(), codec.keyring().take().await.unwrap());
    let event = sent(key, author);
    let recorded = recorded(&stream, &codec.seal(&stream, &event, Metadata::default(), None).unwrap());
    for _ in 0..2 {
        assert_eq!(read(&codec, &recorded).await.unwrap(), event.clone().into());
    }
}

#[tokio::test]
async fn a_sealed_event_opens_again_and_shows_nothing_while_sealed() {
    let Fixture { codec, stream, _directory } = fixture();
    let (key, author) = (codec.keyring().take().await.unwrap(), codec.keyring().take().await.unwrap());
    let event = sent(key, author);
    let new = codec.seal(&stream, &event, Metadata::default(), None).unwrap();
    assert!(!String::from_utf8_lossy(&new.data).contains("usual"));
    assert_eq!(opened(&codec, &recorded(&stream, &new)).await.unwrap(), event.into());
}

#[tokio::test]
async fn the_key_of_the_message_and_the_key_of_its_author_are_both_needed() {
    for destroyed in 0..2 {
        let Fixture { codec, stream, _directory } = fixture();
        let keys = [codec.keyring().take().await.unwrap(), codec.keyring().take().await.unwrap()];
        let new = codec.seal(&stream, &sent(keys[0], keys[1]), Metadata::default(), None).unwrap();
        codec.keyring().destroy(&[keys[destroyed]]).await.unwrap();
        let Event::Conversation(ConversationEvent::MessageSent(event)) =
            opened(&codec, &recorded(&stream, &new)).await.unwrap()
        else {
            panic!("another event");
        };
        assert_eq!((event.seq, event.content), (1, Personal::Withheld));
    }
}

#[tokio::test]
async fn a_sealed_part_opens_in_its_own_place_only() {
    let Fixture { codec, stream, _directory } = fixture();
    let (key, author) = (codec.keyring().take().await.unwrap(), codec.keyring().take().await.unwrap());
    let new = codec.seal(&stream, &sent(key, author), Metadata::default(), None).unwrap();
    let mut moved = (*recorded(&stream, &new)).clone();
    moved.id = Uuid::from_u128(77);
    assert!(matches!(opened(&codec, &Arc::new(moved)).await, Err(CodecError::Seal { .. })));
    let elsewhere = StreamId::Conversation(ConversationId::new(Uuid::from_u128(9))).name();
    assert!(matches!(opened(&codec, &recorded(&elsewhere, &new)).await, Err(CodecError::Seal { .. })));
}

#[tokio::test]
async fn a_poisoned_event_does_not_hurt_its_neighbours() {
    let Fixture { codec, stream, _directory } = fixture();
    let (key, author) = (codec.keyring().take().await.unwrap(), codec.keyring().take().await.unwrap());
    let good = recorded(&stream, &codec.seal(&stream, &sent(key, author), Metadata::default(), None).unwrap());
    let mut foreign = (*good).clone();
    foreign.name = "sent_by_carrier_pigeon".into();
    let mut keyless = (*good).clone();
    keyless.data = serde_json::to_vec(&json!({
        "seq": 1, "sender": Uuid::nil(), "at": 1, "key": 1_u64 << 40, "author_key": 1_u64 << 40, "content_type": "text/plain",
        "sealed": "AAAA"
    }))
    .unwrap()
    .into();
    let outcomes = elsewhere(&codec).open_all(&[Arc::new(foreign), good, Arc::new(keyless)]).await.unwrap();
    let good: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(good, [false, true, false]);
}

#[test]
fn an_older_shape_is_read_step_by_step_and_a_newer_one_is_refused() {
    let step = |map: &mut serde_json::Map<String, Value>| {
        let value = map.remove("old").unwrap_or_default();
        map.insert("new".to_owned(), value);
    };
    let again = |map: &mut serde_json::Map<String, Value>| {
        map.insert("steps".to_owned(), json!(2));
    };
    let steps = [Upcaster { name: "sample", from: 1, step }, Upcaster { name: "sample", from: 2, step: again }];
    let stored = |v: u16, data: Value| RecordedEvent {
        position: Position::new(1),
        stream: StreamName::stored("sample-1"),
        version: 1,
        id: Uuid::nil(),
        name: "sample".into(),
        recorded_at: Timestamp::from_millis(0),
        data: serde_json::to_vec(&data).unwrap().into(),
        metadata: serde_json::to_vec(&Metadata { v, ..Metadata::default() }).unwrap().into(),
    };
    let read = |v, data| {
        let bytes = upcast::upcast(&steps, &stored(v, data)).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()
    };
    assert_eq!(read(1, json!({"old": 7, "sealed": "x"})), json!({"new": 7, "steps": 2, "sealed": "x"}));
    assert_eq!(read(2, json!({"new": 7})), json!({"new": 7, "steps": 2}));
    assert_eq!(read(3, json!({"new": 7})), json!({"new": 7}));
    let newer = upcast::upcast(&steps, &stored(4, json!({})));
    assert!(matches!(newer, Err(CodecError::Newer { stored: 4, known: 3, .. })));
}
