//! A serving view against a fresh one: a table of each, both in the order of their keys, row by row.

use std::cmp::Ordering;

use crate::model::{Difference, Verification};

/// A stored value, whatever the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Cell {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
            Self::Null | Self::Integer(_) => &[],
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Integer(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => match uuid::Uuid::from_slice(bytes) {
                Ok(uuid) => uuid.to_string(),
                Err(_) => format!("{bytes:02x?}"),
            },
        }
    }
}

/// A table and its columns, those of the primary key first in order.
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    pub(crate) keys: usize,
}

/// Which side goes on to its next row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    View,
    Log,
    Both,
}

/// Compares the next rows of both sides, notes what differs (at most `most` rows of it), and says which side goes on;
/// none when both have ended.
pub(crate) fn compare_rows(
    table: &Table,
    view: Option<&[Cell]>,
    log: Option<&[Cell]>,
    most: usize,
    found: &mut Verification,
) -> Option<Next> {
    let order = match (view, log) {
        (None, None) => return None,
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some(view), Some(log)) => compare_keys(&view[..table.keys], &log[..table.keys]),
    };
    found.rows += 1;
    if order != Ordering::Equal || view != log {
        found.differing += 1;
        if found.differences.len() < most {
            found.differences.push(difference(table, view, log, order));
        }
    }
    Some(match order {
        Ordering::Less => Next::View,
        Ordering::Greater => Next::Log,
        Ordering::Equal => Next::Both,
    })
}

/// As the databases order keys: within a column all values have one type, and text goes by its bytes.
fn compare_keys(left: &[Cell], right: &[Cell]) -> Ordering {
    left.iter()
        .zip(right)
        .map(|(left, right)| match (left, right) {
            (Cell::Integer(left), Cell::Integer(right)) => left.cmp(right),
            (left, right) => left.bytes().cmp(right.bytes()),
        })
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}

fn difference(table: &Table, view: Option<&[Cell]>, log: Option<&[Cell]>, order: Ordering) -> Difference {
    let (in_view, in_log) = (order != Ordering::Greater, order != Ordering::Less);
    let row = if in_view { view } else { log }.unwrap_or_default();
    let key: Vec<String> = row.iter().take(table.keys).map(Cell::show).collect();
    let columns = match (view, log) {
        (Some(view), Some(log)) if in_view && in_log => {
            let differ = table.columns.iter().zip(view.iter().zip(log)).filter(|(_, (view, log))| view != log);
            differ.map(|(column, _)| column.clone()).collect()
        }
        _ => Vec::new(),
    };
    Difference { table: table.name.clone(), key: key.join(", "), columns, in_view, in_log }
}
