//! What the server under test stores into.

/// A set of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// SQLite files in the data directory.
    Embedded,
}

impl Backend {
    /// Every backend by the name that `TIDINGS_TEST_BACKEND` knows it by.
    const ALL: [(&'static str, Self); 1] = [("embedded", Self::Embedded)];

    /// The settings that choose it.
    pub(super) fn env(self) -> Vec<(&'static str, String)> {
        match self {
            Self::Embedded => vec![],
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
