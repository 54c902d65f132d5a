//! Laws of the views over random histories: the unread algebra agrees with counting message by message, and a view is a
//! function of the log alone.
#![expect(clippy::unwrap_used, reason = "in a test an unwrap says enough")]

mod support;

use proptest::prelude::*;
use support::{Backing, World, model::Model, to_its_end};
use tidings_domain::{ConversationId, UserId, message::MessageAction, reader::ReaderAction, values::Retention};
use tidings_projections::{
    Projection, Queries,
    model::{SearchFilter, Wanted},
};

/// What people say, and what of it somebody may look for: scripts with spaces and without, diacritics, vowel points, emoji.
const SAID: [(&str, &[&str]); 7] = [
    ("Hello there", &["hel", "hello", "there", "the hello", "the"]),
    ("Oh, the engine is HOT 🔥", &["hot", "eng", "oh", "🔥", "the"]),
    ("東京都に行く", &["京", "東京", "京都 行"]),
    ("مُحَمَّد في المكتبة", &["محمد", "المك"]),
    ("Ёлка и ёжик", &["елка", "ежик ЕЛК", "и"]),
    ("Crème brûlée", &["creme", "BRU cre"]),
    ("…", &[]),
];

#[derive(Debug, Clone, Copy)]
enum Step {
    Send(usize, usize, usize),
    Add(usize, usize),
    Remove(usize, usize),
    Reader(usize, usize, Reading),
    Delete(usize),
    Edit(usize, usize, usize),
    React(usize, usize),
    Pin(usize, usize),
    Close(usize),
    /// Lets the views catch up here, so that batches fall differently.
    Settle,
}

#[derive(Debug, Clone, Copy)]
enum Reading {
    UpTo,
    Delivered,
    Read,
    Unread,
    Hide,
}

const PEOPLE: usize = 4;

fn reading() -> impl Strategy<Value = Reading> {
    prop_oneof![
        2 => Just(Reading::UpTo),
        1 => Just(Reading::Delivered),
        3 => Just(Reading::Read),
        3 => Just(Reading::Unread),
        2 => Just(Reading::Hide),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let (who, which) = (0..PEOPLE, 0..12_usize);
    let (text, mentioned) = (0..SAID.len(), 0..1_usize << PEOPLE);
    prop_oneof![
        6 => (who.clone(), text.clone(), mentioned.clone()).prop_map(|(by, text, whom)| Step::Send(by, text, whom)),
        1 => (who.clone(), who.clone()).prop_map(|(by, user)| Step::Add(by, user)),
        1 => (who.clone(), who.clone()).prop_map(|(by, user)| Step::Remove(by, user)),
        11 => (who.clone(), which.clone(), reading()).prop_map(|(user, seq, what)| Step::Reader(user, seq, what)),
        2 => which.clone().prop_map(Step::Delete),
        2 => (which.clone(), text, mentioned).prop_map(|(seq, text, whom)| Step::Edit(seq, text, whom)),
        1 => (who.clone(), which.clone()).prop_map(|(user, seq)| Step::React(user, seq)),
        1 => (who.clone(), which).prop_map(|(user, seq)| Step::Pin(user, seq)),
        1 => who.prop_map(Step::Close),
        2 => Just(Step::Settle),
    ]
}

struct History {
    world: World,
    people: Vec<UserId>,
    closed: Vec<UserId>,
    group: ConversationId,
    model: Model,
}

impl History {
    async fn begin(on: Backing) -> Self {
        let mut world = World::following(on).await;
        let mut people = Vec::new();
        for name in ["ada", "bob", "cleo", "dan"] {
            people.push(world.user(name).await);
        }
        let group = world.group(people[0], &people[1..3]).await;
        let mut model = Model::default();
        people[..3].iter().for_each(|user| model.joined(*user));
        Self { world, people, closed: vec![], group, model }
    }

    fn present(&self, user: UserId) -> bool {
        self.model.readers.get(&user).is_some_and(|reader| reader.present)
    }

    /// The so-manieth message from the newest, if there are as many.
    fn seq(&self, back: usize) -> Option<u64> {
        self.model.last().checked_sub(back as u64).filter(|seq| *seq > 0)
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Send(by, text, whom) => {
                let by = self.people[by];
                if self.present(by) && !self.closed.contains(&by) {
                    let whom = self.mentioned(whom);
                    self.world.send_with(self.group, by, SAID[text].0, None, whom.clone()).await;
                    self.model.sent(by, text, whom);
                }
            }
            Step::Add(by, user) => {
                let (by, user) = (self.people[by], self.people[user]);
                if self.world.add(self.group, by, user).await {
                    self.model.joined(user);
                }
            }
            Step::Remove(by, user) => {
                let (by, user) = (self.people[by], self.people[user]);
                let was = self.present(user);
                if self.world.remove(self.group, by, user).await && was {
                    self.model.left(user);
                }
            }
            Step::Close(user) => {
                let user = self.people[user];
                if !self.closed.contains(&user) {
                    self.closed.push(user);
                    self.world.close(user).await;
                    for seq in 1..=self.model.last() {
                        if self.model.senders[usize::try_from(seq).unwrap() - 1] == user {
                            self.model.delete(seq);
                        }
                    }
                }
            }
            Step::Settle => drop(self.world.settled().await),
            Step::Delete(back) => {
                if let Some(id) = self.message(back) {
                    let sender = self.world.sender(id);
                    // by its sender or by a rule: both come to the same
                    let by_rule = MessageAction::Expire(Retention::of_seconds(1).unwrap());
                    let action = if back % 2 == 0 { MessageAction::Delete } else { by_rule };
                    self.world.act(id, sender, action).await;
                    self.world.act(id, sender, MessageAction::NoteErased).await;
                    self.model.delete(id.seq);
                }
            }
            Step::Edit(back, text, whom) => {
                if let Some(id) = self.message(back) {
                    let (sender, whom) = (self.world.sender(id), self.mentioned(whom));
                    if !self.closed.contains(&sender)
                        && self.world.edit_with(id, sender, SAID[text].0, whom.clone()).await
                    {
                        self.model.edited(id.seq, text, whom);
                    }
                }
            }
            Step::React(user, back) => {
                if let Some(id) = self.message(back) {
                    self.world.react(id, self.people[user], "👍").await;
                }
            }
            Step::Pin(user, back) => {
                if let Some(id) = self.message(back) {
                    self.world.act(id, self.people[user], MessageAction::Pin).await;
                }
            }
            Step::Reader(user, back, what) => self.reader(user, back, what).await,
        }
    }

    /// Those of a set of people who are in the group.
    fn mentioned(&self, set: usize) -> Vec<UserId> {
        let all = self.people.iter().enumerate().filter(|(nth, _)| set >> nth & 1 == 1).map(|(_, user)| *user);
        all.filter(|user| self.present(*user)).collect()
    }

    fn message(&self, back: usize) -> Option<tidings_domain::MessageId> {
        let seq = self.seq(back)?;
        self.world.message_ids(self.group).into_iter().find(|id| id.seq == seq)
    }

    async fn reader(&mut self, user: usize, back: usize, what: Reading) {
        let (user, Some(seq)) = (self.people[user], self.seq(back)) else { return };
        if !self.present(user) {
            return;
        }
        let action = match what {
            Reading::UpTo => ReaderAction::ReadUpTo(seq),
            Reading::Delivered => ReaderAction::DeliveredUpTo(seq),
            Reading::Read => ReaderAction::MarkRead(seq),
            Reading::Unread => ReaderAction::MarkUnread { seq, countable: self.model.may_count(user, seq) },
            Reading::Hide => ReaderAction::Hide(seq),
        };
        self.world.read(self.group, user, action).await;
        match action {
            ReaderAction::ReadUpTo(seq) => self.model.read_up_to(user, seq),
            ReaderAction::MarkRead(seq) => self.model.mark(user, seq, false),
            ReaderAction::MarkUnread { seq, .. } => self.model.mark(user, seq, true),
            ReaderAction::Hide(seq) => self.model.hide(user, seq),
            ReaderAction::DeliveredUpTo(_) | ReaderAction::Settings { .. } => {}
        }
    }

    async fn check(&self) {
        let queries = self.world.settled().await;
        for user in &self.people {
            let expected = self.model.unread(*user);
            let unread = queries.unread(*user, self.group).await.unwrap();
            assert_eq!(unread, expected.len() as u64, "{user}: {expected:?}");
            let summary = queries.unread_summary(*user).await.unwrap();
            assert_eq!(summary.total, unread);
            let mentions: u64 = summary.conversations.iter().map(|conversation| conversation.mentions).sum();
            assert_eq!(mentions, self.model.mentions(*user), "{user}");
            self.check_search(queries.as_ref(), *user).await;
            if self.model.readers.contains_key(user) {
                let seqs = |messages: Vec<tidings_projections::model::Message>| -> Vec<u64> {
                    messages.iter().map(|message| message.id.seq).collect()
                };
                assert_eq!(seqs(self.world.all(*user, self.group, Some(true)).await), expected);
                let all = self.world.all(*user, self.group, None).await;
                let (read, unread): (Vec<_>, Vec<_>) = all.into_iter().partition(|message| message.read);
                assert_eq!(seqs(unread), expected);
                assert_eq!(seqs(read), seqs(self.world.all(*user, self.group, Some(false)).await));
            }
        }
    }
}

