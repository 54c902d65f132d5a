//! Identities. Opaque strings to clients; UUIDs but for a message's, which also says where the message stands.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A string that cannot be an id of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not an id")]
pub struct IdError;

macro_rules! uuid_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes a UUID as this id.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// The 16 bytes, as the stores keep them.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// An id from its 16 stored bytes.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, IdError> {
                Uuid::from_slice(bytes).map(Self).map_err(|_| IdError)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Only the hyphenated form of 36 lower-case characters is an id: one id has one spelling.
            fn from_str(text: &str) -> Result<Self, IdError> {
                let uuid = Uuid::try_parse(text).map_err(|_| IdError)?;
                let mut buffer = Uuid::encode_buffer();
                if uuid.hyphenated().encode_lower(&mut buffer) == text { Ok(Self(uuid)) } else { Err(IdError) }
            }
        }
    };
}

uuid_id! {
    /// An account.
    UserId
}
uuid_id! {
    /// A conversation, direct or group.
    ConversationId
}
uuid_id! {
    /// A signed-in session.
    SessionId
}
uuid_id! {
    /// A message that is to be sent later.
    ScheduledId
}
uuid_id! {
    /// An uploaded file.
    AttachmentId
}
uuid_id! {
    /// A webhook.
    WebhookId
}

/// Names the set of people in a direct conversation (UUID version 5, RFC 9562).
const DIRECT_NAMESPACE: Uuid = Uuid::from_u128(0x7469_6469_6e67_7300_8d1a_3880_0000_0001);

impl ConversationId {
    /// The id of the direct conversation of exactly these people, whatever order they are named in.
    pub fn direct<'a>(members: impl IntoIterator<Item = &'a UserId>) -> Self {
        let mut members: Vec<&UserId> = members.into_iter().collect();
        members.sort_unstable();
        members.dedup();
        let bytes: Vec<u8> = members.iter().flat_map(|member| *member.as_bytes()).collect();
        Self(Uuid::new_v5(&DIRECT_NAMESPACE, &bytes))
    }
}

/// A message: its conversation, its ordinal in it, and the version its event has in the conversation's stream, so that
/// the event is one read away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MessageId {
    /// The conversation it was sent to.
    pub conversation: ConversationId,
    /// 1, 2, 3 … within the conversation, no gaps.
    pub seq: u64,
    /// The version of its `message_sent` event in the conversation's stream.
    pub version: u64,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.conversation.uuid().simple(), self.seq, self.version)
    }
}

impl From<MessageId> for String {
    fn from(id: MessageId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for MessageId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({self})")
    }
}

impl FromStr for MessageId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut parts = text.split('-');
        let (Some(conversation), Some(seq), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(IdError);
        };
        let id = Self {
            conversation: ConversationId(Uuid::try_parse(conversation).map_err(|_| IdError)?),
            seq: seq.parse().map_err(|_| IdError)?,
            version: version.parse().map_err(|_| IdError)?,
        };
        // One id has one spelling: no leading zeros, plus signs or capitals. Stored numbers are signed 64-bit.
        let possible = id.seq >= 1 && id.version > id.seq && i64::try_from(id.version).is_ok();
        if possible && id.to_string() == text { Ok(id) } else { Err(IdError) }
    }
}

/// A place in the key store: the key under which something personal is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    fn user(n: u128) -> UserId {
        UserId::new(Uuid::from_u128(n))
    }

    #[test]
    fn a_direct_conversation_has_the_same_id_whoever_names_its_people() {
        assert_eq!(ConversationId::direct(&[user(1), user(2)]), ConversationId::direct(&[user(2), user(1), user(2)]));
        assert_ne!(ConversationId::direct(&[user(1), user(2)]), ConversationId::direct(&[user(1), user(3)]));
    }

    #[test]
    fn a_message_id_reads_back_and_has_one_spelling() {
        let id = MessageId { conversation: ConversationId::direct(&[user(1), user(2)]), seq: 7, version: 19 };
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in [
            "",
            "-",
            "x-1-2",
            &id.to_string().to_uppercase().replace('-', "--"),
            &format!("{id}-"),
            &id.to_string().replace("-7-", "-07-"),
            &id.to_string().replace("-7-", "-+7-"),
            &id.to_string().replace("-7-", "-0-"),
            &id.to_string().replace("-19", "-99999999999999999999"),
            &id.to_string().replace("-19", "-9999999999999999999"),
            &id.to_string().replace("-19", "-7"),
        ] {
            assert_eq!(wrong.parse::<MessageId>(), Err(IdError), "{wrong}");
        }
    }

    #[test]
    fn a_uuid_has_one_spelling() {
        let id = user(0xabc);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().to_uppercase().parse::<UserId>(), Err(IdError));
        assert_eq!(id.uuid().simple().to_string().parse::<UserId>(), Err(IdError));
    }
}
