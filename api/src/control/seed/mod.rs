//! Demonstration data: people who talk, through the same commands as everybody.
//!
//! What they say and do is drawn from a seed and falls the same way every time; only the times end today. Every step has
//! a key made from the seed, so what was cut off is gone on with, and nothing happens twice.

mod dice;
mod words;

use serde::{Deserialize, Serialize};
use tidings_commands::{
    Commands, Context, Error, Refusal,
    messages::{Draft, Edit, Sent},
    users::Registration,
};
use tidings_domain::{
    ConversationId, MessageId, Timestamp, UserId,
    conversation::MessageContent,
    values::{Body, ContentType, ConversationName, Emoji, Password, PersonName, Subject, Username},
};

use super::{Ended, OperationError, Operator, Report, Reports, report};
use crate::clock;
use dice::Dice;
use words::{GROUPS, PEOPLE, REACTIONS, SENTENCES, SUBJECTS};

/// What all of it lasts, in milliseconds: it fits into the window that lists go back by themselves.
const LASTS: i64 = 14 * 24 * 3600 * 1000;

/// What is to be made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// What chance is drawn from.
    pub seed: u64,
    /// How many people, at most as many as there are names.
    pub people: usize,
    /// How many messages.
    pub messages: usize,
    /// Everybody's password.
    pub password: String,
    /// Also where there are people already.
    pub force: bool,
}

impl Plan {
    /// How many people there may be.
    pub const MOST_PEOPLE: usize = PEOPLE.len();
}

/// Somebody made for the demonstration.
#[derive(Debug, Clone)]
struct Somebody {
    id: UserId,
    username: String,
}

/// A conversation, who is in it, and what was said.
struct Talk {
    id: ConversationId,
    group: bool,
    /// By their place among all; the first started it.
    members: Vec<usize>,
    sent: Vec<MessageId>,
}

struct Demonstration<'a> {
    commands: &'a Commands,
    dice: Dice,
    people: Vec<Somebody>,
    talks: Vec<Talk>,
    ends: Timestamp,
    reactions: u64,
}

impl Operator {
    /// Makes what the plan says.
    pub(super) async fn seed(&self, plan: &Plan, reports: &Reports) -> Ended {
        self.caught_up(reports).await?;
        let failed = |error: &dyn std::fmt::Display| OperationError::Failed(error.to_string());
        let known = self.views.queries().search_users("", None, 1).await.map_err(|error| failed(&error))?;
        if !known.items.is_empty() && !plan.force {
            return Err(failed(&"there are people already: --force adds those of the demonstration to them"));
        }
        let password =
            Password::parse(plan.password.clone()).map_err(|error| failed(&format!("the password {error}")))?;
        let mut made = Demonstration {
            commands: &self.commands,
            dice: Dice::new(plan.seed),
            people: vec![],
            talks: vec![],
            ends: clock::now(),
            reactions: 0,
        };
        for nth in 0..plan.people {
            made.register(nth, plan.seed, &password).await?;
            progress(reports, "people", nth + 1, plan.people).await?;
        }
        made.start_talks().await?;
        for nth in 0..plan.messages {
            made.speak(made.at(nth, plan.messages)).await?;
            progress(reports, "messages", nth + 1, plan.messages).await?;
        }
        made.read().await?;
        self.caught_up(reports).await?;
        let names: Vec<_> = made.people.iter().map(|somebody| somebody.username.as_str()).collect();
        let summary = format!(
            "{} people, {} conversations, {} messages, {} reactions; sign in as {}",
            names.len(),
            made.talks.len(),
            plan.messages,
            made.reactions,
            names.join(", "),
        );
        Ok((0, summary))
    }
}

async fn progress(reports: &Reports, what: &str, done: usize, total: usize) -> Result<(), OperationError> {
    let (done, total) = (done as u64, Some(total as u64));
    report(reports, Report::Progress { what: what.to_owned(), done, total }).await
}

/// These words are within every limit.
fn valid<T, E: std::fmt::Display>(parsed: Result<T, E>) -> Result<T, OperationError> {
    parsed.map_err(|error| OperationError::Failed(error.to_string()))
}

