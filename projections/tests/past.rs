//! The past: what is answered as of a position is what was answered when the log ended there, but for what was erased since.
#![expect(clippy::unwrap_used, reason = "in a test an unwrap says enough")]

mod support;

use std::collections::HashSet;

use support::{Backing, World};
use tidings_domain::{
    ConversationId, MessageId, UserId,
    conversation::{ConversationCommand, MemberRole},
    message::MessageAction,
    reader::ReaderAction,
    values::ConversationName,
};
use tidings_event_store::Position;
use tidings_projections::{
    PastError, PastLimits, PastViews, Queries,
    model::{
        Conversation, ConversationAccess, InboxFilter, MemberRow, Message, MessageAnchor, Page, UnreadSummary, User,
        UserRef,
    },
};

const COMMANDS: usize = 10_000;
/// Answers are recorded after every so many commands.
const EVERY: usize = 400;
/// When who closes their account.
const CLOSED: [(usize, usize); 2] = [(4_300, 3), (7_100, 6)];

/// What somebody was answered about a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    conversation: ConversationAccess,
    newest: Option<Page<Message, MessageAnchor>>,
    earlier: Option<Page<Message, MessageAnchor>>,
    unread: Option<Page<Message, MessageAnchor>>,
    count: u64,
}

/// What somebody was answered at all.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answers {
    inbox: Vec<Conversation>,
    summary: UnreadSummary,
    of: Vec<Seen>,
}

/// All answers at one moment.
struct Moment {
    position: Position,
    people: Vec<Answers>,
    members: Vec<Vec<MemberRow>>,
    accounts: Vec<User>,
}

struct History {
    world: World,
    dice: fastrand::Rng,
    people: Vec<UserId>,
    closed: HashSet<UserId>,
    conversations: Vec<ConversationId>,
    messages: Vec<MessageId>,
}

impl History {
    async fn begin() -> Self {
        let mut world = World::following(Backing::Sqlite).await;
        let mut people = Vec::new();
        for name in ["ada", "bob", "cleo", "dan", "eve", "fay", "gus", "hal"] {
            people.push(world.user(name).await);
        }
        let mut conversations = Vec::new();
        for first in 0..3 {
            conversations.push(world.group(people[first], &people[first + 1..first + 4]).await);
        }
        for (one, other) in [(0, 1), (2, 5), (6, 7)] {
            conversations.push(world.direct(people[one], people[other]).await);
        }
        Self {
            world,
            dice: fastrand::Rng::with_seed(0x7d),
            people,
            closed: HashSet::new(),
            conversations,
            messages: vec![],
        }
    }

    fn present(&self, id: ConversationId, user: UserId) -> bool {
        let conversation = self.world.conversation(id).as_ref().unwrap();
        !self.closed.contains(&user) && conversation.people.get(&user).is_some_and(|person| person.present)
    }

    async fn step(&mut self) {
        let (user, id) =
            (self.dice.choice(&self.people).copied().unwrap(), self.dice.choice(&self.conversations).copied().unwrap());
        match self.dice.usize(..100) {
            0..40 => self.send(id, user).await,
            40..60 => self.read(id, user).await,
            60..90 if !self.messages.is_empty() => self.change(user).await,
            90..94 => drop(self.world.add(id, self.dice.choice(&self.people).copied().unwrap(), user).await),
            94..96 => drop(self.world.remove(id, self.dice.choice(&self.people).copied().unwrap(), user).await),
            96..98 => self.manage(id, user).await,
            _ => {}
        }
    }

    async fn send(&mut self, id: ConversationId, user: UserId) {
        if !self.present(id, user) {
            return;
        }
        let mentioned = self.dice.choice(&self.people).copied().unwrap();
        let mentions = if self.present(id, mentioned) { vec![mentioned] } else { vec![] };
        let last = self.world.conversation(id).as_ref().unwrap().last_seq;
        let reply_to = (last > 0 && self.dice.usize(..4) == 0).then(|| 1 + self.dice.usize(..1000) as u64 % last);
        let text = format!("text {}", self.messages.len());
        let sent = self.world.send_with(id, user, &text, reply_to, mentions).await;
        self.messages.push(sent);
    }

