//! Data about people inside events.

/// A part of an event that is sealed in the log and may be gone for ever.
///
/// The stored form of an event leaves this part out (`#[serde(skip)]`); the event store seals it beside the open part
/// and puts it back when it still has the keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Personal<T> {
    /// The part, readable.
    Clear(T),
    /// Its key was destroyed, or the reader did not ask for it to be opened.
    #[default]
    Withheld,
}

impl<T> Personal<T> {
    /// The part, if it can be read.
    pub fn clear(&self) -> Option<&T> {
        match self {
            Self::Clear(value) => Some(value),
            Self::Withheld => None,
        }
    }

    /// The part by value, if it can be read.
    pub fn into_clear(self) -> Option<T> {
        match self {
            Self::Clear(value) => Some(value),
            Self::Withheld => None,
        }
    }
}
