//! How the document describes texts that parse: the rules of `tidings_domain::values`, as patterns.

use std::borrow::Cow;

use tidings_domain::values::Emoji;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// Exactly one emoji: all of them, for no pattern says which texts are one.
pub struct EmojiText;

impl PartialSchema for EmojiText {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Exactly one emoji (Unicode UTS #51); those with a skin tone are taken as well"))
            .enum_values(Some(Emoji::all()))
            .into()
    }
}

impl ToSchema for EmojiText {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Emoji")
    }
}

macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident as $shown:ident { $($schema:tt)+ })+) => {
        $(
            $(#[doc = $doc])+
            #[derive(ToSchema)]
            #[schema(as = $shown, $($schema)+)]
            #[expect(dead_code, reason = "documents a value of the domain, which knows nothing of OpenAPI")]
            pub(super) struct $name(String);
        )+
    };
}

texts! {
    /// A first or last name.
    PersonNameText as PersonName {
        min_length = 1, max_length = 100, example = "Ada",
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    }
    /// What a device is called.
    DeviceNameText as DeviceName {
        min_length = 1, max_length = 100, example = "Ada's telephone",
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    }
    /// The name of a group.
    ConversationNameText as ConversationName {
        min_length = 1, max_length = 255, example = "Engine room",
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    }
    /// What a message is about.
    SubjectText as Subject {
        min_length = 1, max_length = 255, example = "Engines",
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    }
    /// The text of a message: 1 to 65,536 bytes of UTF-8.
    BodyText as Body {
        min_length = 1, max_length = 65536, example = "Hello, @grace!", pattern = r"^[^\x00]*$"
    }
    /// The media type of a body.
    ContentTypeText as ContentType {
        max_length = 255, example = "text/plain", pattern = "^[a-z]+/[a-z0-9][a-z0-9.-]*$"
    }
    /// A phone number in international form (E.164).
    PhoneNumberText as PhoneNumber {
        example = "+14155552671", pattern = r"^\+[1-9][0-9]{6,14}$"
    }
    /// An email address.
    EmailText as Email {
        format = "email", max_length = 254, example = "ada@example.org"
    }
    /// A public key or key package: 1 to 8,190 bytes as base64 (RFC 4648 section 4, padded).
    PublicKeyText as PublicKey {
        min_length = 4, max_length = 10920, example = "c2VjcmV0cyBhcmUgbm90IHB1YmxpYw==",
        pattern = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)$"
    }
    /// The id of a message.
    MessageIdText as MessageId {
        example = "0190c5f27b7a4f0e9d3b1a2c3d4e5f60-7-19", pattern = "^[0-9a-f]{32}-[1-9][0-9]*-[1-9][0-9]*$"
    }
}
