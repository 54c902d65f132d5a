//! The bytes of attachments.
//!
//! What is uploaded is sealed in chunks as it comes ([`seal`], ADR 0016) into a file beside the others, looked at with care
//! ([`sniff`], [`picture`]), and then kept: in a directory, or in any S3-compatible store ([`blobs`]). The log says whose it
//! is, under which keys, and which message has it; nothing here knows. [`Vault`] is all of it together.

pub mod blobs;
pub mod picture;
mod reading;
pub mod seal;
pub mod sniff;
mod spool;
mod vault;

pub use blobs::{BlobError, Blobs, Stored};
pub use reading::ReadError;
pub use seal::{Cipher, Part, Place};
pub use spool::{Spooled, Writer};
pub use vault::{Looked, Vault, VaultError};

/// The longest pieces that are sealed by themselves, in bytes.
pub const CHUNK_BYTES: usize = 64 * 1024;
