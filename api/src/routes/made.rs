//! Answers whose JSON is made once and given to many.

use axum::body::Bytes;

use crate::{json::in_json, problem::Problem};

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
