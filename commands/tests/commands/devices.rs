//! Public keys: each package is handed out once, whoever asks where.

use std::collections::BTreeMap;

use tidings_commands::{Commands, Error, Refusal, devices::Publication};
use tidings_domain::{
    Personal, StreamId, UserId,
    devices::{DevicesEvent, DevicesRefusal},
    values::{DeviceId, PublicKey},
};

use crate::fixture::{House, PASSWORD, by, key, keyed, now, password, registration};

fn phone() -> DeviceId {
    DeviceId::parse("phone").unwrap()
}

fn public_key(n: usize) -> PublicKey {
    PublicKey::parse(&format!("{n:08}")).unwrap()
}

fn publication(packages: std::ops::Range<usize>, fallback: Option<usize>) -> Publication {
    Publication {
        identity_key: public_key(0),
        key_packages: packages.map(public_key).collect(),
        fallback: fallback.map(public_key),
    }
}

async fn claim(node: &Commands, owner: UserId, by_whom: UserId) -> Result<(PublicKey, bool), Error> {
    let claimed = node.claim_key_package(owner, phone(), by_whom, &by(by_whom)).await?.value;
    Ok((claimed.key_package, claimed.fallback))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_who_claim_at_once_on_three_nodes_get_fifty_packages_once_each() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    house.commands.publish_keys(ada, phone(), publication(1..51, Some(999)), &by(ada)).await.unwrap();
    let nodes = [house.commands.clone(), house.another_node(), house.another_node()];
    let claims: Vec<_> = nodes
        .into_iter()
        .cycle()
        .take(100)
        .map(|node| tokio::spawn(async move { claim(&node, ada, ben).await.unwrap() }))
        .collect();
    let mut got: BTreeMap<(PublicKey, bool), usize> = BTreeMap::new();
    for claimed in claims {
        *got.entry(claimed.await.unwrap()).or_default() += 1;
    }
    assert_eq!(got.remove(&(public_key(999), true)), Some(50));
    assert_eq!(got, (1..51).map(|n| ((public_key(n), false), 1)).collect());
}

#[tokio::test]
async fn what_was_handed_out_is_not_handed_out_again_after_a_restart_or_another_publication() {
    let mut house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    house.commands.publish_keys(ada, phone(), publication(1..3, None), &by(ada)).await.unwrap();
    assert_eq!(claim(&house.commands, ada, ben).await.unwrap().0, public_key(1));
    house = house.reopened().await;
    let again = house.commands.publish_keys(ada, phone(), publication(1..3, None), &by(ada)).await.unwrap();
    assert_eq!(again.position, None);
    assert_eq!(claim(&house.commands, ada, ben).await.unwrap().0, public_key(2));
    let none = claim(&house.commands, ada, ben).await;
    assert!(matches!(none, Err(Error::Refused(Refusal::Devices(DevicesRefusal::NoKeyPackages)))), "{none:?}");
    let nobody = claim(&house.commands, ben, ada).await;
    assert!(matches!(nobody, Err(Error::Refused(Refusal::Devices(DevicesRefusal::NoSuchDevice)))), "{nobody:?}");
}

#[tokio::test]
async fn a_claim_repeated_under_its_key_takes_nothing_more() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    house.commands.publish_keys(ada, phone(), publication(1..3, None), &by(ada)).await.unwrap();
    let context = keyed(&by(ben), key(1, 1));
    let first = house.commands.claim_key_package(ada, phone(), ben, &context).await.unwrap();
    let again = house.another_node().claim_key_package(ada, phone(), ben, &context).await.unwrap();
    assert_eq!((first.value, again.replayed), (again.value, true));
    assert_eq!(claim(&house.commands, ada, ben).await.unwrap().0, public_key(2));
}

#[tokio::test]
async fn the_log_tells_no_names_and_a_closed_account_has_no_keys() {
    let house = House::new().await;
    let ada = house.commands.register(registration("ada"), &now()).await.unwrap().value.user;
    house.commands.publish_keys(ada, phone(), publication(1..3, Some(9)), &by(ada)).await.unwrap();
    for recorded in house.recorded(StreamId::Devices(ada)).await {
        let data = String::from_utf8_lossy(&recorded.data).into_owned();
        assert!(!data.contains("phone") && !data.contains(public_key(1).as_str()), "{data}");
    }
    house.commands.close_account(ada, Some(&password(PASSWORD)), &by(ada)).await.unwrap();
    let events = house.events::<DevicesEvent>(StreamId::Devices(ada)).await;
    assert!(matches!(&events[0], DevicesEvent::Published(event) if event.keys == Personal::Withheld));
}
