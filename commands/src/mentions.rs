//! Who a message is addressed to in passing.

use tidings_domain::{
    UserId,
    conversation::MessageContent,
    values::{ContentType, Username},
};

use crate::{Commands, Error};

/// The most members that one message mentions; further names in it are text.
const MOST_MENTIONS: usize = 50;

impl Commands {
    /// The accounts that a text names as `@username`. Who of them is in the conversation, its decider knows.
    pub(crate) async fn mentions(
        &self,
        content: &MessageContent,
        content_type: &ContentType,
    ) -> Result<Vec<UserId>, Error> {
        let Some(body) = content.body.as_ref().filter(|_| content_type.is_text()) else { return Ok(vec![]) };
        let mut mentions = vec![];
        for username in mentioned(body.as_str()).take(MOST_MENTIONS) {
            if let Some(user) = self.user_named(&username).await?
                && !mentions.contains(&user)
            {
                mentions.push(user);
            }
        }
        Ok(mentions)
    }
}

/// The usernames that a text names: `@` at its start or after something that cannot be part of an address, then the
/// longest run of username characters, without the punctuation that ends a sentence.
fn mentioned(text: &str) -> impl Iterator<Item = Username> + '_ {
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    text.match_indices('@').filter_map(move |(at, _)| {
        if text[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric() || in_name(before)) {
            return None;
        }
        let rest = &text[at + 1..];
        let end = rest.find(|c| !in_name(c)).unwrap_or(rest.len());
        Username::parse(rest[..end].trim_end_matches(['.', '-'])).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mention_is_an_at_sign_and_a_username_but_not_an_address() {
        let names = |text: &str| mentioned(text).map(Username::into_string).collect::<Vec<_>>();
        assert_eq!(names("@ada, (@Grace_H) and @linus."), ["ada", "grace_h", "linus"]);
        assert_eq!(names("mail ada@example.org or @ or @x"), Vec::<String>::new());
    }
}