    async fn read(&mut self, id: ConversationId, user: UserId) {
        let last = self.world.conversation(id).as_ref().unwrap().last_seq;
        if last == 0 || self.closed.contains(&user) {
            return;
        }
        // most people look at what is new
        let back = self.dice.usize(..12) as u64;
        let seq = last.saturating_sub(back).max(1);
        let of = self.messages.iter().find(|message| message.conversation == id && message.seq == seq).copied();
        let countable = of.is_some_and(|of| self.world.sender(of) != user && !self.world.deleted(of));
        let action = match self.dice.usize(..8) {
            0..3 => ReaderAction::ReadUpTo(seq),
            3 => ReaderAction::DeliveredUpTo(seq),
            4 => ReaderAction::MarkRead(seq),
            5 => ReaderAction::MarkUnread { seq, countable },
            6 => ReaderAction::Hide(seq),
            _ => ReaderAction::Settings { muted: Some(back < 6), archived: Some(back < 3) },
        };
        self.world.read(id, user, action).await;
    }

    async fn change(&mut self, user: UserId) {
        let back = self.dice.usize(..self.messages.len().min(60));
        let id = self.messages[self.messages.len() - 1 - back];
        let sender = self.world.sender(id);
        match self.dice.usize(..10) {
            0..3 if !self.closed.contains(&sender) => drop(self.world.edit(id, sender, &format!("anew {back}")).await),
            3 => drop(self.world.act(id, sender, MessageAction::Delete).await),
            4..8 if self.present(id.conversation, user) => {
                let emoji = self.dice.choice(["👍", "🎉", "😀"]).unwrap();
                self.world.react(id, user, emoji).await;
            }
            8 if self.present(id.conversation, user) => drop(self.world.act(id, user, MessageAction::Pin).await),
            _ => {}
        }
    }

    async fn manage(&mut self, id: ConversationId, user: UserId) {
        let (at, by) = (self.world.now(), self.dice.choice(&self.people).copied().unwrap());
        let command = if self.dice.usize(..2) == 0 {
            let name = ConversationName::parse(&format!("name {}", self.messages.len())).unwrap();
            ConversationCommand::Rename { by, name, at }
        } else {
            ConversationCommand::AddMember { by, user, role: Some(MemberRole::Admin), at }
        };
        self.world.command(id, command).await;
    }

    async fn answers(&self, queries: &dyn Queries, user: UserId) -> Answers {
        let inbox = queries.inbox(user, InboxFilter::default(), None, 100).await.unwrap().items;
        let mut of = Vec::new();
        for id in &self.conversations {
            let page = async |anchor, unread| queries.messages(user, *id, anchor, unread, 20).await.unwrap();
            of.push(Seen {
                conversation: queries.conversation(user, *id).await.unwrap(),
                newest: page(MessageAnchor::Newest, None).await,
                earlier: page(MessageAnchor::Around(30), None).await,
                unread: page(MessageAnchor::Newest, Some(true)).await,
                count: queries.unread(user, *id).await.unwrap(),
            });
        }
        Answers { inbox, summary: queries.unread_summary(user).await.unwrap(), of }
    }

    async fn moment(&self, queries: &dyn Queries, position: Position) -> Moment {
        let (mut people, mut members) = (Vec::new(), Vec::new());
        for user in &self.people {
            people.push(self.answers(queries, *user).await);
        }
        for id in &self.conversations {
            members.push(queries.members(*id, None, 100).await.unwrap().items);
        }
        let accounts = queries.users(&self.people).await.unwrap();
        Moment { position, people, members, accounts }
    }
}

/// What is erased by now, taken out of answers of before.
struct Erased<'a>(&'a History);

