//! What people do all the time.

use serde_json::{Value, json};

use super::Person;

impl Person {
    /// Starts a group with these people; its id.
    pub async fn group(&self, name: &str, members: &[&Self]) -> String {
        let members: Vec<_> = members.iter().map(|member| &member.id).collect();
        let body = json!({"kind": "group", "name": name, "members": members});
        self.post("/v1/conversations", body).await.expect(201).text_of("id")
    }

    /// The direct conversation with these people; its id.
    pub async fn direct(&self, members: &[&Self]) -> String {
        let members: Vec<_> = members.iter().map(|member| &member.id).collect();
        let answer = self.post("/v1/conversations", json!({"kind": "direct", "members": members})).await;
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        answer.text_of("id")
    }

    /// Sends a text; the message.
    pub async fn send(&self, conversation: &str, body: &str) -> Value {
        let path = format!("/v1/conversations/{conversation}/messages");
        self.post(path, json!({"body": body})).await.expect(201).json
    }

    /// Sends several texts one after the other; the messages.
    pub async fn send_all(&self, conversation: &str, bodies: &[&str]) -> Vec<Value> {
        let mut sent = vec![];
        for body in bodies {
            sent.push(self.send(conversation, body).await);
        }
        sent
    }

    /// Reads up to a message; the count that the server answers.
    pub async fn read(&self, message: &Value) -> u64 {
        let conversation = message["conversation_id"].as_str().expect("a message has a conversation");
        let path = format!("/v1/conversations/{conversation}/read");
        self.put(path, json!({"up_to": message["id"]})).await.expect(200).number("unread")
    }

    /// The unread messages of a conversation, which all routes that show them must agree about.
    pub async fn unread(&self, conversation: &str) -> u64 {
        self.unread_and_mentions(conversation).await.0
    }

    /// The unread messages of a conversation, and those of them that mention this person.
    pub async fn unread_and_mentions(&self, conversation: &str) -> (u64, u64) {
        let counts = self.get("/v1/unread").await.expect(200);
        let listed = counts["conversations"].as_array().expect("a list");
        let of_all: u64 = listed.iter().map(|entry| entry["unread"].as_u64().expect("a number")).sum();
        assert_eq!(counts["total"], of_all, "{}", counts.text);
        let entry = listed.iter().find(|entry| entry["id"] == conversation);
        let count = |member: &str| entry.map_or(0, |entry| entry[member].as_u64().expect("a number"));
        let shown = self.get(format!("/v1/conversations/{conversation}")).await.expect(200);
        assert_eq!(shown["unread"], count("unread"), "the conversation and /v1/unread disagree");
        let path = format!("/v1/conversations/{conversation}/messages?unread=true");
        let unread = self.all(&path).await;
        assert_eq!(
            unread.len() as u64,
            count("unread"),
            "the list of the unread and their count disagree: {unread:#?}"
        );
        (count("unread"), count("mentions"))
    }

    /// The unread messages of all conversations.
    pub async fn unread_total(&self) -> u64 {
        self.get("/v1/unread").await.expect(200).number("total")
    }

    /// All items of a list, page by page.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        self.pages(path, 100).await.concat()
    }

    /// All pages of a list, with at most `limit` items each.
    pub async fn pages(&self, path: &str, limit: usize) -> Vec<Vec<Value>> {
        let mut pages = vec![];
        let mut cursor = None;
        loop {
            let (page, next) = self.page(path, limit, cursor.as_deref()).await;
            pages.push(page);
            match next {
                Some(next) => cursor = Some(next),
                None => return pages,
            }
        }
    }

    /// One page of a list, and the cursor to the next.
    pub async fn page(&self, path: &str, limit: usize, cursor: Option<&str>) -> (Vec<Value>, Option<String>) {
        let joint = if path.contains('?') { '&' } else { '?' };
        let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let answer = self.get(format!("{path}{joint}limit={limit}{cursor}")).await.expect(200);
        let items = answer.items().to_vec();
        assert!(items.len() <= limit, "{} items of {limit}", items.len());
        let next = answer["next"].as_str().map(str::to_owned);
        assert!(next.is_some() || answer["next"].is_null(), "{}", answer.text);
        (items, next)
    }

    /// The messages of a conversation, newest first.
    pub async fn messages(&self, conversation: &str) -> Vec<Value> {
        self.all(&format!("/v1/conversations/{conversation}/messages")).await
    }

    /// The ids of the conversations in the inbox, newest activity first.
    pub async fn inbox(&self) -> Vec<String> {
        self.all("/v1/conversations").await.iter().map(id).collect()
    }
}

/// The `id` of an object.
#[track_caller]
pub fn id(object: &Value) -> String {
    object["id"].as_str().unwrap_or_else(|| panic!("no id: {object}")).to_owned()
}

/// The `seq` of a message.
#[track_caller]
pub fn seq(message: &Value) -> u64 {
    message["seq"].as_u64().unwrap_or_else(|| panic!("no seq: {message}"))
}

/// The `seq` of each message.
#[track_caller]
pub fn seqs(messages: &[Value]) -> Vec<u64> {
    messages.iter().map(seq).collect()
}

/// The text of a message.
#[track_caller]
pub fn body(message: &Value) -> &str {
    message["body"].as_str().unwrap_or_else(|| panic!("no body: {message}"))
}

/// The text of each message.
#[track_caller]
pub fn bodies(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(body).collect()
}
