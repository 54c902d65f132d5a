//! What the server under test stores into.

use crate::stand_in::StandIn;

/// A set of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// SQLite files in the data directory.
    Embedded,
    /// The log in a KurrentDB server, or what stands in for one; keys and views in the data directory.
    KurrentDb,
}

impl Backend {
    /// Every backend by the name that `TIDINGS_TEST_BACKEND` knows it by.
    const ALL: [(&'static str, Self); 2] = [("embedded", Self::Embedded), ("kurrentdb", Self::KurrentDb)];

    /// Starts what it needs beside the server, for one installation.
    pub(super) fn start(self) -> Stores {
        match self {
            Self::Embedded => Stores::Embedded,
            Self::KurrentDb => Stores::KurrentDb(StandIn::start()),
        }
    }
}

/// What an installation stores into. Ends with it.
#[derive(Debug)]
pub(super) enum Stores {
    Embedded,
    KurrentDb(StandIn),
}

impl Stores {
    /// The settings that choose it.
    pub(super) fn env(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Embedded => vec![],
            Self::KurrentDb(server) => vec![("TIDINGS_EVENT_STORE", server.connection_string())],
        }
    }
}

impl Default for Backend {
    /// The one this run of the tests is about: the embedded one unless `TIDINGS_TEST_BACKEND` names another.
    fn default() -> Self {
        let Ok(name) = std::env::var("TIDINGS_TEST_BACKEND") else { return Self::Embedded };
        let found = Self::ALL.into_iter().find(|(known, _)| *known == name);
        found.unwrap_or_else(|| panic!("TIDINGS_TEST_BACKEND={name} is not a backend")).1
    }
}
