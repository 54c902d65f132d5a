//! History from elsewhere, brought in through the same deciders: accounts for names, groups for channels, and what
//! happened in them at its original time.
//!
//! Every step has a key made from what it says, so the same history again adds nothing.

use tidings_domain::{
    ConversationId, KeyId, StreamId, Timestamp, UserId,
    conversation::{ConversationCommand, ConversationRefusal, MessageContent, SendMessage},
    user::UserRefusal,
    values::{Body, ContentType, ConversationName, PersonName, Username},
};
use tidings_event_store::{CommandId, CommandKey, Fingerprint, Position};

use crate::{Commands, Context, Error, Refusal, executor::Request, users::Registration};

/// Somebody in a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// Their account.
    pub user: UserId,
    /// The key of their data.
    pub key: KeyId,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Step {
    /// Who.
    pub person: Person,
    /// When, originally.
    pub at: Timestamp,
    /// Made from everything that tells this step from others.
    pub key: CommandKey,
    /// What.
    pub action: Action,
}

/// See [`Step`].
#[derive(Debug, Clone)]
pub enum Action {
    /// They came in.
    Join,
    /// They left.
    Leave,
    /// They wrote something.
    Say(Body),
}

/// What came of a batch of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Appended {
    /// Events appended.
    pub events: u64,
    /// Steps that changed nothing, for they were there already, told nothing new, or concerned somebody not present.
    pub without_effect: u64,
    /// Of the last event.
    pub position: Option<Position>,
}

