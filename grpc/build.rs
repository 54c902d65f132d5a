//! Rust from the protocol's `.proto` files, by protox: nothing has to be installed.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let mut files = vec!["streams.proto", "gossip.proto", "serverfeatures.proto"];
    if std::env::var_os("CARGO_FEATURE_APPEND").is_some() {
        files.push("errors.proto");
    }
    let files = protox::compile(files, ["proto"])?;
    tonic_prost_build::configure()
        .bytes(".")
        .include_file("protocol.rs")
        .build_client(false)
        .emit_rerun_if_changed(false)
        .compile_fds(files)?;
    Ok(())
}
