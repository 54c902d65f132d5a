//! Accounts from the command line: how an installation gets its first operator, and imported people a password.

use secrecy::zeroize::Zeroizing;
use tidings_commands::Context;
use tidings_domain::{
    UserId,
    values::{Password, Role, Username},
};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use super::{Ended, OperationError, Operator};
use crate::clock;

/// No password is longer, however its characters are encoded.
const LONGEST_PASSWORD: u64 = 1_024;

impl Operator {
    pub(super) async fn grant(&self, user: &str, role: Role) -> Ended {
        let id = self.named(user).await?;
        let outcome = self.commands.grant_role(id, role, &now()).await?;
        let role = role.as_str();
        Ok((
            0,
            match outcome.position {
                Some(_) => format!("{user} is {role} now"),
                None => format!("{user} is {role} already"),
            },
        ))
    }

    pub(super) async fn set_password(&self, user: &str, input: impl AsyncBufRead + Unpin + Send) -> Ended {
        let id = self.named(user).await?;
        let mut line = Zeroizing::new(String::new());
        let failed = |error: &dyn std::fmt::Display| OperationError::Failed(format!("the password {error}"));
        input.take(LONGEST_PASSWORD).read_line(&mut line).await.map_err(|error| failed(&error))?;
        let password =
            Password::parse(line.trim_end_matches(['\r', '\n']).to_owned()).map_err(|error| failed(&error))?;
        self.commands.set_password(id, &password, &now()).await?;
        Ok((0, format!("{user} has a new password")))
    }

    pub(super) async fn forget_second_factor(&self, user: &str) -> Ended {
        let id = self.named(user).await?;
        let outcome = self.commands.forget_second_factor(id, &now()).await?;
        Ok((
            0,
            match outcome.position {
                Some(_) => format!("{user} signs in without a second factor now"),
                None => format!("{user} has no second factor"),
            },
        ))
    }

    async fn named(&self, user: &str) -> Result<UserId, OperationError> {
        let found = match (user.parse::<UserId>(), Username::parse(user)) {
            (Ok(id), _) => self.commands.exists(id).await?.then_some(id),
            (Err(_), Ok(username)) => self.commands.user_named(&username).await?,
            (Err(_), Err(_)) => None,
        };
        found.ok_or_else(|| OperationError::Failed(format!("there is no user {user}")))
    }
}

fn now() -> Context {
    Context { now: clock::now(), ..Context::default() }
}
