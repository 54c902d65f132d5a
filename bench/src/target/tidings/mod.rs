//! The real server as a target, driven by nothing but its HTTP contract and its command line.

mod crowd;
mod imported;
mod log;
mod node;
mod setup;

pub(crate) use node::{offline, program};

use super::client::{Client, Reply};
use super::{Ask, Audience, Counts, Place, Stopped, Target, dataset};
use crate::ceiling::replay::View;
use crate::error::BenchError;
use crate::load::{Script, get, post};
use crate::process::Server;
use node::Node;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::process::Command;

const PASSWORD: &str = "correct horse battery staple";
/// Access tokens live 5 minutes; one this old is replaced before a measurement, which lasts a minute at most.
const TOKEN_IS_OLD_AFTER: Duration = Duration::from_mins(3);

pub(crate) struct Tidings {
    /// One process, or the nodes of one installation; the first is the one that is asked when any will do.
    nodes: Vec<Node>,
    users: Vec<User>,
    /// Ids of the groups, by their numbers.
    groups: HashMap<usize, String>,
    made: Counts,
    /// Where its data is, and the programs.
    place: Place,
    dir: PathBuf,
}

struct User {
    name: String,
    id: String,
    token: String,
    since: Instant,
}

pub(crate) fn username(number: usize) -> String {
    format!("bench{number:02}")
}

impl Tidings {
    /// Starts the nodes of one installation in an empty database and fills in the data set.
    pub(crate) async fn over(place: &Place, dir: &Path, database: &str, nodes: usize) -> Result<Self, BenchError> {
        std::fs::create_dir_all(dir)?;
        let mut started = Vec::with_capacity(nodes);
        for number in 1..=nodes {
            let log = dir.join(format!("node-{number}.log"));
            started.push(Node::start(node::node(place, dir, number, database), &log).await?);
        }
        Self::filled(place, dir, started).await
    }

    fn of(place: &Place, dir: &Path, nodes: Vec<Node>) -> Self {
        let (users, groups, made) = (Vec::new(), HashMap::new(), Counts::default());
        Self { nodes, users, groups, made, place: place.clone(), dir: dir.into() }
    }

    async fn filled(place: &Place, dir: &Path, nodes: Vec<Node>) -> Result<Self, BenchError> {
        let mut target = Self::of(place, dir, nodes);
        target.register(dataset::USERS).await?;
        for group in 0..=dataset::HOT_GROUP {
            target.make_group(group).await?;
        }
        target.fill(place.scale.into()).await?;
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

    /// The `seq` of the newest message: how many a conversation holds.
    async fn newest(&mut self, group: usize) -> Result<u64, BenchError> {
        let path = format!("/v1/conversations/{}/messages?limit=1", self.groups[&group]);
        let request = get(&path, &self.users[dataset::members(group)[0]].token);
        let page = self.client().ask(&request).await?.body;
        let Some(first) = page["items"].as_array().and_then(|items| items.first()) else { return Ok(0) };
        first["seq"].as_u64().ok_or_else(|| BenchError::Check(format!("a message without seq: {first}")))
    }

    async fn send(&mut self) -> Result<Reply, BenchError> {
        self.renew(0).await?;
        let request = self.request(0, Ask::Send { group: dataset::HOT_GROUP, text: "the last one" });
        let reply = self.client().ask(&request).await?;
        self.made.messages += 1;
        Ok(reply)
    }

    /// How many events lie in the log of a directory.
    pub(crate) fn events(dir: &Path) -> Result<u64, BenchError> {
        log::events(dir)
    }

    async fn renew(&mut self, user: usize) -> Result<(), BenchError> {
        let name = self.users[user].name.clone();
        self.users[user].token = self.token(&name).await?;
        self.users[user].since = Instant::now();
        Ok(())
    }
}

impl Target for Tidings {
    const NAME: &'static str = "tidings";

