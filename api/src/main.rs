//! The binary `tidings`.

fn main() {}