impl Demonstration<'_> {
    /// When the message of this number is sent.
    fn at(&self, nth: usize, of: usize) -> Timestamp {
        let part = i64::try_from(of - nth).unwrap_or_default();
        self.ends.plus_millis(-LASTS / i64::try_from(of).unwrap_or(1).max(1) * part)
    }

    fn context(&mut self, by: Option<usize>, now: Timestamp) -> Context {
        let actor = by.and_then(|by| self.people.get(by)).map(|somebody| somebody.id);
        Context { key: Some(self.dice.key()), actor, now, ..Context::default() }
    }

    async fn register(&mut self, nth: usize, seed: u64, password: &Password) -> Result<(), OperationError> {
        let (first, last) = PEOPLE[nth];
        let context = self.context(None, self.ends.plus_millis(-LASTS));
        let plain = first.to_lowercase();
        for username in [plain.clone(), format!("{plain}-{seed}")] {
            let registration = Registration {
                username: valid(Username::parse(&username))?,
                password: Some(password.clone()),
                email: None,
                phone_number: None,
                first_name: Some(valid(PersonName::parse(first))?),
                last_name: Some(valid(PersonName::parse(last))?),
                imported: false,
            };
            match self.commands.register(registration, &context).await {
                Ok(outcome) => {
                    self.people.push(Somebody { id: outcome.value.user, username });
                    return Ok(());
                }
                // somebody who was there before has this name
                Err(Error::Refused(Refusal::LoginTaken(_))) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(OperationError::Failed(format!("the names {plain} and {plain}-{seed} are taken")))
    }

    /// A group for every three people, a direct conversation for each with the next, and one of three.
    async fn start_talks(&mut self) -> Result<(), OperationError> {
        let (all, at): (Vec<usize>, _) = ((0..self.people.len()).collect(), self.ends.plus_millis(-LASTS));
        for name in GROUPS.iter().take(all.len().div_ceil(3)) {
            let members = self.dice.some(&all, 3);
            let context = self.context(members.first().copied(), at);
            let (by, others) = self.ids(&members)?;
            let name = valid(ConversationName::parse(name))?;
            let started = self.commands.start_group(by, name, others, &context).await?.value;
            self.talks.push(Talk { id: started.conversation, group: true, members, sent: vec![] });
        }
        let pairs = all.windows(2).map(<[usize]>::to_vec);
        for members in pairs.chain(all.get(..3).map(<[usize]>::to_vec)) {
            let context = self.context(members.first().copied(), at);
            let (by, others) = self.ids(&members)?;
            let started = self.commands.start_direct(by, others, &context).await?.value;
            self.talks.push(Talk { id: started.conversation, group: false, members, sent: vec![] });
        }
        Ok(())
    }

    fn ids(&self, members: &[usize]) -> Result<(UserId, Vec<UserId>), OperationError> {
        let mut ids = members.iter().filter_map(|nth| self.people.get(*nth)).map(|somebody| somebody.id);
        let first = ids.next().ok_or_else(|| OperationError::Failed("nobody is there".to_owned()))?;
        Ok((first, ids.collect()))
    }

    /// Somebody says something somewhere, and others react.
    async fn speak(&mut self, at: Timestamp) -> Result<(), OperationError> {
        let nth = self.dice.roll(self.talks.len());
        let Some(Talk { id, group, members, sent }) = self.talks.get(nth) else { return Ok(()) };
        let (id, group, members, before) = (*id, *group, members.clone(), sent.clone());
        let by = self.dice.pick(&members);
        let mut text = self.dice.pick(&SENTENCES).to_owned();
        if group && self.dice.once_in(8) {
            let whom = self.dice.pick(&members);
            text = format!("@{} {text}", self.people[whom].username);
        }
        let subject = !group && self.dice.once_in(3);
        let subject = if subject { Some(valid(Subject::parse(self.dice.pick(&SUBJECTS)))?) } else { None };
        let replies = !before.is_empty() && self.dice.once_in(6);
        let draft = Draft {
            content: MessageContent { subject, body: Some(valid(Body::parse(&text))?) },
            content_type: ContentType::plain_text(),
            reply_to: if replies { Some(self.dice.pick(&before)) } else { None },
            attachments: vec![],
        };
        let context = self.context(Some(by), at);
        let Sent { id: message, .. } = self.commands.send(id, self.people[by].id, draft, &context).await?.value;
        self.talks[nth].sent.push(message);
        self.respond(message, by, &members, at, &text).await?;
        let starter = members[0];
        if group && self.dice.once_in(25) {
            let context = self.context(Some(starter), at.plus_millis(90_000));
            self.commands.pin(message, self.people[starter].id, true, &context).await?;
        }
        Ok(())
    }

    /// Reactions of others; now and then the sender thinks better of it.
    async fn respond(
        &mut self,
        message: MessageId,
        by: usize,
        members: &[usize],
        at: Timestamp,
        text: &str,
    ) -> Result<(), OperationError> {
        for member in members.iter().filter(|member| **member != by) {
            if self.dice.once_in(6) {
                let emoji = valid(Emoji::parse(self.dice.pick(&REACTIONS)))?;
                let context = self.context(Some(*member), at.plus_millis(30_000));
                self.commands.react(message, self.people[*member].id, emoji, true, &context).await?;
                self.reactions += 1;
            }
        }
        let (edits, deletes) = (self.dice.once_in(20), self.dice.once_in(40));
        if edits {
            let body = valid(Body::parse(&format!("{text} (I mean it.)")))?;
            let context = self.context(Some(by), at.plus_millis(60_000));
            let edit = Edit { body, subject: None };
            self.commands.edit(message, self.people[by].id, edit, &context).await?;
        } else if deletes {
            let context = self.context(Some(by), at.plus_millis(60_000));
            self.commands.delete_for_everyone(message, self.people[by].id, &context).await?;
        }
        Ok(())
    }

    /// Some have read all, some a part, some nothing but what they wrote after.
    async fn read(&mut self) -> Result<(), OperationError> {
        for nth in 0..self.talks.len() {
            let (members, sent) = (self.talks[nth].members.clone(), self.talks[nth].sent.clone());
            let Some(last) = sent.last() else { continue };
            for member in members {
                let upto = match self.dice.roll(4) {
                    0 => continue,
                    1 => self.dice.pick(&sent),
                    _ => *last,
                };
                let context = self.context(Some(member), self.ends);
                self.commands.read_up_to(upto, self.people[member].id, &context).await?;
            }
        }
        Ok(())
    }
}
