//! What is shown from memory is what the views say; and what was erased leaves memory.
#![expect(clippy::unwrap_used, reason = "in a test an unwrap says enough")]

mod kept;
mod laws;
#[path = "../support/mod.rs"]
mod support;
