//! Answers given under an idempotency key that cannot be made again from a command's own events.

use tidings_domain::{
    LoginKind, MessageId, Personal, StreamId, UserId,
    request::{Answer, RememberAnswer, RequestAnswered},
    values::Username,
};
use tidings_event_store::{CommandKey, Position};

use crate::{Commands, Context, Error};

impl Commands {
    /// The answer that was given under this key, if one was kept. Fails when the key was used for another request.
    pub async fn recall_answer(&self, key: CommandKey) -> Result<Option<Answer>, Error> {
        let known = self.0.shared.store().find_commands(&[key.id]).await?;
        if known.into_iter().flatten().any(|record| record.fingerprint != key.fingerprint) {
            return Err(Error::KeyReused);
        }
        let state = self.0.requests.peek(StreamId::Request(key.id.0), Clone::clone).await?;
        let Some(answered) = state else { return Ok(None) };
        if answered.fingerprint.as_deref() != Some(hex::encode(key.fingerprint.0).as_str()) {
            return Err(Error::KeyReused);
        }
        if let Some(shown) = answered.shows
            && (answered.answer.is_none() || self.is_hidden(shown).await?)
        {
            // the command has happened, and is answered as things are now
            return Ok(None);
        }
        answered.answer.map(Some).ok_or(Error::Forgotten)
    }

    /// Whether a message was deleted for everyone, or its sender's account closed.
    pub async fn is_hidden(&self, id: MessageId) -> Result<bool, Error> {
        let deleted = self.0.messages.peek(StreamId::Message(id), |message| message.deleted.is_some());
        if deleted.await? {
            return Ok(true);
        }
        let sender = self.sent_message(id).await?.sender;
        Ok(!self.exists(sender).await?)
    }

    /// Whom this text names in a request that was carried out under its key before: they may have closed their account since,
    /// and the first answer is given again all the same.
    pub async fn resolve_repeated(&self, text: &str, context: &Context) -> Result<Option<UserId>, Error> {
        let Some(key) = context.key else { return Ok(None) };
        let known = self.0.shared.store().find_commands(&[key.id]).await?;
        if known.iter().all(Option::is_none) {
            return Ok(None);
        }
        match (text.parse(), Username::parse(text)) {
            (Ok(id), _) => Ok(Some(id)),
            (Err(_), Ok(username)) => {
                // a username is never given out again: its claim still says whose it was
                let stream = self.0.blinding.login(LoginKind::Username, username.as_str());
                self.0.logins.peek(stream, |login| login.map(|(holder, _)| holder)).await
            }
            (Err(_), Err(_)) => Ok(None),
        }
    }

    /// Keeps an answer for ever, or until the account that asked is closed; one that shows the text of a message, until that
    /// is erased.
    pub async fn remember_answer(
        &self,
        key: CommandKey,
        answer: Answer,
        shows: Option<MessageId>,
        context: &Context,
    ) -> Result<Option<Position>, Error> {
        let caller = match context.actor {
            Some(actor) => self.account(actor).await?,
            None => None,
        };
        if caller.as_ref().is_some_and(|caller| caller.closed) {
            // the request closed its caller's account: there is nobody left to ask again
            return Ok(None);
        }
        let (own, author) = match shows {
            Some(id) => {
                let sent = self.sent_message(id).await?;
                (sent.key, Some(sent.author_key))
            }
            None => (self.fresh_key().await?, caller.map(|caller| caller.key)),
        };
        let answered = RequestAnswered {
            key: own,
            caller_key: author,
            shows,
            fingerprint: Some(hex::encode(key.fingerprint.0)),
            at: context.now,
            answer: Personal::Clear(answer),
        };
        // the command's own events carry the key already; this event is found by its stream
        let context = context.without_key();
        let stream = StreamId::Request(key.id.0);
        Ok(self.0.requests.execute(stream, &RememberAnswer(answered), &context).await?.position)
    }
}
