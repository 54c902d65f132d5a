//! Messages that are to be sent later: scheduled, cancelled, and sent when their time has come.

use tidings_domain::{
    ConversationId, Personal, ScheduledId, StreamId, UserId,
    attachment::Sending,
    conversation::{ConversationRefusal, MessageContent},
    schedule::{
        Entry, MessageScheduled, Place, ScheduleCommand, ScheduleEvent, ScheduleRefusal, ScheduledMessageCancelled,
        ScheduledMessageSent, Stage,
    },
};
use tidings_event_store::{CommandId, CommandKey, Fingerprint};

use crate::{Commands, Context, Error, Outcome, Refusal, attachments::Claimed, messages::Draft};

/// The fewest and the most people of a direct conversation.
const DIRECT_PEOPLE: std::ops::RangeInclusive<usize> = 2..=20;

/// Where a scheduled message goes.
#[derive(Debug, Clone)]
pub enum Destination {
    /// Into this conversation.
    Conversation(ConversationId),
    /// To these people, who exist: into their direct conversation with the sender, started at need.
    People(Vec<UserId>),
}

/// A message to send later.
#[derive(Debug, Clone)]
pub struct Later {
    /// Where to.
    pub destination: Destination,
    /// What.
    pub draft: Draft,
    /// When.
    pub send_at: tidings_domain::Timestamp,
}

/// What became of a scheduled message whose time had come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It was sent, now or before.
    Sent,
    /// It was refused; its owner sees why.
    Failed,
    /// There is nothing to send, or not yet.
    Over,
}

impl Commands {
    /// Schedules a message, if it could be sent now. The outcome is the same for the same key, for ever; its text is there as
    /// long as the message is scheduled.
    pub async fn schedule(
        &self,
        by: UserId,
        later: Later,
        context: &Context,
    ) -> Result<Outcome<MessageScheduled>, Error> {
        let stream = StreamId::Schedule(by);
        let outcome = if let Some(before) = self.0.schedules.recalled(stream, context).await? {
            before
        } else {
            let scheduled = self.scheduled(by, later, context).await?;
            let (id, files) = (scheduled.id, scheduled.attachments.clone());
            let command = ScheduleCommand::Add(Box::new(scheduled));
            match self.0.schedules.execute_new(stream, &command, context).await {
                Ok(outcome) => outcome,
                Err(error @ Error::Refused(_)) => {
                    self.give_files_back(Claimed { sending: sending_of(id), files }, context).await;
                    return Err(error);
                }
                Err(error) => return Err(error),
            }
        };
        let Outcome { value, position, replayed } = outcome;
        let added = value.into_iter().find_map(|(_, event)| match event {
            ScheduleEvent::Added(event) => Some(event),
            ScheduleEvent::Cancelled(_)
            | ScheduleEvent::Released(_)
            | ScheduleEvent::Sent(_)
            | ScheduleEvent::Failed(_) => None,
        });
        // a new one always has its event; what is recalled may be another command under the same key
        Ok(Outcome { value: added.ok_or(Error::KeyReused)?, position, replayed })
    }

    async fn scheduled(&self, by: UserId, later: Later, context: &Context) -> Result<MessageScheduled, Error> {
        let author_key = self.author_key(by).await?;
        let Later { destination, draft, send_at } = later;
        let (conversation, to) = match destination {
            Destination::Conversation(id) => {
                self.standing(id, by).await?.speaker()?;
                (id, vec![])
            }
            Destination::People(mut to) => {
                to.retain(|user| *user != by);
                to.sort_unstable();
                to.dedup();
                if !DIRECT_PEOPLE.contains(&(to.len() + 1)) {
                    return Err(ConversationRefusal::DirectSize.into());
                }
                let conversation = ConversationId::direct(to.iter().chain([&by]));
                if self.is_started(conversation).await? {
                    self.standing(conversation, by).await?.speaker()?;
                } else {
                    self.must_be_welcome_to(by, &to).await?;
                }
                (conversation, to)
            }
        };
        if let Some(id) = draft.reply_to {
            self.reply_to(conversation, id, by).await?;
        }
        let id = ScheduledId::new(context.new_id("scheduled message"));
        let claimed = self.claim_for(sending_of(id), conversation, by, &draft.attachments, context).await?;
        Ok(MessageScheduled {
            id,
            conversation,
            to,
            key: self.fresh_key().await?,
            author_key,
            content_type: draft.content_type,
            reply_to: draft.reply_to.map(Place::from),
            attachments: claimed.files,
            send_at,
            at: context.now,
            content: Personal::Clear(draft.content),
        })
    }

    /// Takes a scheduled message back and destroys its key; one that failed is taken away. Its files may go elsewhere.
    pub async fn cancel_scheduled(&self, id: ScheduledId, by: UserId, context: &Context) -> Result<Outcome<()>, Error> {
        let stream = StreamId::Schedule(by);
        let version =
            self.0.schedules.peek(stream, |schedule| schedule.entries.get(&id).map(|entry| entry.version)).await?;
        let command = ScheduleCommand::Cancel { id, at: context.now };
        let outcome = self.0.schedules.execute(stream, &command, context).await?;
        if let Some(version) = version {
            let files = self.written(stream, version).await?.attachments;
            self.give_files_back(Claimed { sending: sending_of(id), files }, context).await;
        }
        for (_, event) in &outcome.value {
            if let ScheduleEvent::Cancelled(ScheduledMessageCancelled { key, .. }) = event {
                self.destroy_keys(&[*key]).await?;
            }
        }
        Ok(outcome.map(drop))
    }

