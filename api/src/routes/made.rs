//! Answers whose JSON is made once and given to many.

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::Response,
};
use serde::Serialize;

use crate::problem::{Kind, Problem};

/// Something in JSON. Into a plain vector: one that grows as [`axum::Json`]'s does costs a call for every few bytes.
pub(super) fn in_json<T: Serialize>(value: &T) -> Result<Vec<u8>, Problem> {
    let mut json = Vec::with_capacity(1024);
    serde_json::to_writer(&mut json, value).map_err(|error| Problem::new(Kind::Internal, error.to_string()))?;
    Ok(json)
}

/// A [`super::shapes::List`] of what is in JSON already.
pub(super) fn list_in_json(
    items: impl Iterator<Item = Result<Bytes, Problem>>,
    next: Option<&str>,
) -> Result<Vec<u8>, Problem> {
    let items = items.collect::<Result<Vec<_>, _>>()?;
    let mut list = Vec::with_capacity(128 + items.iter().map(|item| item.len() + 1).sum::<usize>());
    list.extend_from_slice(b"{\"items\":[");
    for (nth, item) in items.iter().enumerate() {
        if nth > 0 {
            list.push(b',');
        }
        list.extend_from_slice(item);
    }
    list.extend_from_slice(b"],\"next\":");
    list.extend_from_slice(&in_json(&next)?);
    list.push(b'}');
    Ok(list)
}

/// 200 with JSON that is made.
pub(super) fn json_response(json: Bytes) -> Response {
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::shapes::List;

    #[test]
    fn a_list_of_what_is_made_is_the_list_made_at_once() {
        for (items, next) in [(vec![], None), (vec![1], Some("on \"quoted\"".to_owned())), (vec![1, 2, 3], None)] {
            let made = items.iter().map(|item: &i32| in_json(item).map(Bytes::from));
            let made = list_in_json(made, next.as_deref()).unwrap();
            assert_eq!(made, serde_json::to_vec(&List { items, next }).unwrap());
        }
    }
}
