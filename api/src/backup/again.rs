//! Erasures made again: in a log that was restored from before them.
//!
//! Each is the event it was, with its own id, time and author, recorded once more at the end of its stream. It is only for what the
//! restored log has: an erasure names the key it destroyed, and so does the event that was sealed with it. A log that was
//! restored before may have given the same key to something else since, but later than the erasure was recorded.
//!
//! What was deleted while something held it has no receipt: it is deleted again, and its key waits again. So holds come back, too,
//! without their reasons, whose keys the restored key store may not have.

use std::{collections::HashSet, path::Path, sync::Arc};

use serde::Deserialize;
use tidings_domain::{
    ConversationId, Event, KeyId, MessageId, StreamId,
    schedule::{ScheduleEvent, ScheduledMessageCancelled, ScheduledMessageSent},
};
use tidings_event_store::{Codec, EventStore, NewEvent, RecordedEvent, StreamAppend};

use super::{erasures, failed, lines::recorded};
use crate::{control::OperationError, processes::erasing_name};

const PAGE: usize = 1_000;

/// What of an event says which key it is about.
#[derive(Deserialize)]
struct About {
    key: Option<KeyId>,
    /// Of what was attached, in a deletion.
    #[serde(default)]
    attachments: Vec<Keyed>,
    /// Of a scheduled message.
    conversation: Option<ConversationId>,
}

#[derive(Deserialize)]
struct Keyed {
    key: KeyId,
}

fn about(event: &RecordedEvent) -> Option<About> {
    serde_json::from_slice(&event.data).ok()
}

/// Makes the erasures of a file again; how many there were to make. Their keys are destroyed before this returns.
pub(super) async fn erase_again(path: &Path, store: &dyn EventStore, codec: &Codec) -> Result<u64, OperationError> {
    let (mut deleted, mut receipts, mut waiting) = (HashSet::new(), HashSet::new(), vec![]);
    erasures::read(path, |_, entry| {
        let erasure = recorded(entry);
        if is_receipt(&erasure.name) {
            receipts.extend(about(&erasure).and_then(|about| about.key));
        }
        if let Ok(StreamId::Message(message)) = erasure.stream.id() {
            deleted.insert(message);
        }
        waiting.push(erasure);
        Ok(())
    })?;
    let again = Again { store, codec, deleted, receipts };
    let mut made = 0;
    for erasure in waiting {
        let counts = !is_receipt(&erasure.name) && erasure.stream.category() != "hold";
        made += u64::from(again.make(erasure).await? && counts);
    }
    Ok(made)
}

fn is_receipt(name: &str) -> bool {
    matches!(name, "message_erased" | "user_erased")
}

struct Again<'a> {
    store: &'a dyn EventStore,
    codec: &'a Codec,
    /// The messages that were deleted.
    deleted: HashSet<MessageId>,
    /// The keys that receipts say are destroyed.
    receipts: HashSet<KeyId>,
}

impl Again<'_> {
    async fn make(&self, erasure: RecordedEvent) -> Result<bool, OperationError> {
        if erasure.stream.id() == Ok(StreamId::Holds) {
            return self.hold(&erasure).await;
        }
        let Some(About { key: Some(key), attachments, .. }) = about(&erasure) else { return Ok(false) };
        let stream = self.stream(&erasure).await?;
        let has = |event: &RecordedEvent| about(event).is_some_and(|about| about.key == Some(key));
        // a scheduled message ends one way or the other
        let ends = |event: &RecordedEvent| event.name == erasure.name || erasure.stream.category() == "schedule";
        let done = |event: &Arc<RecordedEvent>| erasing_name(&event.name).is_some() && ends(event) && has(event);
        if stream.iter().any(done) {
            return Ok(false);
        }
        let before = |event: &RecordedEvent| has(event) && event.recorded_at <= erasure.recorded_at;
        let sealed = match erasure.stream.id() {
            Ok(StreamId::Message(message)) => self.sent(message).await?.filter(|sent| before(sent)),
            Ok(_) | Err(_) => stream.iter().find(|event| before(event)).cloned(),
        };
        let Some(sealed) = sealed else { return Ok(false) };
        let Some(event) = self.event(&erasure, &sealed).await? else { return Ok(false) };
        self.append(&erasure, stream.len(), event).await?;
        let waits = matches!(&*erasure.name, "message_deleted" | "user_closed") && !self.receipts.contains(&key);
        if !waits {
            let keys: Vec<_> = attachments.into_iter().map(|file| file.key).chain([key]).collect();
            self.codec.keyring().destroy(&keys).await.map_err(failed)?;
        }
        Ok(true)
    }

    async fn append(&self, like: &RecordedEvent, version: usize, event: NewEvent) -> Result<(), OperationError> {
        let append =
            StreamAppend { stream: like.stream.clone(), expected_version: version as u64, events: vec![event] };
        for outcome in self.store.append(vec![append]).await {
            outcome.map_err(failed)?;
        }
        Ok(())
    }

    async fn hold(&self, hold: &RecordedEvent) -> Result<bool, OperationError> {
        let stream = self.stream(hold).await?;
        let Some(name) = erasing_name(&hold.name).filter(|_| !stream.iter().any(|event| event.id == hold.id)) else {
            return Ok(false);
        };
        let mut open: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&hold.data).map_err(failed)?;
        open.remove("sealed");
        let data = serde_json::to_vec(&open).map_err(failed)?.into();
        let event = NewEvent { id: hold.id, name, data, metadata: hold.metadata.clone(), command: None };
        self.append(hold, stream.len(), event).await?;
        Ok(true)
    }

    async fn stream(&self, erasure: &RecordedEvent) -> Result<Vec<Arc<RecordedEvent>>, OperationError> {
        let mut events = vec![];
        loop {
            let page = self.store.read_stream(&erasure.stream, events.len() as u64, PAGE).await.map_err(failed)?;
            if page.is_empty() {
                return Ok(events);
            }
            events.extend(page);
        }
    }

    /// The event by which a message was sent.
    async fn sent(&self, message: MessageId) -> Result<Option<Arc<RecordedEvent>>, OperationError> {
        let stream = StreamId::Conversation(message.conversation).name();
        let Some(before) = message.version.checked_sub(1) else { return Ok(None) };
        Ok(self.store.read_stream(&stream, before, 1).await.map_err(failed)?.pop())
    }

    /// The event to record. A scheduled message that was sent is none to erase, unless what it became was deleted: else it would
    /// be sent once more, for the message it became is not there.
    async fn event(
        &self,
        erasure: &RecordedEvent,
        scheduled: &RecordedEvent,
    ) -> Result<Option<NewEvent>, OperationError> {
        let opened = self.codec.open::<Event>(erasure, |_| false).await.map_err(failed)?;
        let (name, data) = if let Event::Schedule(ScheduleEvent::Sent(sent)) = opened {
            let ScheduledMessageSent { id, key, message, at } = sent;
            let conversation = about(scheduled).and_then(|about| about.conversation);
            let became = conversation.map(|conversation| message.of(conversation));
            if !became.is_some_and(|became| self.deleted.contains(&became)) {
                return Ok(None);
            }
            let cancelled = serde_json::to_vec(&ScheduledMessageCancelled { id, key, at }).map_err(failed)?;
            (erasing_name("scheduled_message_cancelled"), cancelled.into())
        } else {
            (erasing_name(&erasure.name), erasure.data.clone())
        };
        let metadata = erasure.metadata.clone();
        Ok(name.map(|name| NewEvent { id: erasure.id, name, data, metadata, command: None }))
    }
}
