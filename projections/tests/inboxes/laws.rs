//! What is shown from memory is what the views say, after every step of random histories.

use std::sync::Arc;

use proptest::prelude::*;
use tidings_domain::{
    ConversationId, MessageId, UserId, conversation::ConversationCommand, message::MessageAction, reader::ReaderAction,
    values::ConversationName,
};
use tidings_projections::{
    Projection,
    model::{Conversation, InboxFilter, Page},
    runner::Pace,
};

use crate::support::{Backing, World, to_its_end};

const PEOPLE: usize = 4;
const CONVERSATIONS: usize = 4;
/// Less than there are conversations, so that pages go on.
const LIMIT: usize = 2;

#[derive(Debug, Clone, Copy)]
enum Step {
    Send(usize, usize, usize),
    Act(usize, usize, Act),
    Read(usize, usize, usize, Reading),
    Add(usize, usize, usize),
    Remove(usize, usize, usize),
    Rename(usize, usize),
    Start(usize),
    Close(usize),
    Rebuild(Projection),
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Delete,
    Edit,
    React(usize),
    Unreact(usize),
    Pin(usize),
}

#[derive(Debug, Clone, Copy)]
enum Reading {
    UpTo,
    Read,
    Unread,
    Hide,
    Archive(bool),
    Mute(bool),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => Just(Act::Delete),
        2 => Just(Act::Edit),
        1 => (0..PEOPLE).prop_map(Act::React),
        1 => (0..PEOPLE).prop_map(Act::Unreact),
        1 => (0..PEOPLE).prop_map(Act::Pin),
    ]
}

