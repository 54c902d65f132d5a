//! The real server as a target, driven by nothing but its HTTP contract and its command line.

use super::client::{Client, Reply};
use super::{Ask, Place, Target, Work, dataset};
use crate::error::BenchError;
use crate::load::{Extent, Load, Pace, drive, get, post};
use crate::process::Server;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::process::Command;

const PASSWORD: &str = "correct horse battery staple";
/// Access tokens live 5 minutes; one this old is replaced before a measurement, which lasts a minute at most.
const TOKEN_IS_OLD_AFTER: Duration = Duration::from_mins(3);
const SECONDS_TO_CATCH_UP: u64 = 120;

pub(crate) struct Tidings {
    /// One process, or the nodes of one installation; the first is the one that is asked when any will do.
    nodes: Vec<Node>,
    users: Vec<User>,
    /// Ids of the groups, the hot one last.
    groups: Vec<String>,
}

struct Node {
    server: Server,
    client: Client,
}

struct User {
    id: String,
    token: String,
    since: Instant,
}

pub(crate) fn username(number: usize) -> String {
    format!("bench{number:02}")
}

/// The program on a data directory, with nothing in its environment that a user's own settings could change.
pub(crate) fn tidings(place: &Place, dir: &Path) -> Command {
    let mut command = Command::new(&place.tidings);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TIDINGS_") {
            command.env_remove(name);
        }
    }
    // a directory of its own, where no tidings.toml lies
    command.current_dir(&place.dir).env("TIDINGS_DATA_DIR", dir);
    command.env("TIDINGS_LISTEN", "127.0.0.1:0").env("TIDINGS_RATE_LIMIT", "0").env("TIDINGS_LOG", "info");
    // connections that a long preparation leaves idle are still wanted
    command.env("TIDINGS_CLIENT_TIMEOUT", "3600");
    command
}

/// The program as a node of the installation in this database.
fn node(place: &Place, dir: &Path, number: usize, database: &str) -> Command {
    let mut command = tidings(place, &dir.join(format!("node-{number}")));
    for setting in ["TIDINGS_EVENT_STORE", "TIDINGS_KEYS", "TIDINGS_VIEWS"] {
        command.env(setting, database);
    }
    command.env("TIDINGS_SECRET", "only for measurements, and shared by the nodes of one installation");
    command
}

/// The programs that work on an installation in this database while no node runs: one that rebuilds its views, and one that
/// compares them with the log.
pub(crate) fn offline(place: &Place, dir: &Path, database: &str) -> (Command, Command) {
    let (mut replay, mut verify) = (node(place, dir, 0, database), node(place, dir, 0, database));
    replay.arg("replay");
    verify.args(["replay", "--verify"]);
    (replay, verify)
}

impl Node {
    async fn start(mut command: Command, log: &Path) -> Result<Self, BenchError> {
        command.arg("serve");
        let server = Server::start(command, log).await?;
        let client = Client::open(server.address).await?;
        let mut node = Self { server, client };
        node.wait_until_ready().await?;
        Ok(node)
    }

