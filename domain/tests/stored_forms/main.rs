//! The stored form of every event, guarded by a snapshot.
//!
//! A log lives for ever, so names and shapes only grow: a member may be added if it may be missing, and nothing is
//! renamed, removed or given another meaning. Lines that stand in a snapshot therefore stay as they are: they are events
//! in somebody's log. Where a shape grows, another example is added, and with it further lines.

mod accounts;
mod conversations;
mod examples;
mod guarding;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};

use examples::examples;
use tidings_domain::{Event, StoredEvent};

fn by_name() -> BTreeMap<&'static str, Vec<Event>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for event in examples() {
        all.entry(event.name()).or_default().push(event);
    }
    all
}

/// The open and the private part as they are stored, before the latter is sealed.
fn stored(event: &Event) -> (String, Option<String>) {
    let text = |bytes| String::from_utf8(bytes).expect("JSON is UTF-8");
    let open = event.open_part().expect("an event has an open part");
    let private = event.private_part().expect("a personal part is JSON");
    (text(open), private.map(text))
}

#[test]
fn every_event_is_stored_as_it_always_was() {
    for (name, events) in by_name() {
        let forms = events.iter().flat_map(|event| {
            let (open, private) = stored(event);
            [Some(format!("open:    {open}")), private.map(|private| format!("private: {private}"))]
        });
        let forms = forms.flatten().collect::<Vec<_>>().join("\n");
        insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(name, forms);
        });
    }
}

#[test]
fn every_stored_form_reads_back() {
    for event in examples() {
        let (open, private) = stored(&event);
        let mut read = Event::from_open(event.name(), open.as_bytes()).unwrap();
        assert_eq!(stored(&read), (open, None), "the personal part is not in the open one");
        assert_eq!(private.is_some(), event.seal_keys().is_some(), "{event:?}");
        if let Some(private) = private {
            read.reveal(private.as_bytes()).unwrap();
        }
        assert_eq!(read, event);
    }
}

#[test]
fn every_snapshot_reads_back() {
    for name in Event::NAMES {
        let path = format!("{}/tests/stored_forms/snapshots/{name}.snap", env!("CARGO_MANIFEST_DIR"));
        let snapshot = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut read: Vec<Event> = Vec::new();
        for line in snapshot.lines() {
            if let Some(open) = line.strip_prefix("open:    ") {
                read.push(Event::from_open(name, open.as_bytes()).unwrap());
            } else if let Some(private) = line.strip_prefix("private: ") {
                read.last_mut().expect("an open part stands first").reveal(private.as_bytes()).unwrap();
            }
        }
        assert_eq!(Some(&read), by_name().get(name), "{name}");
    }
}

#[test]
fn every_name_has_an_example() {
    let shown: BTreeSet<_> = by_name().into_keys().collect();
    assert_eq!(shown, Event::NAMES.iter().copied().collect());
}

#[test]
fn no_two_events_have_the_same_name() {
    let different: BTreeSet<_> = Event::NAMES.iter().collect();
    assert_eq!(different.len(), Event::NAMES.len());
}

#[test]
fn a_name_that_was_never_given_is_no_event() {
    assert!(Event::from_open("message_unsent", b"{}").is_err());
    assert!(Event::from_open("message_sent", b"{}").is_err());
    assert!(Event::from_open("message_sent", b"").is_err());
}

#[test]
fn a_member_that_is_not_known_yet_is_passed_over() {
    for event in examples() {
        let (open, private) = stored(&event);
        let later = open.replacen('{', "{\"known_later\":[1,{}],", 1).replace(",}", "}");
        let mut read = Event::from_open(event.name(), later.as_bytes()).unwrap();
        if let Some(private) = private {
            read.reveal(private.as_bytes()).unwrap();
        }
        assert_eq!(read, event);
    }
}
