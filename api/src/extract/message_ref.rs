//! A message named in a body or a query.

use std::str::FromStr;

use tidings_domain::{ConversationId, MessageId, values::Invalid};

use crate::problem::{Kind, Problem};

/// Something of a message id's form. Whether there can be such a message shows in [`MessageRef::id`]: an id that cannot
/// exist is not there, which is another answer than one that is no id at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageRef(Option<MessageId>);

impl MessageRef {
    /// The id; 404 where there can be no such message.
    pub fn id(self) -> Result<MessageId, Problem> {
        self.0.ok_or_else(|| Kind::NoSuchMessage.into())
    }

    /// The id, of a message of this conversation; 404 otherwise.
    pub fn id_in(self, conversation: ConversationId) -> Result<MessageId, Problem> {
        let id = self.id()?;
        if id.conversation == conversation {
            Ok(id)
        } else {
            Err(Problem::new(Kind::NoSuchMessage, "this conversation has no such message"))
        }
    }
}

impl FromStr for MessageRef {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.parse() {
            Ok(id) => Ok(Self(Some(id))),
            Err(_) if has_the_form(text) => Ok(Self(None)),
            Err(_) => Err(Invalid("must be the id of a message")),
        }
    }
}

fn has_the_form(text: &str) -> bool {
    let hex = |part: &str| part.len() == 32 && part.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let number = |part: &str| !part.is_empty() && !part.starts_with('0') && part.bytes().all(|d| d.is_ascii_digit());
    let mut parts = text.split('-');
    let form = [parts.next().is_some_and(hex), parts.next().is_some_and(number), parts.next().is_some_and(number)];
    form == [true; 3] && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_id_and_what_cannot_be_there_are_told_apart() {
        let hex = "0".repeat(32);
        assert!(format!("{hex}-1-2").parse::<MessageRef>().unwrap().id().is_ok());
        for impossible in ["1-1", "7-3", "99999999999999999999-99999999999999999999"] {
            let problem = format!("{hex}-{impossible}").parse::<MessageRef>().unwrap().id().unwrap_err();
            assert_eq!(problem.kind(), Kind::NoSuchMessage, "{impossible}");
        }
        for wrong in ["", "x", "1-2", &format!("{hex}-01-2"), &format!("{hex}-1"), &format!("{hex}-1-2-3")] {
            assert!(wrong.parse::<MessageRef>().is_err(), "{wrong}");
        }
    }
}