/// The key of something in a history: its kind and everything that tells it from others.
pub fn key_of(kind: &str, parts: &[&str]) -> CommandKey {
    let mut hasher = blake3::Hasher::new_derive_key("tidings 2026 keys of imported history");
    for part in [kind].iter().chain(parts) {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    let mut bytes = [0; 32];
    hasher.finalize_xof().fill(&mut bytes);
    let (id, fingerprint) = bytes.split_at(16);
    let half = |bytes: &[u8]| <[u8; 16]>::try_from(bytes).unwrap_or_default();
    CommandKey { id: CommandId(half(id)), fingerprint: Fingerprint(half(fingerprint)) }
}

impl Commands {
    /// The account of a name in a history, made unless it is there. It has no password until one is set. The name is kept
    /// as first name; the username is the name where it is one that nobody has, else one made from it.
    pub async fn history_person(&self, name: &str, now: Timestamp) -> Result<(Person, bool), Error> {
        let context = Context { key: Some(key_of("person", &[name])), now, ..Context::default() };
        let user = UserId::new(context.new_id("user"));
        if let Some(account) = self.account(user).await? {
            return Ok((Person { user, key: account.key }, false));
        }
        for username in usernames(name) {
            let registration = Registration {
                username,
                password: None,
                email: None,
                phone_number: None,
                first_name: PersonName::as_written(&name.chars().take(100).collect::<String>()).ok(),
                last_name: None,
                imported: true,
            };
            match self.register(registration, &context).await {
                Ok(outcome) => return Ok((Person { user, key: outcome.value.event.key }, true)),
                Err(Error::Refused(Refusal::LoginTaken(_))) => {}
                Err(error) => return Err(error),
            }
        }
        Err(UserRefusal::AlreadyRegistered.into())
    }

    /// The group of a channel in a history, started by whoever appears first in it unless it is there.
    pub async fn history_group(
        &self,
        name: ConversationName,
        founder: Person,
        at: Timestamp,
    ) -> Result<ConversationId, Error> {
        let key = Some(key_of("group", &[name.as_str()]));
        let context = Context { key, now: at, actor: Some(founder.user), ..Context::default() };
        Ok(self.start_group(founder.user, name, vec![], &context).await?.value.conversation)
    }

    /// Which of these steps are in the log. A step without effect leaves nothing there: who comes in twice came in once. So
    /// when a history is brought in again, all steps before the last known one are done, known or not.
    pub async fn history_known(&self, keys: &[CommandKey]) -> Result<Vec<bool>, Error> {
        let ids: Vec<CommandId> = keys.iter().map(|key| key.id).collect();
        Ok(self.0.shared.store().find_commands(&ids).await?.iter().map(Option::is_some).collect())
    }

    /// Appends steps to a group in their order, as one append. Whoever writes without having come in is a member from then
    /// on. Steps that are in the log are left out, and so is all coming and going before the last of them.
    pub async fn append_history(&self, group: ConversationId, steps: &[Step]) -> Result<Appended, Error> {
        let keys: Vec<CommandKey> = steps.iter().map(|step| step.key).collect();
        let known = self.history_known(&keys).await?;
        let done = known.iter().rposition(|known| *known).map_or(0, |last| last + 1);
        // all at once, or each would cost the whole batch another try
        self.0.shared.codec().keyring().load(steps.iter().map(|step| step.person.key)).await?;
        let mut commands = Vec::with_capacity(steps.len() * 2);
        for (nth, (step, known)) in steps.iter().zip(known).enumerate() {
            let says = matches!(step.action, Action::Say(_));
            if !known && (says || nth >= done) {
                self.history_commands(step, &mut commands).await?;
            }
        }
        let requests: Vec<_> = commands.iter().map(|(command, context)| Request { command, context }).collect();
        let mut appended = Appended::default();
        let mut effective = 0;
        let outcomes = self.0.conversations.execute_all(StreamId::Conversation(group), &requests).await?;
        for (outcome, (_, context)) in outcomes.into_iter().zip(&commands) {
            match outcome {
                Ok(outcome) if !outcome.replayed && !outcome.value.is_empty() => {
                    appended.events += outcome.value.len() as u64;
                    appended.position = outcome.position;
                    effective += u64::from(context.key.is_some());
                }
                // somebody who was not there left, or wrote under an account that is closed by now
                Ok(_)
                | Err(Error::Refused(Refusal::Conversation(ConversationRefusal::NotAMember)) | Error::Forgotten) => {}
                Err(error) => return Err(error),
            }
        }
        appended.without_effect = steps.len() as u64 - effective;
        Ok(appended)
    }

    /// What a step asks of the group.
    async fn history_commands(
        &self,
        step: &Step,
        commands: &mut Vec<(ConversationCommand, Context)>,
    ) -> Result<(), Error> {
        let (by, at) = (step.person.user, step.at);
        let context = Context { key: Some(step.key), actor: Some(by), now: at, ..Context::default() };
        match &step.action {
            Action::Join => commands.push((ConversationCommand::Join { by, at }, context)),
            Action::Leave => commands.push((ConversationCommand::RemoveMember { by, user: by, at }, context)),
            Action::Say(body) => {
                commands.push((ConversationCommand::Join { by, at }, context.without_key()));
                let message = self.history_message(step.person, body, at).await?;
                commands.push((ConversationCommand::Send(message), context));
            }
        }
        Ok(())
    }

    async fn history_message(&self, person: Person, body: &Body, at: Timestamp) -> Result<SendMessage, Error> {
        Ok(SendMessage {
            by: person.user,
            key: self.fresh_key().await?,
            author_key: person.key,
            content_type: ContentType::plain_text(),
            reply_to: None,
            mentions: vec![],
            attachments: vec![],
            content: MessageContent { subject: None, body: Some(body.clone()) },
            at,
        })
    }
}

/// Usernames for a name, the best first: the name itself where it is one already, then what of it a username can have
/// with enough of the name's hash to tell it from others.
fn usernames(name: &str) -> impl Iterator<Item = Username> {
    let itself = Username::parse(name).ok().filter(|username| username.as_str() == name);
    let allowed = |c: char| if matches!(c, 'a'..='z' | '0'..='9' | '_' | '.' | '-') { c } else { '_' };
    let folded: String = name.to_lowercase().chars().map(allowed).collect();
    let hash = blake3::hash(name.as_bytes()).to_hex();
    let hashed = [6, 12, 24].into_iter().filter_map(move |digits| {
        let stem: String = folded.chars().take(31 - digits).collect();
        Username::parse(&format!("{stem}-{}", hash.get(..digits)?)).ok()
    });
    itself.into_iter().chain(hashed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_a_username_keeps_it_and_another_gets_one_of_its_own() {
        let first = |name: &str| usernames(name).next().map(Username::into_string).unwrap();
        assert_eq!(first("madpilot"), "madpilot");
        assert!(first("Madpilot").starts_with("madpilot-"));
        assert_ne!(first("|trey|"), first("[trey]"));
        assert_ne!(first("Bob"), first("BOB"));
        for name in ["x", "", "ä", &"n".repeat(80), "a b"] {
            assert_eq!(usernames(name).filter(|username| username.as_str().len() <= 32).count(), 3);
        }
    }

    #[test]
    fn parts_of_a_key_do_not_run_into_each_other() {
        assert_ne!(key_of("line", &["ab", "c"]), key_of("line", &["a", "bc"]));
        assert_eq!(key_of("line", &["ab", "c"]), key_of("line", &["ab", "c"]));
    }
}
