//! The log over KurrentDB's protocol, so that the ecosystem's clients read, subscribe to and audit it.
