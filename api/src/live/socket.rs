//! One WebSocket: events go out, acknowledgements and signs of typing come in.

use std::{
    collections::{HashMap, VecDeque},
    pin::pin,
    time::Duration,
};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures::StreamExt;
use serde::Deserialize;
use tidings_commands::Context;
use tidings_domain::{ConversationId, MessageId};
use tidings_event_store::Position;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{Connection, Ended, Next, Pushed};
use crate::{app::Acting, clock};

/// How often a client is asked whether it is there.
const PING: Duration = Duration::from_secs(15);
/// How long nothing may come from it.
const SILENCE: Duration = Duration::from_secs(45);
/// How long a goodbye may take, and its answer after it.
const GOODBYE: Duration = Duration::from_secs(5);
/// Messages that are remembered until they are acknowledged; of more, the oldest are forgotten, for what is acknowledged
/// later covers them.
const UNACKNOWLEDGED: usize = 1_024;
/// What a client may say at once, and how often in the long run.
const SAID_AT_ONCE: u32 = 100;
const SAID_EVERY: Duration = Duration::from_millis(50);

/// What a client may say: one of them at a time.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Said {
    Ack(u64),
    Typing(ConversationId),
}

/// Why the server hangs up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goodbye {
    Ended(Ended),
    NotUnderstood,
    TooMuch,
    Failed,
    /// The client has gone, or says goodbye itself.
    Gone,
}

/// Goes on until one of the two ends it.
pub async fn converse(mut socket: WebSocket, connection: Connection, acting: Acting) {
    let mut conversation = Conversation {
        at: connection.from(),
        arrived: VecDeque::new(),
        allowed: SAID_AT_ONCE,
        allowed_at: Instant::now(),
        acting,
    };
    let mut events = pin!(connection.events());
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    let goodbye = loop {
        let done = tokio::select! {
            next = events.next() => match next {
                Some(Next::Pushed(pushed)) => conversation.push(&mut socket, &pushed).await,
                Some(Next::End(ended)) => Err(Goodbye::Ended(ended)),
                None => Err(Goodbye::Ended(Ended::Over)),
            },
            said = socket.recv() => {
                heard = Instant::now();
                conversation.hear(said).await
            }
            _ = pings.tick() => if heard.elapsed() > SILENCE {
                Err(Goodbye::Gone)
            } else {
                socket.send(Message::Ping(bytes::Bytes::new())).await.map_err(|_| Goodbye::Gone)
            },
        };
        if let Err(goodbye) = done {
            break goodbye;
        }
    };
    if let Some(frame) = goodbye.frame(conversation.at) {
        // whoever does not take it in learns by the end of the connection
        if matches!(timeout(GOODBYE, socket.send(Message::Close(Some(frame)))).await, Ok(Ok(()))) {
            // a socket that is closed with something unread in it takes back what is still on its way to the client
            let answered = async { while matches!(socket.recv().await, Some(Ok(_))) {} };
            drop(timeout(GOODBYE, answered).await);
        }
    }
}

impl Goodbye {
    fn frame(self, at: Position) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Gone => return None,
            Self::Ended(Ended::Over) => (close_code::AWAY, Utf8Bytes::from_static("over")),
            Self::Ended(Ended::FellBehind) => (close_code::AGAIN, format!("resume after {at}").into()),
            Self::NotUnderstood => (close_code::POLICY, Utf8Bytes::from_static("not understood")),
            Self::TooMuch => (close_code::POLICY, Utf8Bytes::from_static("too much said")),
            Self::Failed => (close_code::ERROR, Utf8Bytes::from_static("something went wrong")),
        };
        Some(CloseFrame { code, reason })
    }
}

struct Conversation {
    acting: Acting,
    /// Where to go on from what was sent.
    at: Position,
    /// What has come to the client and is not acknowledged, in order.
    arrived: VecDeque<(Position, MessageId)>,
    allowed: u32,
    allowed_at: Instant,
}

impl Conversation {
    async fn push(&mut self, socket: &mut WebSocket, pushed: &Pushed) -> Result<(), Goodbye> {
        socket.send(Message::Text(frame(pushed).into())).await.map_err(|_| Goodbye::Gone)?;
        if let Some(position) = pushed.position {
            self.at = position;
            if let Some(message) = pushed.arrived {
                if self.arrived.len() == UNACKNOWLEDGED {
                    self.arrived.pop_front();
                }
                self.arrived.push_back((position, message));
            }
        }
        Ok(())
    }