    /// Takes everything back that somebody has scheduled: their account is closed.
    pub async fn cancel_all_scheduled(&self, user: UserId, context: &Context) -> Result<(), Error> {
        let ids = self
            .0
            .schedules
            .peek(StreamId::Schedule(user), |schedule| schedule.entries.keys().copied().collect::<Vec<_>>());
        for id in ids.await? {
            match self.cancel_scheduled(id, user, &context.without_key()).await {
                // what is being sent is refused there: its author is gone
                Ok(_) | Err(Error::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends a scheduled message whose time has come, once, however often and by however many nodes this is asked.
    /// `reason` names why one is refused for good; any other error means that it is to be tried again.
    pub async fn send_scheduled(
        &self,
        id: ScheduledId,
        owner: UserId,
        reason: impl Fn(Error) -> String + Send,
        context: &Context,
    ) -> Result<Delivery, Error> {
        let (stream, at) = (StreamId::Schedule(owner), context.now);
        let plain = context.without_key();
        match self.0.schedules.execute(stream, &ScheduleCommand::Release { id, at }, &plain).await {
            Ok(_) => {}
            Err(Error::Refused(Refusal::Schedule(ScheduleRefusal::NoSuchScheduled))) => return Ok(Delivery::Over),
            Err(error) => return Err(error),
        }
        let entry = self.0.schedules.peek(stream, |schedule| schedule.entries.get(&id).copied()).await?;
        let Some(Entry { version, key, stage: Stage::Released, .. }) = entry else { return Ok(Delivery::Over) };
        let (command, delivery) = match self.deliver(owner, self.written(stream, version).await?, &plain).await {
            Ok(message) => (ScheduleCommand::Complete { id, message, at }, Delivery::Sent),
            Err(error) if is_for_good(&error) => {
                (ScheduleCommand::Fail { id, reason: reason(error), at }, Delivery::Failed)
            }
            Err(error) => return Err(error),
        };
        let done = self.0.schedules.execute(stream, &command, &plain).await?;
        if done.value.iter().any(|(_, event)| matches!(event, ScheduleEvent::Sent(ScheduledMessageSent { .. }))) {
            self.destroy_keys(&[key]).await?;
        }
        Ok(delivery)
    }

    /// What was scheduled, by its event.
    async fn written(&self, stream: StreamId, version: u64) -> Result<MessageScheduled, Error> {
        let recorded = self.0.shared.store().read_stream(&stream.name(), version - 1, 1).await?.pop();
        let recorded = recorded.filter(|recorded| recorded.version == version);
        let recorded = recorded.ok_or_else(|| Error::Internal("a scheduled message has no event".to_owned()))?;
        match self.0.shared.codec().open(&recorded, |_| true).await? {
            ScheduleEvent::Added(event) => Ok(event),
            ScheduleEvent::Cancelled(_)
            | ScheduleEvent::Released(_)
            | ScheduleEvent::Sent(_)
            | ScheduleEvent::Failed(_) => Err(Error::Internal("a scheduled message has another event".to_owned())),
        }
    }

    /// Sends it under a key that is the scheduled message's own.
    async fn deliver(&self, owner: UserId, scheduled: MessageScheduled, context: &Context) -> Result<Place, Error> {
        let MessageScheduled { id, conversation, to, content_type, reply_to, attachments, content, .. } = scheduled;
        let content: MessageContent = content.into_clear().ok_or(Error::Forgotten)?;
        if !to.is_empty() {
            self.start_direct(owner, to, context).await?;
        }
        let reply_to = reply_to.map(|place| place.of(conversation));
        let attachments = attachments.into_iter().map(|file| file.id).collect();
        let draft = Draft { content, content_type, reply_to, attachments };
        let context = Context { key: Some(key_of(id)), ..context.clone() };
        Ok(self.send(conversation, owner, draft, &context).await?.value.id.into())
    }
}

/// The command key of a scheduled message: whoever sends it, it is the same command.
fn key_of(id: ScheduledId) -> CommandKey {
    let mut hasher = blake3::Hasher::new_derive_key("tidings 2026 command keys of scheduled messages");
    let (mut command, mut fingerprint) = ([0; 16], [0; 16]);
    let mut out = hasher.update(id.as_bytes()).finalize_xof();
    out.fill(&mut command);
    out.fill(&mut fingerprint);
    CommandKey { id: CommandId(command), fingerprint: Fingerprint(fingerprint) }
}

/// What its files are claimed for, from the beginning.
fn sending_of(id: ScheduledId) -> Sending {
    Sending::from(key_of(id).id.0)
}

/// Whether trying again would not help.
const fn is_for_good(error: &Error) -> bool {
    match error {
        Error::Refused(_)
        | Error::NoSuchUser(_)
        | Error::NoSuchMessage
        | Error::Attachment { .. }
        | Error::Forgotten
        | Error::KeyReused
        | Error::WrongCredentials
        | Error::WrongPassword
        | Error::OtpRequired => true,
        Error::HashingBusy
        | Error::TooManyAttempts { .. }
        | Error::Contended
        | Error::Store(_)
        | Error::Keys(_)
        | Error::Codec(_)
        | Error::Internal(_) => false,
    }
}
