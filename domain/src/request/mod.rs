//! What was answered under an idempotency key, where the answer cannot be made again from the command's own events.

use serde::{Deserialize, Serialize};

use crate::{Decider, KeyId, MessageId, Personal, SealKeys, Timestamp, event::events};

events! {
    /// Of the stream `request-{command id}`.
    pub enum RequestEvent {
        /// The request was carried out and answered.
        Answered(RequestAnswered) = "request_answered" seals answer,
    }
}

/// The answer, to be given again word for word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers that belong to the answer, such as `Location`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body, as text; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
}

/// See [`RequestEvent::Answered`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestAnswered {
    /// A key of the answer's own; that of the message whose text it shows.
    pub key: KeyId,
    /// The key of the person who asked, if anybody in particular did; that of who wrote the message it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_key: Option<KeyId>,
    /// What was asked, hashed under the installation's secret (hex).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The message whose text it shows: the answer is not given again once that is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shows: Option<MessageId>,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(skip)]
    pub answer: Personal<Answer>,
}

impl RequestAnswered {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        SealKeys { own: self.key, author: self.caller_key }
    }
}

/// The answer that was given, once there is one.
pub type RequestState = Option<RequestAnsweredState>;

/// What is known of an answered request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestAnsweredState {
    /// The answer; none when its key is gone with the account that asked.
    pub answer: Option<Answer>,
    /// What was asked.
    pub fingerprint: Option<String>,
    /// The message whose text it shows.
    pub shows: Option<MessageId>,
}

/// Remembers the first answer.
#[derive(Debug, Clone)]
pub struct RememberAnswer(pub RequestAnswered);

/// A request is never refused here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestRefusal {}

/// Decides about answers: the first stands.
#[derive(Debug)]
pub struct RequestDecider;

impl Decider for RequestDecider {
    type Command = RememberAnswer;
    type Event = RequestEvent;
    type State = RequestState;
    type Refusal = RequestRefusal;

    fn name(_command: &RememberAnswer) -> &'static str {
        "remember_answer"
    }

    fn decide(state: &RequestState, command: &RememberAnswer) -> Result<Vec<RequestEvent>, RequestRefusal> {
        Ok(if state.is_none() { vec![command.0.clone().into()] } else { vec![] })
    }

    fn evolve(state: &mut RequestState, event: &RequestEvent) {
        let RequestEvent::Answered(event) = event;
        state.get_or_insert_with(|| RequestAnsweredState {
            answer: event.answer.clear().cloned(),
            fingerprint: event.fingerprint.clone(),
            shows: event.shows,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_stands() {
        let answered = |status| RequestAnswered {
            key: KeyId(1),
            caller_key: None,
            fingerprint: None,
            shows: None,
            at: Timestamp::from_millis(1),
            answer: Personal::Clear(Answer { status, headers: vec![], body: String::new() }),
        };
        let first = RequestDecider::decide(&None, &RememberAnswer(answered(200))).unwrap();
        assert_eq!(first, [answered(200).into()]);
        let state = RequestDecider::fold(&first);
        assert_eq!(RequestDecider::decide(&state, &RememberAnswer(answered(204))), Ok(vec![]));
    }
}
