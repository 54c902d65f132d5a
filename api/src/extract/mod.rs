//! What handlers take: each extractor either yields a valid value or answers with the problem.
//!
//! | extractor | yields | otherwise |
//! |---|---|---|
//! | [`Caller`] | who asks, by a live session's access token; take it first | 401 |
//! | [`Path`] | ids in the path | 404 |
//! | [`InQuery`] | the query's parameters; unknown ones are ignored | 400 |
//! | [`Body`] | a JSON body that keeps every rule ([`Checked`]) | 400, 413, 415, 422 |
//! | [`Limit`], [`Cursors`] | paging, as members of a query and through the state | 400 |
//! | [`IdempotencyKey`] | the request's key, if it has one | 400 |

mod as_of;
mod body;
mod caller;
mod cursor;
mod key;
mod message_ref;
mod path;
mod query;

pub use as_of::AsOf;
pub use body::{Body, Checked, MAX_BODY_BYTES, MaybeBody, change, present, unreadable, whole};
pub use caller::{Caller, CallerCell, RequestInfo};
pub use cursor::Cursors;
pub use key::IdempotencyKey;
pub use message_ref::MessageRef;
pub use path::{Path, UserRef};
pub use query::{InQuery, Limit, parsed};
