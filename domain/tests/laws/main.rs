//! Laws that hold for whatever is asked in whatever order.

mod conversations;
mod ids;
mod others;
mod reading;
mod unread;
mod values;

use std::{fmt::Debug, str::FromStr};

use proptest::{prelude::*, test_runner::TestCaseResult};
use tidings_domain::{ConversationId, Decider, StoredEvent, Timestamp, UserId, values::Invalid};
use uuid::Uuid;

const AT: Timestamp = Timestamp::from_millis(1_000);

fn user(n: u8) -> UserId {
    UserId::new(Uuid::from_u128(n.into()))
}

/// A value that is known to parse.
fn valid<T: FromStr<Err = Invalid>>(text: &str) -> T {
    text.parse().expect("a valid value")
}

fn user_ids() -> impl Strategy<Value = UserId> {
    any::<u128>().prop_map(|n| UserId::new(Uuid::from_u128(n)))
}

fn conversation_ids() -> impl Strategy<Value = ConversationId> {
    any::<u128>().prop_map(|n| ConversationId::new(Uuid::from_u128(n)))
}

/// Carries commands out one after the other and checks what holds for every decider; gives back what happened.
///
/// A command that was carried out is repeated at once, where `repeatable` says so, and must then change nothing.
fn carried_out<D>(commands: &[D::Command], repeatable: fn(&D::Command) -> bool) -> Result<Vec<D::Event>, TestCaseError>
where
    D: Decider<Event: StoredEvent + PartialEq + Debug, State: PartialEq + Debug, Command: Debug, Refusal: PartialEq>,
{
    let mut state = D::State::default();
    let mut history = Vec::new();
    for command in commands {
        let decided = D::decide(&state, command);
        prop_assert_eq!(&decided, &D::decide(&state, command), "deciding depends on more than state and command");
        let Ok(events) = decided else { continue };
        for event in &events {
            D::evolve(&mut state, event);
        }
        history.extend(events);
        if repeatable(command) {
            prop_assert_eq!(D::decide(&state, command), Ok(vec![]), "repeated: {:?}", command);
        }
    }
    prop_assert_eq!(&D::fold(&history), &state, "folding at once differs from folding one by one");
    reads_back::<D>(&state)?;
    Ok(history)
}

/// A state can be kept as a snapshot.
fn reads_back<D: Decider<State: PartialEq + Debug>>(state: &D::State) -> TestCaseResult {
    let kept = serde_json::to_vec(state).expect("a state is kept as JSON");
    let read: D::State = serde_json::from_slice(&kept).expect("a kept state is a state");
    prop_assert_eq!(&read, state);
    Ok(())
}
