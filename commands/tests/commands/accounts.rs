//! Accounts: passwords, roles, and how people are found.

use tidings_commands::{Error, Refusal};
use tidings_domain::{
    user::UserRefusal,
    values::{Role, Username},
};

use crate::fixture::{House, PASSWORD, by, now, password, registration, say};

#[tokio::test]
async fn people_are_found_by_me_id_and_username() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    for named in ["ben", "BEN", &ben.to_string()] {
        assert_eq!(house.commands.resolve_user(named, ada).await.unwrap(), ben);
    }
    assert_eq!(house.commands.resolve_user("me", ada).await.unwrap(), ada);
    let nobody = "00000000-0000-4000-8000-000000000000";
    for unknown in ["nobody", nobody, "", "a b", "Me"] {
        let found = house.commands.resolve_user(unknown, ada).await;
        assert!(matches!(found, Err(Error::NoSuchUser(named)) if named == unknown));
    }
    assert_eq!(house.commands.user_named(&Username::parse("ada").unwrap()).await.unwrap(), Some(ada));
}

#[tokio::test]
async fn a_password_changes_for_one_who_knows_it() {
    let house = House::new().await;
    let ada = house.commands.register(registration("ada"), &now()).await.unwrap().value.user;
    let new = password("a new password");
    for wrong in [None, Some(&new)] {
        let refused = house.commands.change_password(ada, wrong, &new, &by(ada)).await;
        assert!(matches!(refused, Err(Error::WrongPassword)));
    }
    house.commands.change_password(ada, Some(&password(PASSWORD)), &new, &by(ada)).await.unwrap();
    let old = house.commands.change_password(ada, Some(&password(PASSWORD)), &new, &by(ada)).await;
    assert!(matches!(old, Err(Error::WrongPassword)));
    // an imported account has none, so nobody knows it
    let ben = house.person("ben").await;
    let refused = house.commands.change_password(ben, Some(&new), &new, &by(ben)).await;
    assert!(matches!(refused, Err(Error::WrongPassword)));
}

#[tokio::test]
async fn a_suspended_account_sends_nothing_until_it_is_reinstated() {
    let house = House::new().await;
    let [ada, operator] = house.people(["ada", "operator"]).await;
    let group = house.group(ada, &[]).await;
    house.commands.suspend(ada, &by(operator)).await.unwrap();
    let refused = say(&house.commands, group, ada, "hello").await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::User(UserRefusal::Suspended)))));
    house.commands.reinstate(ada, &by(operator)).await.unwrap();
    say(&house.commands, group, ada, "hello").await.unwrap();
    let nobody = tidings_domain::UserId::new(std::iter::repeat_n("ab", 16).collect::<String>().parse().unwrap());
    let refused = say(&house.commands, group, nobody, "hello").await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::User(UserRefusal::NoSuchUser)))));
}

#[tokio::test]
async fn a_role_is_granted_once_and_taken_away_once() {
    let house = House::new().await;
    let [ada, operator] = house.people(["ada", "operator"]).await;
    let granted = house.commands.grant_role(ada, Role::Auditor, &by(operator)).await.unwrap();
    assert!(granted.position.is_some());
    assert_eq!(house.commands.grant_role(ada, Role::Auditor, &now()).await.unwrap().position, None);
    assert!(house.commands.account(ada).await.unwrap().unwrap().roles.contains(&Role::Auditor));
    assert!(house.commands.revoke_role(ada, Role::Auditor, &now()).await.unwrap().position.is_some());
    assert_eq!(house.commands.revoke_role(ada, Role::Auditor, &now()).await.unwrap().position, None);
}
