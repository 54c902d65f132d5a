//! A line of a chat log.

use serde::Deserialize;
use tidings_commands::history::key_of;
use tidings_domain::{
    Timestamp,
    values::{Body, ConversationName},
};
use tidings_event_store::CommandKey;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Message,
    Action,
    Join,
    Leave,
    Rename,
}

#[derive(Deserialize)]
struct Raw {
    at: String,
    channel: String,
    kind: Kind,
    nick: String,
    text: Option<String>,
    new_nick: Option<String>,
}

/// What somebody did in a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) at: Timestamp,
    pub(super) channel: ConversationName,
    pub(super) nick: String,
    pub(super) deed: Deed,
}

/// See [`Line`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    Say(Body),
    Join,
    Leave,
    /// Left under one name and came in under another.
    Rename(String),
}

impl Line {
    /// Reads `{"at", "channel", "kind", "nick", "text" or "new_nick"}`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let raw: Raw = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let at = raw.at.parse().map_err(|error| format!("at: {error}"))?;
        let channel = ConversationName::parse(&raw.channel).map_err(|error| format!("channel: {error}"))?;
        let said = |text: Option<String>| {
            let text = text.ok_or("text is missing")?;
            Body::parse(&text).map_err(|error| format!("text: {error}"))
        };
        let deed = match raw.kind {
            Kind::Message => Deed::Say(said(raw.text)?),
            Kind::Action => Deed::Say(said(raw.text.map(|text| format!("* {} {text}", raw.nick)))?),
            Kind::Join => Deed::Join,
            Kind::Leave => Deed::Leave,
            Kind::Rename => Deed::Rename(raw.new_nick.ok_or("new_nick is missing")?),
        };
        Ok(Self { at, channel, nick: raw.nick, deed })
    }

    /// What tells this line from every other but one that says the same; `occurrence` counts those within the same moment.
    pub(super) fn key(&self, part: &str, occurrence: u32) -> CommandKey {
        let (kind, more) = match &self.deed {
            Deed::Say(body) => ("say", body.as_str()),
            Deed::Join => ("join", ""),
            Deed::Leave => ("leave", ""),
            Deed::Rename(name) => ("rename", name.as_str()),
        };
        let at = self.at.millis().to_string();
        key_of("line", &[self.channel.as_str(), &at, kind, &self.nick, more, part, &occurrence.to_string()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_did_what_where_and_when() {
        let line = Line::parse(
            r#"{"at":"2004-11-15T12:18:00Z","channel":"ubuntu","kind":"message","nick":"|trey|","text":"hi"}"#,
        );
        let line = line.unwrap();
        assert_eq!((line.nick.as_str(), line.at.to_string().as_str()), ("|trey|", "2004-11-15T12:18:00.000Z"));
        assert_eq!(line.deed, Deed::Say(Body::parse("hi").unwrap()));
        assert_ne!(line.key("a", 0), line.key("a", 1));
        assert_ne!(line.key("a", 0), line.key("b", 0));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        for (text, why) in [
            ("", "EOF"),
            (r#"{"at":"x","channel":"c","kind":"join","nick":"n"}"#, "at:"),
            (r#"{"at":"2004-11-15T12:18:00Z","channel":"","kind":"join","nick":"n"}"#, "channel:"),
            (r#"{"at":"2004-11-15T12:18:00Z","channel":"c","kind":"message","nick":"n"}"#, "text is missing"),
            (r#"{"at":"2004-11-15T12:18:00Z","channel":"c","kind":"rename","nick":"n"}"#, "new_nick is missing"),
            (r#"{"at":"2004-11-15T12:18:00Z","channel":"c","kind":"dance","nick":"n"}"#, "dance"),
        ] {
            let error = Line::parse(text).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
