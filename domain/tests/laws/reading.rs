//! One reader in one conversation, whatever the order in which the log brings what they read, send and join.

use proptest::{prelude::*, test_runner::TestCaseResult};
use tidings_domain::{
    Decider, KeyId, Personal,
    conversation::{
        Conversation, ConversationDecider, ConversationKind, ConversationStarted, Member, MemberAdded, MemberRemoved,
        MemberRole, MessageContent, MessageSent,
    },
    reader::{Reader, ReaderAction, ReaderCommand, ReaderDecider, ReaderEvent, Vantage},
    values::ContentType,
};

use crate::{
    AT, carried_out, reads_back,
    unread::{ByMarks, Entry, MessageByMessage},
    user,
};

const ME: u8 = 1;
const OTHER: u8 = 2;

#[derive(Debug, Clone, Copy)]
enum Step {
    SendOther,
    SendOwn,
    Leave,
    Return,
    Delete(u64),
    /// What the reader asks, and how many steps ago the conversation was looked at for it: a request under way may be
    /// overtaken by others.
    Ask(Ask, usize),
}

#[derive(Debug, Clone, Copy)]
enum Ask {
    ReadUpTo(u64),
    MarkRead(u64),
    MarkUnread(u64),
    Hide(u64),
}

fn asks() -> impl Strategy<Value = Ask> {
    prop_oneof![
        4 => (1_u64..16).prop_map(Ask::ReadUpTo),
        4 => (1_u64..16).prop_map(Ask::MarkRead),
        6 => (1_u64..16).prop_map(Ask::MarkUnread),
        1 => (1_u64..16).prop_map(Ask::Hide),
    ]
}

fn steps(delays: impl Strategy<Value = usize>) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::SendOther),
        2 => Just(Step::SendOwn),
        1 => Just(Step::Leave),
        1 => Just(Step::Return),
        1 => (1_u64..16).prop_map(Step::Delete),
        12 => (asks(), delays).prop_map(|(ask, ago)| Step::Ask(ask, ago)),
    ];
    prop::collection::vec(step, 0..60)
}

/// The log as it grows, and all that is made of it.
struct World {
    conversation: Option<Conversation>,
    reader: Reader,
    naive: MessageByMessage,
    marks: ByMarks,
    /// What the reader sees after each step, the latest last.
    seen: Vec<Vantage>,
}

impl World {
    fn new() -> Self {
        let members = vec![user(OTHER), user(ME)];
        let (kind, by, name) = (ConversationKind::Group, user(OTHER), Personal::Clear(None));
        let started = ConversationStarted { kind, by, members, key: KeyId(1), at: AT, name }.into();
        let conversation = ConversationDecider::fold([&started]);
        let vantage = Vantage { floor: 0, last: 0 };
        let (naive, marks) = (MessageByMessage::default(), ByMarks::default());
        Self { conversation, reader: Reader::default(), naive, marks, seen: vec![vantage] }
    }

    fn conversation(&self) -> &Conversation {
        self.conversation.as_ref().expect("it was started")
    }

    fn me(&self) -> Member {
        self.conversation().people[&user(ME)]
    }

    /// Where the reader stands now, by the conversation's stream.
    fn vantage(&self) -> Vantage {
        let last = if self.me().present { self.conversation().last_seq } else { self.me().left_seq };
        Vantage { floor: self.me().floor(), last }
    }

    fn log(&mut self, entry: &Entry) {
        self.naive.apply(entry);
        self.marks.apply(entry);
    }

    fn send(&mut self, by: u8) {
        let sent = MessageSent {
            seq: self.conversation().last_seq + 1,
            sender: user(by),
            at: AT,
            key: KeyId(2),
            author_key: KeyId(3),
            content_type: ContentType::plain_text(),
            reply_to: None,
            mentions: vec![],
            attachments: vec![],
            content: Personal::Clear(MessageContent { subject: None, body: None }),
        };
        ConversationDecider::evolve(&mut self.conversation, &sent.into());
        self.log(if by == ME { &Entry::SentOwn } else { &Entry::SentOther });
    }

    fn take(&mut self, step: Step) {
        let present = self.me().present;
        match step {
            Step::SendOther => self.send(OTHER),
            Step::SendOwn if present => self.send(ME),
            Step::Leave if present => {
                let left = MemberRemoved { user: user(ME), by: user(ME), at: AT };
                ConversationDecider::evolve(&mut self.conversation, &left.into());
            }
            Step::Return if !present => {
                let back = MemberAdded { user: user(ME), role: MemberRole::Member, by: user(OTHER), at: AT };
                ConversationDecider::evolve(&mut self.conversation, &back.into());
                self.log(&Entry::Joined);
            }
            Step::Delete(seq) if seq <= self.conversation().last_seq => self.log(&Entry::Deleted(seq)),
            Step::SendOwn | Step::Leave | Step::Return | Step::Delete(_) => {}
            Step::Ask(ask, ago) => {
                let vantage = self.seen[self.seen.len().saturating_sub(ago + 1)];
                for event in self.decide(vantage, ask) {
                    ReaderDecider::evolve(&mut self.reader, &event);
                    self.log(&Entry::Reader(event));
                }
            }
        }
        self.seen.push(self.vantage());
    }

