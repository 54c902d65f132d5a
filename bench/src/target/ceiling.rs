//! The reference as a target.

use super::{Ask, Place, Target, dataset};
use crate::ceiling::{auth, log, rows};
use crate::error::BenchError;
use crate::load::{get, post};
use crate::process::Server;
use serde_json::json;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use tokio::process::Command;

pub(crate) struct Ceiling {
    server: Server,
    dir: PathBuf,
    tokens: Vec<String>,
}

impl Ceiling {
    /// Lines in the log's file.
    fn lines(&self) -> Result<u64, BenchError> {
        let mut log = BufReader::with_capacity(1 << 20, File::open(log::path(&self.dir))?);
        let mut lines = 0;
        while log.skip_until(b'\n')? > 0 {
            lines += 1;
        }
        Ok(lines)
    }
}

impl Target for Ceiling {
    const NAME: &'static str = "ceiling";

    async fn start(place: &Place, dir: &Path) -> Result<Self, BenchError> {
        let rows = place.scale as usize * dataset::MESSAGES_BY_MEMBER * dataset::MEMBERS;
        let mut command = Command::new(&place.bench);
        command.arg("ceiling").arg("--dir").arg(dir).arg("--rows").arg(rows.to_string());
        let server = Server::start(command, &dir.with_extension("log")).await?;
        let tokens = (0..dataset::USERS).map(|user| auth::token(u32::try_from(user).unwrap_or(0)));
        Ok(Self { server, dir: dir.into(), tokens: tokens.collect::<Result<_, _>>()? })
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
            Ask::Send { group, text } => post("/send", Some(token), &json!({"conversation": group, "body": text})),
        }
    }

    /// It has no views.
    async fn caught_up(&mut self) -> Result<(), BenchError> {
        Ok(())
    }

    async fn messages(&mut self) -> Result<u64, BenchError> {
        self.lines()
    }

    async fn stop(self) -> Result<u64, BenchError> {
        let lines = self.lines()?;
        self.server.stop().await?;
        Ok(lines)
    }

    fn replay(place: &Place, dir: &Path) -> Command {
        let mut command = Command::new(&place.bench);
        command.arg("ceiling-replay").arg("--dir").arg(dir);
        command
    }

    fn import(place: &Place, dir: &Path, file: &Path) -> Command {
        let mut command = Command::new(&place.bench);
        command.arg("ceiling-import").arg(file).arg("--dir").arg(dir);
        command
    }

    fn verify(_place: &Place, _dir: &Path) -> Option<Command> {
        None
    }
}
