//! The data both sides hold: users, groups and what is asked of them. Always the same.

use super::{Ask, Target, Work};
use crate::error::BenchError;
use crate::load::Script;
use crate::random::Random;
use std::sync::atomic::{AtomicU64, Ordering};

/// Few, for each password costs a hash of about 20 ms on the server.
pub(crate) const USERS: usize = 64;
/// Groups of [`MEMBERS`] users; each user is in 64 of them, so that an inbox page is full.
pub(crate) const GROUPS: usize = 512;
pub(crate) const MEMBERS: usize = 8;
/// The number of the group with all users in it.
pub(crate) const HOT_GROUP: usize = GROUPS;
/// The number of the group with all users in it and a crowd beside them that says nothing.
pub(crate) const LARGE_GROUP: usize = GROUPS + 1;
/// All of its members.
pub(crate) const MEMBERS_OF_LARGE: usize = 25_000;
/// The number of the group in which one speaks and the others listen.
pub(crate) const LIVE_GROUP: usize = GROUPS + 2;
/// Who listens there. Nobody in it is one of [`USERS`].
pub(crate) const LISTENERS: usize = 8;
/// Messages in each group before anything is measured, at scale 1: 8 by each member.
pub(crate) const MESSAGES_BY_MEMBER: usize = 8;

/// The members of a group who may speak, the owner first. An odd stride visits eight different users and leaves no user out.
pub(crate) fn members(group: usize) -> Vec<usize> {
    match group {
        HOT_GROUP | LARGE_GROUP => return (0..USERS).collect(),
        LIVE_GROUP => return (USERS..=USERS + LISTENERS).collect(),
        _ => {}
    }
    let stride = 1 + 2 * (group / USERS);
    (0..MEMBERS).map(|place| (group + place * stride) % USERS).collect()
}

/// The groups a user is in, but for the hot one.
pub(crate) fn groups_of(user: usize) -> Vec<usize> {
    (0..GROUPS).filter(|group| members(*group).contains(&user)).collect()
}

/// The member who sends what the others of a group are to mark as read.
pub(crate) fn writer(group: usize) -> usize {
    members(group)[group / USERS % MEMBERS]
}

/// The groups in which the connection of this number marks messages as read: those where its user does not send what is marked,
/// shared with the other connections of that user, so that none is behind another's mark.
pub(crate) fn groups_to_mark(number: usize, connections: usize) -> Vec<usize> {
    let user = number % USERS;
    let groups = groups_of(user).into_iter().filter(|group| writer(*group) != user);
    groups.skip(number / USERS).step_by(connections.div_ceil(USERS)).collect()
}

/// The requests of a workload; connection n asks as user n, and beyond the last user from the first again. What serves once comes
/// `each` times for each connection.
pub(crate) async fn script<T: Target>(
    target: &mut T,
    work: Work,
    connections: usize,
    each: usize,
) -> Result<Script, BenchError> {
    target.sign_in(connections.min(USERS)).await?;
    if work == Work::SendLarge {
        target.gather().await?;
    }
    match work {
        Work::MarkRead => target.marks(connections, each).await,
        Work::Register => Ok(Script::once((0..connections).map(|_| newcomers(target, each)).collect())),
        Work::Inbox
        | Work::Messages
        | Work::Unread
        | Work::Search
        | Work::SignIn
        | Work::Send
        | Work::SendHot
        | Work::SendLarge => {
            Ok(Script::repeating((0..connections).map(|number| requests(target, work, number)).collect()))
        }
    }
}

/// Registrations of people that nobody has heard of.
fn newcomers<T: Target>(target: &T, count: usize) -> Vec<Vec<u8>> {
    static KNOWN: AtomicU64 = AtomicU64::new(0);
    let register = |_| {
        let username = format!("newcomer{:08}", KNOWN.fetch_add(1, Ordering::Relaxed));
        target.request(0, Ask::Register { username: &username })
    };
    (0..count).map(register).collect()
}

