//! The shape that every decider has.

use crate::event::StoredEvent;

/// Decides commands against a state folded from one stream's events
/// (Jérémie Chassaing, "Functional Event Sourcing Decider", 2021).
pub trait Decider: Send + Sync + 'static {
    /// What may be asked. Carries every id and time that the events will need.
    type Command: Send;
    /// What can have happened.
    type Event: StoredEvent + Clone;
    /// What deciding needs to know, and no more. `Default` is the state of a stream without events.
    type State: Default + Clone + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static;
    /// The reasons why not.
    type Refusal: std::error::Error + Send + Sync + 'static;

    /// What a command is called, in snake case: what is measured is known by it.
    fn name(command: &Self::Command) -> &'static str;

    /// The events that follow from `command`, none if it has been carried out already, or why it cannot be.
    fn decide(state: &Self::State, command: &Self::Command) -> Result<Vec<Self::Event>, Self::Refusal>;

    /// Folds one event that has happened into the state.
    fn evolve(state: &mut Self::State, event: &Self::Event);

    /// Whether folding an event of this name needs its personal part opened. Opening costs a key and a decryption, so
    /// the long streams answer `false` for their bulk.
    fn opens(_event_name: &str) -> bool {
        true
    }

    /// Names the form in which a long stream's state may be kept as a snapshot; another name after every change of
    /// `State`. `None`: such streams stay short, or their state holds what must be forgotten.
    fn snapshot_format() -> Option<&'static str> {
        None
    }

    /// How many parts a state has that grow with what it is about, such as the people of a conversation: one of many takes long to keep,
    /// and is kept more rarely.
    fn parts(_state: &Self::State) -> usize {
        0
    }

    /// Folds a whole history from the start. For tests and short streams.
    fn fold<'a>(events: impl IntoIterator<Item = &'a Self::Event>) -> Self::State {
        let mut state = Self::State::default();
        for event in events {
            Self::evolve(&mut state, event);
        }
        state
    }
}
