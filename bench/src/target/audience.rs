//! People who listen to a conversation, and somebody who speaks in it.

/// As wide as any number that is said.
const NUMBER: &str = "00000000";

/// Requests to listen and to speak.
pub(crate) struct Audience {
    /// A request for each stream of events.
    pub(crate) listen: Vec<Vec<u8>>,
    /// A message into the conversation that says [`Audience::TEXT`].
    pub(crate) send: Vec<u8>,
}

impl Audience {
    /// What the message says, in whose place a number is put.
    pub(crate) const TEXT: &'static str = NUMBER;

    /// The message with a number in it, which is as long as before.
    pub(crate) fn saying(send: &[u8], number: usize) -> Vec<u8> {
        let mut request = send.to_vec();
        let place = request.windows(NUMBER.len()).rposition(|window| window == NUMBER.as_bytes());
        if let Some(place) = place {
            let number = format!("{number:0width$}", width = NUMBER.len());
            request[place..place + NUMBER.len()].copy_from_slice(&number.as_bytes()[..NUMBER.len()]);
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_its_number_and_keeps_its_length() {
        let send = b"POST /x-00000000 HTTP/1.1\r\n\r\n{\"body\":\"00000000\"}";
        let said = Audience::saying(send, 42);
        assert_eq!(said, b"POST /x-00000000 HTTP/1.1\r\n\r\n{\"body\":\"00000042\"}");
    }
}
