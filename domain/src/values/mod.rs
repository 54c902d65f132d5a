//! Values that parse: whoever holds one holds a valid one.
//!
//! Parsing happens at the edge. Reading back from the log does not check again, because rules may tighten later and what
//! has happened stays readable.

mod account;
mod erasure;
mod files;
mod keys;
mod message;
mod names;
mod totp;
mod webhook;

pub use account::{Email, Password, PhoneNumber, Role, Username};
pub use erasure::{HoldReason, Retention};
pub use files::FileName;
pub use keys::{DeviceId, MAX_PUBLIC_KEY_BYTES, PublicKey};
pub use message::{Body, ContentType, Emoji, MAX_BODY_BYTES, Subject};
pub use names::{ConversationName, DeviceName, PersonName};
pub use totp::{Otp, TOTP_SECRET_BYTES, TotpSecret};
pub use webhook::{WebhookSecret, WebhookTopic, WebhookUrl};

/// Why a text is not the value asked for: a sentence for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub &'static str);

/// A newtype over a string with a `parse` of its own.
macro_rules! text_value {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text by value.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::values::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
    };
}
use text_value;

/// Text of one line: trimmed, not empty, no control characters or line separators, at most `most` characters.
fn one_line(text: &str, most: usize, why: &'static str) -> Result<String, Invalid> {
    let text = text.trim();
    let length = text.chars().take(most + 1).count();
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if length == 0 || length > most || text.chars().any(breaks) {
        return Err(Invalid(why));
    }
    Ok(text.to_owned())
}
