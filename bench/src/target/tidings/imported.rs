//! The real server over a log that was imported: the same users and groups, and as many messages as the log has.

use super::node::{Node, program};
use super::{PASSWORD, Tidings, User};
use crate::error::BenchError;
use crate::load::{get, put};
use crate::process::finish_with;
use crate::target::{Ask, Place, Target as _, dataset};
use serde_json::json;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::time::Instant;

impl Tidings {
    /// Gives imported accounts their password, with no server running.
    pub(crate) async fn let_in(place: &Place, dir: &Path, names: &[String]) -> Result<(), BenchError> {
        let file = place.dir.join("password");
        std::fs::write(&file, PASSWORD)?;
        for name in names {
            let mut command = program(place, dir);
            command.args(["password", name]);
            finish_with(command, File::open(&file)?, &place.dir.join("password.log")).await?;
        }
        Ok(())
    }

    /// Serves an imported log to people who have passwords, the first of them as user 0 and so on; their groups have the names of
    /// channels.
    pub(crate) async fn over_imported(
        place: &Place,
        dir: &Path,
        names: &[String],
        channels: &[(usize, String)],
    ) -> Result<Self, BenchError> {
        let node = Node::start(program(place, dir), &dir.with_extension("log")).await?;
        let mut target = Self::of(place, dir, vec![node]);
        for name in names {
            let (name, token) = (name.clone(), target.token(name).await?);
            let profile = target.client().ask(&get("/v1/users/me", &token)).await?;
            target.users.push(User { name, id: profile.text("id")?, token, since: Instant::now() });
        }
        let found = target.conversations().await?;
        for (group, name) in channels {
            let id = found.get(name).ok_or_else(|| BenchError::Check(format!("nobody is in {name:?}")))?;
            target.groups.insert(*group, id.clone());
        }
        target.caught_up().await?;
        Ok(target)
    }

    /// The ids of all conversations that users are in, by their names. Nobody is in more than a page has.
    async fn conversations(&mut self) -> Result<HashMap<String, String>, BenchError> {
        let mut found = HashMap::new();
        for user in 0..self.users.len() {
            let request = get("/v1/conversations?limit=100", &self.users[user].token);
            let page = self.client().ask(&request).await?.body;
            for item in page["items"].as_array().map(Vec::as_slice).unwrap_or_default() {
                if let (Some(name), Some(id)) = (item["name"].as_str(), item["id"].as_str()) {
                    found.insert(name.to_owned(), id.to_owned());
                }
            }
        }
        Ok(found)
    }

    /// The id of the message in the middle of a group in which nothing but messages has followed the first comings in: there
    /// its `seq` and its stream's version lie as far apart as those of the newest.
    pub(crate) async fn middle(&mut self, group: usize) -> Result<String, BenchError> {
        let newest = self.newest_ids(group, 1).await?.swap_remove(0);
        let parts: Vec<&str> = newest.split('-').collect();
        let number = |place: usize| parts.get(place).and_then(|part| part.parse::<u64>().ok());
        let (Some(seq), Some(version)) = (number(1), number(2)) else {
            return Err(BenchError::Check(format!("{newest} is no id of a message")));
        };
        let middle = seq.div_ceil(2);
        Ok(format!("{}-{middle}-{}", parts[0], middle + version - seq))
    }

    /// The id of a message near the middle of a group, of those that a search for these words finds.
    pub(crate) async fn near_the_middle(&mut self, group: usize, words: &[String]) -> Result<String, BenchError> {
        let half = self.newest(group).await? / 2;
        let mut nearest: Option<(u64, String)> = None;
        for word in words {
            let request = self.request(0, Ask::Search { words: &[word] });
            let page = self.client().ask(&request).await?.body;
            for item in page["items"].as_array().map(Vec::as_slice).unwrap_or_default() {
                let message = &item["message"];
                let (Some(seq), Some(id)) = (message["seq"].as_u64(), message["id"].as_str()) else { continue };
                let away = seq.abs_diff(half);
                if nearest.as_ref().is_none_or(|(before, _)| away < *before) {
                    nearest = Some((away, id.to_owned()));
                }
            }
        }
        nearest.map(|(_, id)| id).ok_or_else(|| BenchError::Check(format!("nothing was found of {words:?}")))
    }

    /// The page around a message.
    pub(crate) fn page_around(&self, user: usize, group: usize, message: &str) -> Vec<u8> {
        let path = format!("/v1/conversations/{}/messages?limit=50&around={message}", self.groups[&group]);
        get(&path, &self.users[user].token)
    }

    /// Read marks in these groups, `count` by each member but the one who sends what is marked, in turn.
    pub(crate) async fn marks_in(&mut self, groups: &[usize], count: usize) -> Result<Vec<Vec<u8>>, BenchError> {
        let ids = self.send_to_be_read(groups, count).await?;
        let mut marks = Vec::new();
        for round in 0..count {
            for (group, ids) in groups.iter().zip(&ids) {
                let path = format!("/v1/conversations/{}/read", self.groups[group]);
                let readers = dataset::members(*group).into_iter().filter(|user| *user != dataset::writer(*group));
                marks.extend(readers.map(|user| put(&path, &self.users[user].token, &json!({"up_to": ids[round]}))));
            }
        }
        Ok(marks)
    }
}
