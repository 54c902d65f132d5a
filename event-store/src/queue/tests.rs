use super::*;
use bytes::Bytes;
use uuid::Uuid;

use crate::port::NewEvent;

fn append(bytes: usize) -> StreamAppend {
    let event = NewEvent {
        id: Uuid::nil(),
        name: "happened",
        data: Bytes::from(vec![0; bytes]),
        metadata: Bytes::new(),
        command: None,
    };
    StreamAppend { stream: StreamName::stored("user-1"), expected_version: 0, events: vec![event] }
}

#[tokio::test]
async fn a_full_queue_refuses_and_takes_again_when_there_is_room() {
    let queue = Queue::default();
    let mut tickets = queue.submit(vec![append(1); MAX_WAITING + 1]);
    let refused = tickets.pop().expect("one for each").await;
    assert_eq!(refused, Err(AppendError::Store(StoreError::Overloaded)));
    assert_eq!(queue.take().expect("full").appends.len(), MAX_BATCH_EVENTS);
    assert!(queue.keep(StreamName::stored("user-1"), snapshot()).is_ok());
}

fn snapshot() -> Snapshot {
    Snapshot { version: 1, format: "1".to_owned(), data: Bytes::new() }
}

#[test]
fn bytes_bound_a_batch_and_the_queue_but_never_a_single_request() {
    let queue = Queue::default();
    queue.submit(vec![append(MAX_WAITING_BYTES + 1)]);
    queue.submit(vec![append(1)]);
    assert_eq!(queue.take().expect("waits").appends.len(), 1);
    queue.submit(vec![append(MAX_BATCH_BYTES / 2); 3]);
    assert_eq!(queue.take().expect("waits").appends.len(), 2);
}

#[tokio::test]
async fn a_closed_queue_hands_out_what_waits_and_takes_nothing_in() {
    let queue = Queue::default();
    queue.submit(vec![append(1)]);
    queue.close();
    let refused = queue.submit(vec![append(1)]).remove(0).await;
    assert!(matches!(refused, Err(AppendError::Store(StoreError::Unavailable(_)))));
    assert!(queue.take().is_some());
    assert!(queue.take().is_none());
}

#[test]
fn requests_that_come_again_in_numbers_are_waited_for_and_a_lone_one_is_not() {
    let queue = Queue::default();
    let most = MANY * 4;
    queue.submit(vec![append(1); most]);
    assert_eq!(queue.take().expect("waits").appends.len(), most);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..most {
                queue.submit(vec![append(1)]);
            }
        });
        let mut taken = 0;
        while taken < most {
            taken += queue.take().expect("waits or comes").appends.len();
        }
    });
    // they do not come again: what is expected of them fades, and nobody waits for ever
    for _ in 0..100 {
        queue.submit(vec![append(1)]);
        assert_eq!(queue.take().expect("waits").appends.len(), 1);
    }
    assert!(queue.lock().in_flight < MANY);
}