    async fn hear(&mut self, said: Option<Result<Message, axum::Error>>) -> Result<(), Goodbye> {
        match said {
            None | Some(Err(_) | Ok(Message::Close(_))) => Err(Goodbye::Gone),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => self.allow(),
            Some(Ok(Message::Binary(_))) => Err(Goodbye::NotUnderstood),
            Some(Ok(Message::Text(text))) => {
                self.allow()?;
                match serde_json::from_str(&text) {
                    Ok(Said::Ack(position)) => self.acknowledge(Position::new(position)).await,
                    Ok(Said::Typing(conversation)) => self.type_in(conversation).await,
                    Err(_) => Err(Goodbye::NotUnderstood),
                }
            }
        }
    }

    /// Whether the client may say something more.
    fn allow(&mut self) -> Result<(), Goodbye> {
        let more = self.allowed_at.elapsed().as_millis() / SAID_EVERY.as_millis();
        let more = u32::try_from(more).unwrap_or(SAID_AT_ONCE);
        if more > 0 {
            // a fraction is the client's loss
            (self.allowed, self.allowed_at) = (self.allowed.saturating_add(more).min(SAID_AT_ONCE), Instant::now());
        }
        self.allowed = self.allowed.checked_sub(1).ok_or(Goodbye::TooMuch)?;
        Ok(())
    }

    /// Marks the last message of each conversation that came up to here delivered.
    async fn acknowledge(&mut self, up_to: Position) -> Result<(), Goodbye> {
        let mut last = HashMap::new();
        while let Some((_, message)) = self.arrived.pop_front_if(|(position, _)| *position <= up_to) {
            last.insert(message.conversation, message);
        }
        for message in last.into_values() {
            let context = Context { key: None, now: clock::now(), ..self.acting.context.clone() };
            let user = self.acting.user();
            match self.acting.app.commands.delivered_up_to(message, user, &context).await {
                Ok(outcome) => drop(self.acting.done(outcome)),
                // who has left since cannot be delivered to
                Err(tidings_commands::Error::Refused(_) | tidings_commands::Error::NoSuchMessage) => {}
                Err(error) => {
                    tracing::warn!(%error, "an acknowledgement cannot be noted");
                    return Err(Goodbye::Failed);
                }
            }
        }
        Ok(())
    }

    /// What a stranger to the conversation says is nobody's concern.
    async fn type_in(&self, conversation: ConversationId) -> Result<(), Goodbye> {
        let user = self.acting.user();
        match self.acting.app.commands.standing(conversation, user).await {
            Ok(standing) => {
                if standing.member().is_ok() {
                    self.acting.app.live.typing(conversation, user);
                }
                Ok(())
            }
            Err(tidings_commands::Error::Refused(_)) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, "a sign of typing cannot be judged");
                Err(Goodbye::Failed)
            }
        }
    }
}

fn frame(pushed: &Pushed) -> String {
    let Pushed { position, event, data, .. } = pushed;
    let position = position.map_or_else(|| "null".to_owned(), |position| position.to_string());
    format!(r#"{{"position":{position},"event":"{event}","data":{data}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_said_at_a_time() {
        let said = |text: &str| serde_json::from_str::<Said>(text).ok();
        assert_eq!(said(r#"{"ack": 7}"#), Some(Said::Ack(7)));
        for wrong in
            ["", "{}", "[]", r#"{"ack": -1}"#, r#"{"ack": "7"}"#, r#"{"ack": 1, "typing": "x"}"#, r#"{"x": 1}"#]
        {
            assert_eq!(said(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_frame_is_json_and_what_is_not_in_the_log_has_no_position() {
        let pushed = Pushed { position: None, event: "typing", data: r#"{"a":1}"#.into(), arrived: None };
        let shown: serde_json::Value = serde_json::from_str(&frame(&pushed)).unwrap();
        assert_eq!(shown, serde_json::json!({"position": null, "event": "typing", "data": {"a": 1}}));
    }
}