    async fn start(place: &Place, dir: &Path) -> Result<Self, BenchError> {
        let node = Node::start(program(place, dir), &dir.with_extension("log")).await?;
        Self::filled(place, dir, vec![node]).await
    }

    fn servers(&self) -> impl Iterator<Item = &Server> {
        self.nodes.iter().map(|node| &node.server)
    }

    async fn sign_in(&mut self, users: usize) -> Result<(), BenchError> {
        for user in 0..users {
            if self.users[user].since.elapsed() > TOKEN_IS_OLD_AFTER {
                self.renew(user).await?;
            }
        }
        Ok(())
    }

    fn request(&self, user: usize, ask: Ask<'_>) -> Vec<u8> {
        let token = &self.users[user].token;
        match ask {
            Ask::Inbox => get("/v1/conversations?limit=50", token),
            Ask::Messages { group } => {
                get(&format!("/v1/conversations/{}/messages?limit=50", self.groups[&group]), token)
            }
            Ask::Unread => get("/v1/unread", token),
            Ask::Search { words } => get(&format!("/v1/search?q={}&limit=20", words.join("+")), token),
            Ask::Send { group, text } => {
                let path = format!("/v1/conversations/{}/messages", self.groups[&group]);
                post(&path, Some(token), &json!({"body": text}))
            }
            Ask::Register { username } => post("/v1/users", None, &json!({"username": username, "password": PASSWORD})),
            Ask::SignIn => post("/v1/sessions", None, &json!({"username": username(user), "password": PASSWORD})),
        }
    }

    async fn marks(&mut self, connections: usize, each: usize) -> Result<Script, BenchError> {
        self.make_marks(connections, each).await
    }

    async fn audience(&mut self) -> Result<Audience, BenchError> {
        self.make_audience().await
    }

    async fn gather(&mut self) -> Result<(), BenchError> {
        self.gather_crowd().await
    }

    async fn caught_up(&mut self) -> Result<(), BenchError> {
        self.sign_in(1).await?;
        for node in &mut self.nodes {
            node.caught_up(&self.users[0].token).await?;
        }
        Ok(())
    }

    fn made(&self) -> Counts {
        self.made
    }

    async fn messages(&mut self) -> Result<u64, BenchError> {
        self.sign_in(self.users.len()).await?;
        let mut messages = 0;
        for group in self.groups.keys().copied().collect::<Vec<_>>() {
            messages += self.newest(group).await?;
        }
        Ok(messages)
    }

    /// Positions have no gaps, embedded or in PostgreSQL: that of the last event is their number.
    async fn stop(mut self) -> Result<Stopped, BenchError> {
        let reply = self.send().await?;
        let id = reply.body.get("id").map_or_else(String::new, Value::to_string);
        let events = reply.position.ok_or_else(|| BenchError::Check(format!("no Tidings-Position on message {id}")))?;
        self.caught_up().await?;
        let read = self.request(0, Ask::Inbox);
        for node in self.nodes {
            node.server.stop().await?;
        }
        Ok(Stopped { events, made: self.made, read })
    }

    fn found(dir: &Path) -> Result<Counts, BenchError> {
        log::found(dir)
    }

    fn serve(place: &Place, dir: &Path, address: SocketAddr) -> Command {
        let mut command = program(place, dir);
        command.arg("serve").env("TIDINGS_LISTEN", address.to_string());
        command
    }

    fn replay(place: &Place, dir: &Path, view: Option<View>) -> Command {
        let mut command = program(place, dir);
        command.arg("replay").args(view.map(View::name));
        command
    }

    fn audit(place: &Place, dir: &Path) -> Command {
        let mut command = program(place, dir);
        command.args(["audit", "verify"]);
        command
    }

    fn import(place: &Place, dir: &Path, file: &Path) -> Command {
        let mut command = program(place, dir);
        command.arg("import").arg(file);
        command
    }

    fn verify(place: &Place, dir: &Path) -> Option<Command> {
        let mut command = program(place, dir);
        command.arg("replay").arg("--verify");
        Some(command)
    }
}
