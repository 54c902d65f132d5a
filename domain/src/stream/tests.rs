use super::*;
use uuid::Uuid;

#[test]
fn every_stream_name_reads_back() {
    let user = UserId::new(Uuid::from_u128(5));
    let conversation = ConversationId::new(Uuid::from_u128(6));
    for id in [
        StreamId::User(user),
        StreamId::Login(LoginKind::Email, [0xa7; 32]),
        StreamId::Session(SessionId::new(Uuid::from_u128(7))),
        StreamId::Conversation(conversation),
        StreamId::Message(MessageId { conversation, seq: 3, version: 9 }),
        StreamId::Reader(conversation, user),
        StreamId::Attachment(AttachmentId::new(Uuid::from_u128(8))),
        StreamId::Request([0x0f; 16]),
        StreamId::Contact(Pair::of(user, UserId::new(Uuid::from_u128(4))).unwrap()),
        StreamId::Factor(user),
        StreamId::Devices(user),
        StreamId::Attempts([0xf0; 32]),
        StreamId::Schedule(user),
        StreamId::Webhook(WebhookId::new(Uuid::from_u128(8))),
        StreamId::Access(Day::of(crate::Timestamp::from_millis(1_100_521_080_000))),
        StreamId::Holds,
    ] {
        assert_eq!(id.name().id(), Ok(id));
        assert_eq!(id.name().category(), id.category());
        assert!(StreamId::CATEGORIES.contains(&id.category()));
    }
}

#[test]
fn two_people_have_one_stream_with_one_name() {
    let [low, high] = [4, 5].map(|n| UserId::new(Uuid::from_u128(n)));
    assert_eq!(StreamId::Contact(Pair::of(high, low).unwrap()).to_string(), format!("contact-{low}-{high}"));
    for name in [format!("contact-{high}-{low}"), format!("contact-{low}-{low}"), format!("contact-{low}")] {
        assert!(name.parse::<StreamId>().is_err(), "{name}");
    }
}

#[test]
fn a_foreign_name_is_no_stream() {
    for name in
        ["", "user", "user-", "user-1", "login-fax-00", "reader-1-2", "$ce-user", "request-zz", "access-2026-2-30"]
    {
        assert!(name.parse::<StreamId>().is_err(), "{name}");
    }
}
