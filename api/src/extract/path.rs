//! Ids in paths: one that cannot exist is 404, like one that does not.

use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use tidings_domain::{UserId, values::Username};

use crate::problem::{Kind, Problem};

/// The path's parameters in their order, as a tuple.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

/// What a path is parsed into.
pub trait FromPath: Sized {
    /// `None` when it names nothing that can exist.
    fn from_path<'a>(values: impl Iterator<Item = &'a str>) -> Option<Self>;
}

impl<A: FromStr> FromPath for (A,) {
    fn from_path<'a>(mut values: impl Iterator<Item = &'a str>) -> Option<Self> {
        Some((values.next()?.parse().ok()?,))
    }
}

impl<A: FromStr, B: FromStr> FromPath for (A, B) {
    fn from_path<'a>(mut values: impl Iterator<Item = &'a str>) -> Option<Self> {
        Some((values.next()?.parse().ok()?, values.next()?.parse().ok()?))
    }
}

impl<T: FromPath, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let nothing = || Problem::new(Kind::NotFound, "nothing has this id");
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| nothing())?;
        T::from_path(params.iter().map(|(_, value)| value)).map(Self).ok_or_else(nothing)
    }
}

/// `{user}` in a path: an id, a username, or `me`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserRef {
    /// The caller.
    Me,
    /// By id.
    Id(UserId),
    /// By the unique name.
    Name(Username),
}

impl FromStr for UserRef {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        if text == "me" {
            return Ok(Self::Me);
        }
        text.parse()
            .map(Self::Id)
            .or_else(|_| Username::parse(text).map(Self::Name))
            .map_err(|_| Problem::new(Kind::NoSuchUser, "nobody has this name"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_by_id_by_name_or_as_me() {
        assert_eq!("me".parse::<UserRef>().unwrap(), UserRef::Me);
        let id = "00000000-0000-0000-0000-000000000001";
        assert_eq!(id.parse::<UserRef>().unwrap(), UserRef::Id(id.parse().unwrap()));
        assert_eq!("Ada".parse::<UserRef>().unwrap(), UserRef::Name(Username::parse("ada").unwrap()));
        for wrong in ["a", "a b", "ä"] {
            assert_eq!(wrong.parse::<UserRef>().unwrap_err().kind(), Kind::NoSuchUser);
        }
    }
}
