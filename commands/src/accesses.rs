//! What auditors are shown of others.

use tidings_domain::{
    Day, StreamId,
    access::{AccessRefusal, ContentAccessed, NoteAccess},
};

use crate::{Commands, Context, Error, Outcome, Refusal};

impl Commands {
    /// Notes that an auditor is about to be shown what is others'. They may be shown it once this has succeeded, and not
    /// before: it is in the log then.
    pub async fn note_access(&self, access: ContentAccessed, context: &Context) -> Result<Outcome<()>, Error> {
        let stream = StreamId::Access(Day::of(access.at));
        let outcome = self.0.accesses.execute(stream, &NoteAccess(access), &context.without_key()).await?;
        Ok(outcome.map(drop))
    }
}

impl From<AccessRefusal> for Refusal {
    fn from(refusal: AccessRefusal) -> Self {
        match refusal {}
    }
}
