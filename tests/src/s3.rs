//! An S3-compatible store to test against, where no real one can be had: objects in memory, whoever asks. It does what
//! `object_store` asks of one: put (whole and in parts), get (whole and ranges), head, list and delete.

#![expect(clippy::missing_panics_doc, reason = "everything here panics where the test is to fail")]

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, header, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

type Answer = Response<Full<Bytes>>;
type Objects = BTreeMap<String, Bytes>;

/// A store of its own. Ends with the value.
#[derive(Debug)]
pub struct S3 {
    address: SocketAddr,
    objects: Arc<Mutex<Objects>>,
    serving: JoinHandle<()>,
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn locked(objects: &Mutex<Objects>) -> MutexGuard<'_, Objects> {
    objects.lock().unwrap_or_else(PoisonError::into_inner)
}

impl S3 {
    /// Starts an empty one.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
        let address = listener.local_addr().expect("it is bound");
        let objects = Arc::new(Mutex::new(Objects::new()));
        let serving = tokio::spawn(serve(listener, objects.clone()));
        Self { address, objects, serving }
    }

    /// The settings that lead there.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("TIDINGS_ATTACHMENTS", "s3://bucket/some/where".to_owned()),
            ("TIDINGS_S3_ENDPOINT", format!("http://{}", self.address)),
            ("TIDINGS_S3_REGION", "nowhere".to_owned()),
            ("TIDINGS_S3_ACCESS_KEY_ID", "ada".to_owned()),
            ("TIDINGS_S3_SECRET_ACCESS_KEY", "only for tests".to_owned()),
        ]
    }

    /// What is in it, by name.
    pub fn objects(&self) -> BTreeMap<String, Bytes> {
        locked(&self.objects).clone()
    }

    /// Puts something there, or in the place of something.
    pub fn put(&self, name: &str, bytes: Bytes) {
        locked(&self.objects).insert(name.to_owned(), bytes);
    }
}

async fn serve(listener: TcpListener, objects: Arc<Mutex<Objects>>) {
    // all connections end with the store
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let objects = objects.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| answer(request, objects.clone()));
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

fn respond(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::ETAG, header::HeaderValue::from_static("\"tag\""));
    headers.insert(header::LAST_MODIFIED, header::HeaderValue::from_static("Fri, 20 Nov 2026 12:00:00 GMT"));
    response
}

fn not_found() -> Answer {
    respond(StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>")
}

async fn answer(request: Request<Incoming>, objects: Arc<Mutex<Objects>>) -> Result<Answer, Infallible> {
    let (parts, body) = request.into_parts();
    let name = parts.uri.path().trim_start_matches("/bucket").trim_start_matches('/').to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let part = |number: &str| format!("parts/{name}/{number:0>5}");
    let parameter = |wanted: &str| query.split('&').find_map(|pair| pair.strip_prefix(wanted)?.strip_prefix('='));
    let mut objects = locked(&objects);
    Ok(match parts.method {
        Method::PUT => {
            objects.insert(parameter("partNumber").map_or_else(|| name.clone(), part), body);
            respond(StatusCode::OK, "")
        }
        Method::POST if parameter("uploadId").is_some() => {
            let of_it = part("");
            let of_it = of_it.trim_end_matches('0');
            let numbers: Vec<String> = objects.keys().filter(|key| key.starts_with(of_it)).cloned().collect();
            let all: Vec<u8> = numbers.iter().filter_map(|key| objects.remove(key)).flatten().collect();
            objects.insert(name, all.into());
            let done = "<CompleteMultipartUploadResult><ETag>\"tag\"</ETag></CompleteMultipartUploadResult>";
            respond(StatusCode::OK, done)
        }
        Method::POST => respond(
            StatusCode::OK,
            "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>",
        ),
        Method::DELETE => {
            objects.remove(&name);
            respond(StatusCode::NO_CONTENT, "")
        }
        _ if name.is_empty() => list(&objects),
        _ => objects.get(&name).map_or_else(not_found, |object| get(object, &parts.headers)),
    })
}

fn list(objects: &Objects) -> Answer {
    let entry = |(key, object): (&String, &Bytes)| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2026-11-20T12:00:00.000Z</LastModified><ETag>\"tag\"</ETag>\
             <Size>{}</Size></Contents>",
            object.len()
        )
    };
    let entries: String = objects.iter().map(entry).collect();
    let count = objects.len();
    respond(StatusCode::OK, format!("<ListBucketResult><KeyCount>{count}</KeyCount>{entries}</ListBucketResult>"))
}

fn get(object: &Bytes, headers: &header::HeaderMap) -> Answer {
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok()?.strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
        return respond(StatusCode::OK, object.clone());
    };
    let number = |text: &str| text.parse::<usize>().unwrap_or(object.len());
    let (first, end) = (number(first), (number(last) + 1).min(object.len()));
    if first >= end {
        return respond(StatusCode::RANGE_NOT_SATISFIABLE, "<Error><Code>InvalidRange</Code></Error>");
    }
    let mut response = respond(StatusCode::PARTIAL_CONTENT, object.slice(first..end));
    let shown = format!("bytes {first}-{}/{}", end - 1, object.len());
    response.headers_mut().insert(header::CONTENT_RANGE, shown.parse().expect("digits"));
    response
}
