use super::*;
use crate::{
    Decider, KeyId, Timestamp, UserId,
    values::{DeviceId, PublicKey},
};
use uuid::Uuid;

const AT: Timestamp = Timestamp::from_millis(1_000);

fn phone() -> DeviceId {
    DeviceId::parse("phone").unwrap()
}

fn bob() -> UserId {
    UserId::new(Uuid::from_u128(2))
}

fn package(n: u64) -> Marked {
    Marked { mark: n, key: PublicKey::parse(&format!("{n:04}")).unwrap() }
}

fn publish(device: &str, identity: &str, packages: &[u64], fallback: Option<u64>) -> DevicesCommand {
    DevicesCommand::Publish {
        key: KeyId(1),
        device: DeviceId::parse(device).unwrap(),
        identity_key: PublicKey::parse(identity).unwrap(),
        key_packages: packages.iter().copied().map(package).collect(),
        fallback: fallback.map(package),
        at: AT,
    }
}

fn claim() -> DevicesCommand {
    DevicesCommand::Claim { device: phone(), by: bob(), at: AT }
}

fn when(given: &[DevicesEvent], command: &DevicesCommand) -> Result<Vec<DevicesEvent>, DevicesRefusal> {
    DevicesDecider::decide(&DevicesDecider::fold(given), command)
}

/// What follows from commands that nothing forbids.
fn after(commands: &[DevicesCommand]) -> Vec<DevicesEvent> {
    commands.iter().fold(vec![], |mut given, command| {
        let events = when(&given, command).unwrap();
        given.extend(events);
        given
    })
}

fn claimed(event: &DevicesEvent) -> (u64, u32, u32) {
    let DevicesEvent::Claimed(event) = event else { panic!("no claim: {event:?}") };
    (event.published, event.nth, event.left)
}

#[test]
fn each_package_is_handed_out_once_in_the_order_of_publishing() {
    let mut given = after(&[publish("phone", "AAAA", &[1, 2], Some(9)), publish("phone", "AAAA", &[3], None)]);
    for place in [(1, 0, 2), (1, 1, 1), (2, 0, 0)] {
        let events = when(&given, &claim()).unwrap();
        assert_eq!(events.iter().map(claimed).collect::<Vec<_>>(), [place]);
        given.extend(events);
    }
    assert_eq!(when(&given, &claim()), Ok(vec![]), "the fallback serves as often as need be");
    let state = DevicesDecider::fold(&given);
    let (_, device) = state.named(&phone()).unwrap();
    assert_eq!((device.left(), device.fallback()), (0, Some(Fallback { published: 1, mark: 9 })));
}

#[test]
fn without_a_fallback_there_is_nothing_more_to_claim() {
    let given = after(&[publish("phone", "AAAA", &[1], None), claim()]);
    assert_eq!(when(&given, &claim()), Err(DevicesRefusal::NoKeyPackages));
    assert_eq!(when(&[], &claim()), Err(DevicesRefusal::NoSuchDevice));
}

#[test]
fn what_was_published_before_is_not_handed_out_again() {
    let given = after(&[publish("phone", "AAAA", &[1, 2], Some(9)), claim()]);
    assert_eq!(when(&given, &publish("phone", "AAAA", &[1, 2], Some(9))), Ok(vec![]));
    let events = when(&given, &publish("phone", "AAAA", &[1, 2, 3, 3], Some(8))).unwrap();
    let [DevicesEvent::Published(event)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event.marks.as_slice(), event.fallback_mark, event.left), ([3].as_slice(), Some(8), 2));
    let keys = event.keys.clear().unwrap();
    assert_eq!((keys.key_packages.as_slice(), event.fresh), ([package(3).key].as_slice(), false));
}

#[test]
fn another_identity_makes_earlier_packages_void() {
    let given = after(&[publish("phone", "AAAA", &[1, 2], Some(9)), publish("phone", "BBBB", &[2, 4], None)]);
    let events = when(&given, &claim()).unwrap();
    assert_eq!(events.iter().map(claimed).collect::<Vec<_>>(), [(2, 0, 0)], "number 2 belongs to the other identity");
    let given: Vec<_> = given.into_iter().chain(events).collect();
    assert_eq!(when(&given, &claim()), Err(DevicesRefusal::NoKeyPackages), "and so does the fallback");
}

#[test]
fn devices_and_packages_are_bounded() {
    let names: Vec<_> = (0..MAX_DEVICES).map(|n| publish(&format!("d{n}"), "AAAA", &[], None)).collect();
    let full = after(&names);
    assert_eq!(when(&full, &publish("phone", "AAAA", &[], None)), Err(DevicesRefusal::TooManyDevices));
    assert!(when(&full, &publish("d3", "AAAA", &[1], None)).is_ok());
    let many: Vec<u64> = (0..200).collect();
    let given = after(&[publish("phone", "AAAA", &many, None)]);
    assert_eq!(when(&given, &publish("phone", "AAAA", &[777], None)), Err(DevicesRefusal::TooManyKeyPackages));
    let given: Vec<_> = [given.clone(), when(&given, &claim()).unwrap()].concat();
    assert!(when(&given, &publish("phone", "AAAA", &[777], None)).is_ok());
}

#[test]
fn a_device_that_is_removed_leaves_its_number_to_nobody() {
    let remove = DevicesCommand::Remove { device: phone(), at: AT };
    assert_eq!(when(&[], &remove), Err(DevicesRefusal::NoSuchDevice));
    let given = after(&[publish("phone", "AAAA", &[1], Some(9)), remove]);
    assert_eq!(given[1], DeviceRemoved { device: 1, at: AT }.into());
    assert_eq!(when(&given, &claim()), Err(DevicesRefusal::NoSuchDevice));
    let events = when(&given, &publish("phone", "AAAA", &[1], None)).unwrap();
    let [DevicesEvent::Published(event)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event.device, event.fresh, event.left), (2, true, 1));
}