/// The requests of mixed traffic: of ten three ask for an inbox, three for messages, two for the unread, and two send. For users
/// who have signed in.
pub(crate) fn mixed<T: Target>(target: &T, connections: usize) -> Script {
    Script::repeating((0..connections).map(|number| mixed_requests(target, number)).collect())
}

fn mixed_requests<T: Target>(target: &T, number: usize) -> Vec<Vec<u8>> {
    let user = number % USERS;
    let mut random = Random::new(500 + number as u64);
    let groups = groups_of(user);
    let ask = |turn: usize, random: &mut Random| {
        let group = groups[turn % groups.len()];
        match turn % 10 {
            0 | 3 | 6 => target.request(user, Ask::Inbox),
            1 | 4 | 7 => target.request(user, Ask::Messages { group }),
            2 | 8 => target.request(user, Ask::Unread),
            _ => target.request(user, Ask::Send { group, text: &random.text(60) }),
        }
    };
    // no two connections do the same at the same time
    let mut requests: Vec<_> = (0..10 * groups.len()).map(|turn| ask(turn, &mut random)).collect();
    random.shuffle(&mut requests);
    requests
}

fn requests<T: Target>(target: &T, work: Work, number: usize) -> Vec<Vec<u8>> {
    let user = number % USERS;
    let mut random = Random::new(100 + number as u64);
    let mut groups = groups_of(user);
    // Each connection goes through its groups in an order of its own. In the order of their numbers all of them would be at
    // about the same few groups at any time, which the workload of one hot group measures.
    random.shuffle(&mut groups);
    if work == Work::Search {
        return searches(target, user, &mut random);
    }
    let mut send = |group| target.request(user, Ask::Send { group, text: &random.text(60) });
    match work {
        Work::Inbox => vec![target.request(user, Ask::Inbox)],
        Work::Unread => vec![target.request(user, Ask::Unread)],
        Work::Messages => groups.iter().map(|group| target.request(user, Ask::Messages { group: *group })).collect(),
        Work::Send => groups.into_iter().map(send).collect(),
        Work::SendHot => groups.into_iter().map(|_| send(HOT_GROUP)).collect(),
        Work::SendLarge => groups.into_iter().map(|_| send(LARGE_GROUP)).collect(),
        // everybody in turn, so that nobody opens more sessions than others
        Work::SignIn => (0..USERS).map(|turn| target.request((user + turn) % USERS, Ask::SignIn)).collect(),
        Work::Register | Work::MarkRead | Work::Search => Vec::new(),
    }
}

/// For one word that few messages have, for two that many have, and for one of each.
fn searches<T: Target>(target: &T, user: usize, random: &mut Random) -> Vec<Vec<u8>> {
    let mut search = |turn: usize| {
        let (rare, [one, other]) = (random.rare_word(), random.two_words());
        let words: &[&str] = match turn % 3 {
            0 => &[&rare],
            1 => &[one, other],
            _ => &[&rare, one],
        };
        target.request(user, Ask::Search { words })
    };
    (0..120).map(&mut search).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_user_is_in_sixty_four_groups_of_eight_different_members() {
        for user in 0..USERS {
            assert_eq!(groups_of(user).len(), 64);
        }
        for group in 0..GROUPS {
            let mut members = members(group);
            members.sort_unstable();
            members.dedup();
            assert_eq!(members.len(), MEMBERS);
        }
    }

    #[test]
    fn connections_of_one_user_mark_in_different_groups_and_never_what_their_user_sent() {
        for connections in [1, 64, 256] {
            let mut marked = Vec::new();
            for number in 0..connections {
                let (user, groups) = (number % USERS, groups_to_mark(number, connections));
                assert!(groups.len() >= 56 / connections.div_ceil(USERS));
                assert!(groups.iter().all(|group| members(*group).contains(&user) && writer(*group) != user));
                marked.extend(groups.into_iter().map(|group| (user, group)));
            }
            let all = marked.len();
            marked.sort_unstable();
            marked.dedup();
            assert_eq!(marked.len(), all);
        }
    }
}