fn reading() -> impl Strategy<Value = Reading> {
    prop_oneof![
        2 => Just(Reading::UpTo),
        1 => Just(Reading::Read),
        1 => Just(Reading::Unread),
        1 => Just(Reading::Hide),
        1 => any::<bool>().prop_map(Reading::Archive),
        1 => any::<bool>().prop_map(Reading::Mute),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let (who, place, back) = (0..PEOPLE, 0..CONVERSATIONS, 0..3_usize);
    prop_oneof![
        8 => (who.clone(), place.clone(), 0..1_usize << PEOPLE).prop_map(|(by, to, whom)| Step::Send(by, to, whom)),
        4 => (place.clone(), back.clone(), act()).prop_map(|(of, back, act)| Step::Act(of, back, act)),
        6 => (who.clone(), place.clone(), back, reading()).prop_map(|(by, of, back, how)| Step::Read(by, of, back, how)),
        1 => (who.clone(), place.clone(), who.clone()).prop_map(|(by, to, whom)| Step::Add(by, to, whom)),
        1 => (who.clone(), place.clone(), who.clone()).prop_map(|(by, to, whom)| Step::Remove(by, to, whom)),
        1 => (who.clone(), place).prop_map(|(by, of)| Step::Rename(by, of)),
        1 => who.clone().prop_map(Step::Start),
        1 => who.prop_map(Step::Close),
        1 => prop_oneof![Just(Projection::Conversations), Just(Projection::Directory)].prop_map(Step::Rebuild),
    ]
}

struct History {
    world: World,
    people: Vec<UserId>,
    closed: Vec<UserId>,
    places: Vec<ConversationId>,
}

impl History {
    async fn begin(on: Backing) -> Self {
        let mut world = World::following(on).await;
        let mut people = Vec::new();
        for name in ["ada", "bob", "cleo", "dan"] {
            people.push(world.user(name).await);
        }
        let places = vec![
            world.group(people[0], &people[1..]).await,
            world.group(people[1], &people[2..]).await,
            world.direct(people[0], people[1]).await,
            world.direct(people[2], people[3]).await,
        ];
        Self { world, people, closed: vec![], places }
    }

    /// The so-manieth message from the newest.
    fn message(&self, place: usize, back: usize) -> Option<MessageId> {
        self.world.message_ids(self.places[place]).into_iter().rev().nth(back)
    }

    fn is_in(&self, user: UserId, place: usize) -> bool {
        let conversation = self.world.conversation(self.places[place]).as_ref();
        let person = conversation.and_then(|conversation| conversation.people.get(&user));
        person.is_some_and(|person| person.present)
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Send(by, to, whom) => {
                let (by, id) = (self.people[by], self.places[to]);
                if self.is_in(by, to) && !self.closed.contains(&by) {
                    let all = self.people.iter().enumerate().filter(|(nth, _)| whom >> nth & 1 == 1);
                    let whom = all.map(|(_, user)| *user).filter(|user| self.is_in(*user, to)).collect();
                    self.world.send_with(id, by, "as they said", None, whom).await;
                }
            }
            Step::Act(of, back, act) => {
                if let Some(id) = self.message(of, back) {
                    self.act(id, act).await;
                }
            }
            Step::Read(by, of, back, how) => self.read(by, of, back, how).await,
            Step::Add(by, to, whom) => drop(self.world.add(self.places[to], self.people[by], self.people[whom]).await),
            Step::Remove(by, of, whom) => {
                self.world.remove(self.places[of], self.people[by], self.people[whom]).await;
            }
            Step::Rename(by, of) => {
                let (by, at, name) = (self.people[by], self.world.now(), ConversationName::parse("renamed").unwrap());
                self.world.command(self.places[of], ConversationCommand::Rename { by, name, at }).await;
            }
            Step::Start(by) if !self.closed.contains(&self.people[by]) => {
                let others: Vec<_> = self.people.iter().copied().filter(|user| *user != self.people[by]).collect();
                let id = self.world.group(self.people[by], &others[..2]).await;
                self.places[3] = id;
            }
            Step::Close(user) => {
                let user = self.people[user];
                if !self.closed.contains(&user) {
                    self.closed.push(user);
                    self.world.close(user).await;
                }
            }
            Step::Start(_) => {}
            Step::Rebuild(projection) => {
                self.world.settled().await;
                self.world.views().rebuild(projection, Pace { page: 50, share: None }).await.unwrap();
            }
        }
    }

    async fn act(&mut self, id: MessageId, act: Act) {
        let sender = self.world.sender(id);
        match act {
            Act::Delete => drop(self.world.act(id, sender, MessageAction::Delete).await),
            Act::Edit if self.closed.contains(&sender) => {}
            Act::Edit => drop(self.world.edit(id, sender, "as they meant to say").await),
            Act::React(by) => drop(self.world.react(id, self.people[by], "👍").await),
            Act::Unreact(by) => {
                let emoji = tidings_domain::values::Emoji::parse("👍").unwrap();
                self.world.act(id, self.people[by], MessageAction::Unreact(emoji)).await;
            }
            Act::Pin(by) => drop(self.world.act(id, self.people[by], MessageAction::Pin).await),
        }
    }

    async fn read(&mut self, by: usize, of: usize, back: usize, how: Reading) {
        let (user, id) = (self.people[by], self.places[of]);
        let Some(message) = self.message(of, back) else { return };
        if !self.is_in(user, of) {
            return;
        }
        let seq = message.seq;
        let countable = self.world.sender(message) != user && !self.world.deleted(message);
        let action = match how {
            Reading::UpTo => ReaderAction::ReadUpTo(seq),
            Reading::Read => ReaderAction::MarkRead(seq),
            Reading::Unread => ReaderAction::MarkUnread { seq, countable },
            Reading::Hide => ReaderAction::Hide(seq),
            Reading::Archive(archived) => ReaderAction::Settings { muted: None, archived: Some(archived) },
            Reading::Mute(muted) => ReaderAction::Settings { muted: Some(muted), archived: None },
        };
        self.world.read(id, user, action).await;
    }

    /// What is shown from memory, and where it goes on, is what the views say.
    async fn check(&self) {
        let queries = self.world.settled().await;
        for user in &self.people {
            for filter in filters() {
                let shown = queries.inbox_page(*user, filter, LIMIT).await.unwrap();
                let read = queries.inbox(*user, filter, None, LIMIT).await.unwrap();
                assert_eq!(items(&shown.what), read.items, "{user} {filter:?}");
                assert_eq!(shown.what.next.is_some(), read.next.is_some(), "{user} {filter:?}");
                if let (Some(shown), Some(read)) = (shown.what.next, read.next) {
                    let shown = queries.inbox(*user, filter, Some(shown), LIMIT).await.unwrap();
                    let read = queries.inbox(*user, filter, Some(read), LIMIT).await.unwrap();
                    assert_eq!(shown.items, read.items, "{user} {filter:?}");
                }
            }
            let counts = queries.unread_counts(*user).await.unwrap();
            assert_eq!(counts.what, queries.unread_summary(*user).await.unwrap(), "{user}");
        }
    }
}

fn filters() -> [InboxFilter; 3] {
    let all = InboxFilter::default();
    [all, InboxFilter { archived: Some(false), ..all }, InboxFilter { unread: Some(true), ..all }]
}

fn items<C>(page: &Page<Arc<tidings_projections::model::Shown<Conversation>>, C>) -> Vec<Conversation> {
    page.items.iter().map(|item| item.what.clone()).collect()
}

fn holds(on: Backing, steps: Vec<Step>) {
    to_its_end(async {
        let mut history = History::begin(on).await;
        history.check().await;
        for step in steps {
            history.take(step).await;
            history.check().await;
        }
        history.world.stop().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_shown_from_memory_is_what_the_views_say(steps in prop::collection::vec(step(), 1..60)) {
        holds(Backing::Sqlite, steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn what_is_shown_is_what_the_views_say_in_postgresql_too(steps in prop::collection::vec(step(), 1..20)) {
        holds(Backing::Postgres, steps);
    }
}
