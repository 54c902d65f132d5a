//! Forgetting: a deleted message and a closed account leave the log whole and unreadable.

use tidings_commands::{
    Context, Error, Refusal,
    history::{Action, Person, Step, key_of},
    messages::Edit,
};
use tidings_domain::{
    StreamId,
    conversation::ConversationEvent,
    hold::HoldTarget,
    message::{MessageEvent, MessageRefusal},
    request::RequestEvent,
    user::{UserEvent, UserRefusal},
    values::{Body, HoldReason, Retention},
};

use crate::fixture::{House, PASSWORD, by, clock, key, keyed, now, password, registration, say};

fn edit(text: &str) -> Edit {
    Edit { body: Body::parse(text).unwrap(), subject: None }
}

async fn readable(house: &House, conversation: tidings_domain::ConversationId) -> Vec<(u64, bool)> {
    let seen = |event| match event {
        ConversationEvent::MessageSent(sent) => Some((sent.seq, sent.content.clear().is_some())),
        ConversationEvent::Started(_)
        | ConversationEvent::Renamed(_)
        | ConversationEvent::MemberAdded(_)
        | ConversationEvent::MemberRemoved(_)
        | ConversationEvent::MemberRoleChanged(_)
        | ConversationEvent::RetentionChanged(_)
        | ConversationEvent::BlocksChanged(_) => None,
    };
    house.events(StreamId::Conversation(conversation)).await.into_iter().filter_map(seen).collect()
}

#[tokio::test]
async fn a_message_deleted_for_everyone_is_unreadable_with_all_its_versions() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let group = house.group(ada, &[ben]).await;
    let id = house.say(group, ada, "one").await.id;
    house.say(group, ada, "two").await;
    house.commands.edit(id, ada, edit("changed"), &by(ada)).await.unwrap();
    let of_ben = house.commands.delete_for_everyone(id, ben, &by(ben)).await;
    assert!(matches!(of_ben, Err(Error::Refused(Refusal::Message(MessageRefusal::NotTheSender)))));
    assert_eq!(readable(&house, group).await, [(1, true), (2, true)]);
    let context = keyed(&by(ada), key(1, 1));
    house.commands.delete_for_everyone(id, ada, &context).await.unwrap();
    assert!(house.commands.delete_for_everyone(id, ada, &context).await.unwrap().replayed);
    assert_eq!(house.commands.delete_for_everyone(id, ada, &by(ada)).await.unwrap().position, None);
    let house = house.reopened().await;
    assert_eq!(readable(&house, group).await, [(1, false), (2, true)]);
    let edited = house.events::<MessageEvent>(StreamId::Message(id)).await;
    assert!(matches!(&edited[0], MessageEvent::Edited(edited) if edited.content.clear().is_none()));
    let again = house.commands.edit(id, ada, edit("back"), &by(ada)).await;
    assert!(matches!(again, Err(Error::Refused(Refusal::Message(MessageRefusal::Deleted)))), "{again:?}");
}

#[tokio::test]
async fn closing_an_account_makes_its_data_and_all_its_messages_unreadable() {
    let house = House::new().await;
    let ada = house.commands.register(registration("ada"), &now()).await.unwrap().value.user;
    let ben = house.person("ben").await;
    let group = house.group(ben, &[ada]).await;
    let id = house.say(group, ada, "from ada").await.id;
    house.commands.edit(id, ada, edit("still from ada"), &by(ada)).await.unwrap();
    house.say(group, ben, "from ben").await;
    house.commands.close_account(ada, Some(&password(PASSWORD)), &by(ada)).await.unwrap();
    for house in [house] {
        assert_eq!(readable(&house, group).await, [(1, false), (2, true)]);
        let events = house.events::<UserEvent>(StreamId::User(ada)).await;
        assert!(matches!(&events[0], UserEvent::Registered(registered) if registered.identity.clear().is_none()));
        let sent = say(&house.commands, group, ada, "from beyond").await;
        assert!(matches!(sent, Err(Error::Refused(Refusal::User(UserRefusal::NoSuchUser)))));
        // what the others do with its messages goes on
        house.commands.react(id, ben, "👍".parse().unwrap(), true, &by(ben)).await.unwrap();
        house.commands.read_up_to(id, ben, &by(ben)).await.unwrap();
        let house = house.reopened().await;
        assert_eq!(readable(&house, group).await, [(1, false), (2, true)]);
        assert!(house.commands.account(ada).await.unwrap().unwrap().identity.is_none());
        house.say(group, ben, "life goes on").await;
    }
}

