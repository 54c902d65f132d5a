//! What a file is, by its first bytes. What its uploader says of it counts for nothing.

use tidings_domain::values::ContentType;

/// So many bytes are enough.
pub const SNIFFED_BYTES: usize = 8 * 1024;

const UNKNOWN: &str = "application/octet-stream";

/// Types that browsers show without running anything that is in them.
const SHOWN: [&str; 14] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "video/mp4",
    "video/webm",
    "video/quicktime",
    "audio/mpeg",
    "audio/ogg",
    "audio/m4a",
    "audio/mp4",
    "audio/x-wav",
    "audio/wav",
    "audio/x-flac",
];

/// The media type of a file that begins so.
pub fn media_type(start: &[u8]) -> ContentType {
    let name = match infer::get(start) {
        Some(known) => known.mime_type(),
        None if is_text(start) => "text/plain",
        None => UNKNOWN,
    };
    ContentType::parse(name).or_else(|_| ContentType::parse(UNKNOWN)).unwrap_or_else(|_| ContentType::plain_text())
}

/// Whether a browser may show a file of this type in its own window; every other is to be saved.
pub fn may_be_shown(media_type: &str) -> bool {
    SHOWN.contains(&media_type)
}

/// UTF-8 as far as it can be seen, without what no text has.
fn is_text(start: &[u8]) -> bool {
    let valid = match std::str::from_utf8(start) {
        Ok(_) => true,
        // what was looked at may end within a character
        Err(error) => error.error_len().is_none(),
    };
    valid && !start.iter().any(|byte| matches!(byte, 0..=8 | 11 | 14..=26 | 28..=31 | 127))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sniffed(start: &[u8]) -> String {
        media_type(start).into_string()
    }

    #[test]
    fn a_file_is_what_its_bytes_say() {
        assert_eq!(sniffed(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"), "image/png");
        assert_eq!(sniffed(b"GIF89a\x01\0\x01\0"), "image/gif");
        assert_eq!(sniffed(b"%PDF-1.7"), "application/pdf");
        assert_eq!(sniffed("gr\u{fc}ezi".as_bytes()), "text/plain");
        assert_eq!(sniffed(&"ü".as_bytes()[..1]), "text/plain");
        assert_eq!(sniffed(b"\xff\xfe\xfd"), "application/octet-stream");
        assert_eq!(sniffed(b"a\0b"), "application/octet-stream");
    }

    #[test]
    fn nothing_that_could_run_is_shown() {
        for dangerous in [
            b"<!DOCTYPE html><script>alert(1)</script>".as_slice(),
            b"<html><body>",
            b"  <script>alert(1)</script>",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
            b"<?xml version=\"1.0\"?><svg/>",
            b"%PDF-1.7",
            b"MZ\x90\0",
            b"#!/bin/sh\n",
            b"alert(1)",
        ] {
            let media_type = sniffed(dangerous);
            assert!(!may_be_shown(&media_type), "{media_type}");
        }
        assert!(may_be_shown("image/png"));
    }
}
