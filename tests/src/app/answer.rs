//! What the server answered.

use std::ops::Index;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// One answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, when it is JSON; else null.
    pub json: Value,
    /// The body as text.
    pub text: String,
    /// The body as it came.
    pub bytes: Bytes,
    /// Method and path, for failures.
    pub(super) request: String,
}

impl Answer {
    /// This answer, which must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {} {}", self.request, self.status, self.text);
        self.check_form();
        self
    }

    /// This problem, which must have this status and type (`not-a-member`).
    #[track_caller]
    pub fn problem(self, status: u16, kind: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer["type"], format!("/problems/{kind}"), "{}: {}", answer.request, answer.text);
        answer
    }

    /// This problem, which must have this status and name exactly these members, in any order.
    #[track_caller]
    pub fn names(self, status: u16, pointers: &[&str]) -> Self {
        let answer = self.expect(status);
        let mut named = answer.pointers();
        named.sort_unstable();
        let mut wanted = pointers.to_vec();
        wanted.sort_unstable();
        assert_eq!(named, wanted, "{}: {}", answer.request, answer.text);
        answer
    }

    /// Whether it is that views have not come as far as was asked for.
    pub fn is_not_yet_visible(&self) -> bool {
        self.status == 503 && self["type"] == "/problems/not-yet-visible"
    }

    /// The members that a problem names.
    pub fn pointers(&self) -> Vec<&str> {
        let errors = self["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().filter_map(|error| error["pointer"].as_str()).collect()
    }

    /// What holds for every answer of this status, whatever was asked.
    #[track_caller]
    fn check_form(&self) {
        let said = format!("{}: {} {:?} {}", self.request, self.status, self.headers, self.text);
        assert!(self.header("x-request-id").is_some(), "no request id: {said}");
        match self.status {
            204 => assert!(self.text.is_empty(), "a body where there is no content: {said}"),
            400.. => self.check_problem(&said),
            _ => {}
        }
    }

    #[track_caller]
    fn check_problem(&self, said: &str) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{said}");
        if !self.request.starts_with("HEAD") {
            assert_eq!(self["status"], self.status, "{said}");
            let typed = self["type"].as_str().is_some_and(|kind| kind.starts_with("/problems/"));
            let titled = self["title"].as_str().is_some_and(|title| !title.is_empty());
            assert!(typed && titled, "{said}");
        }
        match self.status {
            401 => {
                let scheme = self.header("www-authenticate").unwrap_or_default();
                assert!(scheme.starts_with("Bearer"), "no way to authenticate: {said}");
            }
            405 => assert!(self.header("allow").is_some(), "which methods then? {said}"),
            429 | 503 => assert!(self.header("retry-after").is_some(), "when again? {said}"),
            500 => assert!(self["detail"].is_null(), "internals: {said}"),
            _ => {}
        }
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The position of what this request appended.
    #[track_caller]
    pub fn position(&self) -> u64 {
        let position = self.header("tidings-position").and_then(|text| text.parse().ok());
        position.unwrap_or_else(|| panic!("no position: {}: {:?}", self.request, self.headers))
    }

    /// The items of a list.
    #[track_caller]
    pub fn items(&self) -> &[Value] {
        self["items"].as_array().unwrap_or_else(|| panic!("no list: {}: {}", self.request, self.text))
    }

    /// A member that is a number.
    #[track_caller]
    pub fn number(&self, member: &str) -> u64 {
        self[member].as_u64().unwrap_or_else(|| panic!("no number {member}: {}: {}", self.request, self.text))
    }

    /// A member that is text.
    #[track_caller]
    pub fn text_of(&self, member: &str) -> String {
        let text = self[member].as_str().map(str::to_owned);
        text.unwrap_or_else(|| panic!("no text {member}: {}: {}", self.request, self.text))
    }
}

impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, member: &str) -> &Value {
        &self.json[member]
    }
}
