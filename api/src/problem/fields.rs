//! Which members of a request are wrong, all of them at once.

use serde::Serialize;
use tidings_domain::values::Invalid;
use utoipa::ToSchema;

use super::{Kind, Problem};

/// What is wrong with one member of the body or one parameter of the query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// A JSON pointer (RFC 6901) into the body; `/limit` for the query parameter `limit`.
    #[schema(example = "/password")]
    pub pointer: String,
    /// Why, for the person who typed it.
    #[schema(example = "must be 8 to 128 characters")]
    pub detail: String,
}

impl FieldError {
    /// What is wrong where.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// The JSON pointer to where serde stopped.
pub fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escaped(key)),
            Segment::Enum { variant } => format!("/{}", escaped(variant)),
            Segment::Unknown => String::new(),
        })
        .collect()
}

/// Gathers what breaks a rule while the members of a request are parsed one after the other.
#[derive(Debug, Default)]
pub struct Checks {
    /// Breaks a rule.
    invalid: Vec<FieldError>,
    /// Should have been there, or should not have been.
    malformed: Vec<FieldError>,
}

impl Checks {
    /// The value, or a note of what is wrong with it.
    pub fn take<T>(&mut self, pointer: impl Into<String>, outcome: Result<T, Invalid>) -> Option<T> {
        outcome.map_err(|Invalid(why)| self.invalid.push(FieldError::new(pointer, why))).ok()
    }

    /// An optional member: `None` when it is absent, and when it is wrong, which is noted.
    pub fn optional<T>(
        &mut self,
        pointer: &str,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        text.and_then(|text| self.take(pointer, parse(text)))
    }

    /// Notes a member that breaks a rule.
    pub fn note(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.invalid.push(FieldError::new(pointer, detail));
    }

    /// Notes a member that should have been there, or should not have been.
    pub fn malformed(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.malformed.push(FieldError::new(pointer, detail));
    }

    /// The parsed request, if all of it is right.
    pub fn finish<T>(self, parsed: Option<T>) -> Result<T, Problem> {
        if !self.malformed.is_empty() {
            return Err(Problem::of_fields(Kind::MalformedRequest, self.malformed));
        }
        if !self.invalid.is_empty() {
            return Err(Problem::of_fields(Kind::InvalidRequest, self.invalid));
        }
        // a check that refuses without a note is broken, the request is not
        parsed.ok_or_else(|| Problem::new(Kind::Internal, "a request was refused without a reason"))
    }
}
