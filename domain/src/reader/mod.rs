//! One reader in one conversation: how far they have read, and the exceptions.
//!
//! Receipts are high-water marks in the log, so unread counts replay too, and readers never contend with writers. What a
//! reader's own sending and joining implies for the mark stands in the conversation's stream; commands carry it as
//! [`Vantage::floor`].

mod decide;
mod events;
#[cfg(test)]
mod tests;

pub use decide::{Reader, ReaderAction, ReaderCommand, ReaderDecider, ReaderRefusal, Vantage};
pub use events::{
    DeliveredUpTo, MessageHidden, MessageMarkedRead, MessageMarkedUnread, ReadUpTo, ReaderEvent, ReaderSettingsChanged,
};
