//! What is measured: the real server and the reference, behind one trait, over one data set.

mod ceiling;
mod client;
pub(crate) mod dataset;
mod tidings;

pub(crate) use ceiling::Ceiling;
pub(crate) use client::Client;
pub(crate) use tidings::{Tidings, offline, tidings as program, username};

use crate::error::BenchError;
use crate::process::{Server, Usage};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Where things are in this run.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The directory of all data of the run.
    pub(crate) dir: PathBuf,
    /// The server's binary.
    pub(crate) tidings: PathBuf,
    /// This program, which holds the reference too.
    pub(crate) bench: PathBuf,
    /// Multiplies the messages in the data set.
    pub(crate) scale: u32,
}

/// A kind of request to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// The first page of 50 conversations.
    Inbox,
    /// The newest 50 messages of a conversation.
    Messages,
    /// The total of unread messages.
    Unread,
    /// A durable send, spread over many conversations.
    Send,
    /// A durable send, all into one group.
    SendHot,
}

/// One request, as a user of the data set means it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask<'a> {
    Inbox,
    Messages { group: usize },
    Unread,
    Send { group: usize, text: &'a str },
}

/// One side of a comparison.
pub(crate) trait Target: Sized {
    const NAME: &'static str;

    /// Starts it over a fresh directory and fills in the data set.
    async fn start(place: &Place, dir: &Path) -> Result<Self, BenchError>;

    /// The processes that serve: one, or the nodes of one installation.
    fn servers(&self) -> impl Iterator<Item = &Server>;

    /// Where they are asked.
    fn addresses(&self) -> Vec<SocketAddr> {
        self.servers().map(|server| server.address).collect()
    }

    /// What they have used until now, together.
    fn usage(&self) -> Result<Usage, BenchError> {
        self.servers().try_fold(Usage::default(), |sum, server| Ok(sum.and(server.usage()?)))
    }

    /// Waits until all of them rest.
    async fn rest(&self) -> Result<(), BenchError> {
        for server in self.servers() {
            server.rest().await?;
        }
        Ok(())
    }

    /// Makes sure that the tokens of the first `users` users outlast the next measurement.
    async fn sign_in(&mut self, users: usize) -> Result<(), BenchError>;

    /// The bytes of a request by the user of this number.
    fn request(&self, user: usize, ask: Ask<'_>) -> Vec<u8>;

    /// Answers when a reader sees all that was sent before.
    async fn caught_up(&mut self) -> Result<(), BenchError>;

    /// How many messages it holds, by its own account.
    async fn messages(&mut self) -> Result<u64, BenchError>;

    /// Ends the server; answers the number of events in its log.
    async fn stop(self) -> Result<u64, BenchError>;

    /// The program that rebuilds the views in `dir` from the log, with no server running.
    fn replay(place: &Place, dir: &Path) -> Command;

    /// The program that imports a chat log into `dir`.
    fn import(place: &Place, dir: &Path, file: &Path) -> Command;

    /// The program that compares the views in `dir` with the log, where there is one.
    fn verify(place: &Place, dir: &Path) -> Option<Command>;
}
