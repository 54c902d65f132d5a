//! The OpenAPI document, and the pages that show it.
//!
//! Handlers document what is theirs alone: parameters, bodies, the answer when all is well. What every operation has in
//! common (problems, the bearer token, idempotency keys) is added here, once.

use std::collections::BTreeMap;

use axum::{
    Router,
    http::{HeaderValue, header},
    response::Redirect,
    routing::get,
};
use bytes::Bytes;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::{
    OpenApi,
    openapi::{
        Content, HttpMethod, ObjectBuilder, OpenApi as Document, Ref, RefOr, Required, Response, ResponseBuilder, Type,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{
    problem::{Kind, PROBLEM_JSON, ProblemDocument},
    routes::EmojiText,
};

const BEARER: &str = "bearer";

/// The reference loads nothing from elsewhere and asks nobody but this server; its pictures are part of its styles.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tidings",
        description = "A messaging server whose truth is an event log.\n\n\
            Every answer that is not a success is a problem document (RFC 9457). Lists are pages of `limit` items, 20 by \
            default; `next` of one page is the `cursor` of the next.\n\n\
            Every POST, PUT, PATCH and DELETE takes an `Idempotency-Key`: the same caller, key and request again give the \
            first answer again, with `Idempotency-Replayed: true`, and never do anything twice. Requests that were refused \
            did nothing and are judged anew.\n\n\
            Every answer whose request appended events carries `Tidings-Position`. Reads show what their caller was told; \
            with the header `Tidings-Min-Position` they wait until they show that position, for two seconds at most: then \
            503.\n\n\
            Each caller may ask so much a second, and registration, sign-in and refresh less, for each address: beyond that \
            the answer is 429 with `Retry-After`. Answers say what is left in `RateLimit`, and of how much in \
            `RateLimit-Policy`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "Accounts", description = "People and their sessions"),
        (name = "Conversations", description = "Who talks with whom"),
        (name = "Messages", description = "What they say"),
        (name = "Live", description = "What happens, as it happens"),
        (name = "Audit", description = "For those who check the log"),
        (name = "Operation", description = "For those who run the server"),
    ),
    components(schemas(ProblemDocument, EmojiText)),
)]
struct Base;

/// Adds the document, and `/docs`, to the routes it documents.
pub fn with_documentation(routes: OpenApiRouter) -> Router {
    let (router, document) = routes.split_for_parts();
    let document = complete(document);
    // Written out once: routers are cloned for every connection, and the document is large.
    let shown = Bytes::from(serde_json::to_vec(&document).unwrap_or_default());
    let pages = Router::from(SwaggerUi::new("/docs").config(Config::new(["/openapi.json"])));
    let policy = SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    router
        .route("/openapi.json", get(move || async move { ([(header::CONTENT_TYPE, "application/json")], shown) }))
        .merge(pages.layer(policy))
        .route("/", get(|| async { Redirect::temporary("/docs/") }))
}

/// The document of the routes with what all of them have in common.
fn complete(routes: Document) -> Document {
    let mut document = Base::openapi();
    document.merge(routes);
    let components = document.components.get_or_insert_default();
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.security_schemes.insert(BEARER.to_owned(), SecurityScheme::Http(scheme).into());
    for parameter in common_parameters() {
        components.parameters.insert(parameter.name.clone(), parameter.into());
    }
    let mut met = BTreeMap::new();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            for kind in complete_operation(path, &method, operation) {
                met.insert(problem_name(kind), kind);
            }
        }
    }
    let components = document.components.get_or_insert_default();
    components.responses.extend(met.into_iter().map(|(name, kind)| (name, RefOr::T(problem(kind)))));
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, item.get.as_mut()),
        (HttpMethod::Head, item.head.as_mut()),
        (HttpMethod::Post, item.post.as_mut()),
        (HttpMethod::Put, item.put.as_mut()),
        (HttpMethod::Patch, item.patch.as_mut()),
        (HttpMethod::Delete, item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
}

/// Answers which problems it may meet. Each of them stands in the document once: a thousand copies took megabytes, here and there.
fn complete_operation(path: &str, method: &HttpMethod, operation: &mut Operation) -> Vec<Kind> {
    if !path.starts_with("/v1/") {
        return vec![];
    }
    let writes = !matches!(method, HttpMethod::Get | HttpMethod::Head);
    // handlers that anybody may call say so with an empty requirement
    let open = operation.security.take().is_some();
    if !open {
        operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(BEARER, [])]);
    }
    let has_body = operation.request_body.is_some();
    let may = [
        (Kind::MalformedRequest, true),
        (Kind::Unauthenticated, true),
        (Kind::Forbidden, true),
        (Kind::NotFound, true),
        (Kind::TooSlow, has_body),
        (Kind::Taken, writes),
        (Kind::TooLarge, has_body),
        (Kind::WrongMediaType, has_body),
        (Kind::InvalidRequest, writes),
        (Kind::HeadTooLarge, true),
        (Kind::TooManyRequests, true),
        (Kind::Internal, true),
        (Kind::Unavailable, true),
    ];
    let kinds: Vec<_> = may.into_iter().filter(|(_, may)| *may).map(|(kind, _)| kind).collect();
    for kind in &kinds {
        let status = kind.status().as_str().to_owned();
        let response = || RefOr::Ref(Ref::from_response_name(problem_name(*kind)));
        operation.responses.responses.entry(status).or_insert_with(response);
    }
    kinds
}

fn problem_name(kind: Kind) -> String {
    format!("Problem{}", kind.status().as_str())
}

fn problem(kind: Kind) -> Response {
    let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
    ResponseBuilder::new()
        .description(kind.status().canonical_reason().unwrap_or("A problem"))
        .content(PROBLEM_JSON, content)
        .build()
}

/// What every operation of a kind takes. They stand here and in the document's introduction rather than at each operation:
/// what a key or a cursor may be depends on what happened before, which no schema can say.
fn common_parameters() -> [Parameter; 3] {
    let text = |pattern| ObjectBuilder::new().schema_type(Type::String).max_length(Some(255)).pattern(Some(pattern));
    let position = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    [
        (
            "Idempotency-Key",
            ParameterIn::Header,
            text("^[!-~]+$"),
            "Makes any POST, PUT, PATCH or DELETE safe to repeat",
        ),
        ("Tidings-Min-Position", ParameterIn::Header, position, "What a GET must show, at least"),
        ("cursor", ParameterIn::Query, text("^[A-Za-z0-9_-]+$"), "`next` of the page before, in any list"),
    ]
    .map(|(name, place, schema, description)| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(schema.build()))
            .build()
    })
}
