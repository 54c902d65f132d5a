//! Ids and the names of streams.

use proptest::prelude::*;
use tidings_domain::{ConversationId, Day, LoginKind, MessageId, Pair, SessionId, StreamId, Timestamp, UserId};
use uuid::Uuid;

use crate::{conversation_ids, user_ids};

fn message_ids() -> impl Strategy<Value = MessageId> {
    let places = (1..i64::MAX.cast_unsigned()).prop_flat_map(|seq| (Just(seq), seq + 1..=i64::MAX.cast_unsigned()));
    (conversation_ids(), places).prop_map(|(conversation, (seq, version))| MessageId { conversation, seq, version })
}

fn stream_ids() -> impl Strategy<Value = StreamId> {
    let kinds = prop::sample::select(vec![LoginKind::Username, LoginKind::Email, LoginKind::Phone]);
    prop_oneof![
        user_ids().prop_map(StreamId::User),
        (kinds, any::<[u8; 32]>()).prop_map(|(kind, hash)| StreamId::Login(kind, hash)),
        any::<u128>().prop_map(|n| StreamId::Session(SessionId::new(Uuid::from_u128(n)))),
        conversation_ids().prop_map(StreamId::Conversation),
        message_ids().prop_map(StreamId::Message),
        (conversation_ids(), user_ids()).prop_map(|(conversation, user)| StreamId::Reader(conversation, user)),
        any::<[u8; 16]>().prop_map(StreamId::Request),
        (user_ids(), user_ids())
            .prop_filter_map("two people", |(one, other)| Pair::of(one, other).map(StreamId::Contact)),
        user_ids().prop_map(StreamId::Factor),
        user_ids().prop_map(StreamId::Devices),
        any::<[u8; 32]>().prop_map(StreamId::Attempts),
        user_ids().prop_map(StreamId::Schedule),
        any::<i32>().prop_map(|at| StreamId::Access(Day::of(Timestamp::from_millis(i64::from(at) * 86_400)))),
    ]
}

/// A text that is nearly the given one: one character replaced, put in or taken out.
fn nearly(text: &str, at: usize, with: Option<char>, instead: bool) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let at = at % (characters.len() + 1);
    if instead && at < characters.len() {
        characters.remove(at);
    }
    if let Some(with) = with {
        characters.insert(at, with);
    }
    characters.into_iter().collect()
}

/// Whatever parses is spelled just so.
fn one_spelling(text: &str) -> Result<(), TestCaseError> {
    if let Ok(id) = text.parse::<MessageId>() {
        prop_assert_eq!(id.to_string(), text);
    }
    if let Ok(id) = text.parse::<StreamId>() {
        prop_assert_eq!(id.to_string(), text);
    }
    if let Ok(id) = text.parse::<UserId>() {
        prop_assert_eq!(id.to_string(), text);
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_message_id_reads_back(id in message_ids()) {
        prop_assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn every_stream_id_reads_back(id in stream_ids()) {
        let name = id.name();
        prop_assert_eq!(name.id(), Ok(id));
        prop_assert_eq!(name.category(), id.category());
    }

    #[test]
    fn every_id_reads_back(id in user_ids()) {
        prop_assert_eq!(id.to_string().parse(), Ok(id));
        prop_assert_eq!(UserId::from_slice(id.as_bytes()), Ok(id));
        prop_assert_eq!(serde_json::from_str::<UserId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
    }

    #[test]
    fn an_id_has_one_spelling_and_no_text_makes_it_panic(text in any::<String>()) {
        one_spelling(&text)?;
    }

    #[test]
    fn nor_does_what_is_nearly_one(
        id in stream_ids(), at in any::<usize>(), with in any::<Option<char>>(), digit in any::<bool>(), instead in any::<bool>()
    ) {
        let with = if digit { Some(char::from(b'0' + u8::try_from(at % 10).unwrap())) } else { with };
        let name = id.to_string();
        one_spelling(&nearly(&name, at, with, instead))?;
        if let StreamId::Message(id) = id {
            one_spelling(&nearly(&id.to_string(), at, with, instead))?;
        }
    }

    #[test]
    fn a_direct_conversation_is_the_set_of_its_people(
        (members, shuffled) in prop::collection::vec(user_ids(), 1..20)
            .prop_flat_map(|members| (Just(members.clone()), Just(members).prop_shuffle())),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        other in user_ids(),
    ) {
        let id = ConversationId::direct(&members);
        prop_assert_eq!(id, ConversationId::direct(&shuffled));
        let repeated = again.iter().map(|index| index.get(&members));
        prop_assert_eq!(id, ConversationId::direct(shuffled.iter().chain(repeated)));
        if !members.contains(&other) {
            prop_assert_ne!(id, ConversationId::direct(members.iter().chain([&other])));
        }
    }
}