impl History {
    /// What is found is what reading everything that somebody sees would find.
    async fn check_search(&self, queries: &dyn Queries, user: UserId) {
        let was_there = self.model.readers.contains_key(&user);
        let seen = if was_there { self.world.all(user, self.group, None).await } else { vec![] };
        for query in SAID.iter().flat_map(|(_, queries)| *queries) {
            let says = |seq: u64| SAID[self.model.says[usize::try_from(seq).unwrap() - 1].0].1.contains(query);
            let there = seen.iter().filter(|message| message.deleted_at.is_none()).map(|message| message.id.seq);
            let expected: Vec<u64> = there.filter(|seq| says(*seq)).collect();
            let (wanted, mut cursor, mut found) = (Wanted::parse(query).unwrap(), None, vec![]);
            loop {
                let page = queries.search(user, &wanted, SearchFilter::default(), cursor, 2).await.unwrap();
                found.extend(page.items.iter().map(|hit| hit.message.id.seq));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected, "{user} looks for {query:?}");
        }
    }
}

fn holds(on: Backing, steps: Vec<Step>) {
    to_its_end(async {
        let mut history = History::begin(on).await;
        for step in steps {
            history.take(step).await;
            if matches!(step, Step::Settle) {
                history.check().await;
            }
        }
        history.check().await;
        // the same events in other batches, all at once, make the same rows
        history.world.assert_verified().await;
        for projection in Projection::ALL {
            history.world.views().rebuild(projection, history.world.options.pace).await.unwrap();
        }
        history.check().await;
        history.world.stop().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn unread_is_what_counting_message_by_message_gives(steps in prop::collection::vec(step(), 1..60)) {
        holds(Backing::Sqlite, steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn unread_is_what_counting_gives_in_postgresql_too(steps in prop::collection::vec(step(), 1..60)) {
        holds(Backing::Postgres, steps);
    }
}
