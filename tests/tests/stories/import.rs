//! Bringing history in.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tidings_tests::app::{Person, TestApp, body, seqs};

/// A line of a log, as the test understands it.
struct Line {
    at: String,
    kind: &'static str,
    nick: String,
    more: String,
}

impl Line {
    fn json(&self) -> Value {
        let mut line = json!({"at": self.at, "channel": "ubuntu", "kind": self.kind, "nick": self.nick});
        match self.kind {
            "message" | "action" => line["text"] = json!(self.more),
            "rename" => line["new_nick"] = json!(self.more),
            _ => {}
        }
        line
    }
}

const NICKS: [&str; 9] = ["|trey|", "Matt|", "usual", "USUAL", "a", "日本", "x_X^", "user name with spaces", "me"];

/// A log with everything in it that real ones have.
fn log() -> Vec<Line> {
    let mut lines = vec![];
    let mut dice = 42_u64;
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((dice >> 33) % sides).expect("small")
    };
    for number in 0..400 {
        let nick = NICKS[roll(9)].to_owned();
        let (kind, more) = match roll(10) {
            0 => ("join", String::new()),
            1 => ("leave", String::new()),
            2 => ("rename", NICKS[roll(9)].to_owned()),
            3 => ("action", format!("waves {number}")),
            // the same line twice in one moment is two messages
            4 => ("message", "hi".to_owned()),
            _ => ("message", format!("text {number}: ünïcode 你好 🎉 \"q\"")),
        };
        let at = format!("2004-11-15T12:{:02}:{:02}Z", number / 60, (number / 2) % 60);
        lines.push(Line { at, kind, nick, more });
    }
    lines
}

/// What a naive reading of the log says: the messages in order, who is a member at the end, and each one's unread.
#[derive(Default)]
struct Count {
    said: Vec<(String, String, String)>,
    unread: BTreeMap<String, u64>,
}

fn count(lines: &[Line]) -> Count {
    let mut count = Count::default();
    for line in lines {
        match line.kind {
            "join" => {
                count.unread.entry(line.nick.clone()).or_default();
            }
            "leave" => {
                count.unread.remove(&line.nick);
            }
            "rename" => {
                count.unread.remove(&line.nick);
                count.unread.entry(line.more.clone()).or_default();
            }
            _ => {
                count.unread.values_mut().for_each(|unread| *unread += 1);
                // who speaks is in, and has read all
                count.unread.insert(line.nick.clone(), 0);
                let text =
                    if line.kind == "action" { format!("* {} {}", line.nick, line.more) } else { line.more.clone() };
                count.said.push((line.at.clone(), line.nick.clone(), text));
            }
        }
    }
    count
}

/// Signs in as an imported account: operators give it a password first.
async fn as_imported(app: &TestApp, username: &str) -> Person {
    use std::{io::Write, process::Stdio};
    let mut tool =
        app.tool_command(&["password", username]).stdin(Stdio::piped()).spawn().expect("the program is there");
    let mut input = tool.stdin.take().expect("it was asked for");
    input.write_all(b"imported password\n").expect("it reads");
    drop(input);
    assert!(tool.wait().expect("it is ours").success());
    app.sign_in(username, "imported password").await
}

