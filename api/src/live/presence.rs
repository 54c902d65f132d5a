//! Who is here: those with a stream open on this node, told to their contacts who have one, too.
//!
//! Kept in memory only. Somebody whose last stream ends is gone a moment later, unless another one opens: clients come back
//! when a network changes, and nobody has to see that.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use tidings_domain::{Pair, Timestamp, UserId};
use tidings_projections::model::User;

use super::{
    audience::{Audience, ListenerId},
    hub::Hub,
    render::{RenderError, presence},
};
use crate::clock;

/// How long somebody may be away before they are gone.
const AWAY: Duration = Duration::from_secs(3);
/// The most contacts that are told, the newest first: what one connection costs is bounded.
const MOST_CONTACTS: usize = 500;

/// Those who were told to be here.
#[derive(Default)]
pub(super) struct Presence {
    here: HashMap<UserId, Here>,
    /// When to look whether they came back, the earliest first. Each stands here once.
    leaving: VecDeque<(Instant, UserId)>,
}

struct Here {
    since: Timestamp,
    leaving: bool,
}

impl Presence {
    /// Somebody opened a stream. Whether they were not here before.
    pub(super) fn came(&mut self, user: UserId, since: Timestamp) -> bool {
        let before = self.here.len();
        self.here.entry(user).or_insert(Here { since, leaving: false });
        self.here.len() > before
    }

    /// Somebody's last stream ended.
    pub(super) fn left(&mut self, user: UserId, now: Instant) {
        if let Some(here) = self.here.get_mut(&user).filter(|here| !here.leaving) {
            here.leaving = true;
            self.leaving.push_back((now + AWAY, user));
        }
    }

    /// Those who did not come back in time.
    pub(super) fn gone(&mut self, now: Instant, listens: impl Fn(UserId) -> bool) -> Vec<UserId> {
        let mut gone = vec![];
        while let Some((_, user)) = self.leaving.pop_front_if(|(at, _)| *at <= now) {
            if listens(user) {
                if let Some(here) = self.here.get_mut(&user) {
                    here.leaving = false;
                }
            } else if self.here.remove(&user).is_some() {
                gone.push(user);
            }
        }
        gone
    }

    pub(super) fn since(&self, user: UserId) -> Option<Timestamp> {
        self.here.get(&user).map(|here| here.since)
    }
}

impl Hub {
    /// Tells somebody's new stream which contacts are here, and those that they came, if they were not here before.
    pub(super) async fn tell_arrival(&self, audience: &mut Audience, id: ListenerId, user: UserId) {
        let news = audience.presence.came(user, clock::now());
        let told = async {
            let contacts = self.contacts_here(audience, user).await?;
            for contact in &contacts {
                let pushed = presence(contact, audience.presence.since(contact.id), clock::now())?;
                audience.queue(&[id], &pushed);
            }
            if news { self.tell_of(audience, user, &ids(&contacts)).await } else { Ok(()) }
        };
        dropped(told.await);
    }

    /// Tells their contacts of those who are gone.
    pub(super) async fn tell_who_left(&self, audience: &mut Audience) {
        for user in audience.take_gone(Instant::now()) {
            let told = async {
                let contacts = self.contacts_here(audience, user).await?;
                self.tell_of(audience, user, &ids(&contacts)).await
            };
            dropped(told.await);
        }
    }

    /// Tells two who became contacts of each other.
    pub(super) async fn introduce(&self, audience: &mut Audience, pair: Pair) {
        let [one, other] = pair.both();
        let told = async {
            if audience.listens(one) && audience.listens(other) && self.commands.are_contacts(one, other).await? {
                self.tell_of(audience, one, &[other]).await?;
                self.tell_of(audience, other, &[one]).await?;
            }
            Ok(())
        };
        dropped(told.await);
    }

    async fn tell_of(&self, audience: &mut Audience, user: UserId, contacts: &[UserId]) -> Result<(), RenderError> {
        let listeners =
            audience.of_users(contacts).into_iter().flat_map(|(_, listeners)| listeners).collect::<Vec<_>>();
        let Some(user) = self.renderer.queries().user(user).await?.filter(|_| !listeners.is_empty()) else {
            return Ok(());
        };
        let pushed = presence(&user, audience.presence.since(user.id), clock::now())?;
        audience.queue(&listeners, &pushed);
        Ok(())
    }

    /// The contacts of somebody who listen on this node. The views name them and may be a moment behind: who has blocked
    /// somebody just now, the write side knows.
    async fn contacts_here(&self, audience: &Audience, user: UserId) -> Result<Vec<User>, RenderError> {
        let contacts = self.renderer.queries().contact_ids(user, MOST_CONTACTS).await?;
        let mut here = vec![];
        for contact in contacts.into_iter().filter(|contact| audience.listens(*contact)) {
            if self.commands.are_contacts(user, contact).await? {
                here.push(contact);
            }
        }
        if here.is_empty() { Ok(vec![]) } else { Ok(self.renderer.queries().users(&here).await?) }
    }
}

fn ids(users: &[User]) -> Vec<UserId> {
    users.iter().map(|user| user.id).collect()
}

/// A sign that cannot be passed on is worth nothing later.
fn dropped(told: Result<(), RenderError>) {
    if let Err(error) = told {
        tracing::debug!(%error, "a sign of presence was dropped");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const SINCE: Timestamp = Timestamp::from_millis(1_000);

    fn user(n: u128) -> UserId {
        UserId::new(Uuid::from_u128(n))
    }

    #[test]
    fn who_comes_is_news_once_until_gone() {
        let (mut presence, now) = (Presence::default(), Instant::now());
        assert!(presence.came(user(1), SINCE));
        assert!(!presence.came(user(1), SINCE));
        presence.left(user(1), now);
        assert_eq!(presence.gone(now, |_| false), []);
        assert_eq!(presence.gone(now + AWAY, |_| false), [user(1)]);
        assert_eq!((presence.since(user(1)), presence.came(user(1), SINCE)), (None, true));
    }

    #[test]
    fn who_comes_back_in_time_was_never_away() {
        let (mut presence, now) = (Presence::default(), Instant::now());
        presence.came(user(1), SINCE);
        for _ in 0..1_000 {
            presence.left(user(1), now);
            assert!(!presence.came(user(1), Timestamp::from_millis(2_000)));
        }
        assert_eq!(presence.leaving.len(), 1, "coming and going takes no room");
        assert_eq!(presence.gone(now + AWAY, |_| true), []);
        assert_eq!(presence.since(user(1)), Some(SINCE));
        presence.left(user(1), now + AWAY);
        assert_eq!(presence.gone(now + AWAY + AWAY, |_| false), [user(1)]);
    }
}
