//! An upload as it comes: multipart (RFC 7578) with one field `file`, never whole in memory.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    body::{Body, BodyDataStream},
    extract::{FromRequest, Request},
    http::header,
};
use bytes::Bytes;
use futures::{Stream, TryStreamExt, stream};
use multer::{Field, Multipart};
use tidings_attachments::{Spooled, Writer, sniff};
use tidings_domain::values::{ContentType, FileName};

use crate::{
    app::App,
    extract::unreadable,
    problem::{Kind, Problem},
};

/// What may stand around a file: the headers of its field, and boundaries.
const AROUND_BYTES: u64 = 64 * 1024;
/// How much more is read of an upload that is too large, and thrown away: a client that is still sending would not see the
/// answer.
const MAX_DISCARDED_BYTES: u64 = 16 * 1024 * 1024;

/// Why a body was not read on.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error("the upload is too large")]
    TooLarge,
    #[error("there is too much around the file")]
    TooMuchAround,
    #[error(transparent)]
    Body(#[from] axum::Error),
}

/// The body of a request with a file in it.
pub struct Upload {
    multipart: Multipart<'static>,
    /// Whether the field of the file has begun.
    begun: Arc<AtomicBool>,
    max_bytes: u64,
}

/// A file that came whole.
#[derive(Debug)]
pub struct Received {
    /// As its sender calls it, made harmless.
    pub name: Option<FileName>,
    /// By its bytes.
    pub media_type: ContentType,
    /// Of its bytes and its name, where that was asked for.
    pub digest: [u8; 32],
    /// Sealed, and not kept yet.
    pub file: Spooled,
}

impl FromRequest<App> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let boundary = multer::parse_boundary(media_type.unwrap_or_default()).map_err(|_| {
            Problem::new(Kind::WrongMediaType, "an upload is multipart/form-data with the field `file`")
        })?;
        let (begun, max_bytes) = (Arc::new(AtomicBool::new(false)), app.attachments.max_bytes);
        let body = guarded(request.into_body(), begun.clone(), max_bytes);
        Ok(Self { multipart: Multipart::new(body, boundary), begun, max_bytes })
    }
}

struct Guarded {
    body: BodyDataStream,
    begun: Arc<AtomicBool>,
    read: u64,
}

/// The body as long as it is no larger than it may be: before the file begins it is held in memory.
fn guarded(body: Body, begun: Arc<AtomicBool>, max_bytes: u64) -> impl Stream<Item = Result<Bytes, Cut>> + Send {
    let guarded = Guarded { body: body.into_data_stream(), begun, read: 0 };
    stream::try_unfold(guarded, move |mut guarded| async move {
        let Some(chunk) = guarded.body.try_next().await? else { return Ok(None) };
        if !guarded.begun.load(Ordering::Acquire) && guarded.read > AROUND_BYTES {
            guarded.discard(MAX_DISCARDED_BYTES).await?;
            return Err(Cut::TooMuchAround);
        }
        guarded.read += chunk.len() as u64;
        if guarded.read > max_bytes + AROUND_BYTES {
            guarded.discard(max_bytes + AROUND_BYTES + MAX_DISCARDED_BYTES).await?;
            return Err(Cut::TooLarge);
        }
        Ok(Some((chunk, guarded)))
    })
}

impl Guarded {
    async fn discard(&mut self, to: u64) -> Result<(), Cut> {
        while self.read <= to {
            match self.body.try_next().await? {
                Some(chunk) => self.read += chunk.len() as u64,
                None => break,
            }
        }
        Ok(())
    }
}

impl Upload {
    /// Writes the file as it comes.
    pub async fn receive(mut self, mut writer: Writer) -> Result<Received, Problem> {
        let problem = |error| problem(error, self.max_bytes);
        let field = self.multipart.next_field().await.map_err(problem)?;
        let mut field = field.ok_or_else(|| Problem::malformed("/file", "is missing"))?;
        must_be_the_file(&field)?;
        self.begun.store(true, Ordering::Release);
        let name = field.file_name().and_then(|name| FileName::parse(name).ok());
        let (mut start, mut hasher) = (Vec::new(), blake3::Hasher::new());
        let mut too_large = false;
        while let Some(chunk) = field.chunk().await.map_err(problem)? {
            too_large |= writer.size() + chunk.len() as u64 > self.max_bytes;
            if too_large {
                continue;
            }
            let missing = sniff::SNIFFED_BYTES.saturating_sub(start.len());
            start.extend_from_slice(&chunk[..missing.min(chunk.len())]);
            hasher.update(&chunk);
            writer.write(&chunk).await.map_err(tidings_attachments::VaultError::from)?;
        }
        drop(field);
        if let Some(other) = self.multipart.next_field().await.map_err(problem)? {
            must_be_the_file(&other)?;
            return Err(Problem::malformed("/file", "stands twice"));
        }
        if too_large {
            return Err(larger_than(self.max_bytes));
        }
        if writer.size() == 0 {
            return Err(Problem::invalid("/file", "must not be empty"));
        }
        hasher.update(name.as_ref().map_or("", FileName::as_str).as_bytes());
        let file = writer.finish().await.map_err(tidings_attachments::VaultError::from)?;
        Ok(Received { name, media_type: sniff::media_type(&start), digest: *hasher.finalize().as_bytes(), file })
    }
}

fn must_be_the_file(field: &Field<'_>) -> Result<(), Problem> {
    match field.name() {
        Some("file") => Ok(()),
        Some(other) => Err(Problem::malformed(format!("/{other}"), "is not known here")),
        None => Err(Problem::malformed("", "a field has no name")),
    }
}

fn larger_than(max_bytes: u64) -> Problem {
    Problem::new(Kind::TooLarge, format!("an attachment may have at most {max_bytes} bytes"))
}

fn problem(error: multer::Error, max_bytes: u64) -> Problem {
    let multer::Error::StreamReadFailed(cause) = error else {
        return Problem::new(Kind::MalformedRequest, format!("the body is no multipart/form-data: {error}"));
    };
    let cause: Box<dyn Error + Send + Sync> = cause;
    match cause.downcast::<Cut>().map(|cut| *cut) {
        Ok(Cut::TooLarge) => larger_than(max_bytes),
        Ok(cut @ Cut::TooMuchAround) => Problem::new(Kind::MalformedRequest, cut.to_string()),
        Ok(Cut::Body(error)) => unreadable(error),
        Err(error) => Problem::new(Kind::MalformedRequest, format!("the body ended early: {error}")),
    }
}
