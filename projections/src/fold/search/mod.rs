//! The search projection: which messages may hold which words. It holds no text, only [`crate::text`]'s fingerprints.

mod tables;

use std::collections::HashSet;

use tidings_domain::{
    Event, StreamId, UserId,
    conversation::{ConversationEvent, MessageContent, MessageSent},
    message::{MessageEdited, MessageEvent},
    user::UserEvent,
    values::{Body, Subject},
};
use tidings_event_store::DecodedEvent;

use super::{Done, FoldError, kept::Kept, signed};
use crate::text;
pub(crate) use tables::{Author, DocumentChange, DocumentRow, Place, STRETCH_BITS, SearchChanges, SearchTables};

/// How many authors are known without a look at the table.
const KNOWN: usize = 30_000;

/// A row as it will stand, beside what of it is in the table.
struct Document {
    row: Option<DocumentRow>,
    stored: Option<Vec<i64>>,
}

/// Folds messages sent, edited and deleted, and accounts that are closed.
#[derive(Default)]
pub(crate) struct SearchFold {
    documents: Kept<Place, Document>,
    /// Of those who wrote, some that are in the table or will be, and the latter.
    known: HashSet<Author>,
    authors: Vec<Author>,
    /// Closed accounts; none before they were read.
    closed: Option<HashSet<UserId>>,
    newly_closed: Vec<UserId>,
    pub(super) erased: bool,
}

impl SearchFold {
    /// Loads the rows that a batch will need.
    pub(super) async fn prepare<T: SearchTables>(&mut self, tables: &mut T, events: &[&DecodedEvent]) -> Done {
        let mut places: Vec<Place> = Vec::new();
        for decoded in events {
            if let (Event::Message(MessageEvent::Edited(_) | MessageEvent::Deleted(_)), StreamId::Message(id)) =
                (&decoded.event, decoded.stream)
            {
                places.push((id.conversation, signed(id.seq)));
            }
        }
        places.retain(|place| !self.documents.contains(*place));
        places.sort_unstable();
        places.dedup();
        self.load(tables, &places).await
    }

    async fn load<T: SearchTables>(&mut self, tables: &mut T, places: &[Place]) -> Done {
        if !places.is_empty() {
            for (place, row) in tables.documents(places).await? {
                self.loaded(place, row);
            }
        }
        Ok(())
    }

    fn loaded(&mut self, place: Place, row: DocumentRow) {
        let stored = Some(row.fingerprints.clone());
        self.documents.loaded(place, Document { row: Some(row), stored });
    }

    /// Folds one event.
    pub(super) async fn apply<T: SearchTables>(&mut self, tables: &mut T, decoded: &DecodedEvent) -> Done {
        match (&decoded.event, decoded.stream) {
            (Event::Conversation(event), StreamId::Conversation(id)) => match event {
                ConversationEvent::MessageSent(event) => self.sent(tables, (id, signed(event.seq)), event).await,
                ConversationEvent::Started(_)
                | ConversationEvent::Renamed(_)
                | ConversationEvent::MemberAdded(_)
                | ConversationEvent::MemberRemoved(_)
                | ConversationEvent::MemberRoleChanged(_)
                | ConversationEvent::RetentionChanged(_)
                | ConversationEvent::BlocksChanged(_) => Ok(()),
            },
            (Event::Message(event), StreamId::Message(id)) => {
                let place = (id.conversation, signed(id.seq));
                match event {
                    MessageEvent::Edited(event) => self.edited(tables, place, event).await,
                    MessageEvent::Deleted(event) => {
                        // a rule deletes nothing of an account that is closed
                        if let Some(sender) = event.by {
                            self.must_be_there(tables, place, sender).await?;
                        }
                        self.remove(tables, place).await
                    }
                    MessageEvent::Erased(_)
                    | MessageEvent::ReactionAdded(_)
                    | MessageEvent::ReactionRemoved(_)
                    | MessageEvent::Pinned(_)
                    | MessageEvent::Unpinned(_) => Ok(()),
                }
            }
            (Event::User(event), StreamId::User(user)) => {
                if let UserEvent::Closed(_) = event {
                    self.user_closed(tables, user).await
                } else {
                    Ok(())
                }
            }
            (
                Event::Login(_)
                | Event::Session(_)
                | Event::Request(_)
                | Event::Reader(_)
                | Event::Schedule(_)
                | Event::Attachment(_)
                | Event::Webhook(_)
                | Event::Hold(_)
                | Event::Contact(_)
                | Event::Factor(_)
                | Event::Devices(_)
                | Event::Attempts(_)
                | Event::Access(_),
                _,
            ) => Ok(()),
            (Event::Conversation(_) | Event::Message(_) | Event::User(_), _) => {
                Err(FoldError::data("this event does not belong into this stream"))
            }
        }
    }

