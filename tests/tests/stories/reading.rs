//! Read marks, and how many messages are unread.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidings_tests::app::{Person, TestApp, id, seq, seqs};

fn of(message: &Value, what: &str) -> String {
    format!("/v1/messages/{}{what}", id(message))
}

#[tokio::test]
async fn a_read_mark_moves_forward_only() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("marks", &[&bob]).await;
    let sent = ada.send_all(&group, &["1", "2", "3", "4"]).await;
    assert_eq!(bob.unread(&group).await, 4);
    assert_eq!(bob.read(&sent[2]).await, 1);
    let shown = bob.get(format!("/v1/conversations/{group}")).await;
    assert_eq!((&shown["unread"], &shown["read_up_to"]), (&json!(1), &sent[2]["id"]));
    // behind the mark nothing changes, and the count is the present one
    let path = format!("/v1/conversations/{group}/read");
    let behind = bob.put(&*path, json!({"up_to": sent[0]["id"]})).await.expect(200);
    assert_eq!((behind.number("unread"), behind.header("tidings-position")), (1, None));
    assert_eq!(bob.unread(&group).await, 1);
    // and a single unread mark below is not cleared by it either
    assert_eq!(bob.delete(of(&sent[0], "/read")).await.expect(200).number("unread"), 2);
    assert_eq!(bob.read(&sent[0]).await, 2);
    assert_eq!(bob.read(&sent[2]).await, 1, "one at the mark clears the single marks below it");
    assert_eq!(bob.read(&sent[3]).await, 0);
    assert_eq!(bob.unread(&group).await, 0);
}

#[tokio::test]
async fn single_messages_are_marked_read_and_unread() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("single", &[&bob]).await;
    let sent = ada.send_all(&group, &["1", "2", "3"]).await;
    let mark = |at: usize| bob.put(of(&sent[at], "/read"), None);
    let unmark = |at: usize| bob.delete(of(&sent[at], "/read"));
    assert_eq!(mark(1).await.expect(200).json, json!({"unread": 2}));
    assert_eq!(mark(1).await.expect(200).header("tidings-position"), None, "it was read already");
    assert_eq!(bob.get(of(&sent[1], "")).await["read"], true);
    assert_eq!(bob.get(of(&sent[0], "")).await["read"], false);
    assert_eq!(unmark(1).await.expect(200).json, json!({"unread": 3}));
    assert_eq!(unmark(2).await.expect(200).json, json!({"unread": 3}), "it was unread already");
    bob.read(&sent[2]).await;
    assert_eq!(unmark(0).await.expect(200).json, json!({"unread": 1}));
    assert_eq!(bob.unread(&group).await, 1);
    assert_eq!(mark(0).await.expect(200).json, json!({"unread": 0}));
    assert_eq!(bob.unread(&group).await, 0);
    assert_eq!(
        ada.delete(of(&sent[0], "/read")).await.expect(200).json,
        json!({"unread": 0}),
        "one's own never counts"
    );
}

#[tokio::test]
async fn one_s_own_a_deleted_and_a_hidden_message_never_count() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("counting", &[&bob]).await;
    let sent = ada.send_all(&group, &["1", "2", "3", "4"]).await;
    assert_eq!((ada.unread(&group).await, bob.unread(&group).await), (0, 4));
    ada.delete(of(&sent[0], "")).await.expect(204);
    assert_eq!(bob.unread(&group).await, 3);
    bob.delete(of(&sent[1], "")).await.expect(204);
    assert_eq!(bob.unread(&group).await, 2);
    assert_eq!(bob.delete(of(&sent[0], "/read")).await.expect(200).json, json!({"unread": 2}));
    bob.delete(of(&sent[1], "/read")).await.expect(404);
    // read, marked unread, then deleted: not counted twice, not missed
    bob.read(&sent[3]).await;
    bob.delete(of(&sent[2], "/read")).await.expect(200);
    bob.delete(of(&sent[3], "/read")).await.expect(200);
    assert_eq!(bob.unread(&group).await, 2);
    ada.delete(of(&sent[2], "")).await.expect(204);
    assert_eq!(bob.unread(&group).await, 1);
    bob.delete(of(&sent[3], "?for=me")).await.expect(204);
    assert_eq!(bob.unread(&group).await, 0);
}

#[tokio::test]
async fn sending_reads_the_conversation_up_to_there() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("sending reads", &[&bob]).await;
    let sent = ada.send_all(&group, &["1", "2"]).await;
    bob.read(&sent[1]).await;
    bob.delete(of(&sent[0], "/read")).await.expect(200);
    ada.send(&group, "3").await;
    assert_eq!(bob.unread(&group).await, 2);
    bob.send(&group, "4").await;
    assert_eq!(bob.unread(&group).await, 0, "single marks too");
    assert_eq!(bob.delete(of(&sent[0], "/read")).await.expect(200).json, json!({"unread": 1}));
    ada.send(&group, "5").await;
    assert_eq!(bob.unread(&group).await, 2);
}