    fn decide(&self, vantage: Vantage, ask: Ask) -> Vec<ReaderEvent> {
        let action = match ask {
            Ask::ReadUpTo(seq) => ReaderAction::ReadUpTo(seq),
            Ask::MarkRead(seq) => ReaderAction::MarkRead(seq),
            Ask::MarkUnread(seq) => ReaderAction::MarkUnread { seq, countable: self.counts(seq) },
            Ask::Hide(seq) => ReaderAction::Hide(seq),
        };
        ReaderDecider::decide(&self.reader, &ReaderCommand { vantage, at: AT, action }).unwrap_or_default()
    }

    fn counts(&self, seq: u64) -> bool {
        self.naive.countable().any(|(countable, _)| countable == seq)
    }

    /// What is asked now, by one who knows the whole log, does what it says.
    fn loses_no_command(&self) -> TestCaseResult {
        let vantage = self.vantage();
        for (seq, read) in self.naive.countable().filter(|(seq, _)| *seq <= vantage.last) {
            let ask = if read { Ask::MarkUnread(seq) } else { Ask::MarkRead(seq) };
            let mut after = self.naive.clone();
            for event in self.decide(vantage, ask) {
                after.apply(&Entry::Reader(event));
            }
            let now = after.countable().find(|(countable, _)| *countable == seq);
            prop_assert_eq!(now, Some((seq, !read)), "{:?} was lost: {:?}", ask, &self.reader);
        }
        for seq in self.naive.mark().max(1)..=vantage.last {
            let mut after = self.naive.clone();
            let events = self.decide(vantage, Ask::ReadUpTo(seq));
            for event in events {
                after.apply(&Entry::Reader(event));
            }
            let unread = after.countable().find(|(countable, read)| *countable <= seq && !read);
            prop_assert_eq!(unread, None, "reading up to {} was lost: {:?}", seq, &self.reader);
        }
        Ok(())
    }

    /// No event is written for what is so already.
    fn writes_nothing_idle(&self) -> TestCaseResult {
        for (seq, read) in self.naive.countable().filter(|(seq, _)| *seq <= self.vantage().last) {
            let ask = if read { Ask::MarkRead(seq) } else { Ask::MarkUnread(seq) };
            prop_assert_eq!(self.decide(self.vantage(), ask), vec![], "{:?} changes nothing: {:?}", ask, &self.reader);
        }
        for seq in 1..self.naive.mark() {
            prop_assert_eq!(self.decide(self.vantage(), Ask::ReadUpTo(seq)), vec![]);
        }
        Ok(())
    }
}

fn reader_commands() -> impl Strategy<Value = ReaderCommand> {
    let settings = (any::<Option<bool>>(), any::<Option<bool>>())
        .prop_map(|(muted, archived)| ReaderAction::Settings { muted, archived });
    let actions = prop_oneof![
        (0_u64..12).prop_map(ReaderAction::ReadUpTo),
        (0_u64..12).prop_map(ReaderAction::DeliveredUpTo),
        (0_u64..12).prop_map(ReaderAction::MarkRead),
        (0_u64..12, any::<bool>()).prop_map(|(seq, countable)| ReaderAction::MarkUnread { seq, countable }),
        (0_u64..12).prop_map(ReaderAction::Hide),
        settings,
    ];
    (0_u64..12, 0_u64..4, actions).prop_map(|(floor, more, action)| {
        let vantage = Vantage { floor, last: floor + more };
        ReaderCommand { vantage, at: AT, action }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn readers_obey(commands in prop::collection::vec(reader_commands(), 0..40)) {
        carried_out::<ReaderDecider>(&commands, |_| true)?;
    }

    #[test]
    fn marks_and_exceptions_count_what_is_unread(steps in steps(0..5_usize)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
            prop_assert_eq!(world.marks.unread(), world.naive.unread(), "after {:?}", step);
        }
        reads_back::<ReaderDecider>(&world.reader)?;
    }

    #[test]
    fn no_command_is_lost_however_requests_overtake_each_other(steps in steps(0..5_usize)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
            world.loses_no_command()?;
        }
    }

    #[test]
    fn what_changes_nothing_is_not_written_while_nothing_is_sent(
        before in 0_u8..8, own in any::<bool>(), asked in prop::collection::vec(asks(), 0..40)
    ) {
        let mut world = World::new();
        (0..before).for_each(|_| world.take(Step::SendOther));
        if own {
            world.take(Step::SendOwn);
        }
        (0..8).for_each(|_| world.take(Step::SendOther));
        for ask in asked {
            world.take(Step::Ask(ask, 0));
            world.writes_nothing_idle()?;
        }
    }
}
