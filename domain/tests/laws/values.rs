//! Values that parse: once is enough, and nothing makes them panic.

use std::fmt::Debug;

use proptest::{prelude::*, test_runner::TestCaseResult};
use tidings_domain::{
    Timestamp,
    values::{
        Body, ContentType, ConversationName, DeviceName, Email, Emoji, Invalid, Password, PersonName, PhoneNumber,
        Subject, Username,
    },
};

/// Parses a text, and what came of it again; says whether it was accepted.
fn parses_once<T: PartialEq + Debug>(
    parse: fn(&str) -> Result<T, Invalid>,
    as_str: fn(&T) -> &str,
    text: &str,
) -> Result<bool, TestCaseError> {
    let Ok(value) = parse(text) else { return Ok(false) };
    let again = parse(as_str(&value));
    prop_assert_eq!(again, Ok(value), "from {:?}", text);
    Ok(true)
}

fn all_parse_once(text: &str) -> TestCaseResult {
    parses_once(Username::parse, Username::as_str, text)?;
    parses_once(Email::parse, Email::as_str, text)?;
    parses_once(PhoneNumber::parse, PhoneNumber::as_str, text)?;
    parses_once(Emoji::parse, Emoji::as_str, text)?;
    parses_once(PersonName::parse, PersonName::as_str, text)?;
    parses_once(ConversationName::parse, ConversationName::as_str, text)?;
    parses_once(DeviceName::parse, DeviceName::as_str, text)?;
    parses_once(Subject::parse, Subject::as_str, text)?;
    parses_once(Body::parse, Body::as_str, text)?;
    parses_once(ContentType::parse, ContentType::as_str, text)?;
    let _ = Password::parse(text.to_owned());
    let _ = text.parse::<Timestamp>();
    Ok(())
}

/// Numbers of several countries, most of them in use.
fn phone_numbers() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\+1 ?\\(?(212|415|647)\\)? ?[2-9][0-9]{2}-?[0-9]{4}",
        "\\+49 ?(30|89|151|170)[0-9]{7,8}",
        "\\+39 ?0?6[0-9]{7,8}",
        "\\+44 ?7[0-9]{9}",
        "\\+33 ?[1-9][0-9]{8}",
        "\\+91[6-9][0-9]{9}",
        "\\+86 ?1[0-9]{10}",
        "\\+7 ?9[0-9]{9}",
        "\\+54 ?9?11[0-9]{8}",
        "\\+52 ?1?55[0-9]{8}",
        "\\+225 ?0?[0-9]{9}",
        "\\+800 ?[0-9]{8}",
        "\\+[0-9 ().-]{1,20}",
    ]
}

/// Emoji as keyboards write them: whole, without their variation selectors, or several in a row.
fn emoji_like() -> impl Strategy<Value = String> {
    let all: Vec<&str> = emojis::iter().map(emojis::Emoji::as_str).collect();
    let one = prop::sample::select(all);
    prop_oneof![
        one.clone().prop_map(str::to_owned),
        one.clone().prop_map(|emoji| emoji.replace('\u{fe0f}', "")),
        (one.clone(), one.clone()).prop_map(|(first, second)| format!("{first}{second}")),
        (one, any::<char>()).prop_map(|(emoji, more)| format!("{emoji}{more}")),
    ]
}

proptest! {
    #[test]
    fn no_text_makes_a_value_panic_or_parse_differently_twice(text in any::<String>()) {
        all_parse_once(&text)?;
    }

    #[test]
    fn nor_does_text_that_looks_like_one(
        text in prop_oneof![
            "[A-Za-z0-9_.ßİ-]{1,40}",
            "[ ]?[A-Za-z0-9.+_ßİ\"-]{1,12}@[A-Za-z0-9.ßİ-]{1,16}[ ]?",
            "[A-Za-z]{1,8}/[A-Za-z.+*-]{1,8}(; ?[A-Za-z]{1,6}=\"?[A-Za-z0-9 -]{0,6}\"?;?){0,2}",
            "[ \t]{0,2}\\PC{0,20}[ \u{2028}\u{200b}]{0,2}",
            phone_numbers(),
            emoji_like(),
        ]
    ) {
        all_parse_once(&text)?;
    }

    #[test]
    fn every_username_is_accepted_in_any_case(text in "[A-Za-z0-9_.-]{3,32}") {
        prop_assert!(parses_once(Username::parse, Username::as_str, &text)?);
        prop_assert_eq!(Username::parse(&text), Username::parse(&text.to_ascii_uppercase()));
    }

    #[test]
    fn an_email_address_is_unique_whatever_its_case(text in "[a-z0-9]{1,12}(\\.[a-z]{1,5})?@[a-z]{1,10}\\.[a-z]{2,5}") {
        prop_assert!(parses_once(Email::parse, Email::as_str, &text)?);
        let (small, large) = (Email::parse(&text).unwrap(), Email::parse(&text.to_uppercase()).unwrap());
        prop_assert_eq!(small.canonical(), large.canonical());
    }

    #[test]
    fn a_phone_number_is_kept_in_at_most_fifteen_digits(text in phone_numbers()) {
        if let Ok(number) = PhoneNumber::parse(&text) {
            let digits = number.as_str().strip_prefix('+').unwrap();
            prop_assert!(digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{}", number);
        }
    }

    #[test]
    fn a_time_of_our_era_reads_back(millis in -62_135_596_800_000_i64..=253_402_300_799_999) {
        let at = Timestamp::from_millis(millis);
        prop_assert_eq!(at.to_string().parse(), Ok(at));
    }
}

#[test]
fn every_emoji_there_is_parses_to_itself() {
    for emoji in emojis::iter().flat_map(|emoji| emoji.skin_tones().into_iter().flatten().chain([emoji])) {
        assert_eq!(Emoji::parse(emoji.as_str()).map(Emoji::into_string), Ok(emoji.as_str().to_owned()));
    }
}
