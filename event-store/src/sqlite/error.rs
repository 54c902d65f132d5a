//! What SQLite's errors mean to a caller of the store.

use rusqlite::{Error, ErrorCode, types::Type};

use crate::port::StoreError;

/// Whether the file holds something that was never written so.
pub(super) fn is_damage(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || matches!(
            error,
            Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::InvalidColumnType(..)
                | Error::Utf8Error(..)
        )
}

/// An error of a column that holds what it never should.
pub(super) fn damaged_column(column: usize, reason: &'static str) -> Error {
    Error::FromSqlConversionFailure(column, Type::Blob, reason.into())
}

pub(super) fn store_error(error: &Error) -> StoreError {
    if is_damage(error) { StoreError::Corrupt(error.to_string()) } else { StoreError::Unavailable(error.to_string()) }
}
