//! The reference as a target.

use super::{Ask, Audience, Client, Counts, Place, Stopped, Target, dataset, username};
use crate::ceiling::replay::View;
use crate::ceiling::{auth, log, rows};
use crate::error::BenchError;
use crate::load::{Script, get, post, put};
use crate::process::Server;
use serde_json::json;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// As long as that of Tidings' users, for what is hashed should be alike.
const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct Ceiling {
    server: Server,
    dir: PathBuf,
    tokens: Vec<String>,
    made: Counts,
}

impl Ceiling {
    fn program(place: &Place, command: &str, dir: &Path) -> Command {
        let mut program = Command::new(&place.bench);
        program.arg(command).arg("--dir").arg(dir);
        program
    }

    async fn register(&mut self) -> Result<(), BenchError> {
        let mut client = Client::open(self.server.address).await?;
        for user in 0..dataset::USERS {
            client.ask(&self.request(user, Ask::Register { username: &username(user) })).await?;
            self.made.accounts += 1;
        }
        Ok(())
    }
}

impl Target for Ceiling {
    const NAME: &'static str = "ceiling";

    async fn start(place: &Place, dir: &Path) -> Result<Self, BenchError> {
        let rows = usize::from(place.scale) * dataset::MESSAGES_BY_MEMBER * dataset::MEMBERS;
        let mut command = Self::program(place, "ceiling", dir);
        command.arg("--rows").arg(rows.to_string());
        let server = Server::start(command, &dir.with_extension("log")).await?;
        let tokens = (0..dataset::USERS).map(|user| auth::token(u32::try_from(user).unwrap_or(0)));
        let tokens = tokens.collect::<Result<_, _>>()?;
        let mut target = Self { server, dir: dir.into(), tokens, made: Counts::default() };
        target.register().await?;
        Ok(target)
    }

    fn servers(&self) -> impl Iterator<Item = &Server> {
        std::iter::once(&self.server)
    }

    /// Its tokens outlast every run.
    async fn sign_in(&mut self, _users: usize) -> Result<(), BenchError> {
        Ok(())
    }

    fn request(&self, user: usize, ask: Ask<'_>) -> Vec<u8> {
        let token = &self.tokens[user];
        match ask {
            Ask::Inbox => get(&format!("/page?conversation={user}"), token),
            Ask::Messages { group } => {
                get(&format!("/page?conversation={}", group % rows::CONVERSATIONS as usize), token)
            }
            Ask::Unread => get("/unread", token),
            Ask::Search { words } => get(&format!("/search?q={}*", words.join("*+")), token),
            Ask::Send { group, text } => post("/send", Some(token), &json!({"conversation": group, "body": text})),
            Ask::Register { username } => post("/users", None, &json!({"username": username, "password": PASSWORD})),
            Ask::SignIn => post("/sessions", None, &json!({"username": username(user), "password": PASSWORD})),
        }
    }

    /// It appends every mark, wherever it leads.
    async fn marks(&mut self, connections: usize, _each: usize) -> Result<Script, BenchError> {
        let lane = |number: usize| {
            let token = &self.tokens[number % dataset::USERS];
            let groups = dataset::groups_to_mark(number, connections).into_iter();
            groups.map(|group| put("/read", token, &json!({"conversation": group, "up_to": 1_000}))).collect()
        };
        Ok(Script::repeating((0..connections).map(lane).collect()))
    }

    /// It knows no members: everybody may listen.
    async fn audience(&mut self) -> Result<Audience, BenchError> {
        let (group, path) = (dataset::LIVE_GROUP, format!("/live?conversation={}", dataset::LIVE_GROUP));
        let listen = self.tokens.iter().take(dataset::LISTENERS).map(|token| get(&path, token)).collect();
        Ok(Audience { listen, send: self.request(0, Ask::Send { group, text: Audience::TEXT }) })
    }

    /// It knows no members.
    async fn gather(&mut self) -> Result<(), BenchError> {
        Ok(())
    }

    /// It has no views.
    async fn caught_up(&mut self) -> Result<(), BenchError> {
        Ok(())
    }

    fn made(&self) -> Counts {
        self.made
    }

    async fn messages(&mut self) -> Result<u64, BenchError> {
        log::lines(&log::path(&self.dir))
    }

    async fn stop(self) -> Result<Stopped, BenchError> {
        let (made, read) = (self.made, self.request(0, Ask::Inbox));
        self.server.stop().await?;
        Ok(Stopped { events: log::lines(&log::path(&self.dir))?, made, read })
    }

    fn found(dir: &Path) -> Result<Counts, BenchError> {
        Ok(Counts {
            messages: log::lines(&log::path(dir))?,
            marks: log::lines(&log::marks(dir))?,
            accounts: log::lines(&log::accounts(dir))?,
            sessions: log::lines(&log::sessions(dir))?,
        })
    }

    fn serve(place: &Place, dir: &Path, address: SocketAddr) -> Command {
        let mut command = Self::program(place, "ceiling", dir);
        command.arg("--listen").arg(address.to_string()).args(["--rows", "0"]);
        command
    }

    fn replay(place: &Place, dir: &Path, view: Option<View>) -> Command {
        let mut command = Self::program(place, "ceiling-replay", dir);
        command.args(view.map(View::name));
        command
    }

    fn audit(place: &Place, dir: &Path) -> Command {
        Self::program(place, "ceiling-audit", dir)
    }

    fn import(place: &Place, dir: &Path, file: &Path) -> Command {
        let mut command = Self::program(place, "ceiling-import", dir);
        command.arg(file);
        command
    }

    fn verify(_place: &Place, _dir: &Path) -> Option<Command> {
        None
    }
}
