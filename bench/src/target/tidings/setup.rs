//! The data set of the real server, and what prepares measurements.

use super::{PASSWORD, Tidings, User, username};
use crate::error::BenchError;
use crate::load::{Extent, Load, Pace, Script, drive, get, post, put};
use crate::target::{Ask, Target as _, Work, dataset};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// The most messages that one page has.
const PAGE: u64 = 100;

impl Tidings {
    /// Registers people until there are so many.
    pub(super) async fn register(&mut self, people: usize) -> Result<(), BenchError> {
        for number in self.users.len()..people {
            let name = username(number);
            let body = json!({"username": name, "password": PASSWORD});
            let id = self.client().ask(&post("/v1/users", None, &body)).await?.text("id")?;
            self.made.accounts += 1;
            let token = self.token(&name).await?;
            self.users.push(User { name, id, token, since: Instant::now() });
        }
        Ok(())
    }

    pub(super) async fn token(&mut self, username: &str) -> Result<String, BenchError> {
        let body = json!({"username": username, "password": PASSWORD});
        let reply = self.client().ask(&post("/v1/sessions", None, &body)).await?;
        self.made.sessions += 1;
        reply.text("access_token")
    }

    pub(super) async fn make_group(&mut self, group: usize) -> Result<(), BenchError> {
        let members = dataset::members(group);
        let others: Vec<&str> = members[1..].iter().map(|member| self.users[*member].id.as_str()).collect();
        let body = json!({"kind": "group", "name": format!("Group {group}"), "members": others});
        let request = post("/v1/conversations", Some(&self.users[members[0]].token), &body);
        let id = self.client().ask(&request).await?.text("id")?;
        self.groups.insert(group, id);
        Ok(())
    }

    pub(super) async fn fill(&mut self, scale: usize) -> Result<(), BenchError> {
        let script = dataset::script(self, Work::Send, dataset::USERS, 0).await?;
        self.sent(script, dataset::MESSAGES_BY_MEMBER * scale).await
    }

    async fn sent(&mut self, script: Script, rounds: usize) -> Result<(), BenchError> {
        let (script, extent) = (Arc::new(script), Extent::Rounds(rounds));
        let load = Load { addresses: self.addresses(), script, pace: Pace::Closed, extent, stop: Arc::default() };
        self.made.messages += drive(&load).await?.answered;
        Ok(())
    }

    /// Sends `count` messages into each of these groups, all by one member: whoever sends has read up to there. Answers their ids,
    /// group by group, the oldest first.
    pub(super) async fn send_to_be_read(
        &mut self,
        groups: &[usize],
        count: usize,
    ) -> Result<Vec<Vec<String>>, BenchError> {
        self.sign_in(dataset::USERS).await?;
        let send = |group: &usize| {
            self.request(dataset::writer(*group), Ask::Send { group: *group, text: "something that is to be read" })
        };
        let lanes = groups.chunks(groups.len().div_ceil(dataset::USERS));
        let script = Script::repeating(lanes.map(|groups| groups.iter().map(send).collect()).collect());
        self.sent(script, count).await?;
        self.caught_up().await?;
        let mut ids = Vec::with_capacity(groups.len());
        for group in groups {
            ids.push(self.newest_ids(*group, count).await?);
        }
        Ok(ids)
    }

    /// The ids of the newest messages of a group, the oldest of them first.
    pub(super) async fn newest_ids(&mut self, group: usize, count: usize) -> Result<Vec<String>, BenchError> {
        let (token, id) = (self.users[dataset::writer(group)].token.clone(), self.groups[&group].clone());
        let mut ids: Vec<String> = Vec::with_capacity(count);
        while ids.len() < count {
            let before = ids.last().map(|id| format!("&before={id}")).unwrap_or_default();
            let path = format!("/v1/conversations/{id}/messages?limit={PAGE}{before}");
            let page = self.client().ask(&get(&path, &token)).await?.body;
            let items = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
            if items.is_empty() {
                return Err(BenchError::Check(format!("group {group} has fewer messages than were sent")));
            }
            ids.extend(items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)));
        }
        ids.truncate(count);
        ids.reverse();
        Ok(ids)
    }

    /// See [`crate::target::Target::marks`]. Connections of the same user share that user's groups.
    pub(super) async fn make_marks(&mut self, connections: usize, each: usize) -> Result<Script, BenchError> {
        let lanes: Vec<Vec<usize>> =
            (0..connections).map(|number| dataset::groups_to_mark(number, connections)).collect();
        let fewest = lanes.iter().map(Vec::len).min().unwrap_or(1).max(1);
        let mut groups = lanes.concat();
        groups.sort_unstable();
        groups.dedup();
        let ids = self.send_to_be_read(&groups, each.div_ceil(fewest)).await?;
        let ids: HashMap<usize, Vec<String>> = groups.into_iter().zip(ids).collect();
        let marks = |(number, lane): (usize, &Vec<usize>)| {
            let token = &self.users[number % dataset::USERS].token;
            let mark = |group: usize, round: usize| {
                let path = format!("/v1/conversations/{}/read", self.groups[&group]);
                put(&path, token, &json!({"up_to": ids[&group][round]}))
            };
            let rounds = 0..each.div_ceil(fewest);
            rounds.flat_map(|round| lane.iter().map(move |group| (*group, round))).map(|(g, r)| mark(g, r)).collect()
        };
        Ok(Script::once(lanes.iter().enumerate().map(marks).collect()))
    }
}
