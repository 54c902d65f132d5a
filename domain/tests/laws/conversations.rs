//! Conversations under any sequence of commands.

use std::collections::BTreeSet;

use proptest::{prelude::*, test_runner::TestCaseResult};
use tidings_domain::{
    ConversationId, Decider, KeyId, MessageId, Personal, UserId,
    conversation::{
        Conversation, ConversationCommand, ConversationDecider, ConversationEvent, ConversationKind, MemberRole,
        MessageContent, SendMessage,
    },
    values::{ContentType, ConversationName, Retention},
};

use crate::{AT, carried_out, user, valid};

fn people() -> impl Strategy<Value = UserId> {
    (1_u8..=6).prop_map(user)
}

fn roles() -> impl Strategy<Value = MemberRole> {
    prop::sample::select(vec![MemberRole::Member, MemberRole::Admin, MemberRole::Owner])
}

fn names() -> impl Strategy<Value = ConversationName> {
    "[ab]".prop_map(|name| valid(&name))
}

fn starts() -> impl Strategy<Value = ConversationCommand> {
    (people(), prop::collection::vec(people(), 0..6), prop::option::weighted(0.8, names())).prop_map(
        |(by, members, name)| match name {
            Some(name) => ConversationCommand::StartGroup { by, members, name, key: KeyId(1), at: AT },
            None => ConversationCommand::StartDirect { by, members, key: KeyId(1), at: AT },
        },
    )
}

fn sends() -> impl Strategy<Value = ConversationCommand> {
    let mentions = prop::collection::vec(people(), 0..4);
    (people(), prop::option::weighted(0.3, 0_u64..6), mentions).prop_map(|(by, reply_to, mentions)| {
        let content = MessageContent { subject: None, body: Some(valid("hello")) };
        let (key, author_key, content_type) = (KeyId(2), KeyId(3), ContentType::plain_text());
        ConversationCommand::Send(SendMessage {
            by,
            key,
            author_key,
            content_type,
            reply_to,
            mentions,
            attachments: vec![],
            content,
            at: AT,
        })
    })
}

fn later() -> impl Strategy<Value = ConversationCommand> {
    prop_oneof![
        1 => starts(),
        1 => (people(), names()).prop_map(|(by, name)| ConversationCommand::Rename { by, name, at: AT }),
        4 => (people(), people(), prop::option::of(roles()))
            .prop_map(|(by, user, role)| ConversationCommand::AddMember { by, user, role, at: AT }),
        1 => (people(), any::<bool>(), prop::option::of(1_u64..3)).prop_map(|(by, operates, seconds)| {
            let retention = seconds.and_then(|seconds| Retention::of_seconds(seconds).ok());
            ConversationCommand::KeepFor { by, operates, retention, at: AT }
        }),
        1 => people().prop_map(|by| ConversationCommand::Join { by, at: AT }),
        2 => (people(), people()).prop_map(|(by, user)| ConversationCommand::RemoveMember { by, user, at: AT }),
        2 => people().prop_map(|by| ConversationCommand::RemoveMember { by, user: by, at: AT }),
        4 => sends(),
    ]
}

fn stories() -> impl Strategy<Value = Vec<ConversationCommand>> {
    (starts(), prop::collection::vec(later(), 0..60))
        .prop_map(|(start, later)| [start].into_iter().chain(later).collect())
}

const fn repeatable(command: &ConversationCommand) -> bool {
    !matches!(command, ConversationCommand::Send(_))
}

fn holds_together(conversation: &Conversation) -> TestCaseResult {
    let present: Vec<_> = conversation.people.values().filter(|person| person.present).collect();
    prop_assert_eq!(conversation.member_count, present.len() as u64);
    let owners = present.iter().filter(|person| person.role == MemberRole::Owner).count();
    let expected = usize::from(conversation.kind == ConversationKind::Group && !present.is_empty());
    prop_assert_eq!(owners, expected, "{:?}", conversation.people);
    for person in present {
        prop_assert!(person.floor() <= conversation.last_seq);
    }
    Ok(())
}

fn members(conversation: &Conversation) -> BTreeSet<UserId> {
    conversation.people.iter().filter(|(_, person)| person.present).map(|(user, _)| *user).collect()
}

proptest! {
    #[test]
    fn a_conversation_keeps_its_order_and_its_one_owner(commands in stories()) {
        let history = carried_out::<ConversationDecider>(&commands, repeatable)?;
        let mut state = None;
        let (mut seq, mut fixed) = (0, None);
        for (version, event) in (1..).zip(&history) {
            let before: Option<BTreeSet<UserId>> = state.as_ref().map(members);
            ConversationDecider::evolve(&mut state, event);
            let Some(conversation) = &state else { panic!("{event:?} came before the start") };
            if let ConversationEvent::MessageSent(sent) = event {
                seq += 1;
                prop_assert_eq!(sent.seq, seq);
                prop_assert!(sent.reply_to.is_none_or(|answered| (1..seq).contains(&answered)));
                let id = MessageId { conversation: ConversationId::direct([]), seq, version };
                prop_assert_eq!(id.to_string().parse(), Ok(id), "a message's version is greater than its seq");
                let there = before.unwrap_or_default();
                prop_assert!(there.contains(&sent.sender) && sent.mentions.iter().all(|user| there.contains(user)));
                prop_assert_eq!(sent.mentions.iter().collect::<BTreeSet<_>>().len(), sent.mentions.len());
            }
            prop_assert_eq!(conversation.last_seq, seq);
            if conversation.kind == ConversationKind::Direct {
                let people = members(conversation);
                prop_assert!((2..=20).contains(&people.len()));
                prop_assert_eq!(fixed.get_or_insert_with(|| people.clone()), &people);
            }
        }
    }

    #[test]
    fn after_every_command_a_group_with_members_has_one_owner(commands in stories()) {
        let mut state = None;
        for command in &commands {
            for event in ConversationDecider::decide(&state, command).unwrap_or_default() {
                ConversationDecider::evolve(&mut state, &event);
            }
            if let Some(conversation) = &state {
                holds_together(conversation)?;
            }
        }
    }

    #[test]
    fn messages_need_not_be_opened_to_decide(commands in stories()) {
        let history = carried_out::<ConversationDecider>(&commands, repeatable)?;
        let closed: Vec<_> = history
            .iter()
            .cloned()
            .map(|mut event| {
                if let ConversationEvent::MessageSent(sent) = &mut event {
                    sent.content = Personal::Withheld;
                }
                event
            })
            .collect();
        prop_assert_eq!(ConversationDecider::fold(&closed), ConversationDecider::fold(&history));
    }
}
