//! A moment of the past, as a query names it.

use std::str::FromStr;

use tidings_domain::{Timestamp, values::Invalid};
use tidings_event_store::Position;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, OneOfBuilder, RefOr, Schema, SchemaFormat, Type},
};

/// The last number that a position may be in any store.
const LAST: u64 = i64::MAX.cast_unsigned();

/// A position of the log, or a time: then what the store had taken by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// All up to here, and nothing behind it.
    Position(Position),
    /// All up to then.
    Time(Timestamp),
}

impl FromStr for AsOf {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let position = text.parse::<u64>().ok().filter(|position| position.to_string() == text);
        match position {
            Some(position) => Ok(Self::Position(Position::new(position))),
            None => text.parse().map(Self::Time).map_err(|_| Invalid("must be a position or an RFC 3339 time")),
        }
    }
}

impl PartialSchema for AsOf {
    fn schema() -> RefOr<Schema> {
        let position = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(0))
            .maximum(Some(LAST));
        let time = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        OneOfBuilder::new().item(position).item(time).into()
    }
}

impl ToSchema for AsOf {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_position_or_a_time() {
        assert_eq!("17".parse(), Ok(AsOf::Position(Position::new(17))));
        let noon = "2026-11-20T12:00:00Z";
        assert_eq!(noon.parse(), Ok(AsOf::Time(noon.parse().unwrap())));
        for wrong in ["", "-1", "017", "+17", "1.5", "yesterday", "99999999999999999999"] {
            assert!(wrong.parse::<AsOf>().is_err(), "{wrong}");
        }
    }
}