#[tokio::test]
async fn counts_are_exact_for_each_conversation_and_in_total() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let groups = [ada.group("a", &[&bob]).await, ada.group("b", &[&bob]).await, ada.group("c", &[&bob]).await];
    for at in 0..130 {
        ada.send(&groups[usize::from(at >= 120)], "no cap").await;
    }
    assert_eq!(bob.unread_total().await, 130);
    assert_eq!(
        (bob.unread(&groups[0]).await, bob.unread(&groups[1]).await, bob.unread(&groups[2]).await),
        (120, 10, 0)
    );
    bob.patch(format!("/v1/conversations/{}/settings", groups[1]), json!({"muted": true})).await.expect(200);
    assert_eq!(bob.unread_total().await, 130, "muted, but not read");
    let inbox = bob.all("/v1/conversations?unread=true").await;
    let counts: Vec<_> = inbox.iter().map(|item| (id(item), item["unread"].as_u64().unwrap())).collect();
    assert_eq!(counts, [(groups[1].clone(), 10), (groups[0].clone(), 120)]);
}

#[tokio::test]
async fn marks_point_at_messages_of_their_conversation() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let (group, other) = (ada.group("here", &[&bob]).await, ada.group("there", &[&bob]).await);
    let foreign = ada.send(&other, "x").await;
    for what in ["read", "delivered"] {
        let path = format!("/v1/conversations/{group}/{what}");
        bob.put(&*path, json!({"up_to": foreign["id"]})).await.problem(404, "no-such-message");
        bob.put(&*path, json!({"up_to": "nonsense"})).await.names(422, &["/up_to"]);
        bob.put(&*path, json!({})).await.names(400, &["/up_to"]);
    }
    bob.put("/v1/messages/nonsense/read", None).await.expect(404);
}

/// The rules, said naively.
#[derive(Default)]
struct Model {
    mark: u64,
    unread: BTreeSet<u64>,
}

/// Numbers that look random and are the same in every run (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits fit") % sides
    }
}

async fn one_step(
    dice: &mut Dice,
    model: &mut Model,
    ada: &Person,
    bob: &Person,
    sent: &mut Vec<Value>,
    gone: &mut BTreeSet<u64>,
) {
    let group = sent[0]["conversation_id"].as_str().expect("it was sent somewhere").to_owned();
    let any = sent[dice.roll(sent.len())].clone();
    let (at, own) = (seq(&any), any["sender"]["id"] == bob.id);
    match dice.roll(9) {
        0..=2 => {
            let message = ada.send(&group, "to bob").await;
            model.unread.insert(seq(&message));
            sent.push(message);
        }
        3 => {
            let message = bob.send(&group, "by bob").await;
            model.mark = seq(&message);
            model.unread.clear();
            sent.push(message);
        }
        4 => {
            bob.read(&any).await;
            if at >= model.mark {
                model.mark = at;
                model.unread.retain(|unread| *unread > at);
            }
        }
        5 if !gone.contains(&at) => {
            bob.put(of(&any, "/read"), None).await.expect(200);
            model.unread.remove(&at);
        }
        6 | 7 if !gone.contains(&at) => {
            bob.delete(of(&any, "/read")).await.expect(200);
            if !own {
                model.unread.insert(at);
            }
        }
        8 if !own && gone.insert(at) => {
            let by = if dice.roll(2) == 0 { bob } else { ada };
            by.delete(of(&any, "")).await.expect(204);
            model.unread.remove(&at);
        }
        _ => {}
    }
}

#[tokio::test]
async fn after_any_hundred_steps_the_unread_are_those_that_the_rules_say() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    for seed in [7, 2_026] {
        let group = ada.group("walk", &[&bob]).await;
        let (mut dice, mut model, mut gone) = (Dice(seed), Model::default(), BTreeSet::new());
        let mut sent = vec![ada.send(&group, "first").await];
        model.unread.insert(1);
        for step in 0..100 {
            one_step(&mut dice, &mut model, &ada, &bob, &mut sent, &mut gone).await;
            let path = format!("/v1/conversations/{group}/messages?unread=true");
            let unread: BTreeSet<_> = seqs(&bob.all(&path).await).into_iter().collect();
            assert_eq!(unread, model.unread, "seed {seed}, step {step}, mark {}, gone {gone:?}", model.mark);
            assert_eq!(bob.unread(&group).await, model.unread.len() as u64);
        }
    }
}
