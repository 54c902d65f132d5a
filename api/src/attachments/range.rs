//! Which bytes of a file are asked for (RFC 9110, section 14).
//!
//! Written out: the crates for this take a range that is nonsense for one that is out of reach, or the other way round, and
//! the answers to these differ.

use std::ops::Range;

use axum::http::{HeaderMap, header};

/// What to answer with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it: there is no range, or one that is to be passed over.
    Whole,
    /// This part.
    Part(Range<u64>),
    /// A part that the file does not reach.
    OutOfReach,
}

/// What of a file of `size` bytes and this tag is asked for. Several ranges at once get the whole file, as anybody may answer.
pub(super) fn asked(headers: &HeaderMap, size: u64, tag: &str) -> Asked {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    // a range of another version is asked for: a date is never the tag either
    if text(header::IF_RANGE).is_some_and(|wanted| wanted != tag) {
        return Asked::Whole;
    }
    text(header::RANGE).and_then(|range| parse(range, size)).unwrap_or(Asked::Whole)
}

/// None for what is no range of bytes.
fn parse(text: &str, size: u64) -> Option<Asked> {
    let (unit, range) = text.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (start, end) = match (first, last) {
        ("", last) => (size.saturating_sub(number(last)?), size),
        (first, "") => (number(first)?, size),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return None;
            }
            (first, last.saturating_add(1).min(size))
        }
    };
    Some(if start < end { Asked::Part(start..end) } else { Asked::OutOfReach })
}

/// Digits, and nothing else. More than fit are simply very many.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_100(range: &str) -> Asked {
        let headers = HeaderMap::from_iter([(header::RANGE, range.parse().unwrap())]);
        asked(&headers, 100, "\"tag\"")
    }

    #[test]
    fn a_range_is_cut_to_the_file() {
        for (range, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=10-19", 10..20),
            ("Bytes=90-", 90..100),
            ("bytes=90-1000", 90..100),
            ("bytes=-10", 90..100),
            ("bytes=-1000", 0..100),
            ("bytes=0-99999999999999999999999", 0..100),
        ] {
            assert_eq!(of_100(range), Asked::Part(part), "{range}");
        }
    }

    #[test]
    fn a_range_that_is_nonsense_is_passed_over_and_one_out_of_reach_is_not() {
        for nonsense in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=a-b",
            "bytes=+1-2",
            "lines=1-2",
            "bytes=1-2,4-5",
            "bytes=--1",
            "bytes=0x0-0x1",
            "bytes 0-1/2",
        ] {
            assert_eq!(of_100(nonsense), Asked::Whole, "{nonsense}");
        }
        for out in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"] {
            assert_eq!(of_100(out), Asked::OutOfReach, "{out}");
        }
    }

    #[test]
    fn a_range_of_another_version_gets_the_whole() {
        let with = |tag: &str| {
            let range = (header::RANGE, "bytes=0-1".parse().unwrap());
            asked(&HeaderMap::from_iter([range, (header::IF_RANGE, tag.parse().unwrap())]), 100, "\"tag\"")
        };
        assert_eq!(
            (with("\"tag\""), with("\"other\""), with("W/\"tag\"")),
            (Asked::Part(0..2), Asked::Whole, Asked::Whole)
        );
    }
}