#[tokio::test]
async fn an_answer_kept_for_somebody_is_forgotten_with_them() {
    let house = House::new().await;
    let ada = house.commands.register(registration("ada"), &now()).await.unwrap().value.user;
    let answer = tidings_domain::request::Answer { status: 200, headers: vec![], body: "ada's".to_owned() };
    house.commands.remember_answer(key(1, 1), answer.clone(), None, &by(ada)).await.unwrap();
    assert_eq!(house.commands.recall_answer(key(1, 1)).await.unwrap(), Some(answer.clone()));
    house.commands.close_account(ada, Some(&password(PASSWORD)), &by(ada)).await.unwrap();
    let house = house.reopened().await;
    assert!(matches!(house.commands.recall_answer(key(1, 1)).await, Err(Error::Forgotten)));
    // nothing more is kept for one who is gone
    assert_eq!(house.commands.remember_answer(key(2, 2), answer, None, &by(ada)).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_sealed_under_a_destroyed_key_is_refused_and_nothing_is_appended() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let group = house.group(ada, &[]).await;
    house.say(group, ada, "one").await;
    let account = house.commands.account(ada).await.unwrap().unwrap();
    // as if another node had closed the account and this one had not heard of it yet
    house.commands.destroy_keys(&[account.key]).await.unwrap();
    house.commands.destroy_keys(&[account.key]).await.unwrap();
    let length = house.length().await;
    assert!(matches!(say(&house.commands, group, ada, "two").await, Err(Error::Forgotten)));
    assert_eq!(house.length().await, length);
}

#[tokio::test]
async fn keys_that_are_not_in_memory_are_fetched_for_one_command_and_for_a_batch() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let group = house.group(ada, &[]).await;
    let mut people = Vec::new();
    for nth in 0..300 {
        people.push(house.commands.history_person(&format!("person{nth}"), now().now).await.unwrap().0);
    }
    let keyring = house.codec.keyring();
    let forget_all = || people.iter().for_each(|person| keyring.forget(&[person.key]));
    forget_all();
    keyring.forget(&[house.commands.account(ada).await.unwrap().unwrap().key]);
    assert_eq!(house.say(group, ada, "one").await.id.seq, 1);
    let step = |(nth, person): (usize, &Person)| Step {
        person: *person,
        at: now().now,
        key: key_of("line", &[&nth.to_string()]),
        action: Action::Say(Body::parse("hello").unwrap()),
    };
    let steps: Vec<Step> = people.iter().enumerate().map(step).collect();
    forget_all();
    let appended = house.commands.append_history(group, &steps).await.unwrap();
    assert_eq!((appended.events, appended.without_effect), (600, 0));
    assert!(readable(&house, group).await.into_iter().all(|(_, readable)| readable));
}

fn hold(target: HoldTarget, house: &House) -> impl Future<Output = ()> {
    let commands = house.commands.clone();
    async move {
        commands.place_hold(target, HoldReason::parse("case 1").unwrap(), &now()).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_held_keeps_its_keys_and_is_deleted_all_the_same() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let (held, other) = (house.group(ada, &[ben]).await, house.group(ada, &[ben]).await);
    let (one, two) = (house.say(held, ada, "one").await.id, house.say(other, ada, "two").await.id);
    let of_ben = house.say(other, ben, "of ben").await.id;
    hold(HoldTarget::Conversation(held), &house).await;
    hold(HoldTarget::User(ben), &house).await;
    for (id, by_whom) in [(one, ada), (two, ada), (of_ben, ben)] {
        house.commands.delete_for_everyone(id, by_whom, &by(by_whom)).await.unwrap();
    }
    let house = house.reopened().await;
    assert_eq!(readable(&house, held).await, [(1, true)]);
    assert_eq!(readable(&house, other).await, [(1, false), (2, true)]);
    let again = house.commands.edit(one, ada, edit("back"), &by(ada)).await;
    assert!(matches!(again, Err(Error::Refused(Refusal::Message(MessageRefusal::Deleted)))), "{again:?}");
    let holds = house.commands.holds().await.unwrap();
    assert!(holds.covers_person(ada, [other, held]) && !holds.covers_person(ada, [other]));
    for target in [HoldTarget::Conversation(held), HoldTarget::User(ben)] {
        house.commands.release_hold(target, &now()).await.unwrap();
    }
    assert!(house.commands.holds().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_rule_deletes_only_what_is_old_enough_and_the_receipt_is_written_once() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let group = house.group(ada, &[]).await;
    let id = house.say(group, ada, "one").await.id;
    let later = |millis| Context { now: clock().plus_millis(millis), ..Context::default() };
    let day = Retention::of_days(1).unwrap();
    assert!(!house.commands.expire(id, None, &later(100_000_000)).await.unwrap(), "there is no rule");
    house.commands.keep_for(group, ada, false, Some(day), &by(ada)).await.unwrap();
    assert!(!house.commands.expire(id, None, &later(80_000_000)).await.unwrap());
    let shorter = Retention::of_seconds(1).ok();
    assert!(house.commands.expire(id, shorter, &later(2_000)).await.unwrap(), "the shorter counts");
    assert!(house.commands.expire(id, None, &later(100_000_000)).await.unwrap(), "it is deleted");
    assert_eq!(readable(&house, group).await, [(1, true)], "its key is destroyed by whoever follows the log");
    for _ in 0..2 {
        house.commands.note_message_erased(id, &later(3_000)).await.unwrap();
    }
    let events = house.events::<MessageEvent>(StreamId::Message(id)).await;
    assert!(matches!(&events[..], [MessageEvent::Deleted(deleted), MessageEvent::Erased(erased)]
        if deleted.by.is_none() && deleted.retention == shorter && erased.by.is_none() && erased.key == deleted.key));
}

#[tokio::test]
async fn an_answer_that_shows_a_message_goes_with_it() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let group = house.group(ada, &[]).await;
    let id = house.say(group, ada, "one").await.id;
    let answer = tidings_domain::request::Answer { status: 200, headers: vec![], body: "one".to_owned() };
    house.commands.remember_answer(key(1, 1), answer.clone(), Some(id), &by(ada)).await.unwrap();
    assert_eq!(house.commands.recall_answer(key(1, 1)).await.unwrap(), Some(answer));
    house.commands.delete_for_everyone(id, ada, &by(ada)).await.unwrap();
    assert_eq!(house.commands.recall_answer(key(1, 1)).await.unwrap(), None);
    let house = house.reopened().await;
    let kept = house.events::<RequestEvent>(StreamId::Request(key(1, 1).id.0)).await;
    assert!(matches!(&kept[..], [RequestEvent::Answered(answered)] if answered.answer.clear().is_none()));
}
