//! An account: who somebody is, how they prove it, what they may do, until they close it.

mod decide;
mod events;
mod state;
#[cfg(test)]
mod tests;

pub use decide::{UserCommand, UserRefusal};
pub use events::{
    Change, Identity, ProfileChange, UserClosed, UserErased, UserEvent, UserPasswordChanged, UserProfileChanged,
    UserRegistered, UserReinstated, UserRoleGranted, UserRoleRevoked, UserSuspended,
};
pub use state::{User, UserDecider, UserState};