impl Erased<'_> {
    fn name(&self, user: &mut UserRef) {
        if self.0.closed.contains(&user.id) {
            user.username = None;
        }
    }

    fn message(&self, message: &mut Message) {
        if self.0.world.deleted(message.id) || self.0.closed.contains(&message.sender.id) {
            (message.subject, message.body) = (None, None);
        }
        self.name(&mut message.sender);
        message.mentions.iter_mut().for_each(|user| self.name(user));
    }

    fn conversation(&self, conversation: &mut Conversation) {
        conversation.members.iter_mut().for_each(|user| self.name(user));
        conversation.last_message.iter_mut().for_each(|message| self.message(message));
    }

    fn out_of(&self, mut moment: Moment) -> Moment {
        for answers in &mut moment.people {
            answers.inbox.iter_mut().for_each(|conversation| self.conversation(conversation));
            for seen in &mut answers.of {
                match &mut seen.conversation {
                    ConversationAccess::Member(one) | ConversationAccess::Former(one) => self.conversation(one),
                    ConversationAccess::NeverMember | ConversationAccess::Missing => {}
                }
                let pages = [&mut seen.newest, &mut seen.earlier, &mut seen.unread];
                let messages = pages.into_iter().flatten().flat_map(|page| &mut page.items);
                messages.for_each(|message| self.message(message));
            }
        }
        moment.members.iter_mut().flatten().for_each(|member| self.name(&mut member.user));
        for account in moment.accounts.iter_mut().filter(|account| self.0.closed.contains(&account.id)) {
            (account.username, account.first_name) = (None, None);
        }
        moment
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_past_is_what_was_answered_but_for_what_was_erased_since() {
    let mut history = History::begin().await;
    let mut moments = Vec::new();
    for nth in 1..=COMMANDS {
        history.step().await;
        if let Some((_, who)) = CLOSED.iter().find(|(at, _)| *at == nth) {
            let user = history.people[*who];
            history.closed.insert(user);
            history.world.close(user).await;
        }
        if nth % EVERY == 0 {
            let queries = history.world.settled().await;
            moments.push(history.moment(queries.as_ref(), history.world.memory.last()).await);
        }
    }
    let room = history.world.file("past");
    let past = PastViews::open(history.world.log.clone(), &room, PastLimits::default()).unwrap();
    let erased = Erased(&history);
    for moment in moments {
        let (position, then) = (moment.position, erased.out_of(moment));
        let all = past.conversations(&history.conversations, None, position).await.unwrap();
        let now = history.moment(&**all, position).await;
        assert_eq!(now.people, then.people, "as of {position}");
        assert_eq!(now.members, then.members, "as of {position}");
        drop(all);
        // one person alone, without what others read
        let nth = usize::try_from(position.get()).unwrap() % history.people.len();
        let alone = past.conversations(&history.conversations, Some(history.people[nth]), position).await.unwrap();
        assert_eq!(history.answers(&**alone, history.people[nth]).await, then.people[nth], "as of {position}");
        drop(alone);
        let directory = past.directory(position).await.unwrap();
        assert_eq!(directory.users(&history.people).await.unwrap(), then.accounts, "as of {position}");
    }
    assert_eq!(std::fs::read_dir(&room).unwrap().count(), 0, "nothing of it is left");
    history.world.stop().await;
}

#[tokio::test]
async fn looking_back_has_its_limits() {
    let mut world = World::following(Backing::Sqlite).await;
    let (ada, _, group) = world.talk(20).await;
    let at = world.memory.last();
    let limits = PastLimits { events: 10, at_once: 1, patience: std::time::Duration::ZERO, ..PastLimits::default() };
    let past = PastViews::open(world.log.clone(), &world.file("past"), limits).unwrap();
    let too_much = past.conversations(&[group], None, at).await;
    assert!(matches!(too_much, Err(PastError::TooMuch { events: 10, .. })));
    let few = past.users(&[ada], at).await.unwrap();
    assert!(matches!(past.users(&[ada], at).await, Err(PastError::Busy)), "one at once");
    assert_eq!(few.user(ada).await.unwrap().map(|user| user.id), Some(ada));
    drop(few);
    assert!(past.users(&[ada], Position::START).await.unwrap().user(ada).await.unwrap().is_none());
    world.stop().await;
}
