//! What holds for every decider: deciding is a function, folding is one, and a repeated command changes nothing.

use proptest::prelude::*;
use tidings_domain::{
    Decider, KeyId, Personal, Timestamp, UserId,
    conversation::MessageContent,
    login::{CLAIM_LAPSES_AFTER, LoginCommand, LoginDecider},
    message::{Message, MessageAction, MessageCommand, MessageDecider, MessageEvent, Origin},
    session::{IDLE_LIFETIME, SessionCommand, SessionDecider, TokenHash},
    user::{Change, Identity, ProfileChange, UserCommand, UserDecider},
    values::{Retention, Role},
};

use crate::{AT, carried_out, user, valid};

fn people() -> impl Strategy<Value = UserId> {
    (1_u8..=3).prop_map(user)
}

fn times(step: i64) -> impl Strategy<Value = Timestamp> {
    (0_i64..4).prop_map(move |steps| AT.plus_millis(steps * step))
}

fn changes<T: Clone + std::fmt::Debug + 'static>(values: Vec<T>) -> impl Strategy<Value = Change<T>> {
    let set = prop::sample::select(values).prop_map(Change::Set);
    prop_oneof![Just(Change::Keep), Just(Change::Clear), set]
}

fn profile_changes() -> impl Strategy<Value = Box<ProfileChange>> {
    let emails = ["a@example.org", "b@example.org"].map(valid);
    let names = ["Ada", "Bea"].map(valid);
    let number = valid("+14155552671");
    (changes(emails.to_vec()), changes(vec![number]), changes(names.to_vec()), changes(names.to_vec())).prop_map(
        |(email, phone_number, first_name, last_name)| {
            Box::new(ProfileChange { email, phone_number, first_name, last_name })
        },
    )
}

fn identities() -> impl Strategy<Value = Box<Identity>> {
    prop::sample::select(vec!["ada", "bea"]).prop_map(|username| {
        Box::new(Identity {
            username: valid(username),
            email: None,
            phone_number: None,
            first_name: None,
            last_name: None,
            password_hash: None,
        })
    })
}

fn user_commands() -> impl Strategy<Value = UserCommand> {
    let roles = || prop::sample::select(vec![Role::Auditor, Role::Operator]);
    prop_oneof![
        4 => (identities(), any::<bool>())
            .prop_map(|(identity, imported)| UserCommand::Register { key: KeyId(1), identity, imported, at: AT }),
        4 => profile_changes().prop_map(|change| UserCommand::ChangeProfile { change, at: AT }),
        2 => any::<u8>().prop_map(|n| UserCommand::ChangePassword { password_hash: n.to_string(), keep: None, at: AT }),
        2 => roles().prop_map(|role| UserCommand::GrantRole { role, by: None, at: AT }),
        2 => roles().prop_map(|role| UserCommand::RevokeRole { role, by: None, at: AT }),
        1 => Just(UserCommand::Suspend { by: None, at: AT }),
        1 => Just(UserCommand::Reinstate { by: None, at: AT }),
        1 => Just(UserCommand::Close { at: AT }),
        1 => Just(UserCommand::NoteErased { at: AT }),
    ]
}

fn tokens() -> impl Strategy<Value = TokenHash> {
    (0_u8..5).prop_map(|n| TokenHash([n; 32]))
}

fn session_commands() -> impl Strategy<Value = SessionCommand> {
    prop_oneof![
        2 => tokens().prop_map(|token| {
            SessionCommand::Open { user: user(1), key: KeyId(1), credential: 1, token, device: None, at: AT }
        }),
        6 => (tokens(), tokens(), times(IDLE_LIFETIME / 2))
            .prop_map(|(shown, next, at)| SessionCommand::Refresh { shown, next, at }),
        1 => Just(SessionCommand::Close { at: AT }),
    ]
}

