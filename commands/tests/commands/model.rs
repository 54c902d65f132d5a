//! Whatever is done in whatever order: what commands keep in memory is the fold of the log.

use proptest::{collection::vec, prelude::*};
use tidings_commands::{Commands, Context, Error};
use tidings_domain::{
    ConversationId, MessageId, StreamId, UserId,
    conversation::{ConversationDecider, MemberRole},
    reader::ReaderDecider,
};

use crate::fixture::{House, by, draft, key, keyed};

/// Something somebody does; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    Send,
    Add(usize),
    Remove(usize),
    Promote(usize),
    Rename,
    ReadUpTo(usize),
    MarkRead(usize),
    MarkUnread(usize),
    Hide(usize),
    Mute(bool),
}

fn steps() -> impl Strategy<Value = Vec<(usize, Step, Option<u64>, bool)>> {
    let index = || 0..50_usize;
    let step = prop_oneof![
        6 => Just(Step::Send),
        2 => index().prop_map(Step::Add),
        2 => index().prop_map(Step::Remove),
        1 => index().prop_map(Step::Promote),
        1 => Just(Step::Rename),
        2 => index().prop_map(Step::ReadUpTo),
        2 => index().prop_map(Step::MarkRead),
        2 => index().prop_map(Step::MarkUnread),
        1 => index().prop_map(Step::Hide),
        1 => any::<bool>().prop_map(Step::Mute),
    ];
    vec((0..4_usize, step, proptest::option::of(0..20_u64), any::<bool>()), 1..60)
}

struct Story<'a> {
    people: &'a [UserId],
    group: ConversationId,
    sent: Vec<MessageId>,
}

impl Story<'_> {
    fn message(&self, nth: usize) -> Option<MessageId> {
        self.sent.get(nth % self.sent.len().max(1)).copied()
    }

    async fn act(&mut self, commands: &Commands, who: UserId, step: &Step, context: &Context) -> Result<(), Error> {
        let group = self.group;
        let person = |nth: usize| self.people[nth % self.people.len()];
        let message = |nth| self.message(nth).ok_or(Error::NoSuchMessage);
        let done = match *step {
            Step::Send => {
                let sent = commands.send(group, who, draft("hello"), context).await?;
                self.sent.push(sent.value.id);
                return Ok(());
            }
            Step::Add(nth) => commands.put_member(group, who, person(nth), None, context).await,
            Step::Remove(nth) => commands.remove_member(group, who, person(nth), context).await,
            Step::Promote(nth) => commands.put_member(group, who, person(nth), Some(MemberRole::Admin), context).await,
            Step::Rename => commands.rename(group, who, "another name".parse().unwrap(), context).await,
            Step::Mute(muted) => commands.change_settings(group, who, Some(muted), None, context).await,
            Step::ReadUpTo(nth) => commands.read_up_to(message(nth)?, who, context).await,
            Step::MarkRead(nth) => commands.mark_read(message(nth)?, who, context).await,
            Step::MarkUnread(nth) => commands.mark_unread(message(nth)?, who, context).await,
            Step::Hide(nth) => commands.hide(message(nth)?, who, context).await,
        };
        done.map(|_| ())
    }
}

async fn play(steps: Vec<(usize, Step, Option<u64>, bool)>) {
    let house = House::new().await;
    let people = house.people(["ada", "ben", "cyd", "dan"]).await;
    let group = house.group(people[0], &people[1..3]).await;
    let other = house.another_node();
    let mut story = Story { people: &people, group, sent: vec![] };
    for (who, step, number, elsewhere) in steps {
        let who = people[who];
        // one key for each number: used again it is a replay or, for another step, refused
        let request = format!("{who}{step:?}").bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(byte));
        let context = number.map_or_else(|| by(who), |number| keyed(&by(who), key(number, request)));
        let commands = if elsewhere { &other } else { &house.commands };
        match story.act(commands, who, &step, &context).await {
            Ok(()) | Err(Error::Refused(_) | Error::NoSuchMessage | Error::KeyReused) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_as_folded(&house, group, &people).await;
}

async fn assert_as_folded(house: &House, group: ConversationId, people: &[UserId]) {
    let folded = house.folded::<ConversationDecider>(StreamId::Conversation(group)).await.unwrap();
    house.tell_all_to(&house.commands).await;
    for commands in [&house.commands, &house.cold()] {
        for person in people {
            let standing = commands.standing(group, *person).await.unwrap();
            assert_eq!(standing.person, folded.people.get(person).copied());
            assert_eq!(standing.last_seq, folded.last_seq);
            let reader = house.folded::<ReaderDecider>(StreamId::Reader(group, *person)).await;
            assert_eq!(commands.reader(group, *person).await.unwrap(), reader);
        }
    }
    let seqs = house.seqs(group).await;
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<u64>>());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_in_memory_is_the_fold_of_the_log(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps));
    }
}
