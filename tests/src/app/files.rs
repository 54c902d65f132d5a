//! What people do with files.

use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Call, Person, TestApp};

const BOUNDARY: &str = "------------------------boundary";

/// A body of multipart/form-data with one file in this field.
pub fn multipart(field: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    let name = name.replace('\\', "\\\\").replace('"', "\\\"");
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
         Content-Type: image/png\r\n\r\n"
    );
    [head.as_bytes(), bytes, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat()
}

/// The media type of such a body.
pub fn multipart_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

impl Person {
    /// An upload that may fail.
    pub fn uploading(&self, name: &str, bytes: &[u8]) -> Call {
        self.call(Method::POST, "/v1/attachments").bytes(&multipart_type(), multipart("file", name, bytes))
    }

    /// Uploads a file; the attachment.
    pub async fn upload(&self, name: &str, bytes: &[u8]) -> Value {
        self.uploading(name, bytes).await.expect(201).json
    }

    /// Sends files with a text, or with none; the message.
    pub async fn send_files(&self, conversation: &str, body: Option<&str>, files: &[&Value]) -> Value {
        let ids: Vec<_> = files.iter().map(|file| &file["id"]).collect();
        let mut message = json!({"attachments": ids});
        if let Some(body) = body {
            message["body"] = body.into();
        }
        self.post(format!("/v1/conversations/{conversation}/messages"), message).await.expect(201).json
    }

    /// Asks for an attachment's file.
    pub fn file(&self, attachment: &Value) -> Call {
        self.get(format!("/v1/attachments/{}", super::id(attachment)))
    }

    /// Asks for its small picture.
    pub fn thumbnail(&self, attachment: &Value) -> Call {
        self.get(format!("/v1/attachments/{}/thumbnail", super::id(attachment)))
    }
}

impl TestApp {
    /// The stored files of attachments that have this in their names.
    pub fn sealed_files(&self, part: &str) -> Vec<PathBuf> {
        let below = self.data_dir().join("attachments");
        let named = |path: &PathBuf| path.starts_with(&below) && path.to_string_lossy().contains(part);
        self.data_files().into_iter().filter(named).collect()
    }
}
