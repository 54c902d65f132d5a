//! People beside the users of the data set: those who listen, and a crowd that is only there.

use super::{PASSWORD, Tidings, program};
use crate::error::BenchError;
use crate::history::Line;
use crate::load::{get, put};
use crate::process::{finish, finish_with};
use crate::target::{Ask, Audience, Target as _, dataset};
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

/// Who may let others in.
const DOORKEEPER: &str = "crowd00000";

impl Tidings {
    pub(super) async fn make_audience(&mut self) -> Result<Audience, BenchError> {
        let group = dataset::LIVE_GROUP;
        let people = dataset::members(group);
        if !self.groups.contains_key(&group) {
            self.register(dataset::USERS + people.len()).await?;
            self.make_group(group).await?;
        }
        self.sign_in(self.users.len()).await?;
        let listen = people[1..].iter().map(|user| get("/v1/live", &self.users[*user].token)).collect();
        Ok(Audience { listen, send: self.request(people[0], Ask::Send { group, text: Audience::TEXT }) })
    }

    /// Imports a channel in which a crowd comes in and says nothing, for a password costs each of them more than all else; one of
    /// them then adds the users.
    pub(super) async fn gather_crowd(&mut self) -> Result<(), BenchError> {
        if self.groups.contains_key(&dataset::LARGE_GROUP) {
            return Ok(());
        }
        let (log, file) = (self.place.dir.join("crowd.log"), self.place.dir.join("crowd.ndjson"));
        let crowd = dataset::MEMBERS_OF_LARGE - dataset::USERS;
        write(&file, crowd)?;
        finish(Self::import(&self.place, &self.dir, &file), &log).await?;
        self.made.accounts += crowd as u64;
        std::fs::write(&file, PASSWORD)?;
        let mut command = program(&self.place, &self.dir);
        command.args(["password", DOORKEEPER]);

        finish_with(command, File::open(&file)?, &log).await?;
        let token = self.token(DOORKEEPER).await?;
        let inbox = self.client().ask(&get("/v1/conversations", &token)).await?.body;
        let id = inbox["items"][0]["id"].as_str().map(str::to_owned);
        let id = id.ok_or_else(|| BenchError::Check(format!("no group of the crowd: {inbox}")))?;
        for user in 0..dataset::USERS {
            let path = format!("/v1/conversations/{id}/members/{}", self.users[user].id);
            self.client().ask(&put(&path, &token, &json!({}))).await?;
        }
        let group = self.client().ask(&get(&format!("/v1/conversations/{id}"), &token)).await?.body;
        if group["member_count"] != json!(dataset::MEMBERS_OF_LARGE) {
            return Err(BenchError::Check(format!("the large group has another size: {group}")));
        }
        self.groups.insert(dataset::LARGE_GROUP, id);
        self.caught_up().await
    }
}

/// A chat log in which so many come in, at the same moment.
fn write(path: &Path, crowd: usize) -> Result<(), BenchError> {
    let mut file = BufWriter::new(File::create(path)?);
    for number in 0..crowd {
        let line = Line {
            at: "2010-01-01T00:00:00Z".into(),
            channel: "Crowd".into(),
            kind: "join".into(),
            nick: format!("crowd{number:05}"),
            text: None,
            new_nick: None,
        };
        serde_json::to_writer(&mut file, &line)?;
        file.write_all(b"\n")?;
    }
    Ok(file.flush()?)
}