#[tokio::test]
async fn a_chat_log_becomes_accounts_members_and_messages_at_their_own_times() {
    let app = TestApp::start();
    let lines = log();
    let expected = count(&lines);
    let file = app.data_dir().with_extension("ndjson");
    let text: String = lines.iter().flat_map(|line| [line.json().to_string(), "\n".to_owned()]).collect();
    std::fs::write(&file, &text).unwrap();
    let path = file.to_str().unwrap();
    app.tool_done(&["import", path]);
    let events = app.tool_done(&["events"]).lines().count();

    let finder = app.person("finder").await;
    let nicks: BTreeSet<_> = NICKS.iter().copied().collect();
    let mut people = BTreeMap::new();
    for user in finder.all("/v1/users").await {
        if let Some(nick) = user["first_name"].as_str().and_then(|name| nicks.get(name)) {
            assert!(
                people.insert(*nick, user["username"].as_str().unwrap().to_owned()).is_none(),
                "one account: {nick}"
            );
        }
    }
    assert_eq!(people.len(), nicks.len(), "{people:?}");
    let mut shown = 0;
    for (nick, unread) in &expected.unread {
        let person = as_imported(&app, &people[nick.as_str()]).await;
        let inbox = person.inbox().await;
        assert_eq!(inbox.len(), 1, "{nick}");
        assert_eq!(person.unread(&inbox[0]).await, *unread, "{nick}");
        let members = person.all(&format!("/v1/conversations/{}/members", inbox[0])).await;
        let names: BTreeSet<_> = members.iter().map(|member| member["user"]["username"].as_str().unwrap()).collect();
        let wanted: BTreeSet<_> = expected.unread.keys().map(|nick| people[nick.as_str()].as_str()).collect();
        assert_eq!(names, wanted);
        if shown == 0 {
            assert_messages(&person.messages(&inbox[0]).await, &expected, &people);
            assert!(person.all("/v1/messages").await.is_empty(), "by itself the list goes back thirty days");
            assert!(!person.all("/v1/messages?since=2004-11-15T00:00:00Z").await.is_empty());
        }
        shown += 1;
    }
    assert!(shown > 2, "the log leaves some people in the channel");

    let after = app.tool_done(&["events"]).lines().count();
    app.tool_done(&["import", path]);
    assert_eq!(app.tool_done(&["events"]).lines().count(), after, "a second import of the same file adds nothing");
    assert!(after > events, "only the sign-ins were new");
    app.tool_done(&["replay", "--verify"]);

    // a log that has grown adds what is new, also while no server runs
    let more = Line { at: "2004-11-15T13:00:00Z".into(), kind: "message", nick: "late".into(), more: "hello".into() };
    std::fs::write(&file, format!("{text}{}\n", more.json())).unwrap();
    app.stop().await;
    app.tool_done(&["import", path]);
    app.restart();
    let late = finder.refreshed().await.all("/v1/users?query=late").await;
    let late = as_imported(&app, late[0]["username"].as_str().unwrap()).await;
    let inbox = late.inbox().await;
    assert_eq!(late.messages(&inbox[0]).await.len(), expected.said.len() + 1);
    std::fs::remove_file(file).unwrap();
}

fn assert_messages(messages: &[Value], expected: &Count, people: &BTreeMap<&str, String>) {
    let count = expected.said.len() as u64;
    assert_eq!(seqs(messages), (1..=count).rev().collect::<Vec<_>>());
    for (message, (at, nick, text)) in messages.iter().rev().zip(&expected.said) {
        assert_eq!(
            (body(message), message["sender"]["username"].as_str()),
            (text.as_str(), people.get(nick.as_str()).map(String::as_str))
        );
        assert_eq!(message["created_at"], at.replace('Z', ".000Z"), "its own time, not the recording's");
    }
}

#[tokio::test]
async fn a_bad_file_is_refused_whole() {
    let app = TestApp::start();
    let file = app.data_dir().with_extension("bad");
    let good = json!({"at": "2004-11-15T12:00:00Z", "channel": "c", "kind": "join", "nick": "n"});
    for bad in ["nonsense", "{}", r#"{"at":"2004-11-15T12:00:00Z","channel":"c","kind":"dance","nick":"n"}"#] {
        std::fs::write(&file, format!("{good}\n{bad}\n")).unwrap();
        let output = app.tool(&["import", file.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("line 2"), "{said}");
    }
    assert_eq!(app.tool_done(&["events"]).lines().count(), 0, "nothing of it is in");
    assert_eq!(app.tool(&["import", "/nowhere/at-all"]).status.code(), Some(1));
    assert_eq!(app.tool(&["import"]).status.code(), Some(2));
    std::fs::remove_file(file).unwrap();
}