    async fn sent<T: SearchTables>(&mut self, tables: &mut T, place: Place, event: &MessageSent) -> Done {
        if self.closed(tables).await?.contains(&event.sender) {
            return Ok(());
        }
        let author = (event.sender, place.0, place.1 >> STRETCH_BITS);
        if self.known.insert(author) {
            self.authors.push(author);
        }
        let text = event.content_type.is_text();
        let fingerprints = fingerprints(place, event.content.clear(), text);
        let row = Some(DocumentRow { sender: event.sender, text, fingerprints });
        self.documents.put(place, Document { row, stored: None });
        Ok(())
    }

    async fn edited<T: SearchTables>(&mut self, tables: &mut T, place: Place, event: &MessageEdited) -> Done {
        self.must_be_there(tables, place, event.by).await?;
        if let Some(row) = self.documents.change(place).and_then(|document| document.row.as_mut()) {
            row.fingerprints = fingerprints(place, event.content.clear(), row.text);
            self.erased = true;
        }
        Ok(())
    }

    async fn remove<T: SearchTables>(&mut self, tables: &mut T, place: Place) -> Done {
        self.load_missing(tables, place).await?;
        if let Some(document) = self.documents.change(place) {
            document.row = None;
            self.erased = true;
        }
        Ok(())
    }

    /// Unless its sender's account is closed: that can be found no more, and stays so.
    async fn must_be_there<T: SearchTables>(&mut self, tables: &mut T, place: Place, sender: UserId) -> Done {
        self.load_missing(tables, place).await?;
        if self.documents.contains(place) || self.closed(tables).await?.contains(&sender) {
            return Ok(());
        }
        Err(FoldError::data("this message is not there"))
    }

    async fn load_missing<T: SearchTables>(&mut self, tables: &mut T, place: Place) -> Done {
        if self.documents.contains(place) { Ok(()) } else { self.load(tables, &[place]).await }
    }

    async fn closed<T: SearchTables>(&mut self, tables: &mut T) -> Done<&mut HashSet<UserId>> {
        let closed = match self.closed.take() {
            Some(closed) => closed,
            None => tables.closed_accounts().await?.into_iter().collect(),
        };
        Ok(self.closed.insert(closed))
    }

    async fn user_closed<T: SearchTables>(&mut self, tables: &mut T, user: UserId) -> Done {
        if !self.closed(tables).await?.insert(user) {
            return Ok(());
        }
        self.newly_closed.push(user);
        for (place, row) in tables.documents_of(user).await? {
            self.loaded(place, row);
        }
        let theirs = |document: &Document| document.row.as_ref().is_some_and(|row| row.sender == user);
        let places: Vec<Place> =
            self.documents.iter().filter(|(_, document)| theirs(document)).map(|(place, _)| place).collect();
        for place in places {
            self.remove(tables, place).await?;
        }
        Ok(())
    }

    pub(super) async fn flush<T: SearchTables>(&mut self, tables: &mut T) -> Done {
        let documents = self.documents.changes().map(|(place, Document { row, stored })| DocumentChange {
            place,
            row: row.as_ref(),
            stored: stored.as_deref(),
        });
        // what came and went within the batch was never there
        let documents = documents.filter(|change| change.row.is_some() || change.stored.is_some());
        let (documents, authors) = (documents.collect(), &self.authors);
        tables.write_search(&SearchChanges { documents, authors, closed: &self.newly_closed }).await?;
        self.documents.written(0);
        self.authors.clear();
        if self.known.len() > KNOWN {
            self.known.clear();
        }
        self.newly_closed.clear();
        Ok(())
    }
}

fn fingerprints((conversation, _): Place, content: Option<&MessageContent>, text: bool) -> Vec<i64> {
    let Some(content) = content else { return Vec::new() };
    let subject = content.subject.as_ref().map(Subject::as_str);
    let body = content.body.as_ref().filter(|_| text).map(Body::as_str);
    text::of_text(conversation, subject.into_iter().chain(body))
}
