//! A file as it is asked for: whole or in part, and never with a byte that was not uploaded.

use std::ops::Range;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use tidings_attachments::{Part, Place, ReadError, sniff};
use tidings_domain::{AttachmentId, attachment::AttachmentDetails};

use super::{
    disposition::disposition,
    range::{Asked, asked},
};
use crate::{
    app::Reading,
    problem::{Kind, Problem, status::success},
};

/// Nothing in a file may run or load anything, wherever a browser shows it.
const CSP: &str = "default-src 'none'; sandbox";

/// A file to be served.
struct File {
    media_type: String,
    name: Option<String>,
    size: u64,
    tag: String,
    shown: bool,
}

impl File {
    fn of(id: AttachmentId, part: Part, details: &AttachmentDetails) -> Option<Self> {
        let name = details.name.as_ref().map(|name| name.as_str().to_owned());
        Some(match part {
            Part::File => {
                let media_type = details.media_type.as_str();
                // a picture that could not be looked at is perhaps none, or too much for a browser as well
                let sound = !media_type.starts_with("image/") || details.dimensions.is_some();
                let shown = sound && sniff::may_be_shown(media_type);
                Self { media_type: media_type.to_owned(), name, size: details.size, tag: format!("\"{id}\""), shown }
            }
            Part::Thumbnail => {
                let thumbnail = details.thumbnail.as_ref()?;
                let media_type = thumbnail.media_type.as_str().to_owned();
                Self { media_type, name: None, size: thumbnail.size, tag: format!("\"{id}-thumbnail\""), shown: true }
            }
        })
    }

    fn headers(&self) -> [(header::HeaderName, HeaderValue); 6] {
        let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
        [
            (header::CONTENT_TYPE, value(&self.media_type)),
            (header::CONTENT_DISPOSITION, disposition(self.name.as_deref(), self.shown)),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP)),
            (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
            (header::ETAG, value(&self.tag)),
            // it never changes, but it may be gone: to be asked for again each time, which costs little
            (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        ]
    }
}

/// Serves a file that may be fetched in ranges and is only to be saved; `read` gives a range of its bytes.
pub async fn served<S>(
    headers: &HeaderMap,
    size: u64,
    (media_type, tag): (&str, &str),
    read: impl AsyncFnOnce(Range<u64>) -> Result<S, Problem>,
) -> Result<Response, Problem>
where
    S: Stream<Item = Result<Bytes, ReadError>> + Send + 'static,
{
    let file = File { media_type: media_type.to_owned(), name: None, size, tag: tag.to_owned(), shown: false };
    respond(&file, headers, read).await
}

/// Serves one of an attachment's files to who may see it.
pub async fn serve(reading: &Reading, id: AttachmentId, part: Part, headers: &HeaderMap) -> Result<Response, Problem> {
    let gone = || Problem::from(Kind::NoSuchAttachment);
    reading.views().attachment(reading.user(), id).await?.ok_or_else(gone)?;
    let known = reading.app.commands.attachment(id).await?.filter(|known| !known.removed).ok_or_else(gone)?;
    let details = known.details.as_ref().ok_or_else(gone)?;
    let file = File::of(id, part, details).ok_or_else(gone)?;
    let place = Place { id, key: known.key, part };
    let read = async |range| Ok(reading.app.attachments.read(place, known.author_key, file.size, range).await?);
    respond(&file, headers, read).await
}

async fn respond<S>(
    file: &File,
    headers: &HeaderMap,
    read: impl AsyncFnOnce(Range<u64>) -> Result<S, Problem>,
) -> Result<Response, Problem>
where
    S: Stream<Item = Result<Bytes, ReadError>> + Send + 'static,
{
    if is_known(headers, &file.tag) {
        return Ok((success::NOT_MODIFIED, file.headers()).into_response());
    }
    let (status, range) = match asked(headers, file.size, &file.tag) {
        Asked::Whole => (success::OK, 0..file.size),
        Asked::Part(range) => (success::PARTIAL_CONTENT, range),
        Asked::OutOfReach => {
            let mut response = Problem::from(Kind::NoSuchRange).into_response();
            response.headers_mut().insert(header::CONTENT_RANGE, content_range("*", file.size));
            return Ok(response);
        }
    };
    let pieces = read(range.clone()).await?;
    let pieces = pieces.inspect_err(|error| tracing::error!(%error, "a file cannot be read to its end"));
    let mut response = (status, file.headers(), Body::from_stream(pieces)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, (range.end - range.start).into());
    if status == success::PARTIAL_CONTENT {
        let shown = format!("{}-{}", range.start, range.end - 1);
        headers.insert(header::CONTENT_RANGE, content_range(&shown, file.size));
    }
    Ok(response)
}

fn content_range(range: &str, size: u64) -> HeaderValue {
    HeaderValue::try_from(format!("bytes {range}/{size}")).unwrap_or(HeaderValue::from_static("bytes */*"))
}

/// Whether the client says that it has this (RFC 9110, section 13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let listed = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    listed
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}
