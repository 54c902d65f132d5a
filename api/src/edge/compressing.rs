//! Answers made smaller for whoever takes them so.

use std::{convert::Infallible, future::ready};

use axum::{
    body::Body,
    extract::Request,
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header},
    response::Response,
};
use tower::{Layer, Service, service_fn};
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
};

/// Smaller answers are not worth compressing.
const COMPRESSED_ABOVE_BYTES: u64 = 1024;

/// What a request says of how its answer may come; nothing, for most programs that are no browsers.
///
/// The compressing service stands behind the handlers rather than around them: an answer in its wrapping is several hundred
/// bytes larger, and is moved at every step on its way out.
pub(super) struct Accepted(Option<Request<()>>);

impl Accepted {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        if !headers.contains_key(header::ACCEPT_ENCODING) {
            return Self(None);
        }
        let mut asked = Request::new(());
        for value in headers.get_all(header::ACCEPT_ENCODING) {
            asked.headers_mut().append(header::ACCEPT_ENCODING, value.clone());
        }
        Self(Some(asked))
    }

    /// The answer as it was asked for.
    pub(super) async fn answer(self, mut response: Response) -> Response {
        let Some(asked) = self.0 else {
            if worth_it().should_compress(&response) && !response.headers().contains_key(header::CONTENT_RANGE) {
                // what stands between is to know that others may get another form
                response.headers_mut().append(header::VARY, HeaderValue::from_name(header::ACCEPT_ENCODING));
            }
            return response;
        };
        let made = service_fn(move |_: Request<()>| ready(Ok::<_, Infallible>(std::mem::take(&mut response))));
        let layer = CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth_it());
        match layer.layer(made).call(asked).await {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        }
    }
}

fn worth_it() -> impl Predicate {
    // events must not wait for a block of the compressor to fill, and pictures are compressed already
    let worth_it = SizeAbove::new(COMPRESSED_ABOVE_BYTES).and(NotForContentType::SSE).and(NotForContentType::IMAGES);
    // nor can parts of a file be asked for by bytes that it has only when it is compressed
    worth_it.and(|_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions| {
        !headers.contains_key(header::ACCEPT_RANGES)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answered(accepts: Option<&'static str>, body: &'static [u8]) -> Response {
        let mut headers = HeaderMap::new();
        headers.extend(accepts.map(|accepts| (header::ACCEPT_ENCODING, HeaderValue::from_static(accepts))));
        let mut response = Response::new(Body::from(body));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Accepted::of(&headers).answer(response).await
    }

    #[tokio::test]
    async fn a_long_answer_is_compressed_for_who_takes_it_so_and_says_that_it_varies() {
        const LONG: &[u8] = &[b'x'; 2000];
        let compressed = answered(Some("gzip, br"), LONG).await;
        assert!(compressed.headers().contains_key(header::CONTENT_ENCODING));
        for response in [compressed, answered(None, LONG).await, answered(Some("identity"), LONG).await] {
            assert_eq!(response.headers()[header::VARY], "accept-encoding");
        }
    }

    #[tokio::test]
    async fn a_short_answer_is_left_as_it_is() {
        for accepts in [None, Some("gzip")] {
            let response = answered(accepts, b"{}").await;
            assert!(!response.headers().contains_key(header::CONTENT_ENCODING));
            assert!(!response.headers().contains_key(header::VARY));
        }
    }
}
