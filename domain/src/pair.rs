//! Two different people, in no order.

use serde::{Deserialize, Serialize};

use crate::ids::UserId;

/// Two different people, whoever of them is named first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pair {
    low: UserId,
    high: UserId,
}

impl Pair {
    /// The pair of these two; none when they are the same person.
    pub fn of(one: UserId, other: UserId) -> Option<Self> {
        (one != other).then(|| Self { low: one.min(other), high: one.max(other) })
    }

    /// Both, in the order of their ids.
    pub const fn both(self) -> [UserId; 2] {
        [self.low, self.high]
    }

    /// The other of the two; none for one who is not in the pair.
    pub fn other(self, user: UserId) -> Option<UserId> {
        match user {
            user if user == self.low => Some(self.high),
            user if user == self.high => Some(self.low),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn user(n: u128) -> UserId {
        UserId::new(Uuid::from_u128(n))
    }

    #[test]
    fn a_pair_is_the_same_whoever_is_named_first() {
        assert_eq!(Pair::of(user(2), user(1)), Pair::of(user(1), user(2)));
        assert_eq!(Pair::of(user(2), user(1)).unwrap().both(), [user(1), user(2)]);
        assert_eq!(Pair::of(user(1), user(1)), None);
    }

    #[test]
    fn each_of_a_pair_has_the_other() {
        let pair = Pair::of(user(1), user(2)).unwrap();
        assert_eq!([1, 2, 3].map(|n| pair.other(user(n))), [Some(user(2)), Some(user(1)), None]);
    }
}
