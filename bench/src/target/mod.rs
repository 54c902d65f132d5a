//! What is measured: the real server and the reference, behind one trait, over one data set.

mod audience;
mod ceiling;
mod client;
mod counts;
pub(crate) mod dataset;
mod tidings;

pub(crate) use audience::Audience;
pub(crate) use ceiling::Ceiling;
pub(crate) use client::Client;
pub(crate) use counts::Counts;
pub(crate) use tidings::{Tidings, offline, program, username};

use crate::ceiling::replay::View;
use crate::error::BenchError;
use crate::load::{Pace, Script};
use crate::process::{Server, Usage};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
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
    pub(crate) scale: u16,
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
    /// What has some words in it.
    Search,
    /// A new account.
    Register,
    /// A new session.
    SignIn,
    /// A durable send, spread over many conversations.
    Send,
    /// A durable send, all into one group.
    SendHot,
    /// A durable send, all into a group of 25,000.
    SendLarge,
    /// A durable read mark that moves forward.
    MarkRead,
}

impl Work {
    /// Whether each request hashes a password.
    pub(crate) fn hashes(self) -> bool {
        match self {
            Self::Register | Self::SignIn => true,
            Self::Inbox
            | Self::Messages
            | Self::Unread
            | Self::Search
            | Self::Send
            | Self::SendHot
            | Self::SendLarge
            | Self::MarkRead => false,
        }
    }

    /// How many requests of this kind one of the connections may need in that time, where each serves once. A server that is faster
    /// is measured for a shorter time.
    pub(crate) fn most_each(self, pace: Pace, connections: usize, time: Duration) -> usize {
        let rate = match (pace, self) {
            (Pace::Fixed(rate), _) => rate,
            (Pace::Closed, Self::Register | Self::SignIn) => 800.0,
            #[expect(clippy::cast_precision_loss, reason = "few connections")]
            (Pace::Closed, _) => (4_000.0 * connections as f64).min(25_000.0),
        };
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate is above zero, and far below 2^52"
        )]
        let each = (rate * time.as_secs_f64() / connections as f64).ceil() as usize;
        each + 1
    }
}

/// One request, as a user of the data set means it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask<'a> {
    Inbox,
    Messages {
        group: usize,
    },
    Unread,
    /// All of these words, each by its beginning.
    Search {
        words: &'a [&'a str],
    },
    Send {
        group: usize,
        text: &'a str,
    },
    Register {
        username: &'a str,
    },
    SignIn,
}

/// What a target tells when it is stopped.
pub(crate) struct Stopped {
    /// In its log.
    pub(crate) events: u64,
    /// What it had acknowledged outside measurements.
    pub(crate) made: Counts,
    /// A request for an inbox that will be answered for some minutes, after a new start too.
    pub(crate) read: Vec<u8>,
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

    /// About `each` read marks for each connection, none of which is behind another of the same reader in the same conversation.
    async fn marks(&mut self, connections: usize, each: usize) -> Result<Script, BenchError>;

    /// People who listen to a conversation of their own, and somebody who speaks there. Their tokens outlast a measurement.
    async fn audience(&mut self) -> Result<Audience, BenchError>;

    /// Makes sure that [`dataset::LARGE_GROUP`] is there, with everybody in it.
    async fn gather(&mut self) -> Result<(), BenchError>;

    /// Answers when a reader sees all that was sent before.
    async fn caught_up(&mut self) -> Result<(), BenchError>;

    /// What was acknowledged outside measurements: the data set, and what prepared them.
    fn made(&self) -> Counts;

    /// How many messages it holds, by its own account.
    async fn messages(&mut self) -> Result<u64, BenchError>;

    /// Ends the server.
    async fn stop(self) -> Result<Stopped, BenchError>;

    /// What lies in the log of a directory, with no server running.
    fn found(dir: &Path) -> Result<Counts, BenchError>;

    /// The program that serves what is in `dir`, at an address.
    fn serve(place: &Place, dir: &Path, address: SocketAddr) -> Command;

    /// The program that rebuilds a view in `dir` from the log, or all of them, with no server running.
    fn replay(place: &Place, dir: &Path, view: Option<View>) -> Command;

    /// The program that verifies the hashes of the log in `dir`.
    fn audit(place: &Place, dir: &Path) -> Command;

    /// The program that imports a chat log into `dir`.
    fn import(place: &Place, dir: &Path, file: &Path) -> Command;

    /// The program that compares the views in `dir` with the log, where there is one.
    fn verify(place: &Place, dir: &Path) -> Option<Command>;
}
