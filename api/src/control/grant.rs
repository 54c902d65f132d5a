//! Roles from the command line: how an installation gets its first operator.

use tidings_commands::Context;
use tidings_domain::{UserId, values::{Role, Username}};

use super::{Ended, OperationError, Operator};
use crate::clock;

impl Operator {
    pub(super) async fn grant(&self, user: &str, role: Role) -> Ended {
        let missing = || OperationError::Failed(format!("there is no user {user}"));
        let id = match (user.parse::<UserId>(), Username::parse(user)) {
            (Ok(id), _) if self.commands.exists(id).await? => id,
            (Err(_), Ok(username)) => self.commands.user_named(&username).await?.ok_or_else(missing)?,
            (Ok(_) | Err(_), _) => return Err(missing()),
        };
        let context = Context { now: clock::now(), ..Context::default() };
        let outcome = self.commands.grant_role(id, role, &context).await?;
        let role = role.as_str();
        Ok((0, match outcome.position {
            Some(_) => format!("{user} is {role} now"),
            None => format!("{user} is {role} already"),
        }))
    }
}
