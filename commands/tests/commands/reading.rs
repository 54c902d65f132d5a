//! Readers: marks, single messages, and what never counts.

use tidings_commands::{Error, Refusal};
use tidings_domain::{
    ConversationId, StreamId, UserId,
    conversation::ConversationRefusal,
    reader::{ReaderDecider, ReaderEvent, ReaderRefusal},
};

use crate::fixture::{House, by};

async fn reader_events(house: &House, group: ConversationId, user: UserId) -> Vec<ReaderEvent> {
    house.events(StreamId::Reader(group, user)).await
}

#[tokio::test]
async fn a_mark_moves_forward_only() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let group = house.group(ada, &[ben]).await;
    let (one, two) = (house.say(group, ada, "one").await.id, house.say(group, ada, "two").await.id);
    assert!(house.commands.read_up_to(two, ben, &by(ben)).await.unwrap().position.is_some());
    assert_eq!(house.commands.read_up_to(one, ben, &by(ben)).await.unwrap().position, None);
    assert_eq!(house.commands.read_up_to(two, ben, &by(ben)).await.unwrap().position, None);
    assert_eq!(house.folded::<ReaderDecider>(StreamId::Reader(group, ben)).await.mark, 2);
    // reading implies having received
    assert_eq!(house.commands.delivered_up_to(two, ben, &by(ben)).await.unwrap().position, None);
    // sending reads
    assert_eq!(house.commands.read_up_to(two, ada, &by(ada)).await.unwrap().position, None);
}

#[tokio::test]
async fn a_message_that_never_counts_is_not_marked_unread() {
    let house = House::new().await;
    let [ada, ben, cyd] = house.people(["ada", "ben", "cyd"]).await;
    let group = house.group(ada, &[ben]).await;
    let before = house.say(group, ada, "before cyd came").await.id;
    house.commands.put_member(group, ada, cyd, None, &by(ada)).await.unwrap();
    let deleted = house.say(group, ada, "soon gone").await.id;
    house.commands.delete_for_everyone(deleted, ada, &by(ada)).await.unwrap();
    let own = house.say(group, cyd, "my own").await.id;
    let counts = house.say(group, ada, "counts").await.id;
    house.commands.read_up_to(counts, cyd, &by(cyd)).await.unwrap();
    for never in [before, deleted, own] {
        assert_eq!(house.commands.mark_unread(never, cyd, &by(cyd)).await.unwrap().position, None, "{never}");
    }
    assert!(house.commands.mark_unread(counts, cyd, &by(cyd)).await.unwrap().position.is_some());
    assert_eq!(house.commands.mark_unread(counts, cyd, &by(cyd)).await.unwrap().position, None);
    assert!(house.commands.mark_read(counts, cyd, &by(cyd)).await.unwrap().position.is_some());
    assert!(house.commands.mark_unread(before, ben, &by(ben)).await.is_ok());
    assert_eq!(reader_events(&house, group, cyd).await.len(), 3);
}

#[tokio::test]
async fn a_hidden_message_is_gone_for_its_reader_and_still_a_place_in_the_order() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let group = house.group(ada, &[ben]).await;
    let id = house.say(group, ada, "one").await.id;
    house.commands.hide(id, ben, &by(ben)).await.unwrap();
    for outcome in [
        house.commands.hide(id, ben, &by(ben)).await,
        house.commands.mark_read(id, ben, &by(ben)).await,
        house.commands.mark_unread(id, ben, &by(ben)).await,
        house.commands.react(id, ben, "👍".parse().unwrap(), true, &by(ben)).await,
    ] {
        assert!(matches!(outcome, Err(Error::NoSuchMessage)), "{outcome:?}");
    }
    assert!(house.commands.mark_read(id, ada, &by(ada)).await.is_ok());
    assert!(house.commands.read_up_to(id, ben, &by(ben)).await.unwrap().position.is_some());
}

#[tokio::test]
async fn a_mark_needs_a_message_and_a_member() {
    let house = House::new().await;
    let [ada, ben, cyd] = house.people(["ada", "ben", "cyd"]).await;
    let group = house.group(ada, &[ben]).await;
    let id = house.say(group, ada, "one").await.id;
    let not_a_member = Refusal::Conversation(ConversationRefusal::NotAMember);
    let of_cyd = house.commands.read_up_to(id, cyd, &by(cyd)).await;
    assert!(matches!(of_cyd, Err(Error::Refused(refusal)) if refusal == not_a_member));
    assert!(matches!(house.commands.mark_read(id, cyd, &by(cyd)).await, Err(Error::NoSuchMessage)));
    let made_up = tidings_domain::MessageId { seq: 2, version: 3, ..id };
    assert!(matches!(house.commands.read_up_to(made_up, ben, &by(ben)).await, Err(Error::NoSuchMessage)));
    house.commands.remove_member(group, ben, ben, &by(ben)).await.unwrap();
    let settings = house.commands.change_settings(group, ben, Some(true), None, &by(ben)).await;
    assert!(matches!(settings, Err(Error::Refused(refusal)) if refusal == not_a_member));
    let after = house.say(group, ada, "two").await.id;
    let unseen = house.commands.mark_read(after, ben, &by(ben)).await;
    let nothing = Refusal::Reader(ReaderRefusal::NoSuchMessage);
    assert!(matches!(unseen, Err(Error::NoSuchMessage)) || matches!(unseen, Err(Error::Refused(r)) if r == nothing));
}

#[tokio::test]
async fn settings_change_only_where_they_differ() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let group = house.group(ada, &[]).await;
    let set = async |muted, archived| {
        house.commands.change_settings(group, ada, muted, archived, &by(ada)).await.unwrap().position.is_some()
    };
    assert!(set(Some(true), None).await);
    assert!(!set(Some(true), Some(false)).await);
    assert!(set(Some(true), Some(true)).await);
    assert!(!set(None, None).await);
    let events = reader_events(&house, group, ada).await;
    let ReaderEvent::SettingsChanged(last) = &events[1] else { panic!("{events:?}") };
    assert_eq!((last.muted, last.archived), (None, Some(true)));
}

/// What a caller is told is there already, the next read of theirs must show: also where the store answers an append before it
/// tells of it.
#[tokio::test]
async fn what_was_judged_by_was_seen_however_late_the_log_is_followed() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let group = house.group(ada, &[ben]).await;
    let one = house.say(group, ada, "one").await.id;
    house.store.tell_late();
    let read = house.commands.read_up_to(one, ben, &by(ben)).await.unwrap().position.unwrap();
    assert_eq!(house.commands.read_up_to(one, ben, &by(ben)).await.unwrap().position, None);
    assert_eq!(house.commands.seen_head(), read);
    // another node, whose states come from the log
    let other = house.cold();
    assert_eq!(other.read_up_to(one, ben, &by(ben)).await.unwrap().position, None);
    assert_eq!(other.seen_head(), read);
}
