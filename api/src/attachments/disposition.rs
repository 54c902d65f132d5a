//! `Content-Disposition` (RFC 6266): whether a browser shows or saves a file, and under which name.

use axum::http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in a parameter for itself (RFC 8187, attr-char).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The header for a file of this name: once in letters that every client understands, once whole.
pub(super) fn disposition(name: Option<&str>, shown: bool) -> HeaderValue {
    let how = if shown { "inline" } else { "attachment" };
    let Some(name) = name else { return HeaderValue::from_static(if shown { "inline" } else { "attachment" }) };
    let plain = |c: char| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' };
    let fallback: String = name.chars().map(plain).collect();
    let whole = utf8_percent_encode(name, ENCODED);
    let value = format!("{how}; filename=\"{fallback}\"; filename*=UTF-8''{whole}");
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_in_the_header_twice_and_cannot_leave_it() {
        assert_eq!(disposition(Some("cat.gif"), true), "inline; filename=\"cat.gif\"; filename*=UTF-8''cat.gif");
        assert_eq!(
            disposition(Some("Müller \"2\".pdf"), false),
            "attachment; filename=\"M_ller _2_.pdf\"; filename*=UTF-8''M%C3%BCller%20%222%22.pdf"
        );
        assert_eq!(disposition(Some("a\r\nb"), false), "attachment; filename=\"a__b\"; filename*=UTF-8''a%0D%0Ab");
        assert_eq!(disposition(None, false), "attachment");
    }
}
