//! Attachments: uploaded, and downloaded by who sees their message.

use axum::{http::HeaderMap, response::Response};
use tidings_attachments::{Looked, Part, Place};
use tidings_commands::attachments::{File, Upload as Begun};
use tidings_domain::{
    AttachmentId,
    attachment::{AttachmentDetails, Thumbnail},
    values::ContentType,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shapes::AttachmentBody;
use crate::{
    app::{Acting, App, Reading},
    attachments::{MOST_UNUSED, Received, Upload, serve},
    extract::Path,
    problem::{Kind, Problem},
    reply::Reply,
};

/// Where files are uploaded: the one route whose bodies are larger than what is held in memory.
pub const UPLOADS: &str = "/v1/attachments";

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(upload_attachment))
        .routes(routes!(show_attachment))
        .routes(routes!(show_thumbnail))
}

/// A file to upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents a body that is read as it comes")]
struct UploadForm {
    /// Any file, of at most 25 MiB unless the server's configuration says otherwise.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// The bytes of a file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "documents a body that is written as it is read")]
struct FileBytes(Vec<u8>);

/// Upload a file
///
/// It is the caller's alone until it is put to a message, for which there is a day. Its type is found out from its bytes.
#[utoipa::path(post, path = "/v1/attachments", tag = "Messages",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "The attachment", body = AttachmentBody, headers(
        ("Location", description = "Where it is"),
    ))),
)]
async fn upload_attachment(acting: Acting, upload: Upload) -> Result<Reply<AttachmentBody>, Problem> {
    let attachments = &acting.app.attachments;
    let _place = attachments.admit(acting.user())?;
    if acting.reading().await?.unused_attachments_of(acting.user()).await? >= MOST_UNUSED {
        return Err(Problem::new(Kind::TooManyUnused, format!("at most {MOST_UNUSED} uploads wait to be sent")));
    }
    let begun = acting.app.commands.begin_upload(acting.user(), &acting.context).await?;
    let writer = attachments.begin(place(begun, Part::File), begun.author_key).await?;
    let received = upload.receive(writer).await?;
    let context = acting.context.asking_for(&received.digest);
    let details = keep(&acting, begun, received).await?;
    let recorded = acting.app.commands.upload(begun, details, &context).await;
    // recorded before, or never: these bytes are nobody's. Where that is not sure they are collected later
    if recorded.as_ref().map_or_else(is_refused, |outcome| outcome.value.key != begun.key) {
        attachments.remove(begun.id, begun.key).await.ok();
    }
    let outcome = acting.done(recorded?);
    let file = File { id: begun.id, details: outcome.value.details.clone().into_clear() };
    let body = AttachmentBody::of(file).ok_or_else(|| Problem::from(Kind::NoSuchAttachment))?;
    Ok(Reply::created(&outcome, format!("{UPLOADS}/{}", begun.id), body).from_events())
}

const fn place(begun: Begun, part: Part) -> Place {
    Place { id: begun.id, key: begun.key, part }
}

const fn is_refused(error: &tidings_commands::Error) -> bool {
    matches!(error, tidings_commands::Error::KeyReused | tidings_commands::Error::Forgotten)
}

/// Looks at what came and keeps it: on the disk, or wherever else, when this returns.
async fn keep(acting: &Acting, begun: Begun, received: Received) -> Result<AttachmentDetails, Problem> {
    let attachments = &acting.app.attachments;
    let Received { name, media_type, file, .. } = received;
    let size = file.size();
    let Looked { picture, file } = attachments.look(file, media_type.as_str()).await?;
    let mut details = AttachmentDetails { name, media_type, size, dimensions: None, thumbnail: None };
    if let Some(picture) = picture {
        details.dimensions = Some(picture.dimensions);
        let small = picture.thumbnail;
        let media_type = ContentType::parse(small.media_type);
        details.thumbnail = media_type.ok().map(|media_type| Thumbnail {
            media_type,
            size: small.bytes.len() as u64,
            width: small.dimensions.width,
            height: small.dimensions.height,
        });
        attachments.keep_bytes(place(begun, Part::Thumbnail), begun.author_key, &small.bytes).await?;
    }
    attachments.keep(file).await?;
    Ok(details)
}

/// An attachment's file
///
/// Whole or in part (`Range`); 404 to those who do not see its message. Types that could run anything are to be saved, not
/// shown.
#[utoipa::path(get, path = "/v1/attachments/{attachment}", tag = "Messages",
    params(("attachment" = String, Path, format = "uuid", description = "Which")),
    responses(
        (status = 200, description = "The file", content_type = "*/*", body = FileBytes),
        (status = 206, description = "The part asked for", content_type = "*/*", body = FileBytes),
        (status = 304, description = "It is the one that the client has"),
        (status = 416, description = "The file does not reach so far", content_type = "application/problem+json",
            body = crate::problem::ProblemDocument),
    ),
)]
async fn show_attachment(
    reading: Reading,
    Path((id,)): Path<(AttachmentId,)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    serve(&reading, id, Part::File, &headers).await
}

/// A small picture of an attachment
///
/// Of PNG, JPEG, GIF and WebP files; 404 where there is none.
#[utoipa::path(get, path = "/v1/attachments/{attachment}/thumbnail", tag = "Messages",
    params(("attachment" = String, Path, format = "uuid", description = "Which")),
    responses(
        (status = 200, description = "The picture", content_type = "image/*", body = FileBytes),
        (status = 206, description = "The part asked for", content_type = "image/*", body = FileBytes),
        (status = 304, description = "It is the one that the client has"),
        (status = 416, description = "The picture does not reach so far", content_type = "application/problem+json",
            body = crate::problem::ProblemDocument),
    ),
)]
async fn show_thumbnail(
    reading: Reading,
    Path((id,)): Path<(AttachmentId,)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    serve(&reading, id, Part::Thumbnail, &headers).await
}