fn login_commands() -> impl Strategy<Value = LoginCommand> {
    prop_oneof![
        (people(), any::<bool>(), times(CLAIM_LAPSES_AFTER))
            .prop_map(|(user, holder_missing, at)| LoginCommand::Claim { user, holder_missing, at }),
        people().prop_map(|user| LoginCommand::Release { user, at: AT }),
    ]
}

fn message_commands() -> impl Strategy<Value = MessageCommand> {
    let says = |text: &str| MessageContent { subject: None, body: Some(valid(text)) };
    let emoji = || prop::sample::select(vec!["👍", "🎉"]).prop_map(valid);
    let actions = prop_oneof![
        4 => "[ab]".prop_map(move |text| MessageAction::Edit { content: says(&text), mentions: vec![] }),
        1 => Just(MessageAction::Delete),
        1 => (1_u64..4).prop_map(|kept| MessageAction::Expire(Retention::of_seconds(kept).expect("so long is possible"))),
        1 => Just(MessageAction::NoteErased),
        4 => emoji().prop_map(MessageAction::React),
        4 => emoji().prop_map(MessageAction::Unreact),
        2 => Just(MessageAction::Pin),
        2 => Just(MessageAction::Unpin),
    ];
    (people(), actions).prop_map(move |(by, action)| {
        let content = Personal::Clear(says("a"));
        let (key, author_key) = (KeyId(1), KeyId(2));
        let origin =
            Origin { sender: user(1), sent_at: AT.plus_millis(-2_000), key, author_key, attachments: vec![], content };
        MessageCommand { by, origin, at: AT, action }
    })
}

proptest! {
    #[test]
    fn accounts_obey(commands in prop::collection::vec(user_commands(), 0..40)) {
        carried_out::<UserDecider>(&commands, |command| !matches!(command, UserCommand::ChangePassword { .. }))?;
    }

    #[test]
    fn a_password_number_is_never_given_twice(commands in prop::collection::vec(user_commands(), 0..40)) {
        let mut state = None;
        let mut credential = 0;
        for event in carried_out::<UserDecider>(&commands, |_| false)? {
            UserDecider::evolve(&mut state, &event);
            let present = state.as_ref().map_or(0, |user| user.credential);
            prop_assert!(present == credential || present == credential + 1);
            credential = present;
        }
    }

    #[test]
    fn sessions_obey(commands in prop::collection::vec(session_commands(), 0..40)) {
        carried_out::<SessionDecider>(&commands, |command| !matches!(command, SessionCommand::Refresh { .. }))?;
    }

    #[test]
    fn a_session_honours_one_token_at_a_time(commands in prop::collection::vec(session_commands(), 0..40)) {
        let history = carried_out::<SessionDecider>(&commands, |_| false)?;
        let state = SessionDecider::fold(&history);
        let next = TokenHash([99; 32]);
        let honoured = (0..5).filter(|n| {
            let command = SessionCommand::Refresh { shown: TokenHash([*n; 32]), next, at: AT };
            let mut after = state.clone();
            for event in SessionDecider::decide(&state, &command).unwrap_or_default() {
                SessionDecider::evolve(&mut after, &event);
            }
            after != state && after.is_some_and(|session| !session.closed)
        });
        prop_assert!(honoured.count() <= 1);
    }

    #[test]
    fn logins_obey(commands in prop::collection::vec(login_commands(), 0..40)) {
        carried_out::<LoginDecider>(&commands, |_| true)?;
    }

    #[test]
    fn messages_obey(commands in prop::collection::vec(message_commands(), 0..40)) {
        let history = carried_out::<MessageDecider>(&commands, |_| true)?;
        let deleted = history.iter().position(|event| matches!(event, MessageEvent::Deleted(_)));
        let after = deleted.map_or(&[][..], |at| &history[at + 1..]);
        prop_assert!(matches!(after, [] | [MessageEvent::Erased(_)]), "something happened to a deleted message");
        let Message { deleted, pinned, edited, .. } = MessageDecider::fold(&history);
        prop_assert!(deleted.is_none() || (!pinned && edited.is_none()));
    }
}
