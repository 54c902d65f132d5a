//! Conversations and messages: who may, and what an edit or an answer means.

use tidings_commands::{
    Error, Refusal,
    messages::{Draft, Edit},
};
use tidings_domain::{
    ConversationId, MessageId, StreamId,
    conversation::{ConversationRefusal, MessageContent},
    message::{MessageDecider, MessageRefusal},
    values::{Body, ContentType, Subject},
};

use crate::fixture::{House, by, draft, say};

fn body(text: &str) -> Body {
    Body::parse(text).unwrap()
}

fn subject(text: &str) -> Subject {
    Subject::parse(text).unwrap()
}

fn refused<T>(outcome: Result<T, Error>) -> Refusal {
    match outcome.map(drop) {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn people_have_one_direct_conversation_whoever_starts_it() {
    let house = House::new().await;
    let [ada, ben, cyd] = house.people(["ada", "ben", "cyd"]).await;
    let first = house.commands.start_direct(ada, vec![ben], &by(ada)).await.unwrap();
    assert!(first.value.event.is_some());
    let (commands, other) = (&house.commands, house.another_node());
    let (by_ada, by_ben) = (by(ada), by(ben));
    let (one, two) = tokio::join!(
        commands.start_direct(ben, vec![ada, ben, ada], &by_ben),
        other.start_direct(ada, vec![ben], &by_ada)
    );
    for again in [one.unwrap(), two.unwrap()] {
        assert_eq!((again.value.conversation, again.value.event), (first.value.conversation, None));
        assert_eq!(again.position, None);
    }
    let with_cyd = house.commands.start_direct(ada, vec![ben, cyd], &by(ada)).await.unwrap();
    assert_ne!(with_cyd.value.conversation, first.value.conversation);
    let alone = house.commands.start_direct(ada, vec![ada], &by(ada)).await;
    assert_eq!(refused(alone), ConversationRefusal::DirectSize.into());
}

#[tokio::test]
async fn a_stranger_may_not_send_and_what_is_not_there_is_said_so() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let group = house.group(ada, &[]).await;
    assert_eq!(refused(say(&house.commands, group, ben, "hello").await), ConversationRefusal::NotAMember.into());
    let nowhere = ConversationId::direct(&[ada]);
    assert_eq!(refused(say(&house.commands, nowhere, ben, "hi").await), ConversationRefusal::NoSuchConversation.into());
}

#[tokio::test]
async fn an_answer_is_to_a_message_that_its_sender_sees() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let (group, other) = (house.group(ada, &[ben]).await, house.group(ada, &[ben]).await);
    let (here, there) = (house.say(group, ada, "here").await.id, house.say(other, ada, "there").await.id);
    let answer = |reply_to| {
        let commands = house.commands.clone();
        let draft = Draft { reply_to: Some(reply_to), ..draft("an answer") };
        async move { commands.send(group, ben, draft, &by(ben)).await }
    };
    assert_eq!(answer(here).await.unwrap().value.event.reply_to, Some(1));
    let made_up = [
        there,
        MessageId { seq: 9, version: 10, ..here },
        MessageId { version: here.version + 1, ..here },
        MessageId { version: here.version - 1, ..here },
    ];
    for wrong in made_up {
        assert_eq!(refused(answer(wrong).await), ConversationRefusal::NoSuchReply.into(), "{wrong}");
    }
    house.commands.hide(here, ben, &by(ben)).await.unwrap();
    assert_eq!(refused(answer(here).await), ConversationRefusal::NoSuchReply.into());
}

#[tokio::test]
async fn a_text_mentions_members_each_once_and_nobody_else() {
    let house = House::new().await;
    let [ada, ben, cyd, dan] = house.people(["ada", "ben", "cyd", "dan"]).await;
    let group = house.group(ada, &[ben, cyd]).await;
    let sent = house.say(group, ada, "@ben, @cyd and @Ben: @dan and @nobody are not here; @ada is").await;
    assert_eq!(sent.event.mentions, [ben, cyd, ada]);
    let encrypted = Draft { content_type: "application/mls-message".parse().unwrap(), ..draft("@ben") };
    assert!(house.commands.send(group, ada, encrypted, &by(ada)).await.unwrap().value.event.mentions.is_empty());
    house.commands.remove_member(group, ada, cyd, &by(ada)).await.unwrap();
    let edit = Edit { body: body("@cyd @dan @ben"), subject: None };
    house.commands.edit(sent.id, ada, edit, &by(ada)).await.unwrap();
    let edited = house.events::<tidings_domain::message::MessageEvent>(StreamId::Message(sent.id)).await;
    let tidings_domain::message::MessageEvent::Edited(edited) = &edited[0] else { panic!("{edited:?}") };
    assert_eq!(edited.mentions, [ben]);
    assert!(!edited.mentions.contains(&dan));
}

