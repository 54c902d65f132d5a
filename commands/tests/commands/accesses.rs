//! What auditors are shown is noted, or not shown.

use tidings_commands::Error;
use tidings_domain::{
    Day, StreamId,
    access::{ContentAccessed, Shown},
};
use tidings_event_store::{EventStore, StoreError};

use crate::{
    fixture::{House, by, now},
    store::Appends,
};

#[tokio::test]
async fn every_access_is_noted_in_the_stream_of_its_day_or_fails() {
    let house = House::new().await;
    let [eve, ada] = house.people(["eve", "ada"]).await;
    let access = ContentAccessed { users: vec![ada], ..ContentAccessed::new(eve, now().now, Shown::Inbox) };
    for _ in 0..2 {
        let noted = house.commands.note_access(access.clone(), &by(eve)).await.unwrap();
        assert!(noted.position.is_some() && !noted.replayed);
    }
    house.store.set(Appends::Fail);
    let lost = house.commands.note_access(access.clone(), &by(eve)).await;
    assert!(matches!(lost, Err(Error::Store(StoreError::Unavailable(_)))));
    house.store.set(Appends::Work);
    house.commands.note_access(access.clone(), &by(eve)).await.unwrap();
    let day = StreamId::Access(Day::of(access.at)).name();
    let noted = house.store.read_stream(&day, 0, 10).await.unwrap();
    assert_eq!(noted.len(), 3);
    assert!(noted.iter().all(|event| &*event.name == "content_accessed"));
}