    async fn wait_until_ready(&mut self) -> Result<(), BenchError> {
        let begun = Instant::now();
        while self.client.status(&get("/health/ready", "")).await? != 200 {
            if begun.elapsed() > Duration::from_secs(20) {
                return Err(BenchError::Check("the server is not ready after 20 s".into()));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Answers when a reader with this token sees all that was sent through this node. A read waits for the views itself, but
    /// for two seconds only, after which it is answered 503.
    async fn caught_up(&mut self, token: &str) -> Result<(), BenchError> {
        let begun = Instant::now();
        let request = get("/v1/unread", token);
        loop {
            match self.client.status(&request).await? {
                200 => return Ok(()),
                503 if begun.elapsed() < Duration::from_secs(SECONDS_TO_CATCH_UP) => {}
                status => return Err(BenchError::Check(format!("the views have not caught up: status {status}"))),
            }
        }
    }
}

impl Tidings {
    /// Starts the nodes of one installation in an empty database and fills in the data set.
    pub(crate) async fn over(place: &Place, dir: &Path, database: &str, nodes: usize) -> Result<Self, BenchError> {
        std::fs::create_dir_all(dir)?;
        let mut started = Vec::with_capacity(nodes);
        for number in 1..=nodes {
            let log = dir.join(format!("node-{number}.log"));
            started.push(Node::start(node(place, dir, number, database), &log).await?);
        }
        Self::filled(place, started).await
    }

    async fn filled(place: &Place, nodes: Vec<Node>) -> Result<Self, BenchError> {
        let mut target = Self { nodes, users: Vec::new(), groups: Vec::new() };
        target.register().await?;
        target.make_groups().await?;
        target.fill(place.scale as usize).await?;
        target.caught_up().await?;
        Ok(target)
    }

    /// The access token of a user who has signed in.
    pub(crate) fn access_token(&self, user: usize) -> &str {
        &self.users[user].token
    }

    fn client(&mut self) -> &mut Client {
        &mut self.nodes[0].client
    }

    async fn register(&mut self) -> Result<(), BenchError> {
        for number in 0..dataset::USERS {
            let body = json!({"username": username(number), "password": PASSWORD});
            let id = self.client().ask(&post("/v1/users", None, &body)).await?.text("id")?;
            let token = self.token(number).await?;
            self.users.push(User { id, token, since: Instant::now() });
        }
        Ok(())
    }

    async fn token(&mut self, user: usize) -> Result<String, BenchError> {
        let body = json!({"username": username(user), "password": PASSWORD});
        self.client().ask(&post("/v1/sessions", None, &body)).await?.text("access_token")
    }

    async fn make_groups(&mut self) -> Result<(), BenchError> {
        for group in 0..=dataset::HOT_GROUP {
            let members = dataset::members(group);
            let others: Vec<&str> = members[1..].iter().map(|member| self.users[*member].id.as_str()).collect();
            let body = json!({"kind": "group", "name": format!("Group {group}"), "members": others});
            let request = post("/v1/conversations", Some(&self.users[members[0]].token), &body);
            let id = self.client().ask(&request).await?.text("id")?;
            self.groups.push(id);
        }
        Ok(())
    }

    async fn fill(&mut self, scale: usize) -> Result<(), BenchError> {
        let script = Arc::new(dataset::script(self, Work::Send, dataset::USERS).await?);
        let extent = Extent::Rounds(dataset::MESSAGES_BY_MEMBER * scale);
        drive(&Load { addresses: self.addresses(), script, pace: Pace::Closed, extent, stop: Arc::default() }).await?;
        Ok(())
    }

    /// The `seq` of the newest message: how many a conversation holds.
    async fn newest(&mut self, group: usize) -> Result<u64, BenchError> {
        let path = format!("/v1/conversations/{}/messages?limit=1", self.groups[group]);
        let request = get(&path, &self.users[dataset::members(group)[0]].token);
        let page = self.client().ask(&request).await?.body;
        let Some(first) = page["items"].as_array().and_then(|items| items.first()) else { return Ok(0) };
        first["seq"].as_u64().ok_or_else(|| BenchError::Check(format!("a message without seq: {first}")))
    }

    async fn send(&mut self) -> Result<Reply, BenchError> {
        self.sign_in(1).await?;
        let group = dataset::groups_of(0)[0];
        let request = self.request(0, Ask::Send { group, text: "the last one" });
        self.client().ask(&request).await
    }
}

impl Target for Tidings {
    const NAME: &'static str = "tidings";

    async fn start(place: &Place, dir: &Path) -> Result<Self, BenchError> {
        let node = Node::start(tidings(place, dir), &dir.with_extension("log")).await?;
        Self::filled(place, vec![node]).await
    }

    fn servers(&self) -> impl Iterator<Item = &Server> {
        self.nodes.iter().map(|node| &node.server)
    }

    async fn sign_in(&mut self, users: usize) -> Result<(), BenchError> {
        for user in 0..users {
            if self.users[user].since.elapsed() > TOKEN_IS_OLD_AFTER {
                self.users[user].token = self.token(user).await?;
                self.users[user].since = Instant::now();
            }
        }
        Ok(())
    }

    fn request(&self, user: usize, ask: Ask<'_>) -> Vec<u8> {
        let token = &self.users[user].token;
        match ask {
            Ask::Inbox => get("/v1/conversations?limit=50", token),
            Ask::Messages { group } => {
                get(&format!("/v1/conversations/{}/messages?limit=50", self.groups[group]), token)
            }
            Ask::Unread => get("/v1/unread", token),
            Ask::Send { group, text } => {
                let path = format!("/v1/conversations/{}/messages", self.groups[group]);
                post(&path, Some(token), &json!({"body": text}))
            }
        }
    }

    async fn caught_up(&mut self) -> Result<(), BenchError> {
        self.sign_in(1).await?;
        for node in &mut self.nodes {
            node.caught_up(&self.users[0].token).await?;
        }
        Ok(())
    }

    async fn messages(&mut self) -> Result<u64, BenchError> {
        self.sign_in(dataset::USERS).await?;
        let mut messages = 0;
        for group in 0..=dataset::HOT_GROUP {
            messages += self.newest(group).await?;
        }
        Ok(messages)
    }

    /// Positions have no gaps, embedded or in PostgreSQL: that of the last event is their number.
    async fn stop(mut self) -> Result<u64, BenchError> {
        let reply = self.send().await?;
        let id = reply.body.get("id").map_or_else(String::new, Value::to_string);
        let events = reply.position.ok_or_else(|| BenchError::Check(format!("no Tidings-Position on message {id}")))?;
        self.caught_up().await?;
        for node in self.nodes {
            node.server.stop().await?;
        }
        Ok(events)
    }

    fn replay(place: &Place, dir: &Path) -> Command {
        let mut command = tidings(place, dir);
        command.arg("replay");
        command
    }

    fn import(place: &Place, dir: &Path, file: &Path) -> Command {
        let mut command = tidings(place, dir);
        command.arg("import").arg(file);
        command
    }

    fn verify(place: &Place, dir: &Path) -> Option<Command> {
        let mut command = tidings(place, dir);
        command.arg("replay").arg("--verify");
        Some(command)
    }
}