#[tokio::test]
async fn an_edit_leaves_the_subject_unless_it_says_otherwise() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let group = house.group(ada, &[ben]).await;
    let content = MessageContent { subject: Some(subject("lunch")), body: Some(body("at one?")) };
    let draft = Draft { content, content_type: ContentType::plain_text(), reply_to: None, attachments: vec![] };
    let id = house.commands.send(group, ada, draft, &by(ada)).await.unwrap().value.id;
    let present = async || house.folded::<MessageDecider>(StreamId::Message(id)).await.edited.unwrap();
    let edit = async |text: &str, subject| {
        house.commands.edit(id, ada, Edit { body: body(text), subject }, &by(ada)).await.unwrap()
    };
    // as it is already
    assert_eq!(edit("at one?", None).await.position, None);
    edit("at two?", None).await;
    assert_eq!(present().await, MessageContent { subject: Some(subject("lunch")), body: Some(body("at two?")) });
    // the subject alone
    edit("at two?", Some(Some(subject("dinner")))).await;
    assert_eq!(present().await.subject, Some(subject("dinner")));
    // it is kept from the last edit, not from the beginning
    edit("at seven?", None).await;
    assert_eq!(present().await, MessageContent { subject: Some(subject("dinner")), body: Some(body("at seven?")) });
    edit("at seven?", Some(None)).await;
    assert_eq!(present().await.subject, None);
    let of_ben = house.commands.edit(id, ben, Edit { body: body("no"), subject: None }, &by(ben)).await;
    assert_eq!(refused(of_ben), MessageRefusal::NotTheSender.into());
}

#[tokio::test]
async fn who_has_left_sees_what_was_sent_until_then_and_touches_nothing() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let group = house.group(ada, &[ben]).await;
    let before = house.say(group, ben, "before").await.id;
    house.commands.remove_member(group, ben, ben, &by(ben)).await.unwrap();
    let after = house.say(group, ada, "after").await.id;
    let standing = house.commands.standing(group, ben).await.unwrap();
    assert!(standing.shows(before.seq) && !standing.shows(after.seq));
    let thumb: tidings_domain::values::Emoji = "👍".parse().unwrap();
    let reaction = house.commands.react(after, ben, thumb.clone(), true, &by(ben)).await;
    assert!(matches!(reaction, Err(Error::NoSuchMessage)));
    let not_a_member = Refusal::from(ConversationRefusal::NotAMember);
    assert_eq!(refused(house.commands.react(before, ben, thumb, true, &by(ben)).await), not_a_member);
    assert_eq!(refused(house.commands.pin(before, ben, true, &by(ben)).await), not_a_member);
    let edit = Edit { body: body("changed"), subject: None };
    assert_eq!(refused(house.commands.edit(before, ben, edit, &by(ben)).await), not_a_member);
    // what one wrote one may take back
    house.commands.delete_for_everyone(before, ben, &by(ben)).await.unwrap();
}

#[tokio::test]
async fn admins_pin_in_a_group_and_both_in_a_direct_conversation() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let group = house.group(ada, &[ben]).await;
    let direct = house.commands.start_direct(ada, vec![ben], &by(ada)).await.unwrap().value.conversation;
    let (in_group, in_direct) = (house.say(group, ben, "1").await.id, house.say(direct, ada, "2").await.id);
    assert_eq!(
        refused(house.commands.pin(in_group, ben, true, &by(ben)).await),
        ConversationRefusal::NotAnAdmin.into()
    );
    house.commands.pin(in_group, ada, true, &by(ada)).await.unwrap();
    house.commands.pin(in_direct, ben, true, &by(ben)).await.unwrap();
    assert_eq!(house.commands.pin(in_direct, ada, true, &by(ada)).await.unwrap().position, None);
    assert!(house.commands.pin(in_direct, ada, false, &by(ada)).await.unwrap().position.is_some());
}
